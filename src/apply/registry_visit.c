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
    LOOK_AGAIN_MS = 50,
};

struct registry_visit {
    struct registry *registry;
    struct loop *loop;
    struct client *client;
    struct stream *stream; /* NULL when it is gone */
    bool is_head;
    struct push push;
    struct part part;
    /* a manifest */
    char target[EXPECTED_PATH]; /* "/v2/library/qwen2.5/manifests/14b" */
    struct call *call;
    struct timer timer; /* while somebody else asks for it */
    struct buf manifest;
};

static bool read_target(struct str path, struct wanted *ret);
static struct registry_visit *begin(struct registry_visit *v, const struct request *request);
static struct registry_visit *end(struct registry_visit *v);
static struct registry_visit *begin_manifest(struct registry_visit *v,
                                             const struct request *request);
static void look_again(void *ctx);
static bool give_manifest(struct registry_visit *v);
static bool ask_for_manifest(struct registry_visit *v);
static void answer_manifest(struct registry_visit *v);
static void on_manifest_head(void *ctx, const struct reply *r);
static void on_manifest_body(void *ctx, struct str chunk);
static void on_manifest_end(void *ctx);
static void on_manifest_fail(void *ctx, enum failure why, const char *words);
static void give_up(struct registry_visit *v, int status, const char *words);
static struct registry_visit *begin_blob(struct registry_visit *v, const struct wanted *wanted,
                                         const struct request *request);
static int answer_whole(struct registry_visit *v, const struct manifest_blob *blob,
                        const struct request *request);
static struct registry_visit *begin_part(struct registry_visit *v, struct str path,
                                         const struct manifest_blob *blob, struct str range);
static unsigned read_place(struct str path);
static bool read_range(struct str range, uint64_t size, uint64_t *from, uint64_t *end);
static void refuse(struct registry_visit *v, int status, const char *code, const char *words);
static void visit_free(void *visit);

static const struct call_events manifest_events = {.on_head = on_manifest_head,
                                                   .on_body = on_manifest_body,
                                                   .on_end = on_manifest_end,
                                                   .on_fail = on_manifest_fail};

struct registry_visit *registry_begin(struct registry *r, struct loop *loop, struct client *client,
                                      struct stream *stream, const struct request *request)
{
    struct registry_visit *v = calloc(1, sizeof *v);

    if (!v) {
        stream_answer(stream, 503, NULL, 0, STR("out of memory\n"));
        return NULL;
    }
    *v = (struct registry_visit){.registry = r, .loop = loop, .client = client, .stream = stream};
    v->is_head = request->method == METHOD_HEAD;
    buf_init(&v->manifest, MANIFEST_MAX);
    return push_begin(r, &v->push, stream, request) ? v : begin(v, request);
}

static struct registry_visit *begin(struct registry_visit *v, const struct request *request)
{
    struct wanted wanted;

    if (request->method != METHOD_GET && !v->is_head) {
        refuse(v, 405, "UNSUPPORTED", "only GET and HEAD: what is pushed needs a path of its own");
    } else if (str_is(request->path, "/v2/")) {
        stream_answer(v->stream, 200, NULL, 0, STR("{}"));
    } else if (!read_target(request->path, &wanted)) {
        refuse(v, 404, "NAME_UNKNOWN",
               "expected /v2/NAMESPACE/MODEL/manifests/TAG or …/blobs/DIGEST");
    } else {
        return str_is(wanted.kind, "manifests") ? begin_manifest(v, request)
                                                : begin_blob(v, &wanted, request);
    }
    return end(v);
}

static struct registry_visit *end(struct registry_visit *v)
{
    visit_free(v);
    return NULL;
}

void registry_on_body(struct registry_visit *v, struct str chunk)
{
    if (v->push.gate)
        (void)!push_on_body(&v->push, chunk);
}

void registry_on_body_end(struct registry_visit *v)
{
    if (v->push.gate)
        push_on_body_end(&v->push);
}

void registry_on_writable(struct registry_visit *v)
{
    if (v->part.blob)
        part_on_writable(&v->part);
}

