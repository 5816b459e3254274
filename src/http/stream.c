/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one client connection: what comes in, and what follows from it. */
#include "http/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    LEFTOVER_HIGH = 65536,    /* bytes that came too early, at which reading stops */
    LEFTOVER_MAX = 4 * 65536, /* and with what one more read may bring */
    KEPT_LEFTOVER = 4096,
    DROP_MAX = 256 * 1024, /* bytes of a body nobody wants that are read for keep-alive's sake */
    LINGER_MAX = 64 << 20, /* and before the last close, so that the answer is not lost */
    LINGER_MS = 2000,
    ERROR_ROOM = 1024,
};

static struct stream *stream_new(struct server *server);
static void stream_free(struct stream *s);
static void on_open(struct conn *c);
static void on_read(struct conn *c, struct str bytes);
static void on_drained(struct conn *c);
static void on_end(struct conn *c, int why, const char *words);
static void on_closed(struct conn *c);
static void on_timer(void *ctx);
static bool wants_bytes(const struct stream *s);
static size_t feed(struct stream *s, struct str in);
static void feed_leftover(struct stream *s);
static void take_head(struct stream *s);
static void set_limits(struct stream *s);
static void take_body(struct stream *s, struct str piece);
static void take_end(struct stream *s);
static void settle(struct stream *s);
static void finish(struct stream *s);
static void next_request(struct stream *s);
static void linger(struct stream *s);
static void set_timer(struct stream *s);
static void gone(struct stream *s, bool ok);
static size_t error_body(struct stream *s, int status, const char *words, char *out, size_t room);

static const struct conn_events events = {
    .on_open = on_open,
    .on_read = on_read,
    .on_drained = on_drained,
    .on_end = on_end,
    .on_closed = on_closed,
};

#define TO(state) (1u << STATE_##state)

static const unsigned arrows[STATE_COUNT] = {
    [STATE_shake] = TO(idle) | TO(closed),
    [STATE_idle] = TO(head) | TO(closed) | TO(linger),
    [STATE_head] = TO(run) | TO(linger) | TO(closed),
    [STATE_run] = TO(idle) | TO(drop) | TO(linger) | TO(closed),
    [STATE_drop] = TO(idle) | TO(linger) | TO(closed),
    [STATE_linger] = TO(closed),
};

void stream_go(struct stream *s, enum stream_state to)
{
    assert(arrows[s->state] & (1u << to));
    s->state = (uint8_t)to;
}

void stream_accept(struct server *server)
{
    struct stream *s = stream_new(server);

    if (!s) { /* no memory: the connection waits in the listener until another one ends */
        server->accept_waits = true;
        return;
    }
    link_append(&server->streams, &s->link);
    server->count++;
    if (conn_accept(&s->conn, &server->listener.stream) < 0) {
        stream_go(s, STATE_closed);
        conn_close(&s->conn);
        return;
    }
    s->request.peer_is_loopback = conn_is_loopback(&s->conn);
    if (!server->tls)
        stream_go(s, STATE_idle);
    set_timer(s);
}

static struct stream *stream_new(struct server *server)
{
    const struct server_options *o = &server->options;
    struct stream *s = calloc(1, sizeof *s);
    struct tls *tls = NULL;

    if (!s)
        return NULL;
    if (server->tls && tls_new(&tls, server->tls, NULL, NULL) < 0) {
        free(s);
        return NULL;
    }
    s->server = server;
    link_init(&s->todo);
    conn_init(&s->conn, server->loop, &events, o->write_high, o->write_timeout_ms);
    conn_set_tls(&s->conn, &tls);
    http1_init(&s->in, HTTP1_request, o->header_max, o->header_count_max);
    buf_init(&s->leftover, LEFTOVER_MAX);
    s->timed_state = STATE_COUNT;
    return s;
}

static void stream_free(struct stream *s)
{
    timer_stop(&s->timer);
    link_remove(&s->todo);
    http1_fini(&s->in);
    buf_fini(&s->leftover);
    free(s);
}

