/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the books. */
#include "gateway/ledger.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "gateway/booking.h"
#include "gateway/worker.h"
#include "ledger/accounts.h"
#include "net/clock.h"

enum { KEEP_DAYS = 30, AHEAD_DAYS = 32, ROWS_MAX = 1000000, PATH_ROOM = 4200 };

struct loading {
    struct accounts *accounts;
    struct moment now;
};

static account_fn write_account;
static void find_series(struct gateway *g);
static void tell_found(const struct recorder_found *found);
static int load_accounts(struct gateway *g, struct str url, struct err *err);
static usage_fn load_account;
static void on_store_trouble(void *ctx, const struct err *err);
static void on_journal_trouble(void *ctx, const struct err *err);
static void tell(enum event event, const struct err *err);
static void on_kept(void *ctx);
static recorder_found_fn on_found;

int ledger_open(struct gateway *g, struct str store_url, struct err *err)
{
    const struct recorder_options options = {
        .keep_us = KEEP_DAYS * 86400ll * 1000000,
        .rows_max = ROWS_MAX,
        .is_pushed = true,
        .on_trouble = on_store_trouble,
        .on_journal = on_journal_trouble,
        .on_kept = on_kept,
        .on_found = on_found,
        .ctx = g,
    };
    struct recorder_found found = {0};
    char folder[PATH_ROOM];
    int r;

    find_series(g);
    g->accounts = accounts_new();
    g->refuse_unbooked = str_is(g->settings->unbooked, "refuse");
    snprintf(folder, sizeof folder, "%s/journal", g->spool_folder);
    r = joint_open(&g->joint,
                   &(struct joint_parts){g->settings, g->accounts, {g->traffic, g->stats}}, err);
    if (r == 0)
        r = recorder_open(&g->recorder, store_url, folder, &options, &found, err);
    if (r == 0)
        r = load_accounts(g, store_url, err);
    if (r == 0)
        tell_found(&found);
    return r;
}

void ledger_leave_workers(struct gateway *g)
{
    if (!g->recorder)
        return;
    pthread_mutex_lock(&g->books.lock);
    g->books.is_left = true;
    pthread_mutex_unlock(&g->books.lock);
}

void ledger_close(struct gateway *g)
{
    joint_close(g->joint);
    recorder_close(g->recorder);
    accounts_free(g->accounts);
}

void ledger_show(struct gateway *g)
{
    struct recorder_sum sum = recorder_sum(g->recorder);

    series_set(g->books.held, (int64_t)sum.held);
    series_set(g->books.waiting, (int64_t)sum.waiting);
}

void ledger_write(struct gateway *g, struct json_out *o)
{
    const struct moment now = {clock_monotonic_us(), clock_wall_us()};
    struct recorder_sum sum = recorder_sum(g->recorder);

    json_open(json_key(o, "accounts"), '[');
    accounts_each(g->accounts, now, write_account, o);
    json_close(o, ']');
    json_open(json_key(o, "books"), '{');
    json_number(json_key(o, "since_us"), (uint64_t)g->started_us);
    json_number(json_key(o, "requests"), (uint64_t)series_value(g->books.requests));
    json_number(json_key(o, "prompt_tokens"), (uint64_t)series_value(g->books.prompt_tokens));
    json_number(json_key(o, "completion_tokens"),
                (uint64_t)series_value(g->books.completion_tokens));
    json_number(json_key(o, "money_micro"), (uint64_t)series_value(g->books.money_micro));
    json_number(json_key(o, "waiting"), sum.waiting);
    json_number(json_key(o, "held"), sum.held);
    json_bool(json_key(o, "journal_fails"), sum.journal_fails);
    json_bool(json_key(o, "store_fails"), sum.store_fails);
    json_close(o, '}');
}

static void write_account(void *ctx, struct str key_id, const struct account_state *state)
{
    struct json_out *o = ctx;

    json_open(o, '{');
    json_text(json_key(o, "key"), key_id);
    json_number(json_key(o, "running"), state->running);
    for (enum period p = 0; p < PERIOD_COUNT; p++) {
        json_open(json_key(o, period_name(p)), '{');
        json_number(json_key(o, "used_micro"), state->used[p].money_micro);
        json_number(json_key(o, "used_tokens"), state->used[p].tokens);
        json_number(json_key(o, "loaded_micro"), state->loaded[p].money_micro);
        json_number(json_key(o, "loaded_tokens"), state->loaded[p].tokens);
        json_number(json_key(o, "reserved_micro"), state->reserved[p].money_micro);
        json_number(json_key(o, "reserved_tokens"), state->reserved[p].tokens);
        json_close(o, '}');
    }
    json_close(o, '}');
}

