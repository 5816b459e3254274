/* SPDX-License-Identifier: Apache-2.0 */
/* Why one exchange went where it went. */
#include "gateway/decision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/decisions.h"
#include "gateway/worker.h"
#include "net/clock.h"
#include "wire/json_out.h"

enum {
    TRIES_MAX = 16,
    TRIES_MORE = 4, /* than may fail: a hedge, those that were taken back */
    ASKED_MAX = 95,
    WORDS_ROOM = 640,
};

struct tried {
    uint32_t copy, took_ms;
    uint32_t wasted_tokens;  /* of the prompt, which it may have read for nothing */
    uint8_t parity, parting; /* enum parity, enum parting */
    uint16_t why;            /* enum failure */
};

static const char *const partings[] = {
    [PARTING_left] = "left", [PARTING_overtaken] = "overtaken", [PARTING_recalled] = "taken_back"};

/* One block: behind `why`, which ends where its last candidate does, stand the copies, the tries
 * and the name that was asked for. */
struct decision {
    struct scene *scene; /* NULL until the exchange has ended: then one of its own */
    struct str category, asked;
    enum priority priority;
    enum failure failure;
    char *found; /* what was, in words; NULL: nothing to say */
    int status;
    char id[EXCHANGE_ID_SIZE];
    uint8_t tries_count, tries_room;
    struct errand_end took; /* to answer, as measured; zeroed: nobody did */
    uint32_t took_prompt_tokens;
    struct ruled_out *ruled_out; /* before anybody was weighed */
    uint32_t ruled_out_count, copies_count;
    struct tried *tries;
    uint32_t *copies; /* of the scene, beside the rows of why */
    struct why why;
};

static struct decision *make(uint32_t rows, uint32_t tries, struct str asked);
static void write_head(const struct decision *d, struct json_out *o);
static void write_try(const struct decision *d, struct json_out *o, const struct tried *t);
static void write_took(const struct decision *d, struct json_out *o);
static void write_tokens(struct json_out *o, const char *key, double prompt, double cached,
                         double answer);
static void write_ms(struct json_out *o, const char *key, double s);
static void write_row(const struct decision *d, struct json_out *o, uint32_t row);
static void write_terms(struct json_out *o, const struct why_row *row);
static void write_words(struct json_out *o, const char *words, const char *more);
static void write_ruled_out(const struct ruled_out *row, struct json_out *o);
static void note_ruled_out(struct decision *d, const struct candidates *found);
static bool is_ruled_out(const struct decision *d, uint32_t count, const struct copy *copy);
static struct str category_of(const struct exchange *x);

void decision_begin(struct exchange *x, const struct candidates *found)
{
    struct decision *old = x->decision;
    uint32_t tried = old ? old->tries_count : 0;
    uint32_t tries = tried + x->worker->gateway->settings->attempts_max + TRIES_MORE;
    struct decision *d =
        make(x->candidate_count, tries < TRIES_MAX ? tries : TRIES_MAX, x->ask.model);

    x->waiter.errand.why = d ? &d->why : NULL;
    x->decision = d;
    if (d && old) { /* it goes on elsewhere: what was tried stays */
        memcpy(d->tries, old->tries, tried * sizeof *d->tries);
        d->tries_count = (uint8_t)tried;
        d->ruled_out = TAKE(old->ruled_out);
        d->ruled_out_count = old->ruled_out_count;
    }
    decision_drop(old);
    for (uint32_t i = 0; d && i < x->candidate_count; i++)
        d->copies[d->copies_count++] = x->candidates[i].copy->index;
    if (d && found && found->ruled_out_count)
        note_ruled_out(d, found);
}

static struct decision *make(uint32_t rows, uint32_t tries, struct str asked)
{
    const size_t fixed = offsetof(struct decision, why.rows) + rows * sizeof(struct why_row);
    size_t len = asked.len < ASKED_MAX ? asked.len : ASKED_MAX;
    struct decision *d = malloc(fixed + rows * sizeof *d->copies + tries * sizeof *d->tries + len);
    char *text;

    if (!d)
        return NULL;
    memset(d, 0, offsetof(struct decision, why.rows));
    d->copies = (void *)((char *)d + fixed);
    d->tries = (void *)(d->copies + rows);
    d->tries_room = (uint8_t)tries;
    text = (char *)(d->tries + tries);
    if (len)
        memcpy(text, asked.data, len);
    d->asked = str_slice(text, len);
    return d;
}

/* Who was ruled out twice was for the first reason. */
static void note_ruled_out(struct decision *d, const struct candidates *found)
{
    uint32_t before = d->ruled_out_count;
    struct ruled_out *rows =
        realloc(d->ruled_out, (before + found->ruled_out_count) * sizeof *rows);

    if (!rows)
        return;
    d->ruled_out = rows;
    for (uint32_t i = 0; i < found->ruled_out_count; i++)
        if (!is_ruled_out(d, before, found->ruled_out[i].copy))
            rows[d->ruled_out_count++] = found->ruled_out[i];
}

