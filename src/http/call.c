/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one call: connecting, sending, reading the answer. */
#include "http/call.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SLICE = 256 * 1024, /* bytes of a body handed to the connection at once */
    PIECES_AT_ONCE = 6,
};

static int begin_connect(struct call *call);
static void fail_late(struct call *call, enum failure why, const char *words);
static void tell_late(void *ctx);
static void connect_next(struct call *call, int why, const char *words);
static enum failure connect_failure(int why);
static void on_found(void *ctx, const union address *addresses, size_t count, const char *words);
static void on_connect_late(void *ctx);
static void on_first_byte_late(void *ctx);
static void on_idle_late(void *ctx);
static int send_source(struct call *call);
static size_t next_pieces(struct call *call, struct str *pieces);
static void sent(struct call *call);
static void try_again(struct call *call);
static void feed(struct call *call, struct str in);
static bool is_held(const struct call *call);
static void take_head(struct call *call);
static void take_body(struct call *call, struct str piece);
static void take_end(struct call *call, bool is_clean);
static void keep_rest(struct call *call, struct str rest);
static void take_stream_end(struct call *call);
static void set_timer(struct call *call, uint32_t after_ms, loop_fn *fn);

#define TO(state) (1u << CALL_##state)

static const unsigned arrows[CALL_COUNT] = {
    [CALL_start] = TO(lookup) | TO(connect) | TO(send) | TO(over),
    [CALL_lookup] = TO(connect) | TO(over),
    [CALL_connect] = TO(send) | TO(over),
    [CALL_send] = TO(await) | TO(body) | TO(start) | TO(over),
    [CALL_await] = TO(body) | TO(start) | TO(over),
    [CALL_body] = TO(over),
};

void call_go(struct call *call, enum call_state to)
{
    assert(arrows[call->state] & (1u << to));
    call->state = (uint8_t)to;
}

int call_begin(struct call *call)
{
    struct upstream *u = call->is_retried ? NULL : pool_take(call->host, call);

    call->sent_pieces = call->sent_bytes = call->source_at = 0;
    call->is_sent = false;
    if (!u)
        return begin_connect(call);
    call->upstream = u;
    call_go(call, CALL_send);
    call_send(call);
    return 0;
}

/* Never fails at once: whoever started the call does not expect to be called back from there. */
static int begin_connect(struct call *call)
{
    const struct endpoint *e = &call->host->endpoint;
    union address address;
    int r;

    if (call->connect_timeout_ms)
        set_timer(call, call->connect_timeout_ms, on_connect_late);
    if (e->tls && pool_need_tls(call->host->pool, NULL) < 0) {
        call_go(call, CALL_connect);
        fail_late(call, FAILURE_tls_failed, "the system's list of certificates cannot be read");
        return 0;
    }
    if (!dns_read_address(&address, e->host, e->port)) {
        call_go(call, CALL_lookup);
        return dns_find(&call->lookup, call->client->dns, e->host, e->port, on_found, call);
    }
    call_go(call, CALL_connect);
    r = pool_open(&call->upstream, call->host, &address, call);
    if (r < 0 && r != -ENOMEM)
        fail_late(call, connect_failure(r), strerror(-r));
    return r == -ENOMEM ? r : 0;
}

static void fail_late(struct call *call, enum failure why, const char *words)
{
    call->late_failure = why;
    call->late_words = words;
    loop_defer(call->client->loop, tell_late, call);
}

static void tell_late(void *ctx)
{
    struct call *call = ctx;

    if (call->state != CALL_over)
        call_fail(call, call->late_failure, call->late_words);
}

static void on_found(void *ctx, const union address *addresses, size_t count, const char *words)
{
    struct call *call = ctx;

    call->lookup = NULL;
    call->addresses = calloc(count ? count : 1, sizeof *addresses);
    if (!count || !call->addresses) {
        call_fail(call, FAILURE_connect_failed, words);
        return;
    }
    memcpy(call->addresses, addresses, count * sizeof *addresses);
    call->address_count = count;
    call_go(call, CALL_connect);
    connect_next(call, 0, "the name has no address");
}

/* One after the other; the deadline is for all of them together. */
static void connect_next(struct call *call, int why, const char *words)
{
    if (call->upstream)
        pool_drop(&call->upstream);
    while (call->address_at < call->address_count) {
        const union address *address = &call->addresses[call->address_at++];
        int r = pool_open(&call->upstream, call->host, address, call);

        if (r == 0)
            return;
        why = r;
        words = strerror(-r);
    }
    call_fail(call, connect_failure(why), words);
}

