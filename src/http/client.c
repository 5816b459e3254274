/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP/1 client: its door, and how a call is made and ended. */
#include "http/client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "http/call.h"
#include "net/door.h"

enum { AUTHORITY_ROOM = 300 };

static void on_empty(struct pool *p);
static struct call *call_new(struct client *c, const struct call_request *request,
                             const struct call_events *events, void *ctx);
static int write_head(struct call *call, const struct call_request *request);
static int copy_pieces(struct call *call, const struct call_request *request);
static void call_free(void *ctx);
static void on_total_late(void *ctx);
static bool door_is_shut(const struct endpoint *e);

int client_open(struct client **ret, struct loop *l, const struct client_options *options,
                struct err *err)
{
    struct client *c = calloc(1, sizeof *c);
    int r = -ENOMEM;

    if (!c || (r = dns_open(&c->dns, l)) < 0) {
        free(c);
        return err_set(err, r, "out of memory");
    }
    c->loop = l;
    c->options = *options;
    link_init(&c->calls);
    pool_init(&c->pool, l, options);
    c->pool.on_empty = on_empty;
    /* A file that was named is read now, to complain early; the system's when it is needed. */
    if (options->ca_file && (r = pool_need_tls(&c->pool, err)) < 0) {
        client_close(c);
        return r;
    }
    *ret = c;
    return 0;
}

void client_close(struct client *c)
{
    if (!c)
        return;
    while (!link_is_empty(&c->calls))
        call_cancel(CONTAINER(c->calls.next, struct call, link));
    dns_close(c->dns);
    pool_close(&c->pool);
}

static void on_empty(struct pool *p)
{
    struct client *c = CONTAINER(p, struct client, pool);

    pool_fini(p);
    free(c->slice);
    free(c);
}

unsigned client_idle(const struct client *c)
{
    return c->pool.idle_count;
}

struct str reply_header(const struct reply *r, struct str name)
{
    return header_find(r->headers, r->header_count, name);
}

int call_start(struct call **ret, struct client *c, const struct call_request *request,
               const struct call_events *events, void *ctx)
{
    struct call *call;
    int r;

    if (door_is_shut(request->endpoint))
        return -EPERM;
    call = call_new(c, request, events, ctx);
    if (!call)
        return -ENOMEM;
    link_append(&c->calls, &call->link);
    if ((r = write_head(call, request)) < 0 || (r = copy_pieces(call, request)) < 0 ||
        (call->host = pool_find(&c->pool, request->endpoint), r = call->host ? 0 : -ENOMEM) < 0 ||
        (r = call_begin(call)) < 0) {
        call_finish(call);
        return r;
    }
    if (request->total_timeout_ms)
        timer_start(&call->total, c->loop, request->total_timeout_ms, on_total_late, call);
    *ret = call;
    return 0;
}

void call_cancel(struct call *call)
{
    if (call && call->state != CALL_over)
        call_finish(call);
}

void call_pause(struct call *call)
{
    if (call->state == CALL_over || call->is_paused)
        return;
    call->is_paused = true;
    if (call->state == CALL_body)
        call_hold(call);
}

void call_hold(struct call *call)
{
    timer_stop(&call->timer);
    conn_stop_reading(&call->upstream->conn);
}

/* What came meanwhile is handed out at the end of the turn, not from in here. */
void call_resume(struct call *call)
{
    if (call->state == CALL_over || !call->is_paused)
        return;
    call->is_paused = false;
    if (call->state == CALL_body)
        loop_defer(call->client->loop, call_wake, call);
}

void call_fail(struct call *call, enum failure why, const char *words)
{
    void (*on_fail)(void *, enum failure, const char *) = call->events.on_fail;
    void *ctx = call->ctx;

    call_finish(call);
    on_fail(ctx, why, words);
}

void call_finish(struct call *call)
{
    call_go(call, CALL_over);
    timer_stop(&call->timer);
    timer_stop(&call->total);
    if (call->lookup) {
        dns_cancel(call->lookup);
        call->lookup = NULL;
    }
    if (call->upstream)
        pool_drop(&call->upstream);
    if (call->host)
        pool_forget(call->host);
    call->host = NULL;
    link_remove(&call->link);
    loop_defer(call->client->loop, call_free, call);
}

static void call_free(void *ctx)
{
    struct call *call = ctx;

    buf_fini(&call->head);
    free(call->addresses);
    if (call->body != call->pieces)
        free(call->body);
    free(call);
}

static struct call *call_new(struct client *c, const struct call_request *request,
                             const struct call_events *events, void *ctx)
{
    struct call *call = malloc(sizeof *call);

    if (!call)
        return NULL;
    *call = (struct call){.client = c};
    call->events = *events;
    call->ctx = ctx;
    call->method = (uint8_t)request->method;
    call->connect_timeout_ms = request->connect_timeout_ms;
    call->first_byte_timeout_ms = request->first_byte_timeout_ms;
    call->idle_timeout_ms = request->idle_timeout_ms;
    call->is_bulk = request->is_bulk;
    call->body = call->pieces;
    link_init(&call->link);
    return call;
}

/* Framing is made from what is sent, never taken over from somebody else's headers. */
static int write_head(struct call *call, const struct call_request *request)
{
    const struct endpoint *e = request->endpoint;
    char authority[AUTHORITY_ROOM];
    struct http1_out head = {
        .method = str_from(method_name(request->method)),
        .base = str_from(e->base),
        .target = request->target,
        .authority = str_slice(authority, endpoint_authority(e, authority, sizeof authority)),
        .headers = request->headers,
        .header_count = request->header_count,
    };

    if (request->method == METHOD_other)
        return -EINVAL;
    for (size_t i = 0; i < request->body_count; i++)
        head.content_length += (int64_t)request->body[i].len;
    if (request->source)
        head.content_length += (int64_t)request->source->length;
    if (!head.content_length && request->method != METHOD_POST && request->method != METHOD_PUT &&
        request->method != METHOD_PATCH)
        head.content_length = HTTP1_NO_BODY;
    buf_init(&call->head, call->client->options.header_max + sizeof authority + e->port);
    return http1_put_request(&call->head, &head);
}

static int copy_pieces(struct call *call, const struct call_request *request)
{
    if (request->body_count > CALL_PIECES)
        call->body = calloc(request->body_count, sizeof *call->body);
    if (!call->body) {
        call->body = call->pieces;
        return -ENOMEM;
    }
    for (size_t i = 0; i < request->body_count; i++)
        call->body[i] = request->body[i];
    call->body_count = request->body_count;
    if (!request->source)
        return 0;
    call->source = *request->source;
    if (!call->client->slice)
        call->client->slice = malloc(CALL_SLICE);
    return call->client->slice ? 0 : -ENOMEM;
}

static void on_total_late(void *ctx)
{
    call_fail(ctx, FAILURE_total_timeout, "the answer was not complete in time");
}

static bool door_is_shut(const struct endpoint *e)
{
    union address address;

    if (dns_read_address(&address, e->host, e->port))
        return door_check_address(&address.any) < 0;
    return door_check_name(str_from(e->host)) < 0;
}
