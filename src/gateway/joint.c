/* SPDX-License-Identifier: Apache-2.0 */
/* Limits that several gateways share: asked by workers, settled by a thread. */
#include "gateway/joint.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/rand.h"
#include "net/clock.h"

enum {
    ANSWER_US = 5000,  /* a request waits no longer */
    SEND_US = 2000000, /* the thread may */
    WARM_US = 200000,
    TEND_EVERY_MS = 2000, /* well within SHARED_LIFE_MS */
    HEAR_EVERY_MS = 500,  /* well within HINT_SILENCE_MS */
    PENDING_MAX = 100000,
};

struct pending {
    struct pending *next;
    struct shared_use use;
    char key_id[64], request_id[128];
};

struct joint {
    struct accounts *accounts;
    struct hearsay hearsay;
    struct shared *asked, *told;
    bool is_asking; /* somebody uses `asked`, for as long as an answer may take; under `lock` */
    pthread_cond_t asked_is_free;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct pending *first, **last;
    size_t count;
    bool stopping;
    pthread_t thread;
};

/* An account that is looked for. */
struct known {
    struct str key_id;
    struct account_state state;
};

static void put(struct joint *j, struct str key_id, struct str request_id,
                const struct shared_use *use);
static void *tend(void *ctx);
static void warm(struct joint *j);
static bool take_asked(struct joint *j, uint64_t deadline_us);
static void give_asked(struct joint *j);
static struct pending *wait_for_some(struct joint *j);
static void send_all(struct joint *j, struct pending *all);
static struct shared_answer ask_until(struct joint *j, const struct shared_ask *ask,
                                      uint64_t deadline_us);
static int load(struct joint *j, const struct shared_ask *ask, unsigned period,
                uint64_t deadline_us);
static void note_used(struct joint *j, const struct shared_ask *ask,
                      const struct shared_answer *answer);
static account_fn find_known;
static uint64_t limit_of(uint64_t number);
static struct timespec time_of(uint64_t us);

_Static_assert(NO_LIMIT == SHARED_ANY && (int)LIMIT_budget_tokens == SHARED_over_budget_tokens,
               "shared.h numbers limits as ledger/allowance.h does");

int joint_open(struct joint **ret, const struct joint_parts *parts, struct err *err)
{
    struct joint *j;
    char name[20];
    int r;

    const struct settings *settings = parts->settings;

    *ret = NULL;
    if (!settings->shared.len)
        return 0;
    j = calloc(1, sizeof *j);
    if (!j)
        return err_set(err, -ENOMEM, "out of memory");
    j->accounts = parts->accounts;
    j->hearsay = parts->hearsay;
    j->last = &j->first;
    pthread_mutex_init(&j->lock, NULL);
    clock_cond_init(&j->wake);
    clock_cond_init(&j->asked_is_free);
    snprintf(name, sizeof name, "%016" PRIx64, rand_u64());
    if ((r = shared_open(&j->asked, settings->shared, name, err)) == 0)
        r = shared_open(&j->told, settings->shared, name, err);
    if (r == 0) {
        shared_tend(j->told, clock_true_us() + SEND_US);
        r = -pthread_create(&j->thread, NULL, tend, j);
    }
    if (r < 0) {
        shared_close(j->asked);
        shared_close(j->told);
        free(j);
        return err_wrap(err, r, "gateway.shared");
    }
    *ret = j;
    return 0;
}

