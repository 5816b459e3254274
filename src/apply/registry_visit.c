/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the LAN registry: a manifest, or a blob or a part of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/registry_inside.h"

enum {
    CONNECT_TIMEOUT_MS = 10000,
    ANSWER_TIMEOUT_MS = 30000,
    PIECE = 64 << 10,
    PIECES_A_TURN = 16, /* before others have their turn */
    TARGET_ROOM = 1024,
};

#define MANIFEST_TYPE "application/vnd.docker.distribution.manifest.v2+json"

struct registry_visit {
    struct registry *registry;
    struct loop *loop;
    struct client *client;
    struct stream *stream; /* NULL when it is gone */
    /* a manifest */
    struct call *call;
    struct buf manifest;
    char path[TARGET_ROOM]; /* "library/qwen2.5" */
    bool is_head;
    /* a part of a blob */
    struct blob *blob;
    struct blob_waiter waiter;
    uint64_t at, end;
    bool is_expected; /* pump() will be called, and the visit must live until then */
};

/* "/v2/library/qwen2.5/manifests/14b" */
struct wanted {
    struct str path, kind, name;
};

static bool read_target(struct str path, struct wanted *ret);
static struct registry_visit *begin_manifest(struct registry_visit *v, const struct wanted *wanted,
                                             const struct request *request);
static void on_manifest_head(void *ctx, const struct reply *r);
static void on_manifest_body(void *ctx, struct str chunk);
static void on_manifest_end(void *ctx);
static void on_manifest_fail(void *ctx, enum failure why, const char *words);
static struct registry_visit *begin_blob(struct registry_visit *v, const struct wanted *wanted,
                                         const struct request *request);
static int answer_whole(struct registry_visit *v, const struct known_blob *known,
                        const struct request *request);
static struct registry_visit *begin_part(struct registry_visit *v, const struct known_blob *known,
                                         struct str range);
static bool read_range(struct str range, uint64_t size, uint64_t *from, uint64_t *end);
static void pump(void *ctx);
static bool send_piece(struct registry_visit *v);
static bool wait_for_more(struct registry_visit *v);
static void refuse(struct registry_visit *v, int status, const char *code, const char *words);
static void visit_free(struct registry_visit *v);

static const struct call_events manifest_events = {.on_head = on_manifest_head,
                                                   .on_body = on_manifest_body,
                                                   .on_end = on_manifest_end,
                                                   .on_fail = on_manifest_fail};

struct registry_visit *registry_begin(struct registry *r, struct loop *loop, struct client *client,
                                      struct stream *stream, const struct request *request)
{
    struct registry_visit *v = calloc(1, sizeof *v);
    struct wanted wanted;

    if (!v) {
        stream_answer(stream, 503, NULL, 0, STR("out of memory\n"));
        return NULL;
    }
    *v = (struct registry_visit){.registry = r, .loop = loop, .client = client, .stream = stream};
    v->is_head = request->method == METHOD_HEAD;
    buf_init(&v->manifest, REGISTRY_MANIFEST_MAX);
    if (request->method != METHOD_GET && !v->is_head) {
        refuse(v, 405, "UNSUPPORTED", "only GET and HEAD");
    } else if (str_is(request->path, "/v2/")) {
        stream_answer(stream, 200, NULL, 0, STR("{}"));
    } else if (!read_target(request->path, &wanted)) {
        refuse(v, 404, "NAME_UNKNOWN",
               "expected /v2/NAMESPACE/MODEL/manifests/TAG or …/blobs/DIGEST");
    } else {
        return str_is(wanted.kind, "manifests") ? begin_manifest(v, &wanted, request)
                                                : begin_blob(v, &wanted, request);
    }
    visit_free(v);
    return NULL;
}

void registry_on_writable(struct registry_visit *v)
{
    if (v->blob && !v->is_expected)
        pump(v);
}

void registry_on_gone(struct registry_visit *v)
{
    v->stream = NULL;
    if (v->call)
        call_cancel(TAKE(v->call));
    if (v->is_expected && blob_unwait(v->blob, &v->waiter))
        v->is_expected = false;
    if (!v->is_expected)
        visit_free(v);
}

