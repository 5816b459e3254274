/* SPDX-License-Identifier: Apache-2.0 */
/* The LAN registry between a registry that stands in for the WAN's and pullers, all on one loop. */
#pragma once

#include "apply/registry.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "../http/wires.h"
#include "apply/manifest.h"
#include "http/client.h"
#include "net/door.h"

enum { SIZE = 3000000, PULLERS = 4, TARGET_ROOM = 256 };

#define CONFIG      "{\"model_format\":\"gguf\"}"
#define MODEL       "/v2/library/tiny"
#define MANIFEST    MODEL "/manifests/1b"
#define MANIFEST_IS "application/vnd.docker.distribution.manifest.v2+json"

static char bytes[SIZE], digest[DIGEST_LENGTH + 1], config_digest[DIGEST_LENGTH + 1];
static char manifest[1024], blob_path[TARGET_ROOM], folder[64];
static struct err err;

/* What the WAN's registry is told to do wrong, and what it saw. */
static struct wan {
    struct server *server;
    uint64_t cut_after; /* bytes of a blob after which the connection breaks, once; 0: never */
    bool lies, redirects, is_away;
    unsigned manifests, blobs;
    uint64_t bytes;
} wan;

static struct lan {
    struct loop *loop;
    struct client *client;
    struct server *server;
    struct shelf *shelf;
    struct expected *expected;
    struct registry *registry;
} lan;

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

static inline uint64_t range_from(const struct request *r)
{
    struct str range = request_header(r, STR("range")), from, rest;
    uint64_t at = 0;

    from = str_cut(range, '=', &rest);
    from = str_cut(rest, '-', &rest);
    return range.data && str_to_u64(&at, from) == 0 ? at : 0;
}

static inline void give_blob(struct stream *s, const struct request *r)
{
    uint64_t from = range_from(r), end = SIZE;
    char words[96];
    struct header header = {STR("content-range"), {0}};
    struct str piece;

    wan.blobs++;
    snprintf(words, sizeof words, "bytes %llu-%d/%d", (unsigned long long)from, SIZE - 1, SIZE);
    header.value = str_from(words);
    assert_int_equal(
        stream_start(s, from ? 206 : 200, &header, from ? 1 : 0, (int64_t)(SIZE - from)), 0);
    if (wan.cut_after && from < wan.cut_after)
        end = wan.cut_after;
    piece = str_slice(bytes + from, end - from);
    wan.bytes += piece.len;
    if (wan.lies) {
        piece.len--;
        assert_true(stream_send(s, (struct str[]){STR("?"), piece}, 2) <= 0);
    } else {
        assert_true(stream_send(s, &piece, 1) <= 0);
    }
    stream_end(s, end == SIZE);
}

static inline void wan_request(void *ctx, struct stream *s, const struct request *r)
{
    (void)ctx;
    wan.manifests += memmem(r->path.data, r->path.len, "/manifests/", 11) != NULL;
    if (wan.is_away) {
        stream_answer(s, 503, NULL, 0, STR(""));
    } else if (str_is(r->path, MANIFEST)) {
        assert_true(str_equal(request_header(r, STR("accept")), STR(MANIFEST_IS)));
        stream_answer(s, 200, NULL, 0, str_from(manifest));
    } else if (str_is(r->path, blob_path) && wan.redirects && !r->query.len) {
        char where[TARGET_ROOM + 32];
        struct header location = {STR("location"), {0}};

        snprintf(where, sizeof where, "http://%s%s?signed=1", server_address(wan.server),
                 blob_path);
        location.value = str_from(where);
        stream_answer(s, 307, &location, 1, STR(""));
    } else if (str_is(r->path, blob_path)) {
        give_blob(s, r);
    } else {
        stream_answer(s, 404, NULL, 0, STR(""));
    }
}

static inline void ignore_body(struct stream *s, struct str chunk)
{
    (void)s, (void)chunk;
}

static inline void ignore(struct stream *s)
{
    (void)s;
}

static inline void ignore_end(struct stream *s, bool ok)
{
    (void)s, (void)ok;
}

static inline void lan_request(void *ctx, struct stream *s, const struct request *r)
{
    (void)ctx;
    stream_set_ctx(s, registry_begin(lan.registry, lan.loop, lan.client, s, r));
}