void joint_close(struct joint *j)
{
    if (!j)
        return;
    pthread_mutex_lock(&j->lock);
    j->stopping = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    pthread_join(j->thread, NULL);
    shared_close(j->asked);
    shared_close(j->told);
    pthread_cond_destroy(&j->wake);
    pthread_cond_destroy(&j->asked_is_free);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

enum joint_state joint_reserve(struct joint *j, struct str key_id, struct str request_id,
                               const struct allowance *allowance, struct amount most,
                               const struct reservation *reservation, struct refusal *ret)
{
    struct shared_ask ask = {
        .key_id = key_id,
        .request_id = request_id,
        .money_micro = most.money_micro,
        .tokens = most.tokens,
        .limits = {.requests_per_minute = limit_of(allowance->requests_per_minute),
                   .tokens_per_minute = limit_of(allowance->tokens_per_minute),
                   .parallel = limit_of(allowance->parallel),
                   .is_soft = allowance->is_soft},
    };
    struct shared_answer answer;

    for (unsigned p = 0; p < PERIOD_COUNT; p++) {
        ask.periods[p] = reservation->periods[p];
        ask.limits.budgets[p].money_micro = limit_of(allowance->budgets[p].money_micro);
        ask.limits.budgets[p].tokens = limit_of(allowance->budgets[p].tokens);
    }
    answer = ask_until(j, &ask, clock_true_us() + ANSWER_US);
    if (answer.is_told)
        note_used(j, &ask, &answer);
    if (answer.verdict == SHARED_reserved)
        return JOINT_reserved;
    if (answer.verdict == SHARED_no_answer || answer.verdict == SHARED_not_loaded)
        return answer.is_unasked ? JOINT_unasked : JOINT_unanswered;
    *ret = (struct refusal){.limit = (enum limit)answer.verdict,
                            .period = (enum period)answer.period,
                            .retry_us = answer.retry_us};
    return JOINT_refused;
}

void joint_settle(struct joint *j, struct str key_id, struct str request_id,
                  const struct allowance *allowance, const struct reservation *reservation,
                  struct amount used, enum joint_state state)
{
    struct shared_use use = {.money_micro = used.money_micro,
                             .tokens = used.tokens,
                             .tokens_per_minute = limit_of(allowance->tokens_per_minute),
                             .is_unanswered = state != JOINT_reserved};

    for (unsigned i = 0; i < PERIOD_COUNT; i++)
        use.periods[i] = reservation->periods[i];
    put(j, key_id, request_id, &use);
}

/* Its minute is over: nothing is given back to that. */
void joint_settle_late(struct joint *j, const struct exchange_row *row)
{
    struct shared_use use = {.money_micro = row->money_micro,
                             .tokens = row->prompt_tokens + row->completion_tokens,
                             .tokens_per_minute = SHARED_ANY};

    for (enum period p = 0; p < PERIOD_COUNT; p++)
        use.periods[p] = period_of(p, row->started_us);
    put(j, row->key_id, row->id, &use);
}

static void put(struct joint *j, struct str key_id, struct str request_id,
                const struct shared_use *use)
{
    struct pending *p = calloc(1, sizeof *p);

    if (!p)
        return;
    snprintf(p->key_id, sizeof p->key_id, "%.*s", STR_ARG(key_id));
    snprintf(p->request_id, sizeof p->request_id, "%.*s", STR_ARG(request_id));
    p->use = *use;
    pthread_mutex_lock(&j->lock);
    if (j->count < PENDING_MAX) {
        *j->last = p;
        j->last = &p->next;
        j->count++;
        p = NULL;
    }
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    free(p);
}

static void *tend(void *ctx)
{
    struct joint *j = ctx;
    uint64_t next_us = 0, warm_us = 0, hear_us = 0;
    bool stopping = false;

    while (!stopping) {
        struct pending *all = wait_for_some(j);

        send_all(j, all);
        if (clock_true_us() >= warm_us)
            warm(j);
        warm_us = clock_true_us() < warm_us ? warm_us : clock_true_us() + WARM_US;
        if (clock_true_us() >= hear_us) {
            hearsay_exchange(&j->hearsay, j->told, clock_true_us() + SEND_US);
            hear_us = clock_true_us() + HEAR_EVERY_MS * 1000ull;
        }
        pthread_mutex_lock(&j->lock);
        stopping = j->stopping && !j->first;
        pthread_mutex_unlock(&j->lock);
        if (clock_true_us() < next_us && !stopping)
            continue;
        shared_tend(j->told, clock_true_us() + SEND_US);
        next_us = clock_true_us() + TEND_EVERY_MS * 1000ull / (shared_waiting(j->told) ? 8 : 1);
    }
    return NULL;
}

static void warm(struct joint *j)
{
    uint64_t deadline_us = clock_true_us() + WARM_US;

    if (!take_asked(j, deadline_us))
        return;
    shared_warm(j->asked, deadline_us);
    give_asked(j);
}

/* What there is, or nothing after a while. */
static struct pending *wait_for_some(struct joint *j)
{
    struct timespec until = time_of(clock_true_us() + TEND_EVERY_MS * 1000ull / 8);
    struct pending *all;

    pthread_mutex_lock(&j->lock);
    while (!j->first && !j->stopping && pthread_cond_timedwait(&j->wake, &j->lock, &until) == 0)
        ;
    all = j->first;
    j->first = NULL;
    j->last = &j->first;
    j->count = 0;
    pthread_mutex_unlock(&j->lock);
    return all;
}

static void send_all(struct joint *j, struct pending *all)
{
    while (all) {
        struct pending *p = all;

        all = p->next;
        p->use.key_id = str_from(p->key_id);
        p->use.request_id = str_from(p->request_id);
        (void)!shared_settle(j->told, &p->use, clock_true_us() + SEND_US);
        free(p);
    }
}

/* Other workers may be asking: waiting for them is part of the time. */
static struct shared_answer ask_until(struct joint *j, const struct shared_ask *ask,
                                      uint64_t deadline_us)
{
    struct shared_answer answer = {.verdict = SHARED_no_answer, .is_unasked = true};

    if (!take_asked(j, deadline_us))
        return answer;
    answer = shared_reserve(j->asked, ask, deadline_us);
    for (int tries = 0; answer.verdict == SHARED_not_loaded && tries < PERIOD_COUNT; tries++) {
        if (load(j, ask, answer.period, deadline_us) < 0)
            break;
        answer = shared_reserve(j->asked, ask, deadline_us);
    }
    give_asked(j);
    return answer;
}

/* False: somebody has it still by then. */
static bool take_asked(struct joint *j, uint64_t deadline_us)
{
    struct timespec until = time_of(deadline_us);
    bool is_ours;

    pthread_mutex_lock(&j->lock);
    while (j->is_asking && pthread_cond_timedwait(&j->asked_is_free, &j->lock, &until) == 0)
        ;
    is_ours = !j->is_asking;
    j->is_asking = true;
    pthread_mutex_unlock(&j->lock);
    return is_ours;
}

static void give_asked(struct joint *j)
{
    pthread_mutex_lock(&j->lock);
    j->is_asking = false;
    pthread_cond_signal(&j->asked_is_free);
    pthread_mutex_unlock(&j->lock);
}

/* A period that nobody has asked about: what our books knew of it at start. What came since is told
 * request by request, whether there was an answer for it or not. */
static int load(struct joint *j, const struct shared_ask *ask, unsigned period,
                uint64_t deadline_us)
{
    const struct moment now = {clock_monotonic_us(), clock_wall_us()};
    struct known known = {.key_id = ask->key_id};

    accounts_each(j->accounts, now, find_known, &known);
    return shared_load(j->asked, ask->key_id, period, ask->periods[period],
                       known.state.loaded[period].money_micro, known.state.loaded[period].tokens,
                       deadline_us);
}

static void note_used(struct joint *j, const struct shared_ask *ask,
                      const struct shared_answer *answer)
{
    struct amount used[PERIOD_COUNT];

    for (unsigned p = 0; p < PERIOD_COUNT; p++)
        used[p] = (struct amount){answer->used[p].money_micro, answer->used[p].tokens};
    accounts_note_all(j->accounts, ask->key_id, ask->periods, used);
}

static void find_known(void *ctx, struct str key_id, const struct account_state *state)
{
    struct known *known = ctx;

    if (str_equal(key_id, known->key_id))
        known->state = *state;
}

/* Lua counts in doubles: what is beyond their whole numbers limits nothing. */
static uint64_t limit_of(uint64_t number)
{
    return number > UINT64_C(1) << 52 ? SHARED_ANY : number;
}

static struct timespec time_of(uint64_t us)
{
    return (struct timespec){.tv_sec = (time_t)(us / 1000000),
                             .tv_nsec = (long)(us % 1000000) * 1000};
}
