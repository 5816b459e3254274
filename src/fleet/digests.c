/* SPDX-License-Identifier: Apache-2.0 */
/* Which digest each engine has of each model. */
#include "fleet/digests.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/fingerprint.h"
#include "base/map.h"
#include "base/memory.h"

/* Both as fingerprints. */
struct had {
    uint64_t model, digest;
};

/* By one engine. */
struct holder {
    struct had *rows;
    uint32_t count;
    char engine[];
};

struct digests {
    struct map holders; /* by the engine's name */
};

static struct holder *find_holder(struct digests *d, struct str engine);
static bool is_there(const struct view *view, uint32_t engine, const struct copy *copy);
static void remember(struct holder *h, const struct view *view, uint32_t engine,
                     const struct stock *stock);
static uint64_t digest_of(const struct stock *stock, struct str tag);
static uint64_t model_of(struct str tag);
static uint64_t digest_had(const struct holder *h, uint64_t model);
static bool is_outvoted(const struct digests *d, const struct view *view, const struct had *had);
static uint32_t count_votes(const struct digests *d, const struct view *view,
                            const struct had *had);
static void free_holder(void *holder);

struct digests *digests_new(void)
{
    return memory_need(1, sizeof(struct digests));
}

void digests_free(struct digests *d)
{
    if (!d)
        return;
    map_each(&d->holders, free_holder);
    map_fini(&d->holders);
    free(d);
}

uint32_t digests_note(struct digests *d, const struct view *view, uint32_t engine,
                      const struct stock *stock, struct stock_drift *ret, uint32_t max)
{
    struct holder *h = find_holder(d, view->engines[engine].name);
    uint32_t count = 0;

    if (!h)
        return 0;
    remember(h, view, engine, stock);
    for (uint32_t i = 0; i < view->copies_count && count < max; i++) {
        const struct copy *copy = &view->copies[i];
        struct had had = {model_of(copy->tag), 0};

        if (!is_there(view, engine, copy) || !(had.digest = digest_had(h, had.model)))
            continue;
        if (is_outvoted(d, view, &had))
            ret[count++] = (struct stock_drift){DRIFT_digest, copy->tag};
    }
    return count;
}

static bool is_there(const struct view *view, uint32_t engine, const struct copy *copy)
{
    return copy->machine && copy->engine_index == engine && view->engines[engine].machine;
}

/* NULL without memory. Bounded by the engines of all fleet files that were shown. */
static struct holder *find_holder(struct digests *d, struct str engine)
{
    struct holder *h = map_find(&d->holders, engine);

    if (h || !(h = calloc(1, sizeof *h + engine.len + 1)))
        return h;
    memcpy(h->engine, engine.data, engine.len);
    if (map_put(&d->holders, str_slice(h->engine, engine.len), h) == 0)
        return h;
    free(h);
    return NULL;
}

static void remember(struct holder *h, const struct view *view, uint32_t engine,
                     const struct stock *stock)
{
    h->count = 0;
    free(h->rows);
    h->rows = calloc(view->copies_count + 1, sizeof *h->rows);
    for (uint32_t i = 0; i < view->copies_count && h->rows; i++) {
        const struct copy *copy = &view->copies[i];
        uint64_t digest = is_there(view, engine, copy) ? digest_of(stock, copy->tag) : 0;

        if (digest)
            h->rows[h->count++] = (struct had){model_of(copy->tag), digest};
    }
}

/* 0: it does not have it, or does not say. */
static uint64_t digest_of(const struct stock *stock, struct str tag)
{
    for (uint32_t i = 0; i < stock->count; i++)
        if (stock->models[i].digest.len && stock_is_same(stock->models[i].name, tag))
            return fingerprint_of(stock->models[i].digest);
    return 0;
}

/* The same for what stock_is_same() takes for the same. */
static uint64_t model_of(struct str tag)
{
    const struct str latest = STR(":latest");
    struct fingerprint f = {0};

    if (str_ends(tag, latest))
        tag.len -= latest.len;
    for (size_t i = 0; i < tag.len; i++) {
        char c = (char)tolower((unsigned char)tag.data[i]);

        fingerprint_put(&f, str_slice(&c, 1));
    }
    return fingerprint_get(&f);
}

static uint64_t digest_had(const struct holder *h, uint64_t model)
{
    for (uint32_t i = 0; i < h->count; i++)
        if (h->rows[i].model == model)
            return h->rows[i].digest;
    return 0;
}

/* Does another digest have at least as many votes? */
static bool is_outvoted(const struct digests *d, const struct view *view, const struct had *had)
{
    uint32_t own = count_votes(d, view, had);

    for (uint32_t i = 0; i < view->engines_count; i++) {
        const struct holder *h = map_find(&d->holders, view->engines[i].name);
        struct had other = {had->model, h ? digest_had(h, had->model) : 0};

        if (other.digest && other.digest != had->digest && count_votes(d, view, &other) >= own)
            return true;
    }
    return false;
}

static uint32_t count_votes(const struct digests *d, const struct view *view, const struct had *had)
{
    uint32_t votes = 0;

    for (uint32_t i = 0; i < view->engines_count; i++) {
        const struct holder *h = map_find(&d->holders, view->engines[i].name);

        votes += h && digest_had(h, had->model) == had->digest;
    }
    return votes;
}

static void free_holder(void *holder)
{
    free(((struct holder *)holder)->rows);
    free(holder);
}
