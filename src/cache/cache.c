/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that are kept. */
#include "cache/cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1 << 12 };

/* On its way, or kept. */
struct cache_entry {
    struct cache_answer answer; /* first: an answer is found again by its address */
    struct cache_entry *next;   /* in its bucket */
    struct cache_key key;
    struct link use;     /* in the order of use; a ring of its own while nobody has the answer */
    struct link waiting; /* visits */
    char *data;          /* NULL: on its way */
    uint64_t expires_ms;
    unsigned readers;
    bool is_listed;
};

struct cache {
    pthread_mutex_t lock;
    uint64_t bytes_max, bytes, answers;
    struct link use; /* the longest unused first */
    struct cache_entry *buckets[BUCKETS];
};

static enum cache_found ask(struct cache *c, const struct cache_key *key, uint64_t now_ms,
                            bool may_wait, struct cache_visit *visit,
                            const struct cache_answer **ret);
static struct cache_entry **find(struct cache *c, const struct cache_key *key);
static struct cache_entry *begin(struct cache *c, const struct cache_key *key);
static bool keep(struct cache *c, struct cache_entry *e, struct str bytes);
static uint64_t cost(const struct cache_entry *e);
static void drop(struct cache *c, struct cache_entry *e);
static void free_unread(struct cache_entry *e);
static void wake_all(struct cache_entry *e, enum cache_found end);
static bool wake(struct cache_visit *visit, enum cache_found end);
static void hand_on(struct cache *c, struct cache_entry *e);

struct cache *cache_new(uint64_t bytes_max)
{
    struct cache *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->bytes_max = bytes_max;
    link_init(&c->use);
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (c->buckets[i])
            drop(c, c->buckets[i]);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

enum cache_found cache_ask(struct cache *c, const struct cache_key *key, uint64_t now_ms,
                           bool may_wait, struct cache_visit *visit,
                           const struct cache_answer **ret)
{
    enum cache_found found;

    pthread_mutex_lock(&c->lock);
    found = ask(c, key, now_ms, may_wait, visit, ret);
    pthread_mutex_unlock(&c->lock);
    return found;
}

static enum cache_found ask(struct cache *c, const struct cache_key *key, uint64_t now_ms,
                            bool may_wait, struct cache_visit *visit,
                            const struct cache_answer **ret)
{
    struct cache_entry *e = *find(c, key);

    if (e && e->data && now_ms >= e->expires_ms) {
        drop(c, e);
        e = NULL;
    }
    if (e && e->data) {
        link_remove(&e->use);
        link_append(&c->use, &e->use);
        e->readers++;
        *ret = &e->answer;
        return CACHE_hit;
    }
    if (e && !may_wait)
        return CACHE_alone;
    visit->is_woken = false;
    link_init(&visit->link);
    if (e) {
        link_append(&e->waiting, &visit->link);
        visit->entry = e;
        return CACHE_wait;
    }
    visit->entry = begin(c, key);
    return visit->entry ? CACHE_lead : CACHE_alone;
}

void cache_give_back(struct cache *c, const struct cache_answer *answer)
{
    struct cache_entry *e = (struct cache_entry *)(uintptr_t)answer;

    pthread_mutex_lock(&c->lock);
    e->readers--;
    free_unread(e);
    pthread_mutex_unlock(&c->lock);
}

void cache_land(struct cache *c, struct cache_visit *visit, struct str bytes,
                const struct cache_facts *facts, uint64_t now_ms, uint64_t ttl_ms)
{
    struct cache_entry *e = visit->entry;

    pthread_mutex_lock(&c->lock);
    visit->entry = NULL;
    e->answer.facts = *facts;
    e->answer.made_ms = now_ms;
    e->expires_ms = ttl_ms < UINT64_MAX - now_ms ? now_ms + ttl_ms : UINT64_MAX;
    if (keep(c, e, bytes)) {
        wake_all(e, CACHE_hit);
    } else {
        wake_all(e, CACHE_alone);
        drop(c, e);
    }
    pthread_mutex_unlock(&c->lock);
}

enum cache_found cache_told(struct cache_visit *visit)
{
    visit->is_woken = false;
    return visit->end;
}

bool cache_leave(struct cache *c, struct cache_visit *visit, bool left)
{
    struct cache_entry *e = visit->entry;
    bool is_on_its_way = false;

    pthread_mutex_lock(&c->lock);
    if (visit->is_woken && visit->end != CACHE_lead) {
        is_on_its_way = true;
    } else if (visit->is_woken) { /* it was to lead, and does not know it yet */
        is_on_its_way = true;
        hand_on(c, e);
    } else if (e && !link_is_empty(&visit->link)) {
        link_remove(&visit->link);
    } else if (e && left) {
        hand_on(c, e);
    } else if (e) {
        wake_all(e, CACHE_alone);
        drop(c, e);
    }
    visit->entry = NULL;
    pthread_mutex_unlock(&c->lock);
    return is_on_its_way;
}

struct cache_sum cache_sum(struct cache *c)
{
    struct cache_sum sum;

