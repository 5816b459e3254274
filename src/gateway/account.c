/* SPDX-License-Identifier: Apache-2.0 */
/* What an exchange leaves behind. */
#include "gateway/account.h"

#include "base/log.h"
#include "gateway/worker.h"
#include "net/clock.h"
#include "store/recorder.h"

static void count_tokens(const struct exchange *x, const struct scene_copy *copy);
static void record(const struct exchange *x, uint64_t took_us);
static void log_request(const struct exchange *x, uint64_t took_us);
static void count_answer(struct worker *w, enum endpoint_id endpoint, int status);
static void time_answer(struct worker *w, enum endpoint_id endpoint, uint64_t took_us);
static unsigned status_class(int status);

void account_step(const struct exchange *x, const char *from, const char *to)
{
    if (!log_wants(EVENT_step))
        return;
    log_event(EVENT_step, clock_wall_us(),
              (struct log_field[]){LOG_STR("request", str_from(x->id)),
                                   LOG_STR("from", str_from(from)), LOG_STR("to", str_from(to)),
                                   LOG_STR("failure", str_from(failure_row(x->why)->name)),
                                   LOG_END});
}

void account_waiting(const struct exchange *x, int by)
{
    struct stats *stats = x->worker->gateway->stats;

    series_shift(stats_series(stats, COUNTER_waiting, &x->waiter.line), by);
}

void account_attempt(const struct exchange *x)
{
    const struct scene_copy *copy = &x->scene->copies[x->attempt.copy->index];

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

void account_held(const struct exchange *x)
{
    const struct attempt *a = &x->attempt;

    log_event(EVENT_provider_held, clock_wall_us(),
              (struct log_field[]){
                  LOG_STR("request", str_from(x->id)), LOG_STR("machine", a->copy->machine_name),
                  LOG_STR("model", a->copy->name), LOG_MS("wait_ms", a->wait_ms * 1000), LOG_END});
}

void account_answered(const struct exchange *x)
{
    uint64_t took_us = clock_monotonic_us() - x->arrived_us;

    count_answer(x->worker, x->endpoint, x->status);
    time_answer(x->worker, x->endpoint, took_us);
    if (x->why && !x->refused)
        account_refusal(x->worker, x->why);
    if (x->attempt.copy)
        count_tokens(x, &x->scene->copies[x->attempt.copy->index]);
    if (log_wants(EVENT_request))
        log_request(x, took_us);
    record(x, took_us);
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

static void time_answer(struct worker *w, enum endpoint_id endpoint, uint64_t took_us)
{
    struct series **seconds = &w->answer_seconds[endpoint];
    struct str name = str_from(endpoint_call_name(endpoint));

    if (!*seconds)
        *seconds = stats_series(w->gateway->stats, COUNTER_request_seconds, &name);
    series_observe_us(*seconds, took_us);
}

static void count_tokens(const struct exchange *x, const struct scene_copy *copy)
{
    if (x->first_token_us)
        series_observe_us(copy->first_token_seconds, x->first_token_us - x->arrived_us);
    if (!x->usage.known)
        return;
    series_add(copy->prompt_tokens, x->usage.prompt_tokens);
    series_add(copy->completion_tokens, x->usage.completion_tokens);
    series_add(copy->cached_tokens, x->usage.cached_tokens);
}

static void record(const struct exchange *x, uint64_t took_us)
{
    const struct copy *copy = x->attempt.copy;
    struct exchange_row row = {
        .id = str_from(x->id),
        .started_us = x->created_us,
        .asked = x->ask.model,
        .key_id = str_from(x->key_id),
        .failure = str_from(failure_row(x->why)->name),
        .status = x->status,
        .attempts = x->attempts,
        .prompt_tokens = x->usage.prompt_tokens,
        .completion_tokens = x->usage.completion_tokens,
        .first_token_us = x->first_token_us ? (int64_t)(x->first_token_us - x->arrived_us) : -1,
        .total_us = (int64_t)took_us,
    };

    if (copy) {
        row.machine = copy->machine_name;
        row.model = copy->name;
        row.parity = str_from(parity_name(x->attempt.parity));
    }
    recorder_put(x->worker->gateway->recorder, &row);
}

static void log_request(const struct exchange *x, uint64_t took_us)
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
                  LOG_U64("prompt_tokens", x->usage.prompt_tokens),
                  LOG_U64("completion_tokens", x->usage.completion_tokens),
                  LOG_MS("first_token_ms", first_us), LOG_MS("total_ms", took_us), LOG_END});
}

/* 0: none that there is. */
static unsigned status_class(int status)
{
    return status >= 100 && status < 600 ? (unsigned)status / 100 : 0;
}
