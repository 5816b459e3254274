/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one client connection, inside src/http only.
 *
 *     shake → idle → head → run → idle …      and from everywhere, linger → closed
 *                            run → drop → idle   answered before the body had come
 *
 * A stream is the connection and, from on_request to on_gone (`is_live`), the one request on it.
 */
#pragma once

#include "base/list.h"
#include "http/server.h"
#include "net/conn.h"
#include "net/listener.h"
#include "wire/http1.h"

enum stream_state {
    STATE_shake,  /* the TLS handshake */
    STATE_idle,   /* nothing of a request has come */
    STATE_head,   /* some of a head has come */
    STATE_run,    /* on_request has been called */
    STATE_drop,   /* answered; the rest of the body is thrown away */
    STATE_linger, /* answered for the last time; what comes is thrown away until the client ends */
    STATE_closed,
    STATE_COUNT
};

enum answer_state { ANSWER_none, ANSWER_started, ANSWER_ended };

struct stream {
    struct conn conn;
    struct server *server;
    struct link link; /* in server->streams */
    struct link todo; /* in server->todo: looked at once more at the end of this turn */
    struct timer timer;
    struct http1 in;
    struct buf leftover; /* bytes that came before they were wanted */
    struct request request;
    void *ctx;
    uint64_t body_bytes, dropped;
    struct body_limits limits; /* of this request */
    int64_t out_left;          /* bytes of a counted answer still to come; -1: not counted */
    uint16_t refused;          /* the status of the server's own answer */
    uint8_t state, timed_state, answer;
    bool is_live, body_done, is_paused, continue_due, close_after, wants_writable, out_chunked,
        out_empty, is_ended;
};

struct server {
    struct loop *loop;
    struct server_options options;
    struct server_events events;
    void *ctx;
    struct tls_side *tls;
    struct listener address;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } listener;
    struct link streams, todo;
    struct buf scratch; /* for heads */
    unsigned count;
    bool todo_due, drained_due, close_due, accept_waits, is_draining, is_closed, listener_closed;
    struct timer drain_timer;
    loop_fn *on_drained;
    void *drained_ctx;
};

/* A connection waits in the listener. */
void stream_accept(struct server *server);

/* At the end of this turn: write what was put, finish what is finished, read on. */
void stream_todo(struct stream *s);
void stream_run_todo(void *server);

/* At once. on_gone(false) if the request is live. */
void stream_cut(struct stream *s);

/* The only place a connection changes state. */
void stream_go(struct stream *s, enum stream_state to);

/* The server's own answer to what it cannot hand on; the connection ends with it. */
void stream_refuse(struct stream *s, int status, const char *words);

/* Called by each stream as it dies. */
void server_forget(struct server *server);

/* A closed server goes after its listener, its streams and what it deferred. */
void server_free_when_done(struct server *server);
