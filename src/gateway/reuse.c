/* SPDX-License-Identifier: Apache-2.0 */
/* Answers from what is kept. */
#include "gateway/reuse.h"

#include <stdio.h>
#include <stdlib.h>

#include "cache/cache.h"
#include "config/settings.h"
#include "dialect/tape.h"
#include "gateway/booking.h"
#include "gateway/fence.h"
#include "gateway/outgoing.h"
#include "gateway/relay.h"
#include "gateway/resume.h"
#include "gateway/worker.h"
#include "net/clock.h"

enum { SCOPE_MAX = 16, TEXT_MAX = 4 << 20, TTL_MAX_S = 366 * 86400 };

struct reuse {
    struct exchange *exchange; /* NULL: it has ended, and a message is on its way */
    struct loop *loop;
    struct cache_visit visit;
    struct cache_key key;
    uint64_t ttl_ms;
    bool leads, waits, has_waited, goes_alone, is_said;
    const struct cache_answer *answer; /* borrowed of the cache until it is given back */
    struct cache_facts facts;          /* of the answer that was said, */
    uint64_t age_ms;
    struct buf tape; /* of the answer that an engine gives */
    size_t charged;
};

static uint64_t wanted_ms(const struct exchange *x, struct str *ret_owner);
static bool is_declined(const struct exchange *x);
static bool make_key(struct exchange *x, struct str owner, struct cache_key *ret);
static bool is_keepable(const struct exchange *x, unsigned traits);
static size_t fill_scope(const struct exchange *x, struct str owner, struct str *scope);
static enum reused ask(struct exchange *x);
static bool on_wake(struct cache_visit *visit);
static void on_told(void *ctx);
static const struct candidate *find_copy(const struct exchange *x);
static enum reused say(struct exchange *x);
static int play(struct exchange *x);
static int play_delta(void *ctx, const struct delta *delta);
static enum reused miss(struct exchange *x);
static void count(const struct exchange *x);
static bool charge(struct exchange *x);
static void spoil(struct exchange *x);
static bool is_worth_keeping(const struct exchange *x);
static void land(struct exchange *x, struct reuse *r);
static void give_back(struct gateway *g, struct reuse *r);

bool reuse_begin(struct exchange *x)
{
    const struct settings *settings = x->worker->gateway->settings;
    struct str owner = {0};
    uint64_t ttl_ms = x->worker->gateway->cache ? wanted_ms(x, &owner) : 0;
    struct cache_key key;
    struct reuse *r;

    if (!ttl_ms || is_declined(x) || !make_key(x, owner, &key))
        return false;
    r = x->reuse = calloc(1, sizeof *r);
    if (!r)
        return false;
    *r = (struct reuse){.exchange = x,
                        .loop = x->worker->loop,
                        .visit.wake = on_wake,
                        .key = key,
                        .ttl_ms = ttl_ms};
    buf_init(&r->tape, settings->cache_answer_max);
    return true;
}

/* By the key, which then has it for itself; else by the category. */
static uint64_t wanted_ms(const struct exchange *x, struct str *ret_owner)
{
    const struct key_entry *key = x->booking.key;
    const struct category *category;

    if (key && key->rules.cache_s != NO_LIMIT) {
        *ret_owner = str_from(x->key_id);
        return (key->rules.cache_s < TTL_MAX_S ? key->rules.cache_s : TTL_MAX_S) * 1000;
    }
    if (!x->scene->keeps_answers)
        return 0;
    category = fleet_category(x->scene->fleet, x->waiter.errand.name);
    return category ? category->cache_ms : 0;
}

static bool is_declined(const struct exchange *x)
{
    struct str rest = request_header(x->request, STR("cache-control"));

    if (x->dead.data || x->upload || x->ask.is_load ||
        !(task_has_stream(x->task) || task_is_embedding(x->task)))
        return true;
    while (rest.len) {
        struct str word = str_trim(str_cut(rest, ',', &rest));

        if (str_equal_nocase(word, STR("no-cache")) || str_equal_nocase(word, STR("no-store")))
            return true;
    }
    return false;
}

static bool make_key(struct exchange *x, struct str owner, struct cache_key *ret)
{
    struct str scope[SCOPE_MAX];
    size_t count = fill_scope(x, owner, scope);
    unsigned traits = 0;
    struct buf text;
    bool is_made;

    buf_init(&text, TEXT_MAX);
    is_made = x->ask.doc && same_text(&text, yyjson_doc_get_root(x->ask.doc), &traits) == 0 &&
              is_keepable(x, traits) && same_key(ret, scope, count, buf_str(&text)) == 0;
    buf_fini(&text);
    return is_made;
}

