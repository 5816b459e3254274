/* SPDX-License-Identifier: Apache-2.0 */
/* Traces made up by rules: what is asked for, and when. */
#include "sim/trace.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sim/chance.h"

enum { KEYS = 12, PROMPT_MAX = 24000, OUTPUT_MAX = 2000 };

/* Shares, sizes and what a good answer is: assumptions, in the order of the redundancy map. Large
 * models may take twice as long. */
const struct demand_row demands[DEMANDS] = {
    {"xl-code", "l-code", 0.06, 1200, 0.9, 350, 0.7, 3, 10, 0.3},
    {"xl-vision", "m-vision", 0.03, 900, 0.4, 200, 0.6, 1, 10, 0.3},
    {"l-code", "xl-code", 0.16, 1400, 0.9, 180, 0.9, 4, 5, 0.15},
    {"m-vision", "xl-vision", 0.07, 800, 0.3, 120, 0.6, 1, 5, 0.15},
    {"s-fast", "general", 0.28, 250, 0.8, 100, 0.8, 2, 5, 0.15},
    {"embeddings", "embeddings", 0.18, 300, 0.6, 0, 0, 1, 5, 0.15},
    {"reasoning", "l-code", 0.07, 400, 0.7, 700, 0.5, 2, 10, 0.3},
    {"general", "s-fast", 0.15, 600, 0.9, 220, 0.7, 3, 5, 0.15},
};

/* How much is asked for as the time goes by; 1 is the most. */
static double steady(double at_s);
static double in_bursts(double at_s);
static double by_day(double at_s);
static double at_the_office(double at_s);
static double at_work_and_home(double at_s);

static const struct {
    double span_s, think_s; /* between the turns of a conversation */
    uint32_t sessions;
    double (*rate)(double at_s);
    bool changes; /* what is asked for, with the hour */
} makers[] = {{3600, 30, 1500, steady, false},
              {3600, 20, 1500, in_bursts, false},
              {86400, 60, 1500, by_day, false},
              {36000, 45, 1500, at_the_office, false},
              {5 * 86400, 45, 40000, at_work_and_home, true}};
const char *const trace_names[] = {"poisson", "bursts", "diurnal", "office", "week", NULL};

/* Five working days of a house: work by day, pictures and talk in the evening, documents that are
 * read and reasoned about at night. From that hour on: how much, and each demand's share as many
 * times. Assumed. */
static const struct part_of_day {
    double from_hour, rate;
    double times[DEMANDS]; /* in the order of demands */
} parts_of_day[] = {
    {0, 0.02, {1, 1, 1, 1, 1, 1, 1, 1}},     {2, 0.5, {0, 3, 0, 4, 0, 2, 4, 0}},
    {5, 0.02, {1, 1, 1, 1, 1, 1, 1, 1}},     {8, 0.5, {2, 0.2, 2, 0.2, 1, 1, 1, 1}},
    {9, 1, {2, 0.2, 2, 0.2, 1, 1, 1, 1}},    {12, 0.4, {1, 1, 1, 1, 1, 1, 1, 1}},
    {13, 0.9, {2, 0.2, 2, 0.2, 1, 1, 1, 1}}, {18, 0.2, {1, 1, 1, 1, 1, 1, 1, 1}},
    {19, 0.5, {0, 4, 0, 4, 1, 0, 1, 3}},     {23, 0.1, {0, 4, 0, 4, 1, 0, 1, 3}},
};

static void make_session(struct trace *t, double at_s, double think_s, uint64_t session,
                         uint32_t demand, struct chance *c);
static uint32_t pick_demand(struct chance *c, const double *times);
static const struct part_of_day *part_of(double at_s);
static uint32_t tokens_of(struct chance *c, double median, double sigma, uint32_t max);
static void copy_row(struct trace *to, const struct trace *from, uint32_t row, uint64_t copy,
                     double shift_s);
static int compare_times(const void *a, const void *b);

