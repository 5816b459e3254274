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

struct gateway;
struct scene;
struct traffic;
struct worker;

enum endpoint_id {
#define CALL(method, path, name, dialect, task, words) ENDPOINT_##name,
#define PAGE(method, path, name, dialect, who, words)  ENDPOINT_##name,
#include "tables/endpoints.def"
    ENDPOINT_COUNT
};

/* The name that a call is counted under; NULL for a page. */
const char *endpoint_call_name(enum endpoint_id id);

/* What a page is asked. */
struct page_request {
    struct gateway *gateway;
    const struct scene *scene;
    const struct request *request;
    struct str rest; /* what the * of the endpoint's path stands for */
    struct str body;
    void *ctx;
};

/* Writes the answer's body and returns its status. On any worker; must not block. */
typedef int page_fn(const struct page_request *r, struct buf *out, const char **content_type);

/* Who answers what is not a call; rows without one answer 404. */
struct pages {
    page_fn *fns[ENDPOINT_COUNT];
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
void gateway_show(struct gateway *g, struct scene **scene);

/* Returns when the last request is over, or after gateway.drain_timeout. */
void gateway_drain(struct gateway *g);
void gateway_close(struct gateway *g);

/* "127.0.0.1:4000" */
const char *gateway_address(const struct gateway *g);
unsigned gateway_keys(struct gateway *g);
int64_t gateway_started_us(const struct gateway *g);
struct stats *gateway_stats(struct gateway *g);
struct traffic *gateway_traffic(struct gateway *g);
struct health *gateway_health(struct gateway *g);
