/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that looks and tells. */
#include "notify/notify.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/clock.h"
#include "notify/look.h"
#include "notify/tell.h"
#include "wire/json_out.h"

enum { KEPT_MAX = 1 << 20 };

struct notify {
    struct look look;
    struct alerts *alerts;
    struct channels channels;
    const char *channel_names[CHANNEL_COUNT];
    char path[4200]; /* of what is kept; empty: nothing is */
    bool is_new;     /* since it was kept last */
    struct series *firing[ALERT_COUNT];
    struct stats *stats;
    char gateway_url[160];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wakes;
    bool is_started, is_closing; /* the latter under the lock */
};

static int start(struct notify *n, struct err *err);
static void *run(void *ctx);
static bool rest(struct notify *n);
static void look(struct notify *n);
static void log_change(void *ctx, const struct alert_row *row);
static void recall(struct notify *n);
static void keep(struct notify *n);
static void tell_channel(struct notify *n, unsigned index);
static void note_told(struct notify *n, struct channel *c, size_t count, const char *failure);

int notify_open(struct notify **ret, const struct notify_options *options, struct err *err)
{
    const struct settings *s = options->settings;
    struct alert_rules rules = {s->alert_hold_ms, s->alert_group_ms, s->alert_repeat_ms};
    struct notify *n = memory_need(1, sizeof *n);
    int r = channels_read(&n->channels, s, options->read_secrets, err);

    n->look = (struct look){
        .gateway = options->gateway, .settings = s, .state_folder = options->state_folder};
    n->stats = options->stats;
    n->alerts = alerts_new(&rules, n->channels.count);
    recall(n);
    pthread_mutex_init(&n->lock, NULL);
    clock_cond_init(&n->wakes);
    snprintf(n->gateway_url, sizeof n->gateway_url, "http%s://%s",
             s->tls_certificate.len ? "s" : "", gateway_address(options->gateway));
    for (enum alert kind = 0; kind < ALERT_COUNT; kind++) {
        struct str labels[] = {str_from(alert_kinds[kind].name)};

        n->firing[kind] = stats_series(n->stats, COUNTER_alerts, labels);
    }
    if (r == 0)
        r = start(n, err);
    if (r < 0) {
        notify_close(n);
        return r;
    }
    *ret = n;
    return 0;
}

static int start(struct notify *n, struct err *err)
{
    int r = -pthread_create(&n->thread, NULL, run, n);

    n->is_started = r == 0;
    return r < 0 ? err_set(err, r, "no thread for alerts") : 0;
}

void notify_close(struct notify *n)
{
    if (!n)
        return;
    pthread_mutex_lock(&n->lock);
    n->is_closing = true;
    pthread_cond_signal(&n->wakes);
    pthread_mutex_unlock(&n->lock);
    if (n->is_started)
        pthread_join(n->thread, NULL);
    look_fini(&n->look);
    alerts_free(n->alerts);
    pthread_cond_destroy(&n->wakes);
    pthread_mutex_destroy(&n->lock);
    free(n);
}

static void *run(void *ctx)
{
    struct notify *n = ctx;

    while (rest(n)) {
        look(n);
        for (unsigned i = 0; i < n->channels.count; i++)
            tell_channel(n, i);
        keep(n);
        log_flush();
    }
    return NULL;
}

/* False: it is over. */
static bool rest(struct notify *n)
{
    uint64_t every_ms = n->look.settings->alert_hold_ms / 4;
    struct timespec until =
        clock_in_ms(every_ms < LOOK_EVERY_MS ? (unsigned)every_ms : LOOK_EVERY_MS);
    bool goes_on;

    pthread_mutex_lock(&n->lock);
    while (!n->is_closing && pthread_cond_timedwait(&n->wakes, &n->lock, &until) == 0)
        ;
    goes_on = !n->is_closing;
    pthread_mutex_unlock(&n->lock);
    return goes_on;
}

static void look(struct notify *n)
{
    int64_t wall_us = clock_wall_us();

    alerts_begin(n->alerts, clock_monotonic_us() / 1000, wall_us);
    look_around(&n->look, n->alerts, wall_us);
    alerts_end(n->alerts);
    alerts_each_change(n->alerts, log_change, n);
    for (enum alert kind = 0; kind < ALERT_COUNT; kind++)
        series_set(n->firing[kind], (int64_t)alerts_firing(n->alerts, kind));
}

static void log_change(void *ctx, const struct alert_row *row)
{
    struct notify *n = ctx;

    n->is_new = true;
    log_event(row->is_over ? EVENT_alert_over : EVENT_alert, clock_wall_us(),
              (struct log_field[]){LOG_STR("alert", str_from(alert_kinds[row->kind].name)),
                                   LOG_STR("subject", str_from(row->subject)),
                                   LOG_STR("found", str_from(row->words)), LOG_END});
}

/* What an earlier process has told. */
static void recall(struct notify *n)
{
    struct buf kept;

    for (unsigned i = 0; i < n->channels.count; i++)
        n->channel_names[i] = channel_name(n->channels.rows[i].kind);
    if (!*n->look.state_folder)
        return;
    snprintf(n->path, sizeof n->path, "%s/alerts.json", n->look.state_folder);
    buf_init(&kept, KEPT_MAX);
    if (file_read(&kept, n->path, NULL) == 0)
        alerts_recall(n->alerts, n->channel_names, buf_str(&kept), clock_monotonic_us() / 1000,
                      clock_wall_us());
    buf_fini(&kept);
}

/* What cannot be written is tried again with the next change: alert disk_low tells why. */
static void keep(struct notify *n)
{
    struct buf text;
    struct json_out o = {.out = &text};

    if (!n->is_new || !*n->path)
        return;
    n->is_new = false;
    buf_init(&text, KEPT_MAX);
    alerts_write(n->alerts, n->channel_names, &o);
    if (o.error == 0)
        (void)!file_keep(n->path, buf_str(&text), NULL);
    buf_fini(&text);
}

static void tell_channel(struct notify *n, unsigned index)
{
    struct channel *c = &n->channels.rows[index];
    struct alert_row rows[ALERT_ROWS_MAX];
    size_t count = alerts_due(n->alerts, index, clock_monotonic_us() / 1000, rows);
    struct err err = {0};
    int r;

    if (!count)
        return;
    r = tell(c, rows, count, str_from(n->gateway_url), &err);
    alerts_told(n->alerts, index, r == 0, clock_monotonic_us() / 1000);
    note_told(n, c, count, r < 0 ? err.text : NULL);
    n->is_new = n->is_new || r == 0;
}

/* An outage is logged once. */
static void note_told(struct notify *n, struct channel *c, size_t count, const char *failure)
{
    struct str name = str_from(channel_name(c->kind));
    struct str labels[] = {name, failure ? STR("failed") : STR("taken")};

    series_add(stats_series(n->stats, COUNTER_notices_total, labels), 1);
    if (failure && !c->is_out)
        log_event(EVENT_notice_failed, clock_wall_us(),
                  (struct log_field[]){LOG_STR("channel", name),
                                       LOG_STR("found", str_from(failure)), LOG_END});
    if (!failure)
        log_event(
            EVENT_notice, clock_wall_us(),
            (struct log_field[]){LOG_STR("channel", name), LOG_U64("alerts", count), LOG_END});
    c->is_out = failure != NULL;
}
