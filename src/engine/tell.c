/* SPDX-License-Identifier: Apache-2.0 */
/* A request without a prompt. */
#include "engine/tell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/json_out.h"

enum { BODY_MAX = 8192 };

struct tell {
    struct call *call;
    struct buf body;
    struct str piece;
    int status;
    on_told_fn *on_told;
    void *ctx;
};

static int write_body(struct buf *out, const struct tell_what *what);
static void on_head(void *ctx, const struct reply *r);
static void on_body(void *ctx, struct str chunk);
static void on_end(void *ctx);
static void on_fail(void *ctx, enum failure why, const char *words);
static void finish(struct tell *t, bool is_done);

static const struct call_events events = {on_head, on_body, on_end, on_fail};

int tell_start(struct tell **ret, struct client *client, const struct tell_what *what,
               on_told_fn *on_told, void *ctx)
{
    struct tell *t = calloc(1, sizeof *t);
    struct header headers[] = {{STR("content-type"), STR("application/json")}, what->credential};
    struct call_request request = {
        .endpoint = what->endpoint,
        .method = METHOD_POST,
        .target = what->embeds ? STR("/api/embed") : STR("/api/generate"),
        .headers = headers,
        .header_count = what->credential.value.len ? 2 : 1,
        .body_count = 1,
        .connect_timeout_ms = what->timeout_ms,
        .total_timeout_ms = what->timeout_ms,
    };
    int r;

    if (!t)
        return -ENOMEM;
    t->on_told = on_told;
    t->ctx = ctx;
    buf_init(&t->body, BODY_MAX);
    r = write_body(&t->body, what);
    t->piece = buf_str(&t->body);
    request.body = &t->piece;
    if (r == 0)
        r = call_start(&t->call, client, &request, &events, t);
    if (r == 0) {
        *ret = t;
        return 0;
    }
    buf_fini(&t->body);
    free(t);
    return r;
}

void tell_cancel(struct tell *t)
{
    if (!t)
        return;
    call_cancel(t->call);
    buf_fini(&t->body);
    free(t);
}

static int write_body(struct buf *out, const struct tell_what *what)
{
    struct json_out o = {.out = out};
    char keep[24];

    snprintf(keep, sizeof keep, "%lld", (long long)what->keep_s);
    json_open(&o, '{');
    json_text(json_key(&o, "model"), what->model);
    if (what->embeds)
        json_text(json_key(&o, "input"), STR(""));
    json_raw(json_key(&o, "keep_alive"), str_from(keep));
    json_bool(json_key(&o, "stream"), false);
    if (what->context && what->keep_s) {
        json_open(json_key(&o, "options"), '{');
        json_number(json_key(&o, "num_ctx"), what->context);
        json_close(&o, '}');
    }
    json_close(&o, '}');
    return o.error;
}

static void on_head(void *ctx, const struct reply *r)
{
    ((struct tell *)ctx)->status = r->status;
}

/* What it says beside its status is of no use. */
static void on_body(void *ctx, struct str chunk)
{
    (void)ctx;
    (void)chunk;
}

static void on_end(void *ctx)
{
    struct tell *t = ctx;

    finish(t, t->status == 200);
}

static void on_fail(void *ctx, enum failure why, const char *words)
{
    (void)why;
    (void)words;
    finish(ctx, false);
}

static void finish(struct tell *t, bool is_done)
{
    on_told_fn *on_told = t->on_told;
    void *told_ctx = t->ctx;

    buf_fini(&t->body);
    free(t);
    on_told(told_ctx, is_done);
}
