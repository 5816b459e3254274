/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded queue of requests that are over. */
#include "gateway/spans.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct spans {
    pthread_mutex_t lock;
    size_t first, count;
    uint64_t lost;
    struct span rows[SPANS_ROOM];
};

static void fill(struct span *span, const struct exchange_row *row, struct str traceparent);
static bool is_traceparent(struct str text);

#define KEEP(field, text) snprintf(field, sizeof(field), "%.*s", STR_ARG(text))

struct spans *spans_new(void)
{
    struct spans *s = calloc(1, sizeof *s);

    if (s)
        pthread_mutex_init(&s->lock, NULL);
    return s;
}

void spans_free(struct spans *s)
{
    if (!s)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void spans_put(struct spans *s, const struct exchange_row *row, struct str traceparent)
{
    pthread_mutex_lock(&s->lock);
    if (s->count == SPANS_ROOM)
        s->lost++;
    else
        fill(&s->rows[(s->first + s->count++) % SPANS_ROOM], row, traceparent);
    pthread_mutex_unlock(&s->lock);
}

size_t spans_take(struct spans *s, struct span *ret, size_t most)
{
    size_t count;

    pthread_mutex_lock(&s->lock);
    count = s->count < most ? s->count : most;
    for (size_t i = 0; i < count; i++)
        ret[i] = s->rows[(s->first + i) % SPANS_ROOM];
    s->first = (s->first + count) % SPANS_ROOM;
    s->count -= count;
    pthread_mutex_unlock(&s->lock);
    return count;
}

uint64_t spans_lost(struct spans *s)
{
    uint64_t lost;

    pthread_mutex_lock(&s->lock);
    lost = s->lost;
    pthread_mutex_unlock(&s->lock);
    return lost;
}

/* A request's id is a letter and 24 hexadecimal digits, the last of which differ most. */
static void fill(struct span *span, const struct exchange_row *row, struct str traceparent)
{
    int digits = row->id.len > 24 ? 24 : (int)row->id.len;
    const char *end = row->id.data + row->id.len;

    *span = (struct span){
        .endpoint = row->endpoint,
        .parity = row->parity,
        .failure = row->failure,
        .status = row->status,
        .attempts = row->attempts,
        .prompt_tokens = row->prompt_tokens,
        .completion_tokens = row->completion_tokens,
        .cached_tokens = row->cached_tokens,
        .money_micro = row->money_micro,
        .started_us = row->started_us,
        .first_token_us = row->first_token_us,
        .total_us = row->total_us,
    };
    KEEP(span->request, row->id);
    KEEP(span->asked, row->asked);
    KEEP(span->machine, row->machine);
    KEEP(span->model, row->model);
    snprintf(span->trace_id, sizeof span->trace_id, "74616d70%.*s", digits, end - digits);
    snprintf(span->id, sizeof span->id, "%.*s", digits < 16 ? digits : 16,
             end - (digits < 16 ? digits : 16));
    if (!is_traceparent(traceparent))
        return;
    KEEP(span->trace_id, str_slice(traceparent.data + 3, 32));
    KEEP(span->parent_id, str_slice(traceparent.data + 36, 16));
}

/* "00-" 32 digits "-" 16 digits "-" 2 digits, lower case, and neither id is all zeros. */
static bool is_traceparent(struct str text)
{
    static const char form[] = "hh-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";
    bool trace = false, parent = false;

    if (text.len != sizeof form - 1 || str_starts(text, STR("ff")))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');

        if (form[i] == 'h' ? !is_digit : c != form[i])
            return false;
        trace = trace || (i >= 3 && i < 35 && c != '0');
        parent = parent || (i >= 36 && i < 52 && c != '0');
    }
    return trace && parent;
}
