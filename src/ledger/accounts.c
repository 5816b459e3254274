/* SPDX-License-Identifier: Apache-2.0 */
/* The accounts of all keys behind one mutex. */
#include "ledger/accounts.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"

struct kept {
    struct link link;
    struct account account;
    size_t id_len;
    char id[];
};

struct accounts {
    pthread_mutex_t mutex;
    struct map by_id;
    struct link all;
};

static struct account_state state_of(const struct kept *kept, struct moment now);
static struct kept *find(struct accounts *a, struct str key_id, bool make);

struct accounts *accounts_new(void)
{
    struct accounts *a = calloc(1, sizeof *a);

    if (!a)
        abort();
    pthread_mutex_init(&a->mutex, NULL);
    link_init(&a->all);
    return a;
}

void accounts_free(struct accounts *a)
{
    if (!a)
        return;
    map_each(&a->by_id, free);
    map_fini(&a->by_id);
    pthread_mutex_destroy(&a->mutex);
    free(a);
}

struct refusal accounts_reserve(struct accounts *a, struct str key_id,
                                const struct allowance *allowance, struct amount most,
                                struct moment now, struct reservation *ret)
{
    struct refusal refusal = {.limit = LIMIT_parallel};
    struct kept *kept;

    pthread_mutex_lock(&a->mutex);
    kept = find(a, key_id, true);
    if (kept)
        refusal = account_reserve(&kept->account, allowance, most, now, ret);
    pthread_mutex_unlock(&a->mutex);
    return refusal;
}

void accounts_settle(struct accounts *a, struct str key_id, const struct allowance *allowance,
                     struct reservation *r, struct amount used, struct moment now)
{
    struct kept *kept;

    pthread_mutex_lock(&a->mutex);
    kept = find(a, key_id, false);
    if (kept)
        account_settle(&kept->account, allowance, r, used, now);
    pthread_mutex_unlock(&a->mutex);
}

int accounts_load(struct accounts *a, struct str key_id, int64_t day, struct amount used,
                  struct moment now)
{
    struct kept *kept;

    pthread_mutex_lock(&a->mutex);
    kept = find(a, key_id, true);
    if (kept)
        account_load(&kept->account, day, used, now);
    pthread_mutex_unlock(&a->mutex);
    return kept ? 0 : -ENOMEM;
}

void accounts_note_all(struct accounts *a, struct str key_id,
                       const int64_t periods[static PERIOD_COUNT],
                       const struct amount used[static PERIOD_COUNT])
{
    struct kept *kept;

    pthread_mutex_lock(&a->mutex);
    if ((kept = find(a, key_id, false)))
        account_note_all(&kept->account, periods, used);
    pthread_mutex_unlock(&a->mutex);
}

bool accounts_find(struct accounts *a, struct str key_id, struct moment now,
                   struct account_state *ret)
{
    const struct kept *kept;

    pthread_mutex_lock(&a->mutex);
    kept = find(a, key_id, false);
    if (kept)
        *ret = state_of(kept, now);
    pthread_mutex_unlock(&a->mutex);
    return kept != NULL;
}

void accounts_each(struct accounts *a, struct moment now, account_fn *fn, void *ctx)
{
    pthread_mutex_lock(&a->mutex);
    LINK_EACH(&a->all, at)
    {
        const struct kept *kept = CONTAINER(at, struct kept, link);
        struct account_state state = state_of(kept, now);

        fn(ctx, str_slice(kept->id, kept->id_len), &state);
    }
    pthread_mutex_unlock(&a->mutex);
}

static struct account_state state_of(const struct kept *kept, struct moment now)
{
    struct account_state state = {.running = kept->account.running};

    for (enum period p = 0; p < PERIOD_COUNT; p++) {
        struct amount both = account_used(&kept->account, p, true, now);
        struct amount used = account_used(&kept->account, p, false, now);

        bool is_over = period_of(p, now.wall_us) > kept->account.periods[p].index;

        state.used[p] = used;
        state.loaded[p] = is_over ? used : kept->account.periods[p].loaded;
        state.all[p] = account_all(&kept->account, p, now);
        state.reserved[p] =
            (struct amount){both.money_micro - used.money_micro, both.tokens - used.tokens};
    }
    return state;
}

static struct kept *find(struct accounts *a, struct str key_id, bool make)
{
    struct kept *kept = map_find(&a->by_id, key_id);

    if (kept || !make)
        return kept;
    kept = calloc(1, sizeof *kept + key_id.len + 1);
    if (!kept)
        return NULL;
    memcpy(kept->id, key_id.data, key_id.len);
    kept->id_len = key_id.len;
    if (map_put(&a->by_id, str_slice(kept->id, kept->id_len), kept) == 0) {
        link_append(&a->all, &kept->link);
        return kept;
    }
    free(kept);
    return NULL;
}
