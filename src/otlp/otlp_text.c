/* SPDX-License-Identifier: Apache-2.0 */
/* Spans and series as OTLP's JSON. */
#include "otlp/otlp_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/version.h"
#include "wire/json_out.h"

enum { KIND_server = 2, STATUS_error = 2, CUMULATIVE = 2, FAILED_FROM = 400 };

/* Metrics in the making: points of one name share a head. */
struct metrics {
    struct json_out o;
    const char *name; /* of the head that is open; NULL: none */
    int64_t began_us, now_us;
};

static void open_scope(struct json_out *o, const char *resources, const char *scopes,
                       const char *rows);
static void close_scope(struct json_out *o);
static void write_span(struct json_out *o, const struct span *span);
static void write_span_attributes(struct json_out *o, const struct span *span);
static void write_first_token(struct json_out *o, const struct span *span);
static struct str operation_of(struct str endpoint);
static stats_point_fn write_point;
static void open_metric(struct metrics *m, const struct stats_point *p);
static void close_metric(struct metrics *m);
static void write_labels(struct json_out *o, struct str labels);
static void write_numbers(struct json_out *o, const struct stats_point *p);
static void text_attribute(struct json_out *o, const char *key, struct str value);
static void count_attribute(struct json_out *o, const char *key, uint64_t value);
static void whole(struct json_out *o, const char *key, int64_t value);
static void nanos(struct json_out *o, const char *key, int64_t us);

int otlp_write_traces(struct buf *out, const struct span *spans, size_t count)
{
    struct json_out o = {.out = out};

    open_scope(&o, "resourceSpans", "scopeSpans", "spans");
    for (size_t i = 0; i < count; i++)
        write_span(&o, &spans[i]);
    close_scope(&o);
    return o.error;
}

int otlp_write_metrics(struct buf *out, struct stats *stats, int64_t began_us, int64_t now_us)
{
    struct metrics m = {.o = {.out = out}, .began_us = began_us, .now_us = now_us};
    int r;

    open_scope(&m.o, "resourceMetrics", "scopeMetrics", "metrics");
    r = stats_each(stats, write_point, &m);
    close_metric(&m);
    close_scope(&m.o);
    return r < 0 ? r : m.o.error;
}

static void open_scope(struct json_out *o, const char *resources, const char *scopes,
                       const char *rows)
{
    json_open(o, '{');
    json_open(json_key(o, resources), '[');
    json_open(o, '{');
    json_open(json_key(o, "resource"), '{');
    json_open(json_key(o, "attributes"), '[');
    text_attribute(o, "service.name", STR("tampu"));
    text_attribute(o, "service.version", STR(TAMPU_VERSION));
    json_close(o, ']');
    json_close(o, '}');
    json_open(json_key(o, scopes), '[');
    json_open(o, '{');
    json_open(json_key(o, "scope"), '{');
    json_text(json_key(o, "name"), STR("tampu"));
    json_close(o, '}');
    json_open(json_key(o, rows), '[');
}

static void close_scope(struct json_out *o)
{
    for (const char *bracket = "]}]}]}"; *bracket; bracket++)
        json_close(o, *bracket);
}

static void write_span(struct json_out *o, const struct span *span)
{
    struct str operation = operation_of(span->endpoint);
    char name[160];

    snprintf(name, sizeof name, "%.*s %s", STR_ARG(operation), span->asked);
    json_open(o, '{');
    json_text(json_key(o, "traceId"), str_from(span->trace_id));
    json_text(json_key(o, "spanId"), str_from(span->id));
    if (*span->parent_id)
        json_text(json_key(o, "parentSpanId"), str_from(span->parent_id));
    json_text(json_key(o, "name"), str_from(name));
    json_number(json_key(o, "kind"), KIND_server);
    nanos(o, "startTimeUnixNano", span->started_us);
    nanos(o, "endTimeUnixNano", span->started_us + span->total_us);
    write_span_attributes(o, span);
    if (span->first_token_us >= 0)
        write_first_token(o, span);
    json_open(json_key(o, "status"), '{');
    if (span->status >= FAILED_FROM) {
        json_number(json_key(o, "code"), STATUS_error);
        json_text(json_key(o, "message"), span->failure);
    }
    json_close(o, '}');
    json_close(o, '}');
}

static void write_span_attributes(struct json_out *o, const struct span *span)
{
    json_open(json_key(o, "attributes"), '[');
    text_attribute(o, "gen_ai.operation.name", operation_of(span->endpoint));
    text_attribute(o, "gen_ai.request.model", str_from(span->asked));
    text_attribute(o, "gen_ai.response.model", str_from(span->model));
    text_attribute(o, "server.address", str_from(span->machine));
    count_attribute(o, "gen_ai.usage.input_tokens", span->prompt_tokens);
    count_attribute(o, "gen_ai.usage.output_tokens", span->completion_tokens);
    count_attribute(o, "http.response.status_code", (uint64_t)span->status);
    if (span->status >= FAILED_FROM)
        text_attribute(o, "error.type", span->failure);
    text_attribute(o, "tampu.request_id", str_from(span->request));
    text_attribute(o, "tampu.endpoint", span->endpoint);
    text_attribute(o, "tampu.parity", span->parity);
    count_attribute(o, "tampu.attempts", span->attempts);
    count_attribute(o, "tampu.cached_tokens", span->cached_tokens);
    count_attribute(o, "tampu.money_micro", span->money_micro);
    json_close(o, ']');
}