bool trace_make(struct trace *ret, struct str name, uint64_t seed)
{
    struct chance c = chance_of(seed, "trace");
    unsigned i = 0;

    while (trace_names[i] && !str_is(name, trace_names[i]))
        i++;
    if (!trace_names[i])
        return false;
    *ret = (struct trace){.span_s = makers[i].span_s};
    for (uint32_t made = 0; made < makers[i].sessions;) {
        double at_s = chance_draw(&c) * ret->span_s;

        if (chance_draw(&c) >= makers[i].rate(at_s))
            continue;
        make_session(ret, at_s, makers[i].think_s, chance_mix(seed, ++made),
                     pick_demand(&c, makers[i].changes ? part_of(at_s)->times : NULL), &c);
    }
    trace_sort(ret);
    return true;
}

void trace_free(struct trace *t)
{
    free(t->rows);
    free(t->pieces);
    *t = (struct trace){0};
}

/* Each conversation is kept, dropped or repeated as a whole; repeated ones begin at another minute
 * and share nothing. */
void trace_scale(struct trace *t, double times, uint64_t seed)
{
    struct trace scaled = {.span_s = t->span_s};

    for (uint32_t i = 0; i < t->count; i++) {
        uint64_t session = t->rows[i].session;
        double part = (double)(chance_mix(session, seed) >> 11) * 0x1p-53;
        uint32_t copies = (uint32_t)times + (part < times - floor(times));

        for (uint32_t copy = 0; copy < copies && scaled.count < TRACE_ROWS_MAX; copy++) {
            uint64_t mixed = chance_mix(chance_mix(session, copy), seed);

            copy_row(&scaled, t, i, copy, copy ? (double)(mixed % 600000) / 1e3 - 300 : 0);
        }
    }
    trace_sort(&scaled);
    trace_free(t);
    *t = scaled;
}

uint32_t trace_name(uint32_t prompt_tokens, uint32_t output_tokens, bool is_code, uint64_t session)
{
    uint64_t dice = chance_mix(session, 1);

    if (is_code || prompt_tokens >= 4096)
        return prompt_tokens >= 8192 ? 0 : 2;
    if (output_tokens >= 512)
        return 6;
    if (dice % 40 == 1)
        return 1;
    if (dice % 10 == 0)
        return 3;
    return prompt_tokens < 512 ? 4 : 7;
}

struct trace_row *trace_add(struct trace *t, const struct trace_row *row)
{
    if (t->count == t->room) {
        t->room = t->room ? 2 * t->room : 1024;
        t->rows = realloc(t->rows, t->room * sizeof *t->rows);
        assert(t->rows);
    }
    t->rows[t->count] = *row;
    t->rows[t->count].pieces = t->pieces_count;
    t->rows[t->count].pieces_count = 0;
    return &t->rows[t->count++];
}

void trace_add_piece(struct trace *t, struct trace_row *row, uint64_t chain, uint32_t tokens)
{
    if (t->pieces_count == t->pieces_room) {
        t->pieces_room = t->pieces_room ? 2 * t->pieces_room : 4096;
        t->pieces = realloc(t->pieces, t->pieces_room * sizeof *t->pieces);
        assert(t->pieces);
    }
    t->pieces[t->pieces_count++] = (struct prompt_piece){chain ? chain : 1, tokens};
    row->pieces_count++;
}

void trace_sort(struct trace *t)
{
    if (t->count)
        qsort(t->rows, t->count, sizeof *t->rows, compare_times);
}

