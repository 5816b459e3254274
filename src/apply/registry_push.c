/* SPDX-License-Identifier: Apache-2.0 */
/* What machines push: blobs that a gate expects, each onto the shelf as it comes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/registry_inside.h"
#include "base/rand.h"

struct registry_gate {
    struct link link;
    struct registry *registry;
    const struct manifest *manifest;
    char token[REGISTRY_TOKEN + 1];
    pthread_mutex_t mutex;             /* guards what follows: it is closed from another thread */
    bool is_closed;                    /* stays until the registry goes: a push may still run */
    const struct manifest_blob *asked; /* the last that was asked for and is not here */
    const struct manifest_blob *comes; /* the one that is pushed */
    struct blob *blob;                 /* its: held and joined */
};

static struct registry_gate *find(struct registry *r, struct str path);
static const struct manifest_blob *expected(const struct registry_gate *g, struct str digest);
static void let_go(struct registry_gate *g);
static int answer_head(struct registry_gate *g, struct stream *s, struct str digest);
static int begin_upload(struct registry_gate *g, struct stream *s, const struct request *request);
static void begin(struct push *push, const struct request *request);
static void begin_part(struct push *push, const struct request *request);
static bool read_range(const struct request *request, uint64_t *ret);
static int put(struct push *push, struct str chunk);
static int answer_empty(struct stream *s, int status, struct str location);

int registry_gate_open(struct registry_gate **ret, struct registry *r,
                       const struct manifest *manifest)
{
    struct registry_gate *g = calloc(1, sizeof *g);

    if (!g)
        return -ENOMEM;
    g->registry = r;
    g->manifest = manifest;
    pthread_mutex_init(&g->mutex, NULL);
    for (unsigned half = 0; half < REGISTRY_TOKEN / 16; half++)
        snprintf(g->token + 16 * (size_t)half, 17, "%016llx", (unsigned long long)rand_u64());
    pthread_mutex_lock(&r->mutex);
    link_append(&r->gates, &g->link);
    pthread_mutex_unlock(&r->mutex);
    *ret = g;
    return 0;
}

const char *registry_gate_token(const struct registry_gate *g)
{
    return g->token;
}

void registry_gate_close(struct registry_gate *g)
{
    pthread_mutex_lock(&g->mutex);
    g->is_closed = true;
    let_go(g);
    pthread_mutex_unlock(&g->mutex);
}

void registry_free_gates(struct registry *r)
{
    while (!link_is_empty(&r->gates)) {
        struct registry_gate *g = CONTAINER(r->gates.next, struct registry_gate, link);

        link_remove(&g->link);
        let_go(g);
        pthread_mutex_destroy(&g->mutex);
        free(g);
    }
}

static struct registry_gate *find(struct registry *r, struct str path)
{
    struct registry_gate *found = NULL;

    if (!str_starts(path, STR("/v2/")) || path.len < 4 + REGISTRY_TOKEN)
        return NULL;
    pthread_mutex_lock(&r->mutex);
    LINK_EACH(&r->gates, at)
    {
        struct registry_gate *g = CONTAINER(at, struct registry_gate, link);

        if (memcmp(path.data + 4, g->token, REGISTRY_TOKEN) == 0)
            found = g;
    }
    pthread_mutex_unlock(&r->mutex);
    return found;
}

static const struct manifest_blob *expected(const struct registry_gate *g, struct str digest)
{
    for (uint32_t i = 0; i < g->manifest->count; i++)
        if (str_is(digest, g->manifest->blobs[i].digest))
            return &g->manifest->blobs[i];
    return NULL;
}

static void let_go(struct registry_gate *g)
{
    if (!g->blob)
        return;
    blob_leave(g->blob);
    blob_give_back(&g->blob);
}

bool push_begin(struct registry *r, struct push *push, struct stream *s,
                const struct request *request)
{
    struct registry_gate *g = find(r, request->path);

    if (!g)
        return false;
    *push = (struct push){.gate = g, .stream = s};
    pthread_mutex_lock(&g->mutex);
    if (g->is_closed)
        (void)!answer_empty(s, 403, STR(""));
    else
        begin(push, request);
    pthread_mutex_unlock(&g->mutex);
    return true;
}

static void begin(struct push *push, const struct request *request)
{
    struct registry_gate *g = push->gate;
    const char *slash = memrchr(request->path.data, '/', request->path.len);
    struct str name =
        str_slice(slash + 1, request->path.len - (size_t)(slash + 1 - request->path.data));

    if (request->method == METHOD_HEAD) {
        (void)!answer_head(g, push->stream, name);
    } else if (request->method == METHOD_POST) {
        (void)!begin_upload(g, push->stream, request);
    } else if (request->method == METHOD_PATCH && g->blob && read_range(request, &push->at)) {
        begin_part(push, request);
    } else if (request->method == METHOD_PUT) {
        push->ends = true;
    } else {
        (void)!answer_empty(push->stream, request->method == METHOD_PATCH ? 416 : 405, STR(""));
    }
}

