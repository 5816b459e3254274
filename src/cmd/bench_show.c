/* SPDX-License-Identifier: Apache-2.0 */
/* What a bench found of one copy. */
#include "cmd/bench_show.h"

static const char *const titles[] = {"MACHINE", "ENGINE",   "ARTIFACT", "LOAD",
                                     "PROMPT",  "FIRST",    "PREFILL",  "EXPECTED",
                                     "DECODE",  "EXPECTED", "TOGETHER"};

static void add_answer(struct table *t, const struct measure_result *b, unsigned bucket);
static void add_work(struct table *t, const struct measure_result *b);
static void add_rest(struct table *t, size_t count);

void bench_show_titles(struct table *t)
{
    table_init(t, COUNT_OF(titles));
    for (size_t i = 0; i < COUNT_OF(titles); i++)
        table_add(t, PAINT_faint, str_from(titles[i]));
}

void bench_show_rows(struct table *t, const struct measure_result *b)
{
    uint32_t rows = b->m.buckets_count ? b->m.buckets_count : 1;

    for (uint32_t i = 0; i < rows; i++) {
        table_add(t, PAINT_none, i ? STR("") : b->copy->machine->name);
        table_add(t, PAINT_none, i ? STR("") : b->copy->engine->name);
        table_add(t, PAINT_none, i ? STR("") : b->copy->line->pull);
        if (b->wrong.len)
            add_rest(t, COUNT_OF(titles) - 3);
        else if (b->m.work)
            add_work(t, b);
        else
            add_answer(t, b, i);
    }
}

static void add_answer(struct table *t, const struct measure_result *b, unsigned bucket)
{
    const struct measured_answer *a = &b->m.buckets[bucket];
    const struct plan_copy *copy = b->copy;
    bool is_slow = measure_is_slow(copy->decode_tps, a->decode_tps);

    bucket ? table_add(t, PAINT_none, STR("")) : table_addf(t, PAINT_none, "%.1f s", b->m.load_s);
    table_addf(t, PAINT_none, "%llu", (unsigned long long)a->prompt_tokens);
    table_addf(t, PAINT_none, "%.0f ms", a->first_token_s * 1000);
    table_addf(t, PAINT_none, "%.0f/s", a->prefill_tps);
    table_addf(t, PAINT_faint, "%.0f/s", copy->prefill_tps);
    table_addf(t, is_slow ? PAINT_bad : PAINT_good, "%.1f/s", a->decode_tps);
    table_addf(t, PAINT_faint, "%.1f/s", copy->decode_tps);
    if (b->m.together && !bucket)
        table_addf(t, PAINT_none, "%u: %.1f/s", b->m.together, b->m.together_tps);
    else
        table_add(t, PAINT_none, STR(""));
}

static void add_work(struct table *t, const struct measure_result *b)
{
    table_addf(t, PAINT_none, "%.1f s", b->m.load_s);
    table_addf(t, PAINT_none, "a %s", b->m.work);
    table_addf(t, PAINT_none, "%.0f ms", b->m.work_s * 1000);
    add_rest(t, 5);
}

static void add_rest(struct table *t, size_t count)
{
    for (size_t i = 0; i < count; i++)
        table_add(t, PAINT_faint, STR("-"));
}
