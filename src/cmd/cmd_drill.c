/* SPDX-License-Identifier: Apache-2.0 */
/* tampu drill: proves that every machine of the redundancy map answers, through the gateway. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/units.h"
#include "cmd/ask.h"
#include "cmd/command.h"
#include "cmd/option.h"
#include "cmd/table.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"
#include "config/settings.h"
#include "fleet/fleet.h"
#include "net/clock.h"
#include "wire/json_out.h"

enum { LOOK_US = 200000, URL_ROOM = 512 };

#define TARGET "/admin/v1/drills"

static int find_url(char url[URL_ROOM], const struct options *o, const struct fleet *f,
                    struct err *err);
static int drill(struct buf *answer, const char *url, const struct options *o, struct err *err);
static int wait_for_end(struct buf *answer, const char *url, struct err *err);
static void tell(yyjson_val *root);
static int show(const struct buf *answer, const struct fleet *f, bool as_json, struct err *err);
static int print(struct buf *out, yyjson_val *root);
static void add_row(struct table *t, yyjson_val *row, int64_t now_us);
static void add_ago(struct table *t, int64_t now_us, int64_t then_us);
static enum exit_status verdict(yyjson_val *root);

int cmd_drill(int argc, char **argv)
{
    struct options o = {0};
    struct err err = {0};
    AUTO(fleet) fleet = NULL;
    struct buf answer;
    char url[URL_ROOM];
    int status, r;

    if (!options_read(&o, argc, argv, &status))
        return status;
    if (fleet_load(&fleet, o.operands[0], &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return EXIT_usage;
    }
    buf_init(&answer, ANSWER_MAX);
    r = find_url(url, &o, fleet, &err);
    if (r == 0)
        r = drill(&answer, url, &o, &err);
    status = r < 0 ? command_no("drill", "%s", err.text)
                   : show(&answer, fleet, option_given(&o, "json"), &err);
    buf_fini(&answer);
    return status;
}

/* Where the fleet file says that its gateway listens. */
static int find_url(char url[URL_ROOM], const struct options *o, const struct fleet *f,
                    struct err *err)
{
    const char *given = option_value(o, "gateway");
    struct settings settings;
    int r = 0;

    settings_init(&settings);
    for (uint32_t i = 0; i < f->settings_count && r == 0; i++)
        r = settings_set(&settings, f->settings[i].key, f->settings[i].value,
                         f->settings[i].at.file, err);
    if (given)
        snprintf(url, URL_ROOM, "%s", given);
    else
        snprintf(url, URL_ROOM, "%s://%.*s", settings.tls_certificate.len ? "https" : "http",
                 STR_ARG(settings.listen));
    return r;
}

static int drill(struct buf *answer, const char *url, const struct options *o, struct err *err)
{
    struct buf wanted;
    struct json_out json = {.out = &wanted};
    int r;

    if (option_given(o, "last"))
        return ask_gateway(answer, url, TARGET, err);
    buf_init(&wanted, 4096);
    json_open(&json, '{');
    if (option_given(o, "category"))
        json_text(json_key(&json, "category"), str_from(option_value(o, "category")));
    if (option_given(o, "machine"))
        json_text(json_key(&json, "machine"), str_from(option_value(o, "machine")));
    json_close(&json, '}');
    r = json.error ? err_set(err, json.error, "the names are too long")
                   : ask_gateway_to(answer, url, TARGET, buf_str(&wanted), err);
    buf_fini(&wanted);
    return r < 0 ? r : wait_for_end(answer, url, err);
}

static int wait_for_end(struct buf *answer, const char *url, struct err *err)
{
    bool running = true;
    int r = 0;

    while (running && r == 0) {
        struct json json = {0};

        usleep(LOOK_US);
        buf_reset(answer);
        r = ask_gateway(answer, url, TARGET, err);
        if (r == 0)
            r = json_read(&json, buf_str(answer), JSON_MEMORY(answer->len), err);
        running = json_find_true(json.root, "running");
        if (r == 0)
            tell(json.root);
        json_fini(&json);
    }
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
    return r;
}

static void tell(yyjson_val *root)
{
    yyjson_val *counts = json_find(root, "counts");
    uint64_t left = json_find_u64(counts, "waits") + json_find_u64(counts, "runs");

    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%llu proven, %llu failed, %llu to go",
                (unsigned long long)json_find_u64(counts, "proven"),
                (unsigned long long)json_find_u64(counts, "failed"), (unsigned long long)left);
}