static bool is_ruled_out(const struct decision *d, uint32_t count, const struct copy *copy)
{
    for (uint32_t i = 0; i < count; i++)
        if (d->ruled_out[i].copy == copy)
            return true;
    return false;
}

void decision_took(struct exchange *x, const struct errand_end *end)
{
    if (!x->decision)
        return;
    x->decision->took = *end;
    x->decision->took_prompt_tokens = x->waiter.errand.prompt_tokens;
}

void decision_note(struct exchange *x, enum failure why, enum parting parting)
{
    struct decision *d = x->decision;

    if (!d || d->tries_count == d->tries_room)
        return;
    d->tries[d->tries_count++] = (struct tried){
        .copy = x->attempt.copy->index,
        .parity = (uint8_t)x->attempt.parity,
        .parting = (uint8_t)parting,
        .why = (uint16_t)why,
        .wasted_tokens = parting > PARTING_left ? x->waiter.errand.prompt_tokens : 0,
        .took_ms = (uint32_t)((clock_monotonic_us() - x->attempt.started_us) / 1000),
    };
}

void decision_end(struct exchange *x)
{
    struct decision *d;

    if (!x->decision) /* it was refused before anybody was looked for */
        decision_begin(x, NULL);
    if (!(d = x->decision))
        return;
    x->waiter.errand.why = NULL;
    d->scene = scene_ref(x->scene);
    memcpy(d->id, x->id, sizeof d->id);
    d->category = category_of(x);
    d->priority = x->priority;
    d->failure = x->why;
    /* A provider may repeat the credential that it refuses. */
    if (x->why && x->why != FAILURE_upstream_auth && x->found.len)
        d->found = strndup(x->found.data, x->found.len);
    d->status = x->status;
    decisions_put(x->worker->gateway->decisions, &x->decision);
}

void decision_drop(struct decision *d)
{
    if (!d)
        return;
    scene_unref(d->scene);
    free(d->ruled_out);
    free(d->found);
    free(d);
}

struct str decision_id(const struct decision *d)
{
    return str_from(d->id);
}

void decision_write(const struct decision *d, struct json_out *o)
{
    const struct copy *copies = d->scene->view->copies;

    json_open(o, '{');
    write_head(d, o);
    json_open(json_key(o, "attempts"), '[');
    for (uint32_t i = 0; i < d->tries_count; i++)
        write_try(d, o, &d->tries[i]);
    json_close(o, ']');
    if (d->why.count)
        write_took(d, o);
    json_open(json_key(o, "candidates"), '[');
    for (uint32_t i = 0; i < d->why.count; i++)
        write_row(d, o, i);
    for (uint32_t i = d->why.count; i < d->copies_count; i++)
        write_ruled_out(&(struct ruled_out){&copies[d->copies[i]], REJECTION_unasked, NULL}, o);
    for (uint32_t i = 0; i < d->ruled_out_count; i++)
        write_ruled_out(&d->ruled_out[i], o);
    json_close(o, ']');
    json_close(o, '}');
}

static void write_head(const struct decision *d, struct json_out *o)
{
    const struct copy *last =
        d->tries_count ? &d->scene->view->copies[d->tries[d->tries_count - 1].copy] : NULL;

    json_text(json_key(o, "request"), str_from(d->id));
    json_text(json_key(o, "category"), d->category);
    json_text(json_key(o, "asked"), d->asked);
    if (last)
        json_text(json_key(o, "chosen"), last->place);
    else
        json_raw(json_key(o, "chosen"), STR("null"));
    json_text(json_key(o, "priority"), str_from(priority_name(d->priority)));
    json_number(json_key(o, "status"), (uint64_t)d->status);
    json_text(json_key(o, "failure"), str_from(failure_row(d->failure)->name));
    if (d->failure)
        write_words(o, failure_row(d->failure)->words, d->found);
    json_number(json_key(o, "decisions"), d->why.decisions);
}

/* "it cannot do what was asked: vision" */
static void write_words(struct json_out *o, const char *words, const char *more)
{
    char text[WORDS_ROOM];

    if (more)
        snprintf(text, sizeof text, "%s: %s", words, more);
    json_text(json_key(o, "words"), str_from(more ? text : words));
}

static struct str category_of(const struct exchange *x)
{
    const struct fleet *f = x->scene->fleet;

    for (uint32_t i = 0; i < f->categories_count; i++)
        if (str_equal(f->categories[i].name, x->waiter.errand.name))
            return f->categories[i].name;
    return STR("");
}

