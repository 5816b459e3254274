/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys have nearly used up what they may use. */
#include "gateway/budgets.h"

#include "gateway/worker.h"
#include "ledger/accounts.h"
#include "net/clock.h"

static bool is_good(const struct key_entry *key, int64_t now_us);
static bool has_budget(const struct allowance *allowance);
static struct budget_use fullest(const struct allowance *allowance,
                                 const struct account_state *state);
static void weigh(struct budget_use *fullest, struct budget_use other);
static double share(const struct budget_use *use);

void budgets_each_near(struct gateway *g, unsigned percent, budget_fn *fn, void *ctx)
{
    const struct moment now = {clock_monotonic_us(), clock_wall_us()};
    const struct key_entry *key;
    struct keyring *ring;

    pthread_mutex_lock(&g->scene_lock);
    ring = keyring_ref(g->keyring);
    pthread_mutex_unlock(&g->scene_lock);
    for (size_t i = 0; (key = keyring_at(ring, i)); i++) {
        struct allowance allowance = rules_allowance(&key->rules);
        struct account_state state;
        struct budget_use use;

        if (!is_good(key, now.wall_us) || !has_budget(&allowance) ||
            !accounts_find(g->accounts, str_from(key->row.id), now, &state))
            continue;
        use = fullest(&allowance, &state);
        use.key_id = str_from(key->row.id);
        use.key_name = key->row.name;
        if (share(&use) * 100 >= percent)
            fn(ctx, &use);
    }
    keyring_unref(ring);
}

static bool is_good(const struct key_entry *key, int64_t now_us)
{
    const struct key_row *row = &key->row;

    return !key->is_unread && !row->revoked_us && (!row->expires_us || row->expires_us > now_us);
}

/* A budget of nothing is no budget that fills up. */
static bool has_budget(const struct allowance *allowance)
{
    for (enum period p = 0; p < PERIOD_COUNT; p++) {
        const struct amount *most = &allowance->budgets[p];

        if ((most->money_micro && most->money_micro != NO_LIMIT) ||
            (most->tokens && most->tokens != NO_LIMIT))
            return true;
    }
    return false;
}

static struct budget_use fullest(const struct allowance *allowance,
                                 const struct account_state *state)
{
    struct budget_use found = {.budget = NO_LIMIT};

    for (enum period p = 0; p < PERIOD_COUNT; p++) {
        const struct amount *most = &allowance->budgets[p];
        const struct amount *used[] = {&state->used[p], &state->all[p]};

        for (size_t i = 0; i < COUNT_OF(used); i++) {
            weigh(&found, (struct budget_use){.period = p,
                                              .is_money = true,
                                              .used = used[i]->money_micro,
                                              .budget = most->money_micro});
            weigh(&found, (struct budget_use){
                              .period = p, .used = used[i]->tokens, .budget = most->tokens});
        }
    }
    return found;
}

static void weigh(struct budget_use *fullest, struct budget_use other)
{
    if (share(&other) > share(fullest))
        *fullest = other;
}

static double share(const struct budget_use *use)
{
    return use->budget && use->budget != NO_LIMIT ? (double)use->used / (double)use->budget : 0;
}