/* Clean paths only: what is between the slashes goes into a URL as it is. */
static bool read_target(struct str path, struct wanted *ret)
{
    const char *kind;

    if (!str_starts(path, STR("/v2/")) || memchr(path.data, '%', path.len))
        return false;
    path = str_slice(path.data + 4, path.len - 4);
    ret->kind = STR("manifests");
    kind = memmem(path.data, path.len, "/manifests/", 11);
    if (!kind) {
        ret->kind = STR("blobs");
        kind = memmem(path.data, path.len, "/blobs/", 7);
    }
    if (!kind)
        return false;
    ret->path = str_slice(path.data, (size_t)(kind - path.data));
    ret->name = str_slice(kind + ret->kind.len + 2, path.len - ret->path.len - ret->kind.len - 2);
    return ret->path.len && ret->name.len && !memchr(ret->name.data, '/', ret->name.len);
}

static struct registry_visit *begin_manifest(struct registry_visit *v, const struct wanted *wanted,
                                             const struct request *request)
{
    char target[TARGET_ROOM];
    struct header accept = {STR("accept"), STR(MANIFEST_TYPE)};
    struct call_request call = {
        .endpoint = &v->registry->upstream,
        .method = METHOD_GET,
        .target = request->path,
        .headers = &accept,
        .header_count = 1,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .first_byte_timeout_ms = ANSWER_TIMEOUT_MS,
        .idle_timeout_ms = ANSWER_TIMEOUT_MS,
    };

    if (request->path.len >= sizeof target ||
        call_start(&v->call, v->client, &call, &manifest_events, v) < 0) {
        v->call = NULL;
        refuse(v, 502, "UNAVAILABLE", "the registry behind this one cannot be asked");
        visit_free(v);
        return NULL;
    }
    snprintf(v->path, sizeof v->path, "%.*s", STR_ARG(wanted->path));
    return v;
}

static void on_manifest_head(void *ctx, const struct reply *r)
{
    struct registry_visit *v = ctx;

    if (r->status == 200)
        return;
    call_cancel(TAKE(v->call));
    if (r->status == 404)
        refuse(v, 404, "MANIFEST_UNKNOWN", "file does not exist");
    else
        refuse(v, r->status == 429 ? 429 : 502, "UNAVAILABLE",
               "the registry behind this one has trouble of its own");
}

static void on_manifest_body(void *ctx, struct str chunk)
{
    struct registry_visit *v = ctx;

    if (buf_put(&v->manifest, chunk) == 0)
        return;
    call_cancel(TAKE(v->call));
    refuse(v, 502, "MANIFEST_INVALID", "the manifest is too large");
}

static void on_manifest_end(void *ctx)
{
    struct registry_visit *v = ctx;
    struct header type = {STR("content-type"), STR(MANIFEST_TYPE)};
    int r;

    v->call = NULL;
    r = registry_learn(v->registry, str_from(v->path), buf_str(&v->manifest));
    if (r < 0)
        refuse(v, r == -EBADMSG ? 502 : 503, "MANIFEST_INVALID",
               r == -EBADMSG ? "the registry behind this one answers with something else"
                             : "too many blobs are known");
    else
        stream_answer(v->stream, 200, &type, 1, buf_str(&v->manifest));
}

static void on_manifest_fail(void *ctx, enum failure why, const char *words)
{
    struct registry_visit *v = ctx;

    (void)why;
    v->call = NULL;
    refuse(v, 502, "UNAVAILABLE", words);
}

static struct registry_visit *begin_blob(struct registry_visit *v, const struct wanted *wanted,
                                         const struct request *request)
{
    const struct known_blob *known = registry_known(v->registry, wanted->name);
    struct str range = request_header(request, STR("range"));

    if (known && !v->is_head && range.data)
        return begin_part(v, known, range);
    if (!known)
        refuse(v, 404, "BLOB_UNKNOWN", "no manifest that was asked for here names it");
    else
        answer_whole(v, known, request);
    visit_free(v);
    return NULL;
}

/* HEAD wants its length; GET without Range is Ollama looking for where the bytes are: here. */
static int answer_whole(struct registry_visit *v, const struct known_blob *known,
                        const struct request *request)
{
    struct header headers[] = {{STR("location"), request->path},
                               {STR("accept-ranges"), STR("bytes")},
                               {STR("docker-content-digest"), str_from(known->digest)}};
    int r;

    if (!v->is_head)
        return stream_answer(v->stream, 200, headers, COUNT_OF(headers), STR(""));
    r = stream_start(v->stream, 200, headers + 1, COUNT_OF(headers) - 1, (int64_t)known->size);
    return r < 0 ? r : stream_end(v->stream, true);
}

