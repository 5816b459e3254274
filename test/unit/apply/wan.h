/* SPDX-License-Identifier: Apache-2.0 */
/* A registry that stands in for the WAN's, with one model of two blobs. */
#pragma once

#include "apply/registry.h"

#include <stdio.h>

#include "../http/wires.h"
#include "apply/manifest.h"

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

/* *end: behind the last. */
static inline uint64_t range_from(const struct request *r, uint64_t *end)
{
    struct str range = request_header(r, STR("range")), from, rest;
    uint64_t at = 0, last;

    from = str_cut(range, '=', &rest);
    from = str_cut(rest, '-', &rest);
    if (rest.len && str_to_u64(&last, rest) == 0)
        *end = last + 1;
    return range.data && str_to_u64(&at, from) == 0 ? at : 0;
}

static inline void give_blob(struct stream *s, const struct request *r)
{
    uint64_t end = SIZE, from = range_from(r, &end), length = end - from;
    bool has_range = length < SIZE;
    char words[96];
    struct header header = {STR("content-range"), {0}};
    struct str piece;

    wan.blobs++;
    snprintf(words, sizeof words, "bytes %llu-%d/%d", (unsigned long long)from, (int)end - 1, SIZE);
    header.value = str_from(words);
    assert_int_equal(stream_start(s, has_range ? 206 : 200, &header, has_range, (int64_t)length),
                     0);
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
    stream_end(s, end - from == length);
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

static const struct server_events wan_events = {.on_request = wan_request,
                                                .on_body = ignore_body,
                                                .on_body_end = ignore,
                                                .on_writable = ignore,
                                                .on_gone = ignore_end};
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