/* A conversation: each turn's prompt is the last one, its answer, and something new. */
static void make_session(struct trace *t, double at_s, double think_s, uint64_t session,
                         uint32_t demand, struct chance *c)
{
    uint32_t key = chance_pick(c, KEYS);
    const struct demand_row *d = &demands[demand];
    uint32_t turns = 1 + (uint32_t)chance_wait(c, d->turns - 1 + 1e-9);
    uint32_t before = 0, tokens[TRACE_PIECES_MAX];

    for (uint32_t turn = 0; turn < turns && turn < TRACE_PIECES_MAX && at_s < t->span_s; turn++) {
        uint32_t fresh = tokens_of(c, turn ? d->prompt_median / 4 : d->prompt_median,
                                   d->prompt_sigma, PROMPT_MAX);
        uint32_t output =
            d->output_median > 0 ? tokens_of(c, d->output_median, d->output_sigma, OUTPUT_MAX) : 0;
        struct trace_row *row;

        if (before + fresh > PROMPT_MAX)
            return;
        tokens[turn] = before + fresh;
        row = trace_add(t, &(struct trace_row){.at_s = at_s,
                                               .demand = demand,
                                               .prompt_tokens = tokens[turn],
                                               .output_tokens = output,
                                               .session = session,
                                               .key = key});
        for (uint32_t i = 0; i <= turn; i++)
            trace_add_piece(t, row, chance_mix(session, i + 1), tokens[i]);
        before = tokens[turn] + output;
        at_s += chance_wait(c, think_s) + output * 0.02;
    }
}

static uint32_t pick_demand(struct chance *c, const double *times)
{
    double draw = chance_draw(c), sum = 0;
    uint32_t i = 0;

    for (uint32_t k = 0; times && k < DEMANDS; k++)
        sum += demands[k].share * times[k];
    if (times)
        draw *= sum;
    while (i + 1 < DEMANDS && (draw -= demands[i].share * (times ? times[i] : 1)) >= 0)
        i++;
    return i;
}

static uint32_t tokens_of(struct chance *c, double median, double sigma, uint32_t max)
{
    return (uint32_t)fmax(4, fmin(max, chance_size(c, median, sigma)));
}

static void copy_row(struct trace *to, const struct trace *from, uint32_t row, uint64_t copy,
                     double shift_s)
{
    const struct trace_row *old = &from->rows[row];
    struct trace_row *fresh = trace_add(to, old);

    if (copy)
        fresh->at_s = fmod(old->at_s + shift_s + from->span_s, from->span_s);
    for (uint32_t i = 0; i < old->pieces_count; i++) {
        const struct prompt_piece *p = &from->pieces[old->pieces + i];

        trace_add_piece(to, fresh, copy ? chance_mix(p->chain, copy) : p->chain, p->tokens);
    }
    if (copy)
        fresh->session = chance_mix(old->session, copy);
}

static int compare_times(const void *a, const void *b)
{
    const struct trace_row *x = a, *y = b;

    if (x->at_s < y->at_s || x->at_s > y->at_s)
        return x->at_s < y->at_s ? -1 : 1;
    return x->session < y->session ? -1 : x->session > y->session;
}

static double steady(double at_s)
{
    (void)at_s;
    return 1;
}

/* A minute of plenty in every six. */
static double in_bursts(double at_s)
{
    return fmod(at_s, 360) < 60 ? 1 : 0.1;
}

/* Least at four at night, most at four in the afternoon. */
static double by_day(double at_s)
{
    return 0.15 + 0.85 * pow(0.5 - 0.5 * cos(2 * M_PI * (at_s / 3600 - 4) / 24), 2);
}

/* Eight to six: a morning, a lunch, an afternoon. */
static double at_the_office(double at_s)
{
    static const double hours[] = {0.3, 0.8, 1, 0.9, 0.3, 0.5, 0.9, 1, 0.7, 0.3};

    return hours[(unsigned)(at_s / 3600) % 10];
}

static double at_work_and_home(double at_s)
{
    return part_of(at_s)->rate;
}

static const struct part_of_day *part_of(double at_s)
{
    double hour = fmod(at_s / 3600, 24);
    unsigned i = 0;

    while (i + 1 < sizeof parts_of_day / sizeof *parts_of_day &&
           parts_of_day[i + 1].from_hour <= hour)
        i++;
    return &parts_of_day[i];
}
