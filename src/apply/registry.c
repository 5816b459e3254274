/* SPDX-License-Identifier: Apache-2.0 */
/* The LAN registry: who brings blobs, and what that took. */
#include "apply/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/manifest.h"
#include "apply/registry_inside.h"

static int open_ceilings(struct registry *r, struct err *err);
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
    r->options = *options;
    if (result == 0)
        result = open_ceilings(r, err);
    if (result < 0) {
        free(r->url);
        free(r);
        return result;
    }
    link_init(&r->bringings);
    link_init(&r->gates);
    pthread_mutex_init(&r->mutex, NULL);
    *ret = r;
    return 0;
}

static int open_ceilings(struct registry *r, struct err *err)
{
    const struct registry_options *o = &r->options;
    int result = ceiling_open(&r->wan, o->wan_bytes_per_s, o->rate_hours, err);

    if (result == 0 && (result = ceiling_open(&r->lan, o->lan_bytes_per_s, o->rate_hours, err)) < 0)
        ceiling_close(&r->wan);
    return result;
}

void registry_close(struct registry *r)
{
    if (!r)
        return;
    registry_free_gates(r);
    free(r->url);
    ceiling_close(&r->wan);
    ceiling_close(&r->lan);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}

struct registry_sum registry_sum(struct registry *r)
{
    struct registry_sum sum;

    pthread_mutex_lock(&r->mutex);
    sum = r->sum;
    for (struct link *at = r->bringings.next; at != &r->bringings; at = at->next) {
        const struct bringing *b = CONTAINER(at, struct bringing, link);

        sum.wan_bytes += atomic_load(&b->brought);
    }
    pthread_mutex_unlock(&r->mutex);
    return sum;
}

uint64_t registry_given(struct registry *r, unsigned place)
{
    uint64_t bytes;

    pthread_mutex_lock(&r->mutex);
    bytes = place < REGISTRY_PLACES ? r->given[place] : 0;
    pthread_mutex_unlock(&r->mutex);
    return bytes;
}

void registry_trouble(struct registry *r, char out[REGISTRY_TROUBLE])
{
    pthread_mutex_lock(&r->mutex);
    memcpy(out, r->trouble, REGISTRY_TROUBLE);
    pthread_mutex_unlock(&r->mutex);
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

int registry_bring(struct registry *r, struct loop *loop, struct client *client, struct str path,
                   const struct manifest_blob *blob, struct err *err)
{
    struct bringing *b = calloc(1, sizeof *b);
    char url[FETCH_URL_MAX];
    struct fetch_request request = {.loop = loop, .client = client, .ceiling = &r->wan};
    int result;

    if (!b)
        return err_set(err, -ENOMEM, "out of memory");
    *b = (struct bringing){.registry = r, .loop = loop};
    link_init(&b->link);
    snprintf(url, sizeof url, "%s/v2/%.*s/blobs/%s", r->url, STR_ARG(path), blob->digest);
    request.url = str_from(blob->url ? blob->url : url);
    result = shelf_take(&b->blob, r->options.shelf, str_from(blob->digest), blob->size, err);
    if (result == 0) {
        request.blob = b->blob;
        request.brought = &b->brought;
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

    registry_tell_trouble(b->registry, result < 0 ? words : "");
    bringing_free(b);
}

static void bringing_free(struct bringing *b)
{
    struct registry *r = b->registry;

    pthread_mutex_lock(&r->mutex);
    link_remove(&b->link);
    r->sum.wan_bytes += atomic_load(&b->brought);
    pthread_mutex_unlock(&r->mutex);
    blob_give_back(&b->blob);
    free(b);
}

void registry_count(struct registry *r, unsigned place, uint64_t lan_bytes)
{
    pthread_mutex_lock(&r->mutex);
    r->sum.lan_bytes += lan_bytes;
    if (place < REGISTRY_PLACES)
        r->given[place] += lan_bytes;
    pthread_mutex_unlock(&r->mutex);
}

void registry_tell_trouble(struct registry *r, const char *words)
{
    pthread_mutex_lock(&r->mutex);
    snprintf(r->trouble, sizeof r->trouble, "%s", words);
    pthread_mutex_unlock(&r->mutex);
}
