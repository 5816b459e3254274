/* SPDX-License-Identifier: Apache-2.0 */
/* What comes over the WAN, on a loop and a thread of its own: neither the disk nor TLS keeps those
 * waiting who read what is here, or ask an engine something. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/registry_inside.h"

enum {
    IDLE_MAX = 16,
    IDLE_TIMEOUT_MS = 60000,
    HEADER_MAX = 32 << 10,
};

/* A blob that comes. */
struct bringing {
    struct link link;
    struct registry *registry;
    struct blob *blob; /* held until it is over */
    struct fetch *fetch;
};

static void *run(void *ctx);
static void begin_asked(void *ctx);
static struct bringing *next_asked(struct registry *r);
static void cancel_all(struct link *bringings);
static int start(struct bringing *b, struct str path, const struct manifest_blob *blob,
                 struct err *err);
static void on_brought(void *ctx, int result, const char *words);
static void bringing_free(struct bringing *b);

int registry_open_wan(struct registry *r, struct err *err)
{
    const struct client_options options = {
        .idle_max = IDLE_MAX, .idle_timeout_ms = IDLE_TIMEOUT_MS, .header_max = HEADER_MAX};
    int result = loop_open(&r->loop, 0);

    if (result < 0)
        return err_set(err, result, "no event loop: %s", strerror(-result));
    result = client_open(&r->client, r->loop, &options, err);
    if (result == 0 && (result = -pthread_create(&r->thread, NULL, run, r)) < 0)
        err_set(err, result, "no thread for what comes over the WAN");
    r->has_thread = result == 0;
    return result;
}

void registry_close_wan(struct registry *r)
{
    if (r->has_thread) {
        loop_stop(r->loop);
        pthread_join(r->thread, NULL);
    }
    cancel_all(&r->asked);
    cancel_all(&r->bringings);
    if (r->client)
        client_close(r->client);
    loop_close(r->loop);
}

static void *run(void *ctx)
{
    loop_run(((struct registry *)ctx)->loop);
    return NULL;
}

static void cancel_all(struct link *bringings)
{
    while (!link_is_empty(bringings)) {
        struct bringing *b = CONTAINER(bringings->next, struct bringing, link);

        fetch_cancel(b->fetch);
        bringing_free(b);
    }
}

int registry_bring(struct registry *r, struct str path, const struct manifest_blob *blob,
                   struct err *err)
{
    struct bringing *b = calloc(1, sizeof *b);
    int result;

    if (!b)
        return err_set(err, -ENOMEM, "out of memory");
    b->registry = r;
    link_init(&b->link);
    if ((result = start(b, path, blob, err)) == 0)
        return 0;
    bringing_free(b);
    return result == -EBUSY ? 0 : result;
}

static int start(struct bringing *b, struct str path, const struct manifest_blob *blob,
                 struct err *err)
{
    struct registry *r = b->registry;
    char url[FETCH_URL_MAX];
    struct fetch_request request = {
        .loop = r->loop, .client = r->client, .ceiling = &r->wan, .brought = &r->brought};
    int result = shelf_take(&b->blob, r->options.shelf, str_from(blob->digest), blob->size, err);

    if (result < 0)
        return result;
    snprintf(url, sizeof url, "%s/v2/%.*s/blobs/%s", r->url, STR_ARG(path), blob->digest);
    request.url = str_from(blob->url ? blob->url : url);
    request.blob = b->blob;
    if ((result = fetch_new(&b->fetch, &request, on_brought, b, err)) < 0)
        return result;
    pthread_mutex_lock(&r->mutex);
    if ((result = loop_post(r->loop, begin_asked, r)) == 0)
        link_append(&r->asked, &b->link);
    pthread_mutex_unlock(&r->mutex);
    if (result == 0)
        return 0;
    fetch_cancel(b->fetch);
    return err_set(err, result, "%s", strerror(-result));
}

static void begin_asked(void *ctx)
{
    struct bringing *b;

    while ((b = next_asked(ctx)))
        fetch_begin(b->fetch);
}

static struct bringing *next_asked(struct registry *r)
{
    struct bringing *b = NULL;

    pthread_mutex_lock(&r->mutex);
    if (!link_is_empty(&r->asked)) {
        b = CONTAINER(r->asked.next, struct bringing, link);
        link_remove(&b->link);
        link_append(&r->bringings, &b->link);
    }
    pthread_mutex_unlock(&r->mutex);
    return b;
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
    pthread_mutex_unlock(&r->mutex);
    blob_give_back(&b->blob);
    free(b);
}