static bool is_keepable(const struct exchange *x, unsigned traits)
{
    const struct key_entry *key = x->booking.key;

    if (traits & TRAIT_apart)
        return false;
    if (key && key->rules.caches_all)
        return true;
    return !(traits & TRAIT_effects) && (traits & TRAIT_steady || task_is_embedding(x->task));
}

/* Whose, which API, and what is said outside of the body. */
static size_t fill_scope(const struct exchange *x, struct str owner, struct str *scope)
{
    size_t count = 0;

    scope[count++] = owner;
    scope[count++] = str_from(endpoint_call_name(x->endpoint));
    scope[count++] = x->ask.model;
    scope[count++] = fence_wanted(x);
    for (const char *const *name = x->dialect->passed_headers; name && *name && count < SCOPE_MAX;
         name++)
        scope[count++] = request_header(x->request, str_from(*name));
    return count;
}

enum reused reuse_look(struct exchange *x)
{
    struct reuse *r = x->reuse;

    if (r->answer)
        return say(x);
    if (r->waits)
        return REUSE_waits;
    return r->leads || r->goes_alone ? miss(x) : ask(x);
}

static enum reused ask(struct exchange *x)
{
    struct gateway *g = x->worker->gateway;
    struct reuse *r = x->reuse;

    switch (cache_ask(g->cache, &r->key, clock_monotonic_us() / 1000, !r->has_waited, &r->visit,
                      &r->answer)) {
    case CACHE_hit:
        /* Somebody else's answer, from a copy that this caller may not ask: as if there were none.
         */
        return find_copy(x) ? say(x) : miss(x);
    case CACHE_wait:
        r->waits = r->has_waited = true;
        return REUSE_waits;
    case CACHE_lead:
        r->leads = true;
        break;
    case CACHE_alone:
        break;
    }
    return miss(x);
}

/* On whichever thread ended the answer, under the lock of the cache: post, nothing else. */
static bool on_wake(struct cache_visit *visit)
{
    struct reuse *r = CONTAINER(visit, struct reuse, visit);

    return loop_post(r->loop, on_told, r) == 0;
}

static void on_told(void *ctx)
{
    struct reuse *r = ctx;
    enum cache_found end = cache_told(&r->visit);

    if (!r->exchange) {
        free(r);
        return;
    }
    r->waits = false;
    r->leads = end == CACHE_lead;
    r->goes_alone = end == CACHE_alone;
    exchange_run(r->exchange);
}

/* The copy that gave the answer, if it is one that this request could be sent to. */
static const struct candidate *find_copy(const struct exchange *x)
{
    const struct cache_facts *facts = &x->reuse->answer->facts;

    for (uint32_t i = 0; i < x->candidate_count; i++)
        if (str_is(x->candidates[i].copy->machine_name, facts->machine) &&
            str_is(x->candidates[i].copy->name, facts->model))
            return &x->candidates[i];
    return NULL;
}

/* Nor does who is answered so hear of what would be forgotten if we died. */
static enum reused say(struct exchange *x)
{
    struct reuse *r = x->reuse;
    struct booking *b = &x->booking;

    if (!b->hold.last && !booking_hold(x))
        b->hold = (struct hold){0}; /* nothing can be booked: that was settled before */
    if (!booking_is_kept(x))
        return REUSE_waits;
    r->facts = r->answer->facts;
    r->age_ms = clock_monotonic_us() / 1000 - r->answer->made_ms;
    r->is_said = true;
    if (play(x) < 0) {
        x->attempt = (struct attempt){0};
        r->is_said = false;
        return miss(x);
    }
    count(x);
    relay_end(x);
    give_back(x->worker->gateway, r);
    return REUSE_said;
}

/* As if the copy had just said it; what it used is not used again. */
static int play(struct exchange *x)
{
    const struct candidate *from = find_copy(x);
    struct err err = {0};
    int r = 0;

    x->attempt = (struct attempt){.copy = from->copy,
                                  .parity = from->parity,
                                  .dialect = x->dialect,
                                  .task = x->task,
                                  .translated = true,
                                  .length = -1};
    if (task_is_embedding(x->task) && !x->chat) /* whether as numbers or in base64 */
        r = outgoing_read_chat(x, &err);
    if (r == 0)
        r = relay_reset(x);
    if (r == 0)
        r = tape_play(x->reuse->answer->bytes, (struct sink){play_delta, x});
    if (r == 0)
        r = x->dialect->writer_end(x->writer);
    x->usage = (struct usage){.known = true};
    x->finish = FINISH_stop;
    x->first_token = true;
    return r;
}

static int play_delta(void *ctx, const struct delta *delta)
{
    struct exchange *x = ctx;

    if (delta->kind == DELTA_embedding)
        x->attempt.dimensions = delta->dimensions;
    return x->dialect->writer_put(x->writer, delta);
}