static void write_try(const struct decision *d, struct json_out *o, const struct tried *t)
{
    const struct copy *copy = &d->scene->view->copies[t->copy];
    const char *outcome = t->parting ? partings[t->parting]
                          : t->why   ? failure_row((enum failure)t->why)->name
                                     : "answered";

    json_open(o, '{');
    json_text(json_key(o, "machine"), copy->machine_name);
    json_text(json_key(o, "name"), copy->name);
    json_text(json_key(o, "parity"), str_from(parity_name((enum parity)t->parity)));
    json_text(json_key(o, "outcome"), str_from(outcome));
    json_number(json_key(o, "ms"), t->took_ms);
    if (t->wasted_tokens)
        json_number(json_key(o, "wasted_tokens"), t->wasted_tokens);
    json_close(o, '}');
}

/* What it was reckoned with, and what came of it; what was foretold is in the row that was
 * chosen. */
static void write_took(const struct decision *d, struct json_out *o)
{
    write_tokens(o, "expected_tokens", d->why.prompt_tokens, 0, d->why.answer_tokens);
    if (d->took.decode_s <= 0 && d->took.prompt_s <= 0)
        return;
    json_open(json_key(o, "took_ms"), '{');
    write_ms(o, "load", d->took.load_s);
    write_ms(o, "prompt", d->took.prompt_s);
    write_ms(o, "decode", d->took.decode_s);
    json_close(o, '}');
    write_tokens(o, "took_tokens", d->took_prompt_tokens, d->took.cached_tokens,
                 d->took.output_tokens);
}

static void write_tokens(struct json_out *o, const char *key, double prompt, double cached,
                         double answer)
{
    json_open(json_key(o, key), '{');
    json_number(json_key(o, "prompt"), (uint64_t)(prompt + 0.5));
    if (cached > 0)
        json_number(json_key(o, "cached"), (uint64_t)(cached + 0.5));
    json_number(json_key(o, "answer"), (uint64_t)(answer + 0.5));
    json_close(o, '}');
}

/* Whole ones; what is nothing is left out. */
static void write_ms(struct json_out *o, const char *key, double s)
{
    if (s >= 0.0005)
        json_number(json_key(o, key), (uint64_t)(s * 1000 + 0.5));
}

static void write_row(const struct decision *d, struct json_out *o, uint32_t row)
{
    const struct why_row *r = &d->why.rows[row];
    const struct copy *copy = &d->scene->view->copies[d->copies[row]];
    enum rejection rejected = (enum rejection)r->rejected;

    json_open(o, '{');
    json_text(json_key(o, "machine"), copy->machine_name);
    json_text(json_key(o, "name"), copy->name);
    json_text(json_key(o, "parity"), str_from(parity_name((enum parity)r->parity)));
    if (rejected == REJECTION_none || rejected == REJECTION_equal || rejected == REJECTION_dearer) {
        write_terms(o, r);
    } else {
        json_raw(json_key(o, "seconds"), STR("null"));
        json_raw(json_key(o, "money_micro"), STR("null"));
    }
    if (rejected == REJECTION_none)
        json_raw(json_key(o, "rejected"), STR("null"));
    else
        json_text(json_key(o, "rejected"), str_from(rejection_name(rejected)));
    write_words(o, rejection_words(rejected), NULL);
    json_close(o, '}');
}

/* Nobody weighed it. */
static void write_ruled_out(const struct ruled_out *row, struct json_out *o)
{
    json_open(o, '{');
    json_text(json_key(o, "machine"), row->copy->machine_name);
    json_text(json_key(o, "name"), row->copy->name);
    json_raw(json_key(o, "parity"), STR("null"));
    json_raw(json_key(o, "seconds"), STR("null"));
    json_raw(json_key(o, "money_micro"), STR("null"));
    json_text(json_key(o, "rejected"), str_from(rejection_name(row->why)));
    write_words(o, rejection_words(row->why), row->what);
    json_close(o, '}');
}

/* Those of its costs that are something, in whole milliseconds. */
static void write_terms(struct json_out *o, const struct why_row *row)
{
    const struct {
        const char *key;
        float s;
    } terms[] = {{"wait", row->wait_s},     {"unload", row->unload_s}, {"load", row->load_s},
                 {"prompt", row->prompt_s}, {"decode", row->decode_s}, {"shared", row->shared_s},
                 {"others", row->others_s}, {"evict", row->evict_s},   {"fail", row->fail_s},
                 {"hint", row->hint_s},     {"late", row->late_s},     {"parity", row->parity_s},
                 {"first", row->first_s}};

    json_double(json_key(o, "seconds"), (double)(int64_t)(row->total_s * 1000 + 0.5f) / 1000);
    json_number(json_key(o, "money_micro"), (uint64_t)(row->money_micro + 0.5f));
    json_open(json_key(o, "ms"), '{');
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++)
        write_ms(o, terms[i].key, (double)terms[i].s);
    json_close(o, '}');
}
