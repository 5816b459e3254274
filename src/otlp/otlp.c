/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that sends to a collector. */
#include "otlp/otlp.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"
#include "engine/question.h"
#include "gateway/secret.h"
#include "gateway/spans.h"
#include "net/clock.h"
#include "otlp/otlp_text.h"

enum { BODY_MAX = 16 << 20, ANSWER_ROOM = 64 << 10, STATUS_OK = 200, LOOK_MS = 500 };

struct otlp {
    struct otlp_options options;
    struct endpoint collector;
    char bearer[SECRET_MAX + 16]; /* "Bearer …", or empty */
    struct spans *spans;
    struct span *batch; /* of OTLP_BATCH_MAX: what is not taken yet */
    size_t batch_count;
    uint64_t lost_seen;
    uint64_t retry_ms, spans_due_ms, metrics_due_ms; /* monotonic; retry 0: all is well */
    struct series *sent, *dropped;
    bool is_out; /* it has not taken the last batch */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wakes;
    bool is_started, is_closing; /* the latter under the lock */
};

static int read_settings(struct otlp *o, struct err *err);
static int start(struct otlp *o, struct err *err);
static void *run(void *ctx);
static bool rest(struct otlp *o);
static void send_due(struct otlp *o, bool is_last);
static void send_spans(struct otlp *o, uint64_t now_ms);
static void note_sent(struct otlp *o, int status, const struct err *err, uint64_t now_ms);
static void send_metrics(struct otlp *o);
static int post(const struct otlp *o, const char *target, struct str json, struct err *err);
static void count_post(const struct otlp *o, const char *signal, int status);
static bool may_try_again(int status);

int otlp_open(struct otlp **ret, const struct otlp_options *options, struct err *err)
{
    struct otlp *o;
    int r;

    *ret = NULL;
    if (!options->settings->otlp.len)
        return 0;
    o = memory_need(1, sizeof *o);
    o->options = *options;
    o->spans = gateway_spans(options->gateway);
    o->batch = memory_need(OTLP_BATCH_MAX, sizeof *o->batch);
    pthread_mutex_init(&o->lock, NULL);
    clock_cond_init(&o->wakes);
    o->sent = stats_series(options->stats, COUNTER_otlp_spans_total, (struct str[]){STR("sent")});
    o->dropped =
        stats_series(options->stats, COUNTER_otlp_spans_total, (struct str[]){STR("dropped")});
    r = read_settings(o, err);
    if (r == 0)
        r = start(o, err);
    if (r < 0)
        otlp_close(o);
    else
        *ret = o;
    return r;
}

static int read_settings(struct otlp *o, struct err *err)
{
    const struct settings *s = o->options.settings;
    char secret[SECRET_MAX];
    int r = endpoint_parse(&o->collector, s->otlp, err);

    if (r < 0)
        return err_wrap(err, r, "gateway.otlp");
    if (!s->otlp_key.len || !o->options.read_secrets)
        return 0;
    if ((r = secret_read(secret, s->otlp_key, err)) < 0)
        return err_wrap(err, r, "gateway.otlp_key");
    snprintf(o->bearer, sizeof o->bearer, "Bearer %s", secret);
    return 0;
}

static int start(struct otlp *o, struct err *err)
{
    int r = -pthread_create(&o->thread, NULL, run, o);

    o->is_started = r == 0;
    return r < 0 ? err_set(err, r, "no thread for OTLP") : 0;
}

void otlp_close(struct otlp *o)
{
    if (!o)
        return;
    pthread_mutex_lock(&o->lock);
    o->is_closing = true;
    pthread_cond_signal(&o->wakes);
    pthread_mutex_unlock(&o->lock);
    if (o->is_started)
        pthread_join(o->thread, NULL);
    pthread_cond_destroy(&o->wakes);
    pthread_mutex_destroy(&o->lock);
    free(o->batch);
    free(o);
}

static void *run(void *ctx)
{
    struct otlp *o = ctx;

    while (rest(o)) {
        send_due(o, false);
        log_flush();
    }
    send_due(o, true);
    log_flush();
    return NULL;
}

/* False: it is over. */
static bool rest(struct otlp *o)
{
    struct timespec until = clock_in_ms(LOOK_MS);
    bool goes_on;

    pthread_mutex_lock(&o->lock);
    while (!o->is_closing && pthread_cond_timedwait(&o->wakes, &o->lock, &until) == 0)
        ;
    goes_on = !o->is_closing;
    pthread_mutex_unlock(&o->lock);
    return goes_on;
}

