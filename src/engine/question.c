/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to an engine, waited for. */
#include "engine/question.h"

#include <errno.h>

enum { CONNECT_MS = 5000, IDLE_CONNECTION_MS = 30000, HEADER_MAX = 32 << 10, HEADERS = 3 };

struct asking {
    const struct question *question;
    struct loop *loop;
    struct call *call;
    struct ndjson lines;
    struct err *err;
    int status, result;
};

static struct call_request request_of(const struct question *q, struct header headers[HEADERS]);
static void on_head(void *ctx, const struct reply *r);
static void on_body(void *ctx, struct str chunk);
static void on_end(void *ctx);
static void on_fail(void *ctx, enum failure why, const char *words);
static void give_up(struct asking *a, int result);

static const struct call_events events = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};

int asker_open(struct asker *a, struct err *err)
{
    const struct client_options options = {
        .idle_max = 2, .idle_timeout_ms = IDLE_CONNECTION_MS, .header_max = HEADER_MAX};
    int r;

    *a = (struct asker){0};
    if ((r = loop_open(&a->loop, 0)) < 0)
        return err_set(err, r, "no event loop: %s", strerror(-r));
    if ((r = client_open(&a->client, a->loop, &options, err)) < 0)
        asker_close(a);
    return r;
}

void asker_close(struct asker *a)
{
    if (a->client)
        client_close(a->client);
    if (a->loop)
        loop_close(a->loop);
    *a = (struct asker){0};
}

int question_ask(struct asker *asker, const struct question *q, struct err *err)
{
    struct asking a = {.question = q, .loop = asker->loop, .err = err};
    struct header headers[HEADERS];
    const struct call_request request = request_of(q, headers);
    int r;

    ndjson_init(&a.lines, QUESTION_LINE_MAX, q->on_line, q->ctx);
    r = call_start(&a.call, asker->client, &request, &events, &a);
    if (r == 0)
        loop_run(asker->loop);
    ndjson_fini(&a.lines);
    if (r < 0)
        return err_set(err, r, "%s port %u: cannot be asked: %s", q->endpoint->host,
                       q->endpoint->port, strerror(-r));
    return a.result < 0 ? a.result : a.status;
}

static struct call_request request_of(const struct question *q, struct header headers[HEADERS])
{
    size_t count = 0;

    if (q->json.len)
        headers[count++] =
            (struct header){STR("content-type"), q->type.len ? q->type : STR("application/json")};
    if (q->accept.len)
        headers[count++] = (struct header){STR("accept"), q->accept};
    if (q->credential.len)
        headers[count++] = (struct header){STR("authorization"), q->credential};
    return (struct call_request){
        .endpoint = q->endpoint,
        .method = q->method,
        .target = q->target,
        .headers = headers,
        .header_count = count,
        .body = &q->json,
        .body_count = q->json.len ? 1 : 0,
        .connect_timeout_ms = CONNECT_MS,
        .first_byte_timeout_ms = q->idle_timeout_ms,
        .idle_timeout_ms = q->idle_timeout_ms,
    };
}

static void on_head(void *ctx, const struct reply *r)
{
    ((struct asking *)ctx)->status = r->status;
}

static void on_body(void *ctx, struct str chunk)
{
    struct asking *a = ctx;
    bool is_stream = a->question->on_line && a->status == 200;
    int r = is_stream ? ndjson_feed(&a->lines, chunk) : buf_put(a->question->answer, chunk);

    if (r == 0)
        return;
    if (!is_stream)
        err_set(a->err, r, "%s port %u: the answer is too long", a->question->endpoint->host,
                a->question->endpoint->port);
    give_up(a, r);
}

static void on_end(void *ctx)
{
    struct asking *a = ctx;

    a->call = NULL;
    if (a->question->on_line && a->status == 200)
        a->result = ndjson_end(&a->lines);
    loop_stop(a->loop);
}

static void on_fail(void *ctx, enum failure why, const char *words)
{
    struct asking *a = ctx;
    int r = why == FAILURE_connect_failed || why == FAILURE_connect_timeout    ? -ECONNREFUSED
            : why == FAILURE_idle_timeout || why == FAILURE_first_byte_timeout ? -ETIMEDOUT
                                                                               : -EPIPE;

    a->call = NULL;
    a->result = err_set(a->err, r, "%s port %u: %s", a->question->endpoint->host,
                        a->question->endpoint->port, words);
    loop_stop(a->loop);
}

static void give_up(struct asking *a, int result)
{
    a->result = result;
    call_cancel(a->call);
    a->call = NULL;
    loop_stop(a->loop);
}