static void on_open(struct conn *c)
{
    struct stream *s = CONTAINER(c, struct stream, conn);

    stream_go(s, STATE_idle);
    set_timer(s);
}

static void on_closed(struct conn *c)
{
    struct stream *s = CONTAINER(c, struct stream, conn);
    struct server *server = s->server;

    if (s->is_live)
        gone(s, false);
    link_remove(&s->link);
    stream_free(s);
    server_forget(server);
}

/* A client that ends its side has left, even if it could still read: an answer costs machine time.
 */
static void on_end(struct conn *c, int why, const char *words)
{
    struct stream *s = CONTAINER(c, struct stream, conn);

    (void)why;
    (void)words;
    stream_cut(s);
}

static void on_drained(struct conn *c)
{
    struct stream *s = CONTAINER(c, struct stream, conn);

    stream_todo(s);
    if (s->wants_writable && s->is_live && s->answer == ANSWER_started) {
        s->wants_writable = false;
        s->server->events.on_writable(s);
    }
}

void stream_cut(struct stream *s)
{
    if (s->state == STATE_closed)
        return;
    stream_go(s, STATE_closed);
    timer_stop(&s->timer);
    conn_close(&s->conn);
    if (s->is_live)
        gone(s, false);
}

static void gone(struct stream *s, bool ok)
{
    s->is_live = false;
    s->wants_writable = false;
    s->server->events.on_gone(s, ok);
}

static void on_read(struct conn *c, struct str bytes)
{
    struct stream *s = CONTAINER(c, struct stream, conn);

    if (s->state == STATE_linger) {
        s->dropped += bytes.len;
        if (s->dropped > LINGER_MAX)
            stream_cut(s);
        return;
    }
    if (!s->leftover.len) {
        size_t rest = feed(s, bytes);

        bytes = str_slice(bytes.data + bytes.len - rest, rest);
    }
    if (s->state == STATE_closed || s->state == STATE_linger)
        return;
    if (bytes.len && buf_put(&s->leftover, bytes) < 0) {
        stream_cut(s);
        return;
    }
    if (bytes.len && wants_bytes(s))
        feed_leftover(s);
    if (s->leftover.len > LEFTOVER_HIGH)
        conn_stop_reading(c);
}

static bool wants_bytes(const struct stream *s)
{
    switch ((enum stream_state)s->state) {
    case STATE_idle:
    case STATE_head:
    case STATE_drop:
        return true;
    case STATE_run:
        return !s->body_done && !s->is_paused;
    default:
        return false;
    }
}

/* Returns how many bytes at the end of `in` were not wanted yet. */
static size_t feed(struct stream *s, struct str in)
{
    enum http1_event event = HTTP1_head;
    struct str piece;

    while (event != HTTP1_more && wants_bytes(s)) {
        if (s->state == STATE_idle && !in.len)
            break;
        if (s->state == STATE_idle)
            stream_go(s, STATE_head);
        event = http1_feed(&s->in, &in, &piece);
        if (event == HTTP1_head)
            take_head(s);
        else if (event == HTTP1_body)
            take_body(s, piece);
        else if (event == HTTP1_end)
            take_end(s);
        else if (event == HTTP1_wrong)
            stream_refuse(s, s->in.wrong, s->in.words);
    }
    set_timer(s);
    return in.len;
}

static void feed_leftover(struct stream *s)
{
    size_t rest = s->leftover.len;

    if (rest && wants_bytes(s))
        rest = feed(s, buf_str(&s->leftover));
    if (s->state == STATE_closed || s->state == STATE_linger) /* who lingers has let it go */
        return;
    buf_shift(&s->leftover, s->leftover.len - rest);
    if (!rest && s->leftover.room > KEPT_LEFTOVER)
        buf_release(&s->leftover);
    if (s->leftover.len <= LEFTOVER_HIGH && !s->is_paused)
        conn_start_reading(&s->conn);
}

