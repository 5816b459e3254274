/* SPDX-License-Identifier: Apache-2.0 */
/* How fast what came is: a brief measurement, kept in the store. */
#include <errno.h>
#include <stdio.h>

#include "apply/apply_inside.h"
#include "apply/measure.h"
#include "net/clock.h"

static int keep(struct apply *a, const struct measure_result *result, struct err *err);
static void tell(struct hand *h, struct apply_step *s, const struct measured *m);

/* One that takes too long is not tried again: it would take as long. */
int hand_measure(struct hand *h, struct apply_step *s, struct err *err)
{
    const struct seen *seen = apply_seen(h->apply, s->engine);
    struct measure_result result = {.copy = s->copy};
    uint64_t began_us = clock_monotonic_us();
    int r = measure_briefly(&result.m, &h->asker, &seen->endpoint, s->copy, err);

    result.at_us = clock_wall_us();
    if (r == 0 && s->engine->kind == ENGINE_ollama && !s->copy->keep_loaded)
        r = hand_keep_alive(h, s, false, err);
    if (r == 0)
        r = keep(h->apply, &result, err);
    if (r == 0)
        tell(h, s, &result.m);
    pthread_mutex_lock(&h->apply->mutex);
    h->measure_s += (double)(clock_monotonic_us() - began_us) / 1e6;
    pthread_mutex_unlock(&h->apply->mutex);
    return r;
}

/* One store for all machines, opened with the first row. */
static int keep(struct apply *a, const struct measure_result *result, struct err *err)
{
    const struct str own = a->options.settings->store;
    int r = 0;

    pthread_mutex_lock(&a->store_mutex);
    if (!a->store)
        r = store_open(&a->store, own.len ? own : a->options.store_url, err);
    if (r == 0)
        r = measure_keep(a->store, result, err);
    pthread_mutex_unlock(&a->store_mutex);
    return r;
}

static void tell(struct hand *h, struct apply_step *s, const struct measured *m)
{
    const struct plan_copy *copy = s->copy;
    double decode_tps = m->buckets[0].decode_tps;

    pthread_mutex_lock(&h->apply->mutex);
    if (m->work)
        snprintf(s->words, sizeof s->words, "a %s in %.2f s", m->work, m->work_s);
    else if (decode_tps > 0)
        snprintf(s->words, sizeof s->words, "%.1f tokens/s, expected %.1f", decode_tps,
                 copy->decode_tps);
    pthread_mutex_unlock(&h->apply->mutex);
}
