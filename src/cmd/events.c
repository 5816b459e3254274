/* SPDX-License-Identifier: Apache-2.0 */
/* Events of a gateway, as lines. */
#include "cmd/events.h"

#include <errno.h>
#include <time.h>

#include "base/text_out.h"

/* One event on its way to its lines. */
struct telling {
    struct text_out text;
    struct events *events;
    struct json *event;
    int64_t now_us;
};

typedef void tell_fn(struct telling *t);
static tell_fn tell_facts, tell_status, tell_ps, tell_request;

static const struct {
    const char *name;
    tell_fn *tell;
} kinds[] = {
    {"facts", tell_facts}, {"status", tell_status}, {"ps", tell_ps}, {"request", tell_request}};

static void put_json(struct text_out *t, struct str name, struct str data);
static void put_time(struct text_out *t, int64_t us);
static void begin_line(struct telling *t, const char *kind);
static void tell_sum(struct telling *t);
static void keep(struct json *kept, struct json *newest);
static yyjson_val *find_by(yyjson_val *list, const char *key, yyjson_val *like, const char *key2);
static struct str machine_state(yyjson_val *machine);
static struct str request_word(yyjson_val *request);
static struct str request_failure(yyjson_val *request);
static int64_t request_us(yyjson_val *request);

int events_add(struct events *e, struct str name, struct str data, int64_t now_us, struct buf *out)
{
    struct telling t = {.text = {.out = out}, .events = e, .now_us = now_us};
    struct json event = {0};

    if (e->as_json) {
        put_json(&t.text, name, data);
        return t.text.error;
    }
    if (json_read(&event, data, JSON_MEMORY(data.len), NULL) < 0)
        return -EBADMSG;
    t.event = &event;
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (str_is(name, kinds[i].name))
            kinds[i].tell(&t);
    json_fini(&event);
    return t.text.error;
}

void events_fini(struct events *e)
{
    json_fini(&e->status);
    json_fini(&e->ps);
}

/* The data is JSON on one line already. */
static void put_json(struct text_out *t, struct str name, struct str data)
{
    text_put(t, STR("{\"event\":"));
    if (t->error == 0)
        t->error = json_put_string(t->out, name);
    text_put(t, STR(",\"data\":"));
    text_put(t, data);
    text_put(t, STR("}\n"));
}

static void put_time(struct text_out *t, int64_t us)
{
    time_t seconds = (time_t)(us / 1000000);
    char text[32] = "";
    struct tm utc;

    if (gmtime_r(&seconds, &utc))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    text_put(t, str_from(text));
}

static void begin_line(struct telling *t, const char *kind)
{
    put_time(&t->text, t->now_us);
    text_printf(&t->text, "  %-8s  ", kind);
}

/* The first facts are those that were always true. */
static void tell_facts(struct telling *t)
{
    if (t->events->has_facts) {
        begin_line(t, "fleet");
        text_put(&t->text, STR("the fleet file was read again\n"));
    }
    t->events->has_facts = true;
}

static void tell_status(struct telling *t)
{
    yyjson_val *old = t->events->status.root, *root = t->event->root, *one;
    size_t i, count;

    if (!old)
        tell_sum(t);
    yyjson_arr_foreach(json_find(old ? root : NULL, "machines"), i, count, one)
    {
        struct str state = machine_state(one);

        if (str_equal(state,
                      machine_state(find_by(json_find(old, "machines"), "machine", one, NULL))))
            continue;
        begin_line(t, "machine");
        text_printf(&t->text, "%.*s: %.*s\n", STR_ARG(json_find_str(one, "machine")),
                    STR_ARG(state));
    }
    yyjson_arr_foreach(json_find(old ? root : NULL, "categories"), i, count, one)
    {
        yyjson_val *before = find_by(json_find(old, "categories"), "category", one, NULL);
        struct str serving = json_find_str(one, "serving");

        if (str_equal(serving, json_find_str(before, "serving")))
            continue;
        begin_line(t, "category");
        text_printf(&t->text, "%.*s: %s%.*s\n", STR_ARG(json_find_str(one, "category")),
                    serving.len ? "served by " : "not served", STR_ARG(serving));
    }
    keep(&t->events->status, t->event);
}

