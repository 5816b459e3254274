/* SPDX-License-Identifier: Apache-2.0 */
/* What an exchange leaves behind. */
#include "gateway/account.h"

#include "base/log.h"
#include "gateway/measured.h"
#include "gateway/recent.h"
#include "gateway/resume.h"
#include "gateway/spans.h"
#include "gateway/worker.h"
#include "net/clock.h"
#include "store/recorder.h"

static void count_tokens(const struct exchange *x, const struct scene_copy *copy);
static void put_span(const struct exchange *x, const struct exchange_row *row);
static void log_step(const struct exchange *x, const char *from, const char *to);
static void log_request(const struct exchange *x, const struct exchange_row *row, uint64_t took_us);
static void count_answer(struct worker *w, enum endpoint_id endpoint, int status);
static void time_answer(struct worker *w, enum endpoint_id endpoint, uint64_t took_us,
                        const char *id);
static void observe(struct series *seconds, uint64_t us, const char *id);
static unsigned status_class(int status);

static const char *const step_names[STEP_COUNT] = {
#define STEP(name, what, next) [STEP_##name] = #name,
#include "tables/exchange_steps.def"
};

/* Who watches is told when it stands in line, is sent, and begins to be answered; the end is told
 * by account_answered(), which knows more. */
void account_step(struct exchange *x, enum step to)
{
    if (to == STEP_route || to == STEP_send || to == STEP_relay) {
        struct exchange_row row = account_row(x);

        recent_put(x->worker->gateway->recent, &x->recent, &row, step_names[to],
                   endpoint_call_name(x->endpoint));
    }
    if (log_wants(EVENT_step))
        log_step(x, step_names[x->step], step_names[to]);
}

static void log_step(const struct exchange *x, const char *from, const char *to)
{
    log_event(EVENT_step, clock_wall_us(),
              (struct log_field[]){LOG_STR("request", str_from(x->id)),
                                   LOG_STR("from", str_from(from)), LOG_STR("to", str_from(to)),
                                   LOG_STR("failure", str_from(failure_row(x->why)->name)),
                                   LOG_END});
}

void account_waiting(const struct exchange *x, int by)
{
    struct stats *stats = x->worker->gateway->stats;

    series_shift(stats_series(stats, COUNTER_waiting, &x->waiter.errand.name), by);
}

void account_attempt(struct exchange *x)
{
    const struct scene_copy *copy = &x->scene->copies[x->attempt.copy->index];

    x->booking.counted = 0;
    x->usage = (struct usage){0};
    series_add(copy->attempts, 1);
    series_shift(copy->running, +1);
}

void account_attempt_end(const struct exchange *x, struct outcome outcome,
                         struct verdict_change change)
{
    const struct attempt *a = &x->attempt;
    const struct scene_copy *copy = &x->scene->copies[a->copy->index];
    struct str why = str_from(failure_row(outcome.why)->name);
    struct log_field fields[] = {
        LOG_STR("request", str_from(x->id)), LOG_STR("machine", a->copy->machine_name),
        LOG_STR("model", a->copy->name),     LOG_STR("failure", why),
        LOG_STR("found", x->found),          LOG_END};

    series_shift(copy->running, -1);
    series_observe_us(copy->attempt_seconds, clock_monotonic_us() - a->started_us);
    if (change.copy_opened || change.engine_opened) {
        series_add(copy->breaker_trips, 1);
        log_event(EVENT_breaker_opened, clock_wall_us(), fields);
    }
    if (change.copy_closed || change.engine_closed)
        log_event(EVENT_breaker_closed, clock_wall_us(), fields);
    if (change.copy_slow || change.copy_well)
        measured_tell(x, change.copy_slow);
    if (!outcome.why || outcome.unknown)
        return;
    series_add(stats_series(x->worker->gateway->stats, COUNTER_failures_total,
                            (struct str[]){a->copy->machine_name, why}),
               1);
    log_event(EVENT_attempt_failed, clock_wall_us(), fields);
}

void account_refusal(struct worker *w, enum failure why)
{
    struct str name = str_from(failure_row(why)->name);

    series_add(stats_series(w->gateway->stats, COUNTER_refusals_total, &name), 1);
}

void account_refused_call(struct worker *w, enum endpoint_id endpoint, enum failure why)
{
    count_answer(w, endpoint, failure_row(why)->status);
    account_refusal(w, why);
}

void account_cut(const struct exchange *x, const char *result)
{
    const struct attempt *a = &x->attempt;
    struct str labels[] = {a->copy->machine_name, str_from(result)};

    series_add(stats_series(x->worker->gateway->stats, COUNTER_cuts_total, labels), 1);
    log_event(EVENT_answer_cut, clock_wall_us(),
              (struct log_field[]){
                  LOG_STR("request", str_from(x->id)), LOG_STR("machine", a->copy->machine_name),
                  LOG_STR("model", a->copy->name), LOG_STR("result", str_from(result)), LOG_END});
}

void account_recall(const struct exchange *x)
{
    struct str machine = x->attempt.copy->machine_name;

    series_add(stats_series(x->worker->gateway->stats, COUNTER_recalls_total, &machine), 1);
}

void account_held(const struct exchange *x)
{
    const struct attempt *a = &x->attempt;

    log_event(EVENT_provider_held, clock_wall_us(),
              (struct log_field[]){
                  LOG_STR("request", str_from(x->id)), LOG_STR("machine", a->copy->machine_name),
                  LOG_STR("model", a->copy->name), LOG_MS("wait_ms", a->wait_ms * 1000), LOG_END});
}

