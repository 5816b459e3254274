/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that are kept, and requests that wait for one that is on its way.
 *
 *     switch (cache_ask(c, &key, now_ms, waits, &visit, &answer)) {
 *     case CACHE_hit:   read answer->…; cache_give_back(c, answer);
 *     case CACHE_lead:  ask an engine, then cache_land(…) or cache_leave(…), exactly once
 *     case CACHE_wait:  visit.wake() is called once; where it arrives: cache_told(&visit)
 *     case CACHE_alone: go on without it
 *     }
 *
 * Of equal requests at one time the first leads and the others wait. Its answer is kept and they
 * ask again; if its caller leaves, the one that waits longest leads in its place; if there is
 * nothing to keep, all that wait go on alone.
 *
 * What is kept is bounded in bytes, the longest unused makes room, and in time. Any thread. Pure:
 * the time is handed in; wake() is called under the lock and must only post.
 */
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "base/str.h"
#include "cache/same.h"

struct cache;

enum cache_found { CACHE_alone, CACHE_hit, CACHE_lead, CACHE_wait };

/* One request in it; zeroed before the first use. */
struct cache_visit {
    struct cache_entry *entry; /* that it leads or waits for; NULL: none */
    struct link link;
    enum cache_found end; /* of waiting: CACHE_alone, CACHE_lead, or to ask again:
                             CACHE_hit */
    bool (*wake)(struct cache_visit *visit); /* false: it cannot be told any more */
    bool is_woken;
};

/* Whose answer it is and what it came to; texts of a fixed size. */
struct cache_facts {
    char machine[64], model[192];
    uint64_t prompt_tokens, cached_tokens, completion_tokens;
};

struct cache_answer {
    struct str bytes;
    struct cache_facts facts;
    uint64_t made_ms;
};

struct cache_sum {
    uint64_t bytes, answers;
};

/* bytes_max: of all that is kept, its own overhead included. NULL: no memory. */
struct cache *cache_new(uint64_t bytes_max);
void cache_free(struct cache *c);

/* may_wait false: who would wait goes on alone. *ret is set for CACHE_hit only, and lives until it
 * is given back. */
enum cache_found cache_ask(struct cache *c, const struct cache_key *key, uint64_t now_ms,
                           bool may_wait, struct cache_visit *visit,
                           const struct cache_answer **ret);
void cache_give_back(struct cache *c, const struct cache_answer *answer);

/* The leader's answer, until now_ms + ttl_ms. The bytes are copied. */
void cache_land(struct cache *c, struct cache_visit *visit, struct str bytes,
                const struct cache_facts *facts, uint64_t now_ms, uint64_t ttl_ms);

/* What wake() was called for: CACHE_hit: ask again; CACHE_lead, CACHE_alone. Once, before anything
 * else is said of the visit. */
enum cache_found cache_told(struct cache_visit *visit);

/* A leader has nothing to keep (left: only its caller has gone), or one that waits has gone. True:
 * its wake() is on its way, and visit must live until it has arrived. Nothing without an entry. */
bool cache_leave(struct cache *c, struct cache_visit *visit, bool left);

struct cache_sum cache_sum(struct cache *c);
