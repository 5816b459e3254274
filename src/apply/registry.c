/* SPDX-License-Identifier: Apache-2.0 */
/* The LAN registry: its life, and what it counts. */
#include "apply/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/manifest.h"
#include "apply/registry_inside.h"

static int open_ceilings(struct registry *r, struct err *err);

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
    link_init(&r->asked);
    link_init(&r->gates);
    pthread_mutex_init(&r->mutex, NULL);
    if ((result = registry_open_wan(r, err)) < 0)
        registry_close(r);
    else
        *ret = r;
    return result;
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
    registry_close_wan(r);
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
    sum = (struct registry_sum){atomic_load(&r->brought), r->lan_bytes};
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

void registry_count(struct registry *r, unsigned place, uint64_t lan_bytes)
{
    pthread_mutex_lock(&r->mutex);
    r->lan_bytes += lan_bytes;
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
