/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the gateway's log: chosen and made readable. */
#include "cmd/log_lines.h"

#include <errno.h>
#include <stdio.h>

#include "base/units.h"
#include "wire/json.h"

static bool is_time(struct str text);
static bool wants(const struct log_wish *w, yyjson_val *line);
static bool wants_anything(const struct log_wish *w);
static bool is_about(yyjson_val *line, struct str machine);
static bool find_level(struct str name, unsigned *ret);
static int write_words(struct buf *out, yyjson_val *line);
static int write_field(struct buf *out, struct str name, yyjson_val *value);

static const char *const levels[] = {"debug", "info", "warning", "error"};

int log_wish_read(struct log_wish *wish, struct str level, struct str since, int64_t now_us,
                  struct err *err)
{
    uint64_t before_ms;
    struct buf time;
    int r = 0;

    if (level.len && !find_level(level, &wish->least))
        return err_set(err, -EINVAL,
                       "--level: found '%.*s', expected debug, info, warning or error",
                       STR_ARG(level));
    if (is_time(since)) {
        snprintf(wish->since, sizeof wish->since, "%.*s", STR_ARG(since));
        return 0;
    }
    if (since.len && units_read_duration(&before_ms, since) < 0)
        return err_set(err, -EINVAL,
                       "--since: found '%.*s', expected how long ago ('1h30m') or a time in UTC "
                       "('2026-11-23T18:40')",
                       STR_ARG(since));
    if (!since.len)
        return 0;
    buf_init(&time, LOG_TIME_ROOM);
    r = units_write_time(&time, now_us - (int64_t)before_ms * 1000);
    if (r == 0) /* without its Z: a fraction follows in log lines */
        snprintf(wish->since, sizeof wish->since, "%.*s", (int)time.len - 1, time.data);
    buf_fini(&time);
    return r < 0 ? err_set(err, -EINVAL, "--since: that is too long ago") : 0;
}

bool log_line_write(struct buf *out, const struct log_wish *wish, struct str line)
{
    struct json json = {0};
    bool is_wanted;

    if (json_read(&json, line, JSON_MEMORY(line.len), NULL) < 0 ||
        !json_find_str(json.root, "event").len) {
        is_wanted = !wants_anything(wish) && buf_put(out, line) == 0;
    } else {
        is_wanted = wants(wish, json.root) &&
                    (wish->as_json ? buf_put(out, line) : write_words(out, json.root)) == 0;
    }
    json_fini(&json);
    return is_wanted && buf_put_char(out, '\n') == 0;
}

/* "2026-11-23", and what may follow. */
static bool is_time(struct str text)
{
    static const char form[] = "dddd-dd-dd";

    if (text.len < sizeof form - 1 || text.len >= LOG_TIME_ROOM)
        return false;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == 'd' ? text.data[i] < '0' || text.data[i] > '9' : text.data[i] != form[i])
            return false;
    return true;
}

static bool wants_anything(const struct log_wish *w)
{
    return w->machine.len || w->model.len || w->request.len || w->least || *w->since || w->as_json;
}

/* Times of one form are in the order of their texts. */
static bool wants(const struct log_wish *w, yyjson_val *line)
{
    struct str model = json_find_str(line, "model"), asked = json_find_str(line, "asked");
    struct str time = json_find_str(line, "time"), since = str_from(w->since);
    size_t shorter = time.len < since.len ? time.len : since.len;
    unsigned level = 0;

    find_level(json_find_str(line, "level"), &level);
    if (level < w->least || (shorter && memcmp(time.data, since.data, shorter) < 0))
        return false;
    return (!w->machine.len || is_about(line, w->machine)) &&
           (!w->model.len || str_equal(model, w->model) || str_equal(asked, w->model)) &&
           (!w->request.len || str_equal(json_find_str(line, "request"), w->request));
}

/* Some lines name the machine alone, some its engine, some a subject. */
static bool is_about(yyjson_val *line, struct str machine)
{
    static const char *const fields[] = {"machine", "engine", "subject"};

    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        struct str rest, name = json_str(json_find(line, fields[i]));

        if (str_equal(str_cut(name, '/', &rest), machine))
            return true;
    }
    return false;
}

static bool find_level(struct str name, unsigned *ret)
{
    for (unsigned i = 0; i < COUNT_OF(levels); i++)
        if (str_is(name, levels[i])) {
            *ret = i;
            return true;
        }
    return false;
}

/* "2026-11-23T18:41:01.123456Z  warning  attempt failed: request=t1 machine=a" */
static int write_words(struct buf *out, yyjson_val *line)
{
    static const char *const told[] = {"time", "level", "event", "message"};
    const char *before = ":";
    yyjson_val *key;
    size_t i, count;
    yyjson_val *value;
    int r =
        buf_printf(out, "%.*s  %-7.*s  %.*s", STR_ARG(json_find_str(line, "time")),
                   STR_ARG(json_find_str(line, "level")), STR_ARG(json_find_str(line, "message")));

    yyjson_obj_foreach(line, i, count, key, value)
    {
        bool is_told = false;

        for (size_t k = 0; k < COUNT_OF(told); k++)
            is_told = is_told || str_is(json_str(key), told[k]);
        if (is_told || r < 0 || (yyjson_is_str(value) && !json_str(value).len))
            continue;
        r = buf_printf(out, "%s ", before);
        before = "";
        if (r == 0)
            r = write_field(out, json_str(key), value);
    }
    return r;
}

/* A text with a space in it is in quotes. */
static int write_field(struct buf *out, struct str name, yyjson_val *value)
{
    struct str text = json_str(value);
    bool is_plain =
        text.data && str_index(text, ' ') == text.len && str_index(text, '"') == text.len;
    int r = buf_printf(out, "%.*s=", STR_ARG(name));

    if (r < 0)
        return r;
    return is_plain ? buf_put(out, text) : json_put_value(out, value);
}