static void write_first_token(struct json_out *o, const struct span *span)
{
    json_open(json_key(o, "events"), '[');
    json_open(o, '{');
    nanos(o, "timeUnixNano", span->started_us + span->first_token_us);
    json_text(json_key(o, "name"), STR("first token"));
    json_close(o, '}');
    json_close(o, ']');
}

/* What OpenTelemetry has no word for keeps ours. */
static struct str operation_of(struct str endpoint)
{
    static const char *const words[][2] = {
#define WORD(ours, theirs) {ours, theirs},
#include "tables/aliases.def"
    };

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_is(endpoint, words[i][0]))
            return str_from(words[i][1]);
    return endpoint;
}

static void write_point(void *ctx, const struct stats_point *p)
{
    struct metrics *m = ctx;
    struct json_out *o = &m->o;

    if (!m->name || strcmp(m->name, p->name) != 0)
        open_metric(m, p);
    json_open(o, '{');
    write_labels(o, p->labels);
    nanos(o, "startTimeUnixNano", m->began_us);
    nanos(o, "timeUnixNano", m->now_us);
    write_numbers(o, p);
    json_close(o, '}');
}

static void open_metric(struct metrics *m, const struct stats_point *p)
{
    struct json_out *o = &m->o;

    close_metric(m);
    m->name = p->name;
    json_open(o, '{');
    json_text(json_key(o, "name"), str_from(p->name));
    json_text(json_key(o, "description"), str_from(p->words));
    if (p->is_seconds)
        json_text(json_key(o, "unit"), STR("s"));
    json_open(json_key(o, p->is_histogram ? "histogram" : p->is_counter ? "sum" : "gauge"), '{');
    if (p->is_histogram || p->is_counter)
        json_number(json_key(o, "aggregationTemporality"), CUMULATIVE);
    if (p->is_counter)
        json_bool(json_key(o, "isMonotonic"), true);
    json_open(json_key(o, "dataPoints"), '[');
}

static void close_metric(struct metrics *m)
{
    for (const char *bracket = m->name ? "]}}" : ""; *bracket; bracket++)
        json_close(&m->o, *bracket);
    m->name = NULL;
}

/* machine="a",model="b\"c": what Prometheus escapes JSON escapes alike. */
static void write_labels(struct json_out *o, struct str labels)
{
    json_open(json_key(o, "attributes"), '[');
    for (size_t at = 0; at < labels.len;) {
        struct str name = str_slice(labels.data + at,
                                    str_index(str_slice(labels.data + at, labels.len - at), '='));
        size_t from = at + name.len + 2, to = from;
        char value[512];
        size_t len = 0;

        for (; to < labels.len && labels.data[to] != '"'; to++) {
            bool is_escaped = labels.data[to] == '\\';
            char c = labels.data[to += is_escaped];

            if (len < sizeof value)
                value[len++] = is_escaped && c == 'n' ? '\n' : c;
        }
        json_open(o, '{');
        json_text(json_key(o, "key"), name);
        json_open(json_key(o, "value"), '{');
        json_text(json_key(o, "stringValue"), str_slice(value, len));
        json_close(o, '}');
        json_close(o, '}');
        at = to + 2; /* behind the quote and the comma */
    }
    json_close(o, ']');
}

static void write_numbers(struct json_out *o, const struct stats_point *p)
{
    uint64_t count = 0;

    if (p->is_real) {
        json_double(json_key(o, "asDouble"), (double)p->value / 1e6);
        return;
    }
    if (!p->is_histogram) {
        whole(o, "asInt", p->value);
        return;
    }
    json_open(json_key(o, "bucketCounts"), '[');
    for (size_t i = 0; i <= p->bounds_count; i++) {
        char text[24];

        count += p->counts[i];
        snprintf(text, sizeof text, "%" PRIu64, p->counts[i]);
        json_text(o, str_from(text));
    }
    json_close(o, ']');
    json_open(json_key(o, "explicitBounds"), '[');
    for (size_t i = 0; i < p->bounds_count; i++)
        json_double(o, p->bounds[i]);
    json_close(o, ']');
    whole(o, "count", (int64_t)count);
    json_double(json_key(o, "sum"), p->sum);
}

static void text_attribute(struct json_out *o, const char *key, struct str value)
{
    if (!value.len)
        return;
    json_open(o, '{');
    json_text(json_key(o, "key"), str_from(key));
    json_open(json_key(o, "value"), '{');
    json_text(json_key(o, "stringValue"), value);
    json_close(o, '}');
    json_close(o, '}');
}

static void count_attribute(struct json_out *o, const char *key, uint64_t value)
{
    json_open(o, '{');
    json_text(json_key(o, "key"), str_from(key));
    json_open(json_key(o, "value"), '{');
    whole(o, "intValue", (int64_t)value);
    json_close(o, '}');
    json_close(o, '}');
}

static void whole(struct json_out *o, const char *key, int64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, value);
    json_text(json_key(o, key), str_from(text));
}

static void nanos(struct json_out *o, const char *key, int64_t us)
{
    whole(o, key, us * 1000);
}