    pthread_mutex_lock(&c->lock);
    sum = (struct cache_sum){c->bytes, c->answers};
    pthread_mutex_unlock(&c->lock);
    return sum;
}

/* Where the entry of that key hangs, or would. A hash is as good a number as any. */
static struct cache_entry **find(struct cache *c, const struct cache_key *key)
{
    struct cache_entry **at;
    uint32_t number;

    memcpy(&number, key->bytes, sizeof number);
    at = &c->buckets[number % BUCKETS];
    while (*at && memcmp(&(*at)->key, key, sizeof *key) != 0)
        at = &(*at)->next;
    return at;
}

static struct cache_entry *begin(struct cache *c, const struct cache_key *key)
{
    struct cache_entry *e = calloc(1, sizeof *e), **at = find(c, key);

    if (!e)
        return NULL;
    e->key = *key;
    e->is_listed = true;
    link_init(&e->use);
    link_init(&e->waiting);
    *at = e;
    return e;
}

/* False: it is larger than all there is, or there is no memory. */
static bool keep(struct cache *c, struct cache_entry *e, struct str bytes)
{
    e->answer.bytes.len = bytes.len;
    if (cost(e) > c->bytes_max)
        return false;
    e->data = malloc(bytes.len + 1);
    if (!e->data)
        return false;
    if (bytes.len)
        memcpy(e->data, bytes.data, bytes.len);
    e->answer.bytes = str_slice(e->data, bytes.len);
    while (c->bytes + cost(e) > c->bytes_max)
        drop(c, CONTAINER(c->use.next, struct cache_entry, use));
    link_append(&c->use, &e->use);
    c->bytes += cost(e);
    c->answers++;
    return true;
}

static uint64_t cost(const struct cache_entry *e)
{
    return sizeof *e + e->answer.bytes.len;
}

/* Nobody finds it any more; who reads it has it until it is given back. */
static void drop(struct cache *c, struct cache_entry *e)
{
    struct cache_entry **at = find(c, &e->key);

    assert(*at == e);
    *at = e->next;
    link_remove(&e->use);
    if (e->data) {
        c->bytes -= cost(e);
        c->answers--;
    }
    e->is_listed = false;
    free_unread(e);
}

static void free_unread(struct cache_entry *e)
{
    if (e->readers || e->is_listed)
        return;
    free(e->data);
    free(e);
}

static void wake_all(struct cache_entry *e, enum cache_found end)
{
    while (!link_is_empty(&e->waiting))
        wake(CONTAINER(e->waiting.next, struct cache_visit, link), end);
}

static bool wake(struct cache_visit *visit, enum cache_found end)
{
    link_remove(&visit->link);
    visit->end = end;
    if (end != CACHE_lead)
        visit->entry = NULL;
    visit->is_woken = true;
    if (visit->wake(visit))
        return true; /* it may have been told by now, on its own thread, and be gone */
    visit->is_woken = false;
    return false;
}

/* The one that waits longest and can still be told leads. */
static void hand_on(struct cache *c, struct cache_entry *e)
{
    while (!link_is_empty(&e->waiting))
        if (wake(CONTAINER(e->waiting.next, struct cache_visit, link), CACHE_lead))
            return;
    drop(c, e);
}
