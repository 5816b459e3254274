/* SPDX-License-Identifier: Apache-2.0 */
/* The LAN registry: what is known of blobs, and who brings them. */
#include "apply/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/registry_inside.h"
#include "wire/json.h"

static int learn_blob(struct registry *r, struct str path, yyjson_val *layer);
static struct known_blob *known_new(const struct registry *r, struct str path, struct str digest,
                                    uint64_t size);
static void known_free(void *known);
static void on_brought(void *ctx, int result, const char *words);
static void bringing_free(struct bringing *b);

int registry_open(struct registry **ret, const struct registry_options *options, struct err *err)
{
    struct registry *r = calloc(1, sizeof *r);
    int result;

    if (!r)
        return err_set(err, -ENOMEM, "out of memory");
    result = endpoint_parse(&r->upstream, str_from(options->upstream), err);
    if (result == 0 && !(r->url = strdup(options->upstream)))
        result = err_set(err, -ENOMEM, "out of memory");
    if (result < 0) {
        free(r);
        return result;
    }
    r->options = *options;
    r->pace.bytes_per_s = options->wan_bytes_per_s;
    link_init(&r->bringings);
    pthread_mutex_init(&r->mutex, NULL);
    pthread_mutex_init(&r->pace.mutex, NULL);
    *ret = r;
    return 0;
}

void registry_close(struct registry *r)
{
    if (!r)
        return;
    map_each(&r->blobs, known_free);
    map_fini(&r->blobs);
    free(r->url);
    pthread_mutex_destroy(&r->pace.mutex);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}

struct registry_sum registry_sum(struct registry *r)
{
    struct registry_sum sum;

    pthread_mutex_lock(&r->mutex);
    sum = r->sum;
    pthread_mutex_unlock(&r->mutex);
    return sum;
}

void registry_leave(struct registry *r, const struct loop *loop)
{
    struct link ours;

    link_init(&ours);
    pthread_mutex_lock(&r->mutex);
    for (struct link *at = r->bringings.next, *next; at != &r->bringings; at = next) {
        next = at->next;
        if (CONTAINER(at, struct bringing, link)->loop != loop)
            continue;
        link_remove(at);
        link_append(&ours, at);
    }
    pthread_mutex_unlock(&r->mutex);
    while (!link_is_empty(&ours)) {
        struct bringing *b = CONTAINER(ours.next, struct bringing, link);

        fetch_cancel(b->fetch);
        bringing_free(b);
    }
}

int registry_learn(struct registry *r, struct str path, struct str manifest)
{
    struct json json = {0};
    struct err err = {0};
    yyjson_val *layers, *layer;
    size_t i, count;
    int result = json_read(&json, manifest, JSON_MEMORY(manifest.len), &err);

    if (result == 0)
        result = learn_blob(r, path, json_find(json.root, "config"));
    layers = json_find(json.root, "layers");
    if (result == 0 && !yyjson_is_arr(layers))
        result = -EBADMSG;
    yyjson_arr_foreach(layers, i, count, layer)
    {
        if (result == 0)
            result = learn_blob(r, path, layer);
    }
    json_fini(&json);
    return result == -EINVAL ? -EBADMSG : result;
}

static int learn_blob(struct registry *r, struct str path, yyjson_val *layer)
{
    struct str digest = json_find_str(layer, "digest");
    yyjson_val *size = json_find(layer, "size");
    struct known_blob *new;
    int result = 0;

    if (!digest_is_good(digest) || !yyjson_is_uint(size))
        return -EBADMSG;
    new = known_new(r, path, digest, json_u64(size));
    if (!new)
        return -ENOMEM;
    pthread_mutex_lock(&r->mutex);
    if (r->blobs.count >= REGISTRY_BLOBS_MAX && !map_find(&r->blobs, digest))
        result = -E2BIG;
    else
        result = map_put(&r->blobs, str_from(new->digest), new);
    pthread_mutex_unlock(&r->mutex);
    if (result < 0)
        known_free(new);
    return result == -EEXIST ? 0 : result;
}

static struct known_blob *known_new(const struct registry *r, struct str path, struct str digest,
                                    uint64_t size)
{
    struct known_blob *k = calloc(1, sizeof *k);

    if (!k)
        return NULL;
    memcpy(k->digest, digest.data, DIGEST_LENGTH);
    k->size = size;
    if (asprintf(&k->url, "%s/v2/%.*s/blobs/%s", r->url, STR_ARG(path), k->digest) < 0) {
        free(k);
        return NULL;
    }
    return k;
}

static void known_free(void *known)
{
    struct known_blob *k = known;

    free(k->url);
    free(k);
}

const struct known_blob *registry_known(struct registry *r, struct str digest)
{
    const struct known_blob *known;

    pthread_mutex_lock(&r->mutex);
    known = map_find(&r->blobs, digest);
    pthread_mutex_unlock(&r->mutex);
    return known;
}

int registry_bring(struct registry *r, struct loop *loop, struct client *client,
                   const struct known_blob *known, struct err *err)
{
    struct bringing *b = calloc(1, sizeof *b);
    struct fetch_request request = {
        .loop = loop, .client = client, .url = str_from(known->url), .pace = &r->pace};
    int result;

    if (!b)
        return err_set(err, -ENOMEM, "out of memory");
    *b = (struct bringing){.registry = r, .loop = loop};
    link_init(&b->link);
    result = shelf_take(&b->blob, r->options.shelf, str_from(known->digest), known->size, err);
    if (result == 0) {
        request.blob = b->blob;
        b->from = blob_have(b->blob);
        result = fetch_start(&b->fetch, &request, on_brought, b, err);
    }
    if (result < 0) {
        bringing_free(b);
        return result == -EBUSY ? 0 : result;
    }
    pthread_mutex_lock(&r->mutex);
    link_append(&r->bringings, &b->link);
    pthread_mutex_unlock(&r->mutex);
    return 0;
}

/* Whoever waits for it looks again, and finds that it is there, or that nobody brings it. */
static void on_brought(void *ctx, int result, const char *words)
{
    struct bringing *b = ctx;

    (void)result, (void)words;
    bringing_free(b);
}

static void bringing_free(struct bringing *b)
{
    struct registry *r = b->registry;

    pthread_mutex_lock(&r->mutex);
    link_remove(&b->link);
    if (b->blob)
        r->sum.wan_bytes += blob_have(b->blob) - b->from;
    pthread_mutex_unlock(&r->mutex);
    blob_give_back(&b->blob);
    free(b);
}

void registry_count(struct registry *r, uint64_t lan_bytes)
{
    pthread_mutex_lock(&r->mutex);
    r->sum.lan_bytes += lan_bytes;
    pthread_mutex_unlock(&r->mutex);
}