static int show(const struct buf *answer, const struct fleet *f, bool as_json, struct err *err)
{
    struct json json = {0};
    struct buf out;
    int status = EXIT_no, printed;

    buf_init(&out, ANSWER_MAX);
    if (json_read(&json, buf_str(answer), JSON_MEMORY(answer->len), err) < 0)
        return command_no("drill", "the gateway answered what is no JSON: %s", err->text);
    if (!str_equal(json_find_str(json.root, "fleet"), f->name)) {
        status = command_no("drill",
                            "that gateway serves '%.*s', not '%.*s': name the right one "
                            "with --gateway URL",
                            STR_ARG(json_find_str(json.root, "fleet")), STR_ARG(f->name));
    } else if ((as_json ? buf_printf(&out, "%.*s\n", STR_ARG(buf_str(answer)))
                        : print(&out, json.root)) < 0) {
        status = command_no("drill", "out of memory");
    } else {
        printed = terminal_print(buf_str(&out));
        status = printed ? printed : (int)verdict(json.root);
    }
    json_fini(&json);
    buf_fini(&out);
    return status;
}

static int print(struct buf *out, yyjson_val *root)
{
    static const char *const titles[] = {"CATEGORY", "MACHINE", "ROLE",   "STATE",
                                         "PARITY",   "TOOK",    "PROVEN", "FOUND"};
    yyjson_val *row, *counts = json_find(root, "counts");
    int64_t now_us = clock_wall_us();
    struct table t;
    size_t i, count;
    int r;

    table_init(&t, COUNT_OF(titles));
    for (i = 0; i < COUNT_OF(titles); i++)
        table_add(&t, PAINT_faint, str_from(titles[i]));
    yyjson_arr_foreach(json_find(root, "rows"), i, count, row)
    {
        add_row(&t, row, now_us);
    }
    r = table_write(&t, out, 0, terminal_takes_colors());
    table_fini(&t);
    if (r < 0)
        return r;
    return buf_printf(out, "\n%llu proven, %llu failed, %llu holes, %llu busy\n",
                      (unsigned long long)json_find_u64(counts, "proven"),
                      (unsigned long long)json_find_u64(counts, "failed"),
                      (unsigned long long)json_find_u64(counts, "hole"),
                      (unsigned long long)json_find_u64(counts, "busy"));
}

static void add_row(struct table *t, yyjson_val *row, int64_t now_us)
{
    struct str state = json_find_str(row, "state"), machine = json_find_str(row, "machine"),
               parity = json_find_str(row, "parity"), found = json_find_str(row, "found");
    bool is_proven = str_is(state, "proven");
    bool is_wrong = str_is(state, "failed") || str_is(state, "hole");

    table_add(t, PAINT_none, json_find_str(row, "category"));
    table_add(t, PAINT_none, machine.len ? machine : STR("-"));
    table_add(t, PAINT_none, json_find_str(row, "role"));
    table_add(t, is_proven ? PAINT_good : is_wrong ? PAINT_bad : PAINT_faint, state);
    table_add(t, PAINT_none, parity.len ? parity : STR("-"));
    if (is_proven)
        table_addf(t, PAINT_none, "%.1f s", (double)json_find_u64(row, "ms") / 1e3);
    else
        table_add(t, PAINT_none, STR("-"));
    add_ago(t, now_us, (int64_t)json_find_u64(row, "last_proven_us"));
    table_add(t, PAINT_none, is_proven ? STR("") : found);
}

static void add_ago(struct table *t, int64_t now_us, int64_t then_us)
{
    struct buf text;

    buf_init(&text, 64);
    if (!then_us)
        table_add(t, PAINT_none, STR("never"));
    else if (units_write_duration(&text, (uint64_t)(now_us - then_us) / 1000000 * 1000) == 0)
        table_addf(t, PAINT_none, "%.*s ago", STR_ARG(buf_str(&text)));
    else
        table_add(t, PAINT_none, STR("-"));
    buf_fini(&text);
}

/* Everything that was looked at is proven. */
static enum exit_status verdict(yyjson_val *root)
{
    yyjson_val *counts = json_find(root, "counts");
    bool is_wrong = json_find_u64(counts, "failed") || json_find_u64(counts, "hole") ||
                    json_find_u64(counts, "busy");

    return is_wrong ? EXIT_no : EXIT_done;
}