/* What we lack ourselves must not be held against the machine. */
static enum failure connect_failure(int why)
{
    switch (why) {
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
    case -ENOBUFS:
    case -EADDRNOTAVAIL:
        return FAILURE_out_of_room;
    default:
        return FAILURE_connect_failed;
    }
}

static void on_connect_late(void *ctx)
{
    struct call *call = ctx;

    call_fail(call, FAILURE_connect_timeout,
              call->state == CALL_lookup ? "the name was not found in time"
                                         : "no connection was made in time");
}

void call_on_open(struct call *call)
{
    timer_stop(&call->timer);
    free(call->addresses);
    call->addresses = NULL;
    call->address_count = call->address_at = 0;
    call_go(call, CALL_send);
    call_send(call);
}

/* Large bodies go in slices: what a slow machine does not take stays with the caller. */
void call_send(struct call *call)
{
    struct upstream *u = call->upstream;
    struct str pieces[PIECES_AT_ONCE];
    size_t used;
    int r = 0;

    u->conn.is_bulk = call->is_bulk;
    if (call->method == METHOD_HEAD)
        http1_expect_no_body(&u->in);
    do {
        used = next_pieces(call, pieces);
        r = used ? conn_send(&u->conn, pieces, used) : 0;
    } while (used && r == 0);
    if (r == 0 && call->sent_pieces > call->body_count)
        r = send_source(call);
    if (r != -EPIPE && call->sent_pieces > call->body_count &&
        call->source_at == call->source.length && !conn_queued(&u->conn))
        sent(call); /* and -EPIPE is followed by call_on_broken() */
}

/* Slice by slice, as the machine takes them. -EPIPE also when it cannot be read any more. */
static int send_source(struct call *call)
{
    char *slice = call->client->slice;
    int r = 0;

    while (r == 0 && call->source_at < call->source.length) {
        int64_t n = call->source.read(call->source.ctx, call->source_at, slice, CALL_SLICE);

        if (n <= 0) {
            fail_late(call, FAILURE_out_of_room, "the request's body cannot be read back");
            return -EPIPE;
        }
        call->source_at += (uint64_t)n;
        r = conn_send(&call->upstream->conn, &(struct str){slice, (size_t)n}, 1);
    }
    return r;
}

/* The head, then the body: at most SLICE bytes. */
static size_t next_pieces(struct call *call, struct str *pieces)
{
    size_t used = 0, bytes = 0;

    while (used < PIECES_AT_ONCE && bytes < SLICE && call->sent_pieces <= call->body_count) {
        struct str piece =
            call->sent_pieces ? call->body[call->sent_pieces - 1] : buf_str(&call->head);
        size_t rest = piece.len - call->sent_bytes;
        size_t n = rest < SLICE - bytes ? rest : SLICE - bytes;

        if (n)
            pieces[used++] = str_slice(piece.data + call->sent_bytes, n);
        bytes += n;
        call->sent_bytes += n;
        if (n == rest) {
            call->sent_pieces++;
            call->sent_bytes = 0;
        }
    }
    return used;
}

static void sent(struct call *call)
{
    call->is_sent = true;
    call_go(call, CALL_await);
    set_timer(call, call->first_byte_timeout_ms, on_first_byte_late);
}

void call_on_drained(struct call *call)
{
    if (call->state == CALL_send)
        call_send(call);
}

static void on_first_byte_late(void *ctx)
{
    call_fail(ctx, FAILURE_first_byte_timeout, "no answer began in time");
}

static void on_idle_late(void *ctx)
{
    call_fail(ctx, FAILURE_idle_timeout, "the answer stopped in its middle");
}

static void set_timer(struct call *call, uint32_t after_ms, loop_fn *fn)
{
    if (after_ms)
        timer_start(&call->timer, call->client->loop, after_ms, fn, call);
    else
        timer_stop(&call->timer);
}

void call_on_broken(struct call *call, int why, const char *words)
{
    struct upstream *u = call->upstream;

    if (call->state == CALL_connect && u->conn.is_connected)
        call_fail(call, FAILURE_tls_failed, words);
    else if (call->state == CALL_connect)
        connect_next(call, why, words);
    else if (call->state == CALL_body && call->is_paused)
        u->has_ended = true;
    else if (call->state == CALL_body && why == 0)
        take_stream_end(call);
    else if (u->is_reused && !u->has_answered && !call->is_retried && why != -ETIMEDOUT)
        try_again(call);
    else
        call_fail(call, FAILURE_upstream_gone, words);
}

