/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway: workers, one to a core, in front of one fleet.
 *
 *     gateway_open(&g, &options, &scene, err);     listens; takes the scene
 *     gateway_start(g, err);                       serves
 *     gateway_show(g, &scene);                     after a reload; takes the scene
 *     gateway_drain(g); gateway_close(g);          running requests may finish, then the end
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "config/settings.h"
#include "http/server.h"
#include "stats/stats.h"

struct client;
struct decisions;
struct duties;
struct gateway;
struct recent;
struct scene;
struct spans;
struct traffic;
struct worker;

enum endpoint_id {
#define CALL(method, path, name, dialect, task, words)  ENDPOINT_##name,
#define PAGE(method, path, name, dialect, who, words)   ENDPOINT_##name,
#define STREAM(method, path, name, dialect, who, words) ENDPOINT_##name,
#include "tables/endpoints.def"
    ENDPOINT_COUNT
};

/* The name that a call is counted under; NULL for what tampu answers itself. */
const char *endpoint_call_name(enum endpoint_id id);

/* What a page's answer says beside its type. */
enum { PAGE_HEADERS_MAX = 12 };
struct page_headers {
    struct header rows[PAGE_HEADERS_MAX];
    size_t count;
};

/* What a page is asked. */
struct page_request {
    struct gateway *gateway;
    const struct scene *scene;
    const struct request *request;
    struct str rest; /* what the * of the endpoint's path stands for */
    struct str body;
    void *ctx;
    const struct rules *rules;    /* of the caller's key; NULL: it needed none */
    struct str caller;            /* that key's name, or its id; empty: it needed none */
    struct page_headers *headers; /* of the answer: page_header() adds one */
};

/* The texts must outlive the page's call. */
void page_header(const struct page_request *r, struct str name, struct str value);

/* Writes the answer's body and returns its status. On any worker; must not block. */
typedef int page_fn(const struct page_request *r, struct buf *out, const char **content_type);

/* A stream that is handed over. Everything but ctx is of the worker that it lives on. */
struct stream_request {
    struct gateway *gateway;
    const struct scene *scene;     /* scene_ref() to keep it */
    const struct request *request; /* as http/server.h says */
    struct str rest;
    struct loop *loop;
    struct client *client;
    struct stream *stream; /* its ctx is the gateway's: leave it alone */
    void *ctx;
};

/*
 * Who answers a STREAM row: any way that http/server.h allows, at any time until on_gone. All on
 * the stream's loop, never from inside a call to the stream.
 */
struct streamer {
    /* What it returns is handed to the others. NULL: it was answered at once, and that is all. */
    void *(*begin)(const struct stream_request *r);
    void (*on_body)(void *visit, struct str chunk); /* NULL: the body is thrown away */
    void (*on_body_end)(void *visit);               /* may be NULL */
    void (*on_writable)(void *visit);               /* after stream_send() said -EAGAIN */
    void (*on_drain)(void *visit); /* the gateway ends soon; NULL: the stream ends by itself */
    void (*on_gone)(void *visit);  /* once, last: frees it */
    /* No stream is left on that loop, whose client ends next; may be NULL. */
    void (*on_leave)(void *ctx, const struct loop *loop);
};

/* Who answers what is not a call; rows without one answer 404. */
struct pages {
    page_fn *fns[ENDPOINT_COUNT];
    const struct streamer *streamers[ENDPOINT_COUNT];
    void *ctx[ENDPOINT_COUNT];
};

struct gateway_options {
    const struct settings *settings; /* must outlive the gateway */
    struct stats *stats;
    struct traffic *traffic;
    struct str store_url;
    struct pages pages;
};

MUST_USE int gateway_open(struct gateway **ret, const struct gateway_options *options,
                          struct scene **scene, struct err *err);
MUST_USE int gateway_start(struct gateway *g, struct err *err);
/* -ENOMEM: the last one stays. */
MUST_USE int gateway_show(struct gateway *g, struct scene **scene, struct err *err);

/* The present scene, with a reference that the caller gives back. Any thread. */
struct scene *gateway_scene(struct gateway *g);

/* Returns when the last request is over, or after gateway.drain_timeout. */
void gateway_drain(struct gateway *g);
void gateway_close(struct gateway *g);

/* "127.0.0.1:4000" */
const char *gateway_address(const struct gateway *g);
unsigned gateway_keys(struct gateway *g);
int64_t gateway_started_us(const struct gateway *g);
const struct settings *gateway_settings(const struct gateway *g);
const char *gateway_folder(const struct gateway *g); /* beside the state, for files */
struct stats *gateway_stats(struct gateway *g);
struct str gateway_store_url(const struct gateway *g);
struct traffic *gateway_traffic(struct gateway *g);
struct drill *gateway_drills(struct gateway *g);
struct health *gateway_health(struct gateway *g);
struct recent *gateway_recent(struct gateway *g);
struct decisions *gateway_decisions(struct gateway *g);
struct duties *gateway_duties(struct gateway *g);
struct spans *gateway_spans(struct gateway *g); /* NULL: gateway.otlp is not set */