static inline void lan_body(struct stream *s, struct str chunk)
{
    if (stream_ctx(s))
        registry_on_body(stream_ctx(s), chunk);
}

static inline void lan_body_end(struct stream *s)
{
    if (stream_ctx(s))
        registry_on_body_end(stream_ctx(s));
}

static inline void lan_writable(struct stream *s)
{
    if (stream_ctx(s))
        registry_on_writable(stream_ctx(s));
}

static inline void lan_gone(struct stream *s, bool ok)
{
    (void)ok;
    if (stream_ctx(s))
        registry_on_gone(stream_ctx(s));
}

static const struct server_events wan_events = {.on_request = wan_request,
                                                .on_body = ignore_body,
                                                .on_body_end = ignore,
                                                .on_writable = ignore,
                                                .on_gone = ignore_end},
                                  lan_events = {.on_request = lan_request,
                                                .on_body = lan_body,
                                                .on_body_end = lan_body_end,
                                                .on_writable = lan_writable,
                                                .on_gone = lan_gone};

static inline void write_manifest(void)
{
    snprintf(manifest, sizeof manifest,
             "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_IS "\",\"config\":{\"mediaType\":"
             "\"application/vnd.docker.container.image.v1+json\",\"digest\":\"%s\",\"size\":%zu},"
             "\"layers\":[{\"mediaType\":\"application/vnd.ollama.image.model\",\"digest\":\"%s\","
             "\"size\":%d}]}",
             config_digest, sizeof CONFIG - 1, digest, SIZE);
    snprintf(blob_path, sizeof blob_path, MODEL "/blobs/%s", digest);
}

static inline int open_all(void **state)
{
    struct server_options server = {.listen = "127.0.0.1:0",
                                    .body_max = 1 << 30,
                                    .header_max = 8192,
                                    .header_count_max = 64,
                                    .head_timeout_ms = 5000,
                                    .body_timeout_ms = 5000,
                                    .keep_alive_ms = 5000,
                                    .write_timeout_ms = 5000,
                                    .connections_max = 64,
                                    .write_high = 256 << 10};
    struct client_options client = {.idle_max = 4, .idle_timeout_ms = 5000, .header_max = 8192};
    char upstream[64];

    (void)state;
    wan = (struct wan){0};
    for (unsigned i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    assert_int_equal(digest_of_bytes(str_slice(bytes, SIZE), digest), 0);
    assert_int_equal(digest_of_bytes(STR(CONFIG), config_digest), 0);
    write_manifest();
    snprintf(folder, sizeof folder, "/tmp/tampu-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(loop_open(&lan.loop, 0), 0);
    assert_int_equal(client_open(&lan.client, lan.loop, &client, &err), 0);
    assert_int_equal(server_open(&wan.server, lan.loop, &server, &wan_events, NULL, &err), 0);
    assert_int_equal(server_open(&lan.server, lan.loop, &server, &lan_events, NULL, &err), 0);
    assert_int_equal(shelf_open(&lan.shelf, folder, &(struct shelf_options){0}, &err), 0);
    snprintf(upstream, sizeof upstream, "http://%s", server_address(wan.server));
    assert_int_equal(expected_new(&lan.expected), 0);
    assert_int_equal(
        expected_set(lan.expected,
                     (struct str[]){STR("tiny:1b"), STR("tiny:none"), STR("tiny:away")}, 3),
        0);
    assert_int_equal(registry_open(&lan.registry,
                                   &(struct registry_options){.shelf = lan.shelf,
                                                              .expected = lan.expected,
                                                              .upstream = upstream},
                                   &err),
                     0);
    return 0;
}

static inline int close_all(void **state)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;

    (void)state;
    server_close(lan.server);
    server_close(wan.server);
    registry_leave(lan.registry, lan.loop);
    client_close(lan.client);
    loop_stop(lan.loop);
    loop_run(lan.loop);
    registry_close(lan.registry);
    expected_free(lan.expected);
    shelf_close(lan.shelf);
    loop_close(lan.loop);
    while ((entry = readdir(entries)))
        unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
    return rmdir(folder);
}

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

#define WITH_ALL(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)