static enum reused miss(struct exchange *x)
{
    give_back(x->worker->gateway, x->reuse);
    count(x);
    return REUSE_none;
}

static void count(const struct exchange *x)
{
    uint64_t age_s;
    struct str word = str_from(reuse_word(x, &age_s));

    series_add(stats_series(x->worker->gateway->stats, COUNTER_cache_requests_total, &word), 1);
}

const char *reuse_word(const struct exchange *x, uint64_t *ret_age_s)
{
    const struct reuse *r = x->reuse;

    if (!r)
        return NULL;
    *ret_age_s = r->age_ms / 1000;
    return !r->is_said ? "miss" : r->has_waited ? "shared" : "hit";
}

bool reuse_spared(const struct exchange *x, struct tokens *ret)
{
    const struct reuse *r = x->reuse;

    if (!r || !r->is_said)
        return false;
    *ret =
        (struct tokens){r->facts.prompt_tokens, r->facts.cached_tokens, r->facts.completion_tokens};
    return true;
}

void reuse_reset(struct exchange *x)
{
    if (x->reuse)
        buf_reset(&x->reuse->tape);
}

void reuse_note(struct exchange *x, const struct delta *delta)
{
    struct reuse *r = x->reuse;
    size_t room;

    if (!r || !r->leads)
        return;
    room = r->tape.room;
    if (tape_put(&r->tape, delta) < 0 || (r->tape.room != room && !charge(x)))
        spoil(x);
}

/* False: what is noted of all answers under way is too much. */
static bool charge(struct exchange *x)
{
    struct reuse *r = x->reuse;
    struct gateway *g = x->worker->gateway;

    __atomic_add_fetch(&g->taped_bytes, r->tape.room - r->charged, __ATOMIC_RELAXED);
    r->charged = r->tape.room;
    return __atomic_load_n(&g->taped_bytes, __ATOMIC_RELAXED) <= g->settings->cache_max;
}

/* Too large to be kept: who waits for it need not wait until it is over. */
static void spoil(struct exchange *x)
{
    struct reuse *r = x->reuse;

    cache_leave(x->worker->gateway->cache, &r->visit, false);
    r->leads = false;
    buf_release(&r->tape);
    charge(x);
}

void reuse_end(struct exchange *x)
{
    struct gateway *g = x->worker->gateway;
    struct reuse *r = TAKE(x->reuse);
    bool is_on_its_way = false;

    if (!r)
        return;
    give_back(g, r);
    if (r->leads && is_worth_keeping(x))
        land(x, r);
    else if (r->leads || r->waits)
        is_on_its_way = cache_leave(g->cache, &r->visit, x->caller_gone);
    __atomic_sub_fetch(&g->taped_bytes, r->charged, __ATOMIC_RELAXED);
    buf_fini(&r->tape);
    r->exchange = NULL;
    if (!is_on_its_way)
        free(r);
}

/* Thoughts that a provider has signed do not lie on the tape, and its own callers send them back.
 */
static bool is_worth_keeping(const struct exchange *x)
{
    const struct attempt *a = &x->attempt;
    bool is_over = task_is_embedding(x->task) || x->finish == FINISH_stop ||
                   x->finish == FINISH_length || x->finish == FINISH_tool_calls;

    return is_over && !x->why && !x->caller_gone && x->status == 200 && a->copy &&
           a->parity <= PARITY_equivalent && !a->dropped_count && !resume_is_on(x) &&
           (a->translated || !a->copy->cloud || !x->usage.thinking_tokens);
}

static void land(struct exchange *x, struct reuse *r)
{
    const struct copy *copy = x->attempt.copy;
    struct usage used = booking_used(x);
    struct cache_facts facts = {
        .prompt_tokens = used.prompt_tokens,
        .cached_tokens = used.cached_tokens,
        .completion_tokens = used.completion_tokens,
    };

    snprintf(facts.machine, sizeof facts.machine, "%.*s", STR_ARG(copy->machine_name));
    snprintf(facts.model, sizeof facts.model, "%.*s", STR_ARG(copy->name));
    cache_land(x->worker->gateway->cache, &r->visit, buf_str(&r->tape), &facts,
               clock_monotonic_us() / 1000, r->ttl_ms);
}

static void give_back(struct gateway *g, struct reuse *r)
{
    if (r->answer)
        cache_give_back(g->cache, r->answer);
    r->answer = NULL;
}

void reuse_show(struct gateway *g)
{
    struct cache_sum sum = g->cache ? cache_sum(g->cache) : (struct cache_sum){0};

    series_set(stats_series(g->stats, COUNTER_cache_bytes, NULL), (int64_t)sum.bytes);
    series_set(stats_series(g->stats, COUNTER_cache_answers, NULL), (int64_t)sum.answers);
}