/* Ollama sends all parts of a blob, in order: what another machine brings just now, or has brought,
 * is taken as given at once, so that this one goes on with the next. */
static void begin_part(struct push *push, const struct request *request)
{
    struct registry_gate *g = push->gate;
    uint64_t end = request->content_length >= 0 ? push->at + (uint64_t)request->content_length
                                                : blob_size(g->blob);
    struct err err = {0};
    int r;

    snprintf(push->location, sizeof push->location, "%.*s", STR_ARG(request->path));
    r = shelf_take(&push->blob, g->registry->options.shelf, str_from(g->comes->digest),
                   g->comes->size, &err);
    if (r == 0 && push->blob != g->blob)
        r = -EINVAL; /* what came first was a lie, and is gone */
    if (r == 0)
        r = blob_begin_part(push->blob, &push->part, push->at, end);
    if (r == 0)
        return;
    blob_give_back(&push->blob);
    if (r == -EALREADY)
        (void)!answer_empty(push->stream, 202, str_from(push->location));
    else
        (void)!answer_empty(push->stream, r == -EINVAL ? 416 : 507, STR(""));
}

/* What is here already, and what nobody waits for, need not be pushed. */
static int answer_head(struct registry_gate *g, struct stream *s, struct str digest)
{
    const struct manifest_blob *blob = expected(g, digest);

    if (blob && shelf_has(g->registry->options.shelf, digest) < blob->size) {
        g->asked = blob;
        return answer_empty(s, 404, STR(""));
    }
    return answer_empty(s, 200, STR(""));
}

static int begin_upload(struct registry_gate *g, struct stream *s, const struct request *request)
{
    char location[512];
    struct err err = {0};

    let_go(g);
    if (!g->asked || shelf_take(&g->blob, g->registry->options.shelf, str_from(g->asked->digest),
                                g->asked->size, &err) < 0)
        return answer_empty(s, g->asked ? 507 : 403, STR(""));
    g->comes = g->asked;
    if (!blob_join(g->blob)) {
        blob_give_back(&g->blob); /* it comes over the WAN */
        return answer_empty(s, 409, STR(""));
    }
    snprintf(location, sizeof location, "%.*s1", STR_ARG(request->path));
    return answer_empty(s, 202, str_from(location));
}

/* "0-99" or "bytes 0-99/…"; without one it begins at the beginning. */
static bool read_range(const struct request *request, uint64_t *ret)
{
    struct str range = request_header(request, STR("content-range")), rest;

    *ret = 0;
    if (!range.data)
        return true;
    if (str_starts(range, STR("bytes ")))
        range = str_slice(range.data + 6, range.len - 6);
    return str_to_u64(ret, str_cut(range, '-', &rest)) == 0;
}

int push_on_body(struct push *push, struct str chunk)
{
    int r = 0;

    if (!push->blob)
        return 0;
    pthread_mutex_lock(&push->gate->mutex);
    r = push->gate->is_closed ? -EINVAL : put(push, chunk);
    pthread_mutex_unlock(&push->gate->mutex);
    if (r == 0) {
        registry_count(push->gate->registry, REGISTRY_PLACES, chunk.len);
        return 0;
    }
    push_leave(push);
    return answer_empty(push->stream, r == -EINVAL ? 416 : 507, STR(""));
}

/* What is on the shelf already is passed over. */
static int put(struct push *push, struct str chunk)
{
    uint64_t wanted = push->part.at, end = push->at + chunk.len;

    chunk = end > wanted ? str_slice(chunk.data + (wanted - push->at), (size_t)(end - wanted))
                         : STR("");
    push->at = end;
    return chunk.len ? blob_put_part(push->blob, &push->part, chunk) : 0;
}

void push_on_body_end(struct push *push)
{
    if (push->blob)
        (void)!answer_empty(push->stream, 202, str_from(push->location));
    else if (push->ends)
        (void)!answer_empty(push->stream, 201, STR(""));
    push_leave(push);
    if (!push->ends)
        return;
    pthread_mutex_lock(&push->gate->mutex);
    let_go(push->gate);
    pthread_mutex_unlock(&push->gate->mutex);
}

void push_leave(struct push *push)
{
    if (!push->blob)
        return;
    blob_end_part(push->blob, &push->part);
    blob_give_back(&push->blob);
}

static int answer_empty(struct stream *s, int status, struct str location)
{
    struct header header = {STR("location"), location};

    return stream_answer(s, status, &header, location.len ? 1 : 0, STR(""));
}