void account_answered(struct exchange *x)
{
    uint64_t took_us = clock_monotonic_us() - x->arrived_us;
    struct exchange_row row = account_row(x);

    count_answer(x->worker, x->endpoint, x->status);
    time_answer(x->worker, x->endpoint, took_us, x->id);
    if (x->why && !x->refused)
        account_refusal(x->worker, x->why);
    if (x->attempt.copy)
        count_tokens(x, &x->scene->copies[x->attempt.copy->index]);
    if (log_wants(EVENT_request))
        log_request(x, &row, took_us);
    booking_settle(x, &row);
    recent_put(x->worker->gateway->recent, &x->recent, &row, step_names[STEP_settle],
               endpoint_call_name(x->endpoint));
    if (x->worker->gateway->spans)
        put_span(x, &row);
}

/* A caller that has gone took its headers along. */
static void put_span(const struct exchange *x, const struct exchange_row *row)
{
    struct str traceparent = x->request ? request_header(x->request, STR("traceparent")) : STR("");

    spans_put(x->worker->gateway->spans, row, traceparent);
}

static void count_answer(struct worker *w, enum endpoint_id endpoint, int status)
{
    static const struct str classes[STATUS_CLASSES] = {{"other", 5}, {"1xx", 3}, {"2xx", 3},
                                                       {"3xx", 3},   {"4xx", 3}, {"5xx", 3}};
    unsigned class = status_class(status);
    struct series **answered = &w->answered[endpoint][class];
    struct str labels[] = {str_from(endpoint_call_name(endpoint)), classes[class]};

    if (!*answered)
        *answered = stats_series(w->gateway->stats, COUNTER_requests_total, labels);
    series_add(*answered, 1);
}

static void observe(struct series *seconds, uint64_t us, const char *id)
{
    series_observe_us(seconds, us);
    if (series_wants_exemplar(seconds))
        series_exemplar(seconds, us, str_from(id), clock_wall_us());
}

static void time_answer(struct worker *w, enum endpoint_id endpoint, uint64_t took_us,
                        const char *id)
{
    struct series **seconds = &w->answer_seconds[endpoint];
    struct str name = str_from(endpoint_call_name(endpoint));

    if (!*seconds)
        *seconds = stats_series(w->gateway->stats, COUNTER_request_seconds, &name);
    observe(*seconds, took_us, id);
}

static void count_tokens(const struct exchange *x, const struct scene_copy *copy)
{
    const struct copy *cut;
    struct usage spent, last;

    if (x->first_token_us)
        observe(copy->first_token_seconds, x->first_token_us - x->arrived_us, x->id);
    last = booking_used(x);
    account_tokens(copy, &last);
    for (unsigned i = 0; resume_cut(x, i, &cut, &spent); i++)
        account_tokens(&x->scene->copies[cut->index], &spent);
}

void account_tokens(const struct scene_copy *copy, const struct usage *usage)
{
    series_add(copy->prompt_tokens, usage->prompt_tokens);
    series_add(copy->completion_tokens, usage->completion_tokens);
    series_add(copy->cached_tokens, usage->cached_tokens);
    if (!copy->prompt_sizes)
        return;
    series_observe_tokens(copy->prompt_sizes, usage->prompt_tokens);
    series_observe_tokens(copy->completion_sizes, usage->completion_tokens);
}

struct exchange_row account_row(const struct exchange *x)
{
    const struct copy *copy = x->attempt.copy;
    struct exchange_row row = {
        .id = str_from(x->id),
        .started_us = x->created_us,
        .endpoint = str_from(endpoint_call_name(x->endpoint)),
        .asked = x->ask.model,
        .key_id = str_from(x->key_id),
        .failure = str_from(failure_row(x->why)->name),
        .status = x->status,
        .attempts = x->attempts,
        .first_token_us = x->first_token_us ? (int64_t)(x->first_token_us - x->arrived_us) : -1,
        .total_us = (int64_t)(clock_monotonic_us() - x->arrived_us),
    };

    if (copy) {
        row.machine = copy->machine_name;
        row.model = copy->name;
        row.parity = str_from(parity_name(x->attempt.parity));
    }
    booking_fill(x, &row);
    return row;
}

static void log_request(const struct exchange *x, const struct exchange_row *row, uint64_t took_us)
{
    const struct copy *copy = x->attempt.copy;
    uint64_t first_us = x->first_token_us ? x->first_token_us - x->arrived_us : 0;

    log_event(EVENT_request, clock_wall_us(),
              (struct log_field[]){
                  LOG_STR("request", str_from(x->id)),
                  LOG_STR("endpoint", str_from(endpoint_call_name(x->endpoint))),
                  LOG_STR("asked", x->ask.model), LOG_U64("status", x->status),
                  LOG_STR("machine", copy ? copy->machine_name : STR("")),
                  LOG_STR("model", copy ? copy->name : STR("")), LOG_U64("attempts", x->attempts),
                  LOG_STR("failure", str_from(failure_row(x->why)->name)),
                  LOG_U64("prompt_tokens", row->prompt_tokens),
                  LOG_U64("completion_tokens", row->completion_tokens),
                  LOG_U64("money_micro", row->money_micro), LOG_MS("first_token_ms", first_us),
                  LOG_MS("total_ms", took_us), LOG_END});
}

/* 0: none that there is. */
static unsigned status_class(int status)
{
    return status >= 100 && status < 600 ? (unsigned)status / 100 : 0;
}