static struct registry_visit *begin_part(struct registry_visit *v, const struct known_blob *known,
                                         struct str range)
{
    char words[96];
    struct header header = {STR("content-range"), {0}};
    struct err err = {0};
    int r;

    if (!read_range(range, known->size, &v->at, &v->end)) {
        refuse(v, 416, "RANGE_INVALID", "expected Range: bytes=FROM-TO within the blob");
    } else if ((r = shelf_take(&v->blob, v->registry->options.shelf, str_from(known->digest),
                               known->size, &err)) < 0 ||
               (r = registry_bring(v->registry, v->loop, v->client, known, &err)) < 0) {
        refuse(v, r == -ENOSPC ? 507 : 502, "UNAVAILABLE", err.text);
    } else {
        snprintf(words, sizeof words, "bytes %llu-%llu/%llu", (unsigned long long)v->at,
                 (unsigned long long)v->end - 1, (unsigned long long)known->size);
        header.value = str_from(words);
        v->waiter = (struct blob_waiter){.loop = v->loop, .fn = pump, .ctx = v};
        if (stream_start(v->stream, 206, &header, 1, (int64_t)(v->end - v->at)) == 0) {
            v->is_expected = true;
            loop_defer(v->loop, pump, v);
            return v;
        }
    }
    visit_free(v);
    return NULL;
}

/* "bytes=100-199" or "bytes=100-"; *end is behind the last. */
static bool read_range(struct str range, uint64_t size, uint64_t *from, uint64_t *end)
{
    struct str unit, last;

    unit = str_cut(str_trim(range), '=', &range);
    range = str_cut(range, '-', &last);
    if (!str_equal_nocase(unit, STR("bytes")) || str_to_u64(from, range) < 0 || *from >= size)
        return false;
    if (!last.len)
        *end = size;
    else if (str_to_u64(end, last) < 0 || *end < *from)
        return false;
    else
        *end = *end < size ? *end + 1 : size;
    return true;
}

/* Gives what is there, a few pieces a turn; then waits for the blob, or for the puller. */
static void pump(void *ctx)
{
    struct registry_visit *v = ctx;

    v->is_expected = false;
    if (!v->stream) {
        visit_free(v);
        return;
    }
    for (unsigned i = 0; i < PIECES_A_TURN; i++)
        if (!send_piece(v))
            return;
    v->is_expected = true;
    loop_defer(v->loop, pump, v);
}

/* False: not now; somebody will call. */
static bool send_piece(struct registry_visit *v)
{
    char piece[PIECE];
    size_t room = v->end - v->at < sizeof piece ? (size_t)(v->end - v->at) : sizeof piece;
    int64_t n = blob_get(v->blob, v->at, piece, room);
    struct str bytes = str_slice(piece, n > 0 ? (size_t)n : 0);
    int r;

    if (n == 0)
        return !wait_for_more(v);
    if (n < 0) {
        stream_end(v->stream, false);
        return false;
    }
    v->at += (uint64_t)n;
    registry_count(v->registry, (uint64_t)n);
    r = stream_send(v->stream, &bytes, 1);
    if (r == 0 && v->at == v->end) {
        stream_end(v->stream, true);
        return false;
    }
    return r == 0;
}

/* Nothing is there and nobody brings it: the puller is cut off, and asks again by itself. */
static bool wait_for_more(struct registry_visit *v)
{
    v->waiter.until = v->end - v->at < SHELF_WAKE_BYTES ? v->end : v->at + SHELF_WAKE_BYTES;
    v->is_expected = blob_wait(v->blob, &v->waiter);
    if (v->is_expected)
        return true;
    if (blob_have(v->blob) > v->at || blob_state(v->blob) == BLOB_broken)
        return false;
    stream_end(v->stream, false);
    return true;
}

static void refuse(struct registry_visit *v, int status, const char *code, const char *words)
{
    char body[512];
    struct header type = {STR("content-type"), STR("application/json")};

    snprintf(body, sizeof body, "{\"errors\":[{\"code\":\"%s\",\"message\":\"%.300s\"}]}", code,
             words);
    stream_answer(v->stream, status, &type, 1, str_from(body));
}

static void visit_free(struct registry_visit *v)
{
    blob_give_back(&v->blob);
    buf_fini(&v->manifest);
    free(v);
}