/* The idle connection was closed in the instant it was used again: nobody's fault. */
static void try_again(struct call *call)
{
    call->is_retried = true;
    timer_stop(&call->timer);
    pool_drop(&call->upstream);
    call_go(call, CALL_start);
    if (call_begin(call) < 0)
        call_fail(call, FAILURE_connect_failed, "out of memory");
}

void call_on_read(struct call *call, struct str bytes)
{
    struct upstream *u = call->upstream;
    struct buf kept;

    if (bytes.len)
        u->has_answered = true;
    if (!u->leftover.len && !is_held(call)) {
        feed(call, bytes);
    } else {
        keep_rest(call, bytes);
        if (u->call != call || is_held(call))
            return;
        kept = u->leftover;
        buf_init(&u->leftover, kept.max);
        feed(call, buf_str(&kept));
        buf_fini(&kept);
    }
    if (u->call != call || is_held(call))
        return;
    if (u->has_ended)
        take_stream_end(call);
    else
        conn_start_reading(&u->conn);
}

void call_wake(void *ctx)
{
    struct call *call = ctx;

    if (call->state != CALL_body || call->is_paused)
        return;
    set_timer(call, call->idle_timeout_ms, on_idle_late);
    call_on_read(call, STR(""));
}

static bool is_held(const struct call *call)
{
    return call->is_paused && call->state == CALL_body;
}

/* Any of the caller's functions may end the call: then the connection no longer knows it. */
static void feed(struct call *call, struct str in)
{
    struct upstream *u = call->upstream;
    struct str piece;

    while (u->call == call && !is_held(call)) {
        switch (http1_feed(&u->in, &in, &piece)) {
        case HTTP1_more:
            if (call->state == CALL_body)
                http1_release(&u->in); /* a slow answer keeps no headers */
            return;
        case HTTP1_head:
            take_head(call);
            break;
        case HTTP1_body:
            take_body(call, piece);
            break;
        case HTTP1_end:
            take_end(call, in.len == 0);
            break;
        case HTTP1_wrong:
            call_fail(call, FAILURE_upstream_garbage, u->in.words);
            return;
        }
    }
    if (u->call == call)
        keep_rest(call, in);
}

static void take_head(struct call *call)
{
    struct upstream *u = call->upstream;
    const struct reply reply = {
        .status = u->in.status,
        .headers = u->in.headers,
        .header_count = u->in.header_count,
        .content_length = u->in.content_length,
    };

    if (u->in.status < 200) {
        if (++call->interim > CALL_INTERIM_MAX)
            call_fail(call, FAILURE_upstream_garbage, "too many interim answers");
        return;
    }
    buf_release(&call->head);
    call_go(call, CALL_body);
    set_timer(call, call->idle_timeout_ms, on_idle_late);
    if (call->is_paused)
        call_hold(call);
    call->events.on_head(call->ctx, &reply);
}

static void take_body(struct call *call, struct str piece)
{
    if (call->idle_timeout_ms)
        set_timer(call, call->idle_timeout_ms, on_idle_late);
    call->events.on_body(call->ctx, piece);
}

static void take_end(struct call *call, bool is_clean)
{
    struct upstream *u = call->upstream;
    void (*on_end)(void *) = call->events.on_end;
    void *ctx = call->ctx;

    if (u->in.status < 200) { /* 100 Continue and its kin: the answer follows */
        http1_reset(&u->in);
        if (call->method == METHOD_HEAD)
            http1_expect_no_body(&u->in);
        return;
    }
    if (is_clean && u->in.keep_alive && call->is_sent && !u->leftover.len && !u->has_ended)
        pool_give_back(&call->upstream);
    call_finish(call);
    on_end(ctx);
}

static void keep_rest(struct call *call, struct str rest)
{
    if (buf_put(&call->upstream->leftover, rest) < 0)
        call_fail(call, FAILURE_out_of_room, "no room for what came while the answer was held");
}

/* The machine has ended the connection: for some answers, that is how they end. */
static void take_stream_end(struct call *call)
{
    call->upstream->has_ended = true;
    if (http1_finish(&call->upstream->in) == HTTP1_end)
        take_end(call, false);
    else
        call_fail(call, FAILURE_upstream_gone,
                  "the machine closed the connection in the middle of its answer");
}