void registry_on_gone(struct registry_visit *v)
{
    v->stream = NULL;
    timer_stop(&v->timer);
    push_leave(&v->push);
    if (v->call) {
        call_cancel(TAKE(v->call));
        (void)!expected_answer(v->registry->options.expected, str_from(v->target), 0, STR(""),
                               loop_now_ms(v->loop)); /* somebody else may ask */
    }
    if (!v->part.blob || part_leave(&v->part))
        visit_free(v);
}

static bool read_target(struct str path, struct wanted *ret)
{
    const char *kind;

    if (!str_starts(path, STR("/v2/")))
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

static struct registry_visit *begin_manifest(struct registry_visit *v,
                                             const struct request *request)
{
    if (request->path.len >= sizeof v->target) {
        refuse(v, 404, "NAME_UNKNOWN", "the name is too long");
        return end(v);
    }
    memcpy(v->target, request->path.data, request->path.len);
    return give_manifest(v) ? v : end(v);
}

static void look_again(void *ctx)
{
    struct registry_visit *v = ctx;

    (void)!give_manifest(v); /* answered or not, it is over when the stream is gone */
}

/* True: it is on its way. Only names that are expected are ever asked for, by one at a time. */
static bool give_manifest(struct registry_visit *v)
{
    uint64_t now_ms = loop_now_ms(v->loop);
    int r =
        expected_manifest(v->registry->options.expected, str_from(v->target), now_ms, &v->manifest);

    switch (r) {
    case 0:
        answer_manifest(v);
        return false;
    case -EINPROGRESS:
        return ask_for_manifest(v);
    case -EAGAIN:
        timer_start(&v->timer, v->loop, LOOK_AGAIN_MS, look_again, v);
        return true;
    case -ENODATA:
        refuse(v, 404, "MANIFEST_UNKNOWN", "file does not exist");
        return false;
    case -ENOENT:
        refuse(v, 404, "NAME_UNKNOWN",
               "neither the plan of this fleet nor a running apply expects this model: what is to "
               "be pulled here must stand in the fleet file");
        return false;
    default:
        refuse(v, 503, "UNAVAILABLE", "out of memory");
        return false;
    }
}

static void answer_manifest(struct registry_visit *v)
{
    struct header type = {STR("content-type"), STR(MANIFEST_TYPE)};

    stream_answer(v->stream, 200, &type, 1, buf_str(&v->manifest));
}

static bool ask_for_manifest(struct registry_visit *v)
{
    struct header accept = {STR("accept"), STR(MANIFEST_TYPE)};
    struct call_request call = {
        .endpoint = &v->registry->upstream,
        .method = METHOD_GET,
        .target = str_from(v->target),
        .headers = &accept,
        .header_count = 1,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .first_byte_timeout_ms = ANSWER_TIMEOUT_MS,
        .idle_timeout_ms = ANSWER_TIMEOUT_MS,
    };

    if (call_start(&v->call, v->client, &call, &manifest_events, v) == 0)
        return true;
    v->call = NULL;
    give_up(v, 502, "the registry behind this one cannot be asked");
    return false;
}

static void on_manifest_head(void *ctx, const struct reply *r)
{
    struct registry_visit *v = ctx;

    if (r->status == 200)
        return;
    call_cancel(TAKE(v->call));
    if (r->status == 404)
        give_up(v, 404, "file does not exist");
    else
        give_up(v, r->status == 429 ? 429 : 502,
                "the registry behind this one has trouble of its own");
}

static void on_manifest_body(void *ctx, struct str chunk)
{
    struct registry_visit *v = ctx;

    if (buf_put(&v->manifest, chunk) == 0)
        return;
    call_cancel(TAKE(v->call));
    give_up(v, 502, "the manifest is too large");
}

static void on_manifest_end(void *ctx)
{
    struct registry_visit *v = ctx;
    int r;

    v->call = NULL;
    r = expected_answer(v->registry->options.expected, str_from(v->target), 200,
                        buf_str(&v->manifest), loop_now_ms(v->loop));
    if (r < 0)
        refuse(v, r == -EBADMSG ? 502 : 503, "MANIFEST_INVALID",
               r == -EBADMSG ? "the registry behind this one answers with something else"
                             : "out of memory");
    else
        answer_manifest(v);
}

static void on_manifest_fail(void *ctx, enum failure why, const char *words)
{
    struct registry_visit *v = ctx;

    (void)why;
    v->call = NULL;
    give_up(v, 502, words);
}

/* Somebody else may ask for it now; for one that is not there, after a while. */
static void give_up(struct registry_visit *v, int status, const char *words)
{
    (void)!expected_answer(v->registry->options.expected, str_from(v->target), status, STR(""),
                           loop_now_ms(v->loop));
    refuse(v, status, status == 404 ? "MANIFEST_UNKNOWN" : "UNAVAILABLE", words);
}

static struct registry_visit *begin_blob(struct registry_visit *v, const struct wanted *wanted,
                                         const struct request *request)
{
    struct str range = request_header(request, STR("range"));
    struct manifest_blob blob;

    if (!expected_blob(v->registry->options.expected, wanted->path, wanted->name, &blob))
        refuse(v, 404, "BLOB_UNKNOWN",
               "no manifest of a model that is expected here, and was asked for, names it");
    else if (!v->is_head && range.data)
        return begin_part(v, wanted->path, &blob, range);
    else
        answer_whole(v, &blob, request);
    return end(v);
}

/* HEAD wants its length; GET without Range is Ollama looking for where the bytes are: here. */
static int answer_whole(struct registry_visit *v, const struct manifest_blob *blob,
                        const struct request *request)
{
    struct header headers[] = {{STR("location"), request->path},
                               {STR("accept-ranges"), STR("bytes")},
                               {STR("docker-content-digest"), str_from(blob->digest)}};
    int r;

    if (!v->is_head)
        return stream_answer(v->stream, 200, headers, COUNT_OF(headers), STR(""));
    r = stream_start(v->stream, 200, headers + 1, COUNT_OF(headers) - 1, (int64_t)blob->size);
    return r < 0 ? r : stream_end(v->stream, true);
}

static struct registry_visit *begin_part(struct registry_visit *v, struct str path,
                                         const struct manifest_blob *blob, struct str range)
{
    struct part *p = &v->part;
    char words[96];
    struct header header = {STR("content-range"), {0}};
    struct err err = {0};
    int r;

    *p = (struct part){.registry = v->registry, .loop = v->loop, .stream = v->stream};
    p->place = read_place(path);
    p->on_left = visit_free;
    p->ctx = v;
    if (!read_range(range, blob->size, &p->at, &p->end)) {
        refuse(v, 416, "RANGE_INVALID", "expected Range: bytes=FROM-TO within the blob");
    } else if ((r = shelf_take(&p->blob, v->registry->options.shelf, str_from(blob->digest),
                               blob->size, &err)) < 0 ||
               (r = registry_bring(v->registry, path, blob, &err)) < 0) {
        refuse(v, r == -ENOSPC ? 507 : 502, "UNAVAILABLE", err.text);
    } else {
        snprintf(words, sizeof words, "bytes %llu-%llu/%llu", (unsigned long long)p->at,
                 (unsigned long long)p->end - 1, (unsigned long long)blob->size);
        header.value = str_from(words);
        if (stream_start(v->stream, 206, &header, 1, (int64_t)(p->end - p->at)) == 0) {
            part_begin(p);
            return v;
        }
    }
    blob_give_back(&p->blob);
    return end(v);
}

/* "tampu/files/7" */
static unsigned read_place(struct str path)
{
    const struct str before = STR(EXPECTED_FILES "/");
    uint64_t place = REGISTRY_PLACES;

    if (str_starts(path, before) &&
        str_to_u64(&place, str_slice(path.data + before.len, path.len - before.len)) < 0)
        return REGISTRY_PLACES;
    return place < REGISTRY_PLACES ? (unsigned)place : REGISTRY_PLACES;
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

static void refuse(struct registry_visit *v, int status, const char *code, const char *words)
{
    char body[512];
    struct header type = {STR("content-type"), STR("application/json")};

    if (status >= 500)
        registry_tell_trouble(v->registry, words);
    snprintf(body, sizeof body, "{\"errors\":[{\"code\":\"%s\",\"message\":\"%.300s\"}]}", code,
             words);
    stream_answer(v->stream, status, &type, 1, str_from(body));
}

static void visit_free(void *visit)
{
    struct registry_visit *v = visit;

    buf_fini(&v->manifest);
    free(v);
}