static void take_head(struct stream *s)
{
    const struct http1 *in = &s->in;
    struct request *r = &s->request;

    r->method = in->method;
    r->target = in->target;
    r->path = in->path;
    r->query = in->query;
    r->host = in->host;
    r->headers = in->headers;
    r->header_count = in->header_count;
    r->content_length = in->content_length;
    set_limits(s);
    if (in->content_length > 0 && (uint64_t)in->content_length > s->limits.bytes) {
        stream_refuse(s, 413, "the body is larger than this server takes");
        return;
    }
    s->ctx = NULL;
    s->body_bytes = s->dropped = 0;
    s->answer = ANSWER_none;
    s->body_done = s->is_paused = s->wants_writable = false;
    s->close_after = !in->keep_alive || !s->server->options.keep_alive_ms;
    s->continue_due = in->expects_continue;
    stream_go(s, STATE_run);
    s->is_live = true;
    s->server->events.on_request(s->server->ctx, s, r);
    stream_todo(s); /* 100 Continue may be due */
}

static void set_limits(struct stream *s)
{
    const struct server *server = s->server;
    int64_t length = s->request.content_length;

    s->limits = (struct body_limits){server->options.body_max, server->options.body_timeout_ms};
    if ((length < 0 || length > BODY_SMALL) && server->events.on_large_body)
        server->events.on_large_body(server->ctx, &s->request, &s->limits);
}

static void take_body(struct stream *s, struct str piece)
{
    s->continue_due = false; /* this client does not wait for it */
    if (s->state == STATE_drop || s->answer == ANSWER_ended) {
        s->dropped += piece.len;
        if (s->dropped > DROP_MAX)
            s->state == STATE_drop ? linger(s) : (void)(s->close_after = true);
        return;
    }
    s->body_bytes += piece.len;
    if (s->body_bytes > s->limits.bytes) {
        stream_refuse(s, 413, "the body is larger than this server takes");
        return;
    }
    s->server->events.on_body(s, piece);
}

static void take_end(struct stream *s)
{
    s->body_done = true;
    if (s->state == STATE_drop)
        next_request(s);
    else if (s->answer != ANSWER_ended && s->is_live)
        s->server->events.on_body_end(s);
}

void stream_todo(struct stream *s)
{
    struct server *server = s->server;

    if (link_is_empty(&s->todo))
        link_append(&server->todo, &s->todo);
    if (server->todo_due)
        return;
    server->todo_due = true;
    loop_defer(server->loop, stream_run_todo, server);
}

/* A stream that gets something new to do meanwhile is put at the end again. */
void stream_run_todo(void *ctx)
{
    struct server *server = ctx;

    while (!link_is_empty(&server->todo)) {
        struct stream *s = CONTAINER(server->todo.next, struct stream, todo);

        link_remove(&s->todo);
        settle(s);
    }
    server->todo_due = false;
    server_free_when_done(server);
}

