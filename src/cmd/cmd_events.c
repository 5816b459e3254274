/* SPDX-License-Identifier: Apache-2.0 */
/* tampu events: what happened lately, or happens. */
#include <errno.h>

#include "cmd/ask.h"
#include "cmd/command.h"
#include "cmd/events.h"
#include "cmd/option.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"
#include "net/clock.h"
#include "wire/sse.h"

struct printing {
    struct events events;
    struct sse sse;
    struct buf out;
    bool is_unread; /* nobody reads what is printed any more */
};

static int tell(struct printing *p, const char *url, bool follows, struct err *err);
static int remembered(struct printing *p, const char *url, struct err *err);
static int print_each(struct printing *p, yyjson_val *requests);
static int follow(struct printing *p, const char *url, struct err *err);
static int on_piece(void *ctx, struct str piece);
static int on_event(void *ctx, struct str name, struct str data);
static int print(struct printing *p);

int cmd_events(int argc, char **argv)
{
    struct printing p = {0};
    struct options o = {0};
    struct err err = {0};
    const char *url;
    int status, r;

    if (!options_read(&o, argc, argv, &status))
        return status;
    url = option_given(&o, "gateway") ? option_value(&o, "gateway") : ask_default_url;
    p.events.as_json = option_given(&o, "json");
    r = tell(&p, url, option_given(&o, "follow"), &err);
    if (r == 0)
        return EXIT_done;
    if (p.is_unread)
        return EXIT_no;
    return r == -EINVAL ? usage_error("events", "--gateway: %s", err.text)
                        : command_no("events", "%s", err.text);
}

static int tell(struct printing *p, const char *url, bool follows, struct err *err)
{
    int r;

    buf_init(&p->out, ANSWER_MAX);
    r = follows ? follow(p, url, err) : remembered(p, url, err);
    buf_fini(&p->out);
    events_fini(&p->events);
    return r;
}

/* The gateway's last requests. */
static int remembered(struct printing *p, const char *url, struct err *err)
{
    struct json json = {0};
    struct buf answer;
    int r;

    buf_init(&answer, ANSWER_MAX);
    r = ask_gateway(&answer, url, "/admin/v1/requests", err);
    if (r == 0 && json_read(&json, buf_str(&answer), JSON_MEMORY(answer.len), NULL) < 0)
        r = err_set(err, -EBADMSG, "%s answered what is no JSON", url);
    if (r == 0 && (r = print_each(p, json_find(json.root, "requests"))) < 0)
        r = err_set(err, -EIO, "what %s answered cannot be printed: %s", url, strerror(-r));
    json_fini(&json);
    buf_fini(&answer);
    return r;
}

static int print_each(struct printing *p, yyjson_val *requests)
{
    yyjson_val *request;
    struct buf text;
    size_t i, count;
    int r = 0;

    buf_init(&text, ANSWER_MAX);
    yyjson_arr_foreach(requests, i, count, request)
    {
        buf_reset(&text);
        if (r == 0 && (r = json_put_value(&text, request)) == 0)
            r = events_add(&p->events, STR("request"), buf_str(&text), 0, &p->out);
    }
    buf_fini(&text);
    return r == 0 ? print(p) : r;
}

/* Until the gateway ends, which is no failure, or who reads does. */
static int follow(struct printing *p, const char *url, struct err *err)
{
    int r;

    sse_init(&p->sse, ANSWER_MAX, on_event, p);
    r = ask_gateway_on(url, "/admin/v1/events", on_piece, p, err);
    sse_fini(&p->sse);
    return r;
}

static int on_piece(void *ctx, struct str piece)
{
    struct printing *p = ctx;

    return sse_feed(&p->sse, piece);
}

static int on_event(void *ctx, struct str name, struct str data)
{
    struct printing *p = ctx;
    int r = events_add(&p->events, name, data, clock_wall_us(), &p->out);

    return r == 0 ? print(p) : r;
}

static int print(struct printing *p)
{
    bool is_printed = !p->out.len || terminal_print(buf_str(&p->out)) == EXIT_done;

    buf_reset(&p->out);
    p->is_unread = !is_printed;
    return is_printed ? 0 : -EPIPE;
}