/* At the end a collector that is away is not waited for. */
static void send_due(struct otlp *o, bool is_last)
{
    uint64_t now_ms = clock_monotonic_us() / 1000, lost = spans_lost(o->spans);

    series_add(o->dropped, lost - o->lost_seen);
    o->lost_seen = lost;
    if (is_last ? !o->is_out : now_ms >= o->spans_due_ms)
        send_spans(o, now_ms);
    if (is_last ? !o->is_out : now_ms >= o->metrics_due_ms) {
        o->metrics_due_ms = now_ms + o->options.settings->otlp_every_ms;
        send_metrics(o);
    }
}

/* Batch after batch while they are taken. */
static void send_spans(struct otlp *o, uint64_t now_ms)
{
    struct buf body;
    struct err err = {0};
    int status = STATUS_OK;

    buf_init(&body, BODY_MAX);
    while (status == STATUS_OK) {
        if (!o->batch_count)
            o->batch_count = spans_take(o->spans, o->batch, OTLP_BATCH_MAX);
        if (!o->batch_count)
            break;
        buf_reset(&body);
        status = otlp_write_traces(&body, o->batch, o->batch_count);
        if (status == 0)
            status = post(o, "/v1/traces", buf_str(&body), &err);
        count_post(o, "traces", status);
        note_sent(o, status, &err, now_ms);
    }
    buf_fini(&body);
}

/* An outage is logged once; what is refused for good would be refused again. */
static void note_sent(struct otlp *o, int status, const struct err *err, uint64_t now_ms)
{
    char found[32];

    snprintf(found, sizeof found, "it answered %d", status);
    if (status != STATUS_OK && !o->is_out)
        log_event(EVENT_otlp_failed, clock_wall_us(),
                  (struct log_field[]){LOG_STR("found", str_from(status < 0 ? err->text : found)),
                                       LOG_END});
    o->is_out = status != STATUS_OK;
    if (may_try_again(status)) {
        o->retry_ms = o->retry_ms ? 2 * o->retry_ms : OTLP_RETRY_MS;
        o->retry_ms = o->retry_ms < OTLP_RETRY_MAX_MS ? o->retry_ms : OTLP_RETRY_MAX_MS;
        o->spans_due_ms = now_ms + o->retry_ms;
        return;
    }
    series_add(status == STATUS_OK ? o->sent : o->dropped, o->batch_count);
    o->batch_count = 0;
    o->retry_ms = 0;
}

/* Sums that are late are told by the next ones. */
static void send_metrics(struct otlp *o)
{
    struct buf body;
    struct err err = {0};
    int status;

    buf_init(&body, BODY_MAX);
    status = otlp_write_metrics(&body, o->options.stats, gateway_started_us(o->options.gateway),
                                clock_wall_us());
    if (status == 0)
        status = post(o, "/v1/metrics", buf_str(&body), &err);
    count_post(o, "metrics", status);
    buf_fini(&body);
}

/* Posts are rare: a loop that rested since the last would think that no time has gone by. */
static int post(const struct otlp *o, const char *target, struct str json, struct err *err)
{
    struct asker asker;
    struct buf answer;
    int status = asker_open(&asker, err);

    if (status < 0)
        return status;
    buf_init(&answer, ANSWER_ROOM);
    status = question_ask(&asker,
                          &(struct question){.endpoint = &o->collector,
                                             .method = METHOD_POST,
                                             .target = str_from(target),
                                             .json = json,
                                             .credential = str_from(o->bearer),
                                             .answer = &answer,
                                             .idle_timeout_ms = OTLP_TIMEOUT_MS},
                          err);
    buf_fini(&answer);
    asker_close(&asker);
    return status;
}

static void count_post(const struct otlp *o, const char *signal, int status)
{
    struct str labels[] = {str_from(signal), status == STATUS_OK ? STR("taken") : STR("failed")};

    series_add(stats_series(o->options.stats, COUNTER_otlp_posts_total, labels), 1);
}

/* As the protocol says; nobody there counts as not there yet. */
static bool may_try_again(int status)
{
    return status < 0 || status == 429 || status == 502 || status == 503 || status == 504;
}
