/* SPDX-License-Identifier: Apache-2.0 */
/* What pullers ask of the LAN registry, and what they get. */
#pragma once

#include "lan.h"

/* One puller's request. */
struct pull {
    struct endpoint endpoint;
    struct call *call;
    struct header range;
    struct call_request request;
    int status;
    uint64_t length;
    char location[TARGET_ROOM], content_range[64];
    struct buf body;
    bool is_over, has_failed;
};

static inline void pull_head(void *ctx, const struct reply *r)
{
    struct pull *p = ctx;
    struct str location = reply_header(r, STR("location"));

    p->status = r->status;
    if (str_to_u64(&p->length, reply_header(r, STR("content-length"))) < 0)
        p->length = 0;
    snprintf(p->location, sizeof p->location, "%.*s", STR_ARG(location));
    snprintf(p->content_range, sizeof p->content_range, "%.*s",
             STR_ARG(reply_header(r, STR("content-range"))));
}

static inline void pull_body(void *ctx, struct str chunk)
{
    assert_int_equal(buf_put(&((struct pull *)ctx)->body, chunk), 0);
}

static inline void pull_end(void *ctx)
{
    ((struct pull *)ctx)->is_over = true;
}

static inline void pull_fail(void *ctx, enum failure why, const char *words)
{
    (void)why, (void)words;
    ((struct pull *)ctx)->is_over = ((struct pull *)ctx)->has_failed = true;
}

static const struct call_events pull_events = {
    .on_head = pull_head, .on_body = pull_body, .on_end = pull_end, .on_fail = pull_fail};

static inline void begin_pull(struct pull *p, enum method method, const char *path,
                              const char *range)
{
    char url[64];

    *p = (struct pull){0};
    buf_init(&p->body, SIZE + 1000);
    snprintf(url, sizeof url, "http://%s", server_address(lan.server));
    assert_int_equal(endpoint_parse(&p->endpoint, str_from(url), &err), 0);
    p->range = (struct header){STR("range"), str_from(range)};
    p->request = (struct call_request){.endpoint = &p->endpoint,
                                       .method = method,
                                       .target = str_from(path),
                                       .headers = &p->range,
                                       .header_count = range ? 1 : 0,
                                       .connect_timeout_ms = 5000};
    assert_int_equal(call_start(&p->call, lan.client, &p->request, &pull_events, p), 0);
}

/* The answer, which the caller gives back with buf_fini(). */
static inline struct pull pull(enum method method, const char *path, const char *range)
{
    static struct pull p;

    begin_pull(&p, method, path, range);
    UNTIL(lan.loop, p.is_over);
    return p;
}

static inline void learn_manifest(void)
{
    struct pull p = pull(METHOD_GET, MANIFEST, NULL);

    assert_int_equal(p.status, 200);
    assert_true(str_equal(buf_str(&p.body), str_from(manifest)));
    buf_fini(&p.body);
}

static inline void assert_part(const struct pull *p, uint64_t from, uint64_t to)
{
    assert_false(p->has_failed);
    assert_int_equal(p->status, 206);
    assert_int_equal(p->body.len, to - from + 1);
    assert_memory_equal(p->body.data, bytes + from, p->body.len);
}