static void find_series(struct gateway *g)
{
    struct str prompt = STR("prompt"), completion = STR("completion");
    struct str journal = STR("journal"), store = STR("store");

    g->books = (struct books){
        .requests = stats_series(g->stats, COUNTER_ledger_requests_total, NULL),
        .prompt_tokens = stats_series(g->stats, COUNTER_ledger_tokens_total, &prompt),
        .completion_tokens = stats_series(g->stats, COUNTER_ledger_tokens_total, &completion),
        .money_micro = stats_series(g->stats, COUNTER_ledger_money_micro_total, NULL),
        .held = stats_series(g->stats, COUNTER_ledger_held, NULL),
        .waiting = stats_series(g->stats, COUNTER_ledger_waiting, NULL),
        .journal_trouble = stats_series(g->stats, COUNTER_ledger_trouble, &journal),
        .store_trouble = stats_series(g->stats, COUNTER_ledger_trouble, &store),
    };
    pthread_mutex_init(&g->books.lock, NULL);
}

static void tell_found(const struct recorder_found *found)
{
    if (found->damages)
        log_event(EVENT_journal_damaged, clock_wall_us(),
                  (struct log_field[]){LOG_U64("places", found->damages), LOG_END});
    if (found->held)
        log_event(EVENT_recovered, clock_wall_us(),
                  (struct log_field[]){LOG_U64("requests", found->held), LOG_END});
}

/* What keys have used in the present periods, and in those to come: a clock may have been ahead, or
 * be behind now. One that was further ahead than that was wrong. What was reserved died with its
 * process, and is settled. */
static int load_accounts(struct gateway *g, struct str url, struct err *err)
{
    const struct moment now = {clock_monotonic_us(), clock_wall_us()};
    struct loading loading = {g->accounts, now};
    struct usage_query query = {
        .from_us = now.wall_us,
        .until_us = now.wall_us + AHEAD_DAYS * PERIOD_DAY_US,
        .by = USAGE_by_day | USAGE_by_key,
    };
    AUTO(store) store = NULL;
    int r = store_open(&store, url, err);

    for (enum period p = 0; p < PERIOD_COUNT; p++) {
        int64_t start_us = period_start_us(p, period_of(p, now.wall_us));

        query.from_us = start_us < query.from_us ? start_us : query.from_us;
    }
    return r < 0 ? r : store_usage(store, &query, load_account, &loading, err);
}

static int load_account(void *ctx, const struct usage_row *row)
{
    const struct loading *l = ctx;
    const struct amount used = {row->money_micro, row->prompt_tokens + row->completion_tokens};

    return row->key_id.len ? accounts_load(l->accounts, row->key_id, row->day, used, l->now) : 0;
}

static void on_store_trouble(void *ctx, const struct err *err)
{
    struct gateway *g = ctx;

    series_set(g->books.store_trouble, err != NULL);
    tell(err ? EVENT_store_lost : EVENT_store_back, err);
}

static void on_journal_trouble(void *ctx, const struct err *err)
{
    struct gateway *g = ctx;

    series_set(g->books.journal_trouble, err != NULL);
    tell(err ? EVENT_journal_lost : EVENT_journal_back, err);
}

/* These threads have no loop that would flush what they log. */
static void tell(enum event event, const struct err *err)
{
    log_event(event, clock_wall_us(),
              (struct log_field[]){LOG_STR("found", str_from(err ? err->text : "")), LOG_END});
    log_flush();
}

/* What it had reserved where several gateways count together counts as used until then. */
static void on_found(void *ctx, const struct exchange_row *row)
{
    struct gateway *g = ctx;

    if (g->joint && row->key_id.len)
        joint_settle_late(g->joint, row);
}

/* On the journal's thread: who waits for it runs on its own. */
static void on_kept(void *ctx)
{
    struct gateway *g = ctx;

    pthread_mutex_lock(&g->books.lock);
    for (unsigned i = 0; i < g->worker_count && !g->books.is_left; i++)
        if (atomic_exchange(&g->workers[i].wants_kept, false))
            (void)!loop_post(g->workers[i].loop, booking_on_kept, &g->workers[i]);
    pthread_mutex_unlock(&g->books.lock);
}