static void settle(struct stream *s)
{
    if (s->state == STATE_closed)
        return;
    if (s->continue_due && s->state == STATE_run && !s->is_paused && s->answer == ANSWER_none) {
        s->continue_due = false;
        (void)!conn_put(&s->conn, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    if (s->conn.waiting.len)
        (void)!conn_flush(&s->conn); /* a failure is heard through on_end */
    if (s->state == STATE_linger && !conn_queued(&s->conn) && !s->is_ended) {
        s->is_ended = true;
        conn_end(&s->conn);
    }
    if (s->is_live && s->answer == ANSWER_ended && !conn_queued(&s->conn) && !s->conn.broken)
        finish(s);
    if (s->leftover.len && wants_bytes(s))
        feed_leftover(s);
    else if (!s->conn.is_reading && wants_bytes(s))
        conn_start_reading(&s->conn);
}

static void finish(struct stream *s)
{
    bool last = s->close_after || s->server->is_draining;

    gone(s, true);
    if (s->state == STATE_closed)
        return;
    s->is_paused = false;
    if (last || s->continue_due)
        linger(s);
    else if (s->body_done)
        next_request(s);
    else
        stream_go(s, STATE_drop);
    set_timer(s);
}

static void next_request(struct stream *s)
{
    if (s->server->is_draining) {
        stream_cut(s);
        return;
    }
    stream_go(s, STATE_idle);
    http1_reset(&s->in);
    s->request.path = (struct str){0};
    if (s->leftover.len)
        stream_todo(s);
    set_timer(s);
}

/* Closing while bytes are unread would reset the connection, and the answer might be lost. */
static void linger(struct stream *s)
{
    bool all_read = s->body_done && !s->leftover.len;

    stream_go(s, STATE_linger);
    http1_release(&s->in);
    buf_release(&s->leftover);
    if (all_read && !conn_queued(&s->conn)) {
        stream_cut(s);
        return;
    }
    conn_start_reading(&s->conn);
    set_timer(s);
    stream_todo(s);
}

/* Most requests come in one piece: for them the clock of the idle connection runs on, and means
 * nothing. Only what is still under way gets a deadline of its own. */
static void set_timer(struct stream *s)
{
    const struct server_options *o = &s->server->options;
    uint32_t after_ms = o->head_timeout_ms;

    if (s->state == STATE_closed)
        return;
    if (s->state == STATE_run && s->body_done)
        return;
    if (s->state == s->timed_state && s->state != STATE_idle)
        return;
    if (s->state == STATE_idle && o->keep_alive_ms) /* else it is a new one, not one that is kept */
        after_ms = o->keep_alive_ms;
    else if (s->state == STATE_run)
        after_ms = s->limits.timeout_ms;
    else if (s->state == STATE_linger)
        after_ms = LINGER_MS;
    s->timed_state = s->state;
    timer_start(&s->timer, s->server->loop, after_ms, on_timer, s);
}

static void on_timer(void *ctx)
{
    struct stream *s = ctx;

    s->timed_state = STATE_COUNT;
    switch ((enum stream_state)s->state) {
    case STATE_head:
        stream_refuse(s, 408, "the headers did not arrive in time");
        break;
    case STATE_run:
        if (s->body_done)
            break;
        stream_refuse(s, 408, "the body did not arrive in time");
        break;
    default:
        stream_cut(s);
    }
}

void stream_refuse(struct stream *s, int status, const char *words)
{
    char body[ERROR_ROOM], type[] = "application/json";
    bool is_late = s->answer != ANSWER_none && s->state == STATE_run;
    struct http1_out head = {
        .status = status,
        .headers = &(struct header){STR("Content-Type"), str_from(type)},
        .header_count = 1,
        .date = loop_date(s->server->loop),
        .connection = STR("close"),
    };
    struct buf *scratch = &s->server->scratch;
    struct str pieces[2];

    s->refused = (uint16_t)status;
    if (s->is_live)
        gone(s, false);
    if (is_late || s->state == STATE_drop || s->state == STATE_closed) {
        stream_cut(s);
        return;
    }
    head.content_length = (int64_t)error_body(s, status, words, body, sizeof body);
    buf_reset(scratch);
    if (http1_put_response(scratch, &head) < 0) {
        stream_cut(s);
        return;
    }
    pieces[0] = buf_str(scratch);
    pieces[1] = str_slice(body, s->in.method == METHOD_HEAD && s->state == STATE_run
                                    ? 0
                                    : (size_t)head.content_length);
    s->body_done = false; /* nobody knows what else is under way */
    (void)!conn_send(&s->conn, pieces, 2);
    linger(s);
}

static size_t error_body(struct stream *s, int status, const char *words, char *out, size_t room)
{
    size_t length;
    int n;

    if (s->server->events.error_body) {
        length =
            s->server->events.error_body(s->server->ctx, s->request.path, status, words, out, room);
        return length <= room ? length : 0;
    }
    n = snprintf(out, room, "{\"error\":{\"message\":\"%s\",\"code\":%d}}\n", words, status);
    return n > 0 && (size_t)n < room ? (size_t)n : 0;
}