/* Where it all begins: later lines tell what changed since. */
static void tell_sum(struct telling *t)
{
    yyjson_val *root = t->event->root, *one;
    size_t i, machines, categories, up = 0, ready = 0;

    yyjson_arr_foreach(json_find(root, "machines"), i, machines, one)
    {
        up += json_find_true(one, "up");
    }
    yyjson_arr_foreach(json_find(root, "categories"), i, categories, one)
    {
        ready += json_find_true(one, "ready");
    }
    begin_line(t, "fleet");
    text_printf(&t->text, "%.*s: %zu of %zu machines up, %zu of %zu categories served\n",
                STR_ARG(json_find_str(root, "fleet")), up,
                yyjson_arr_size(json_find(root, "machines")), ready,
                yyjson_arr_size(json_find(root, "categories")));
}

static void tell_ps(struct telling *t)
{
    yyjson_val *old = t->events->ps.root, *copy;
    size_t i, count;

    yyjson_arr_foreach(json_find(old ? t->event->root : NULL, "copies"), i, count, copy)
    {
        yyjson_val *before = find_by(json_find(old, "copies"), "machine", copy, "artifact");
        struct str state = json_find_str(copy, "state");

        if (str_equal(state, json_find_str(before, "state")))
            continue;
        begin_line(t, "copy");
        text_printf(&t->text, "%.*s on %.*s: %.*s\n", STR_ARG(json_find_str(copy, "artifact")),
                    STR_ARG(json_find_str(copy, "machine")), STR_ARG(state));
    }
    keep(&t->events->ps, t->event);
}

static void tell_request(struct telling *t)
{
    yyjson_val *x = t->event->root;
    struct text_out *text = &t->text;
    struct str machine = json_find_str(x, "machine"), name = json_find_str(x, "name"),
               failure = request_failure(x), asked = json_find_str(x, "asked");

    t->now_us = request_us(x);
    begin_line(t, "request");
    text_printf(text, "%.*s  %.*s", STR_ARG(json_find_str(x, "request")), STR_ARG(request_word(x)));
    if (asked.len)
        text_printf(text, "  %.*s", STR_ARG(asked));
    if (machine.len)
        text_printf(text, " on %.*s", STR_ARG(machine));
    if (name.len && !str_equal(name, asked))
        text_printf(text, " as %.*s", STR_ARG(name));
    if (str_is(json_find_str(x, "step"), "settle"))
        text_printf(text, "; status %llu, %llu + %llu tokens, %llu ms",
                    (unsigned long long)json_find_u64(x, "status"),
                    (unsigned long long)json_find_u64(x, "prompt_tokens"),
                    (unsigned long long)json_find_u64(x, "completion_tokens"),
                    (unsigned long long)json_find_u64(x, "total_ms"));
    if (failure.len)
        text_printf(text, ", %.*s", STR_ARG(failure));
    text_put(text, STR("\n"));
}

static void keep(struct json *kept, struct json *newest)
{
    json_fini(kept);
    *kept = *newest;
    *newest = (struct json){0};
}

/* The member of the list that has the same text under these keys (key2 may be NULL); NULL when
 * none has. O(n) for each of n: n is copies, hundreds at most. */
static yyjson_val *find_by(yyjson_val *list, const char *key, yyjson_val *like, const char *key2)
{
    yyjson_val *one;
    size_t i, count;

    yyjson_arr_foreach(list, i, count, one)
    {
        if (str_equal(json_find_str(one, key), json_find_str(like, key)) &&
            (!key2 || str_equal(json_find_str(one, key2), json_find_str(like, key2))))
            return one;
    }
    return NULL;
}

static struct str machine_state(yyjson_val *machine)
{
    struct str duty = json_find_str(machine, "duty");

    if (!json_find_true(machine, "up"))
        return STR("down");
    return duty.len && !str_is(duty, "serves") ? duty : STR("up");
}

/* The steps that are told, for people. */
static struct str request_word(yyjson_val *request)
{
    struct str step = json_find_str(request, "step");

    if (str_is(step, "route"))
        return STR("waits   ");
    if (str_is(step, "send"))
        return STR("sent    ");
    if (str_is(step, "relay"))
        return STR("answers ");
    return request_failure(request).len ? STR("failed  ") : STR("done    ");
}

/* Empty: none so far. */
static struct str request_failure(yyjson_val *request)
{
    struct str failure = json_find_str(request, "failure");

    return str_is(failure, "none") ? STR("") : failure;
}

/* When it came to the step it is at, as far as that is written down. */
static int64_t request_us(yyjson_val *request)
{
    struct str step = json_find_str(request, "step");
    uint64_t ms = json_find_u64(request, "started_ms");

    if (str_is(step, "relay"))
        ms += json_find_u64(request, "first_token_ms");
    else if (str_is(step, "settle"))
        ms += json_find_u64(request, "total_ms");
    return (int64_t)(ms * 1000);
}
