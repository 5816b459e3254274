/* SPDX-License-Identifier: Apache-2.0 */
/* What a bench found of one copy. */
#include "cmd/bench_show.h"

/* Slower than this many times what was expected: planned as such. */
static const double slow_from = 2;

static const char *const titles[] = {"MACHINE", "ENGINE",   "ARTIFACT", "LOAD",
                                     "PROMPT",  "FIRST",    "PREFILL",  "EXPECTED",
                                     "DECODE",  "EXPECTED", "TOGETHER"};

static void add_answer(struct table *t, const struct bench_result *b, unsigned bucket);
static void add_work(struct table *t, const struct bench_result *b);
static void add_rest(struct table *t, size_t count);
static double slowness(double expected, double found);
static void write_answer(struct json_out *o, const struct measured_answer *a);
static void write_slowness(struct json_out *o, const struct bench_result *b);

void bench_show_titles(struct table *t)
{
    table_init(t, COUNT_OF(titles));
    for (size_t i = 0; i < COUNT_OF(titles); i++)
        table_add(t, PAINT_faint, str_from(titles[i]));
}

void bench_show_rows(struct table *t, const struct bench_result *b)
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

static void add_answer(struct table *t, const struct bench_result *b, unsigned bucket)
{
    const struct measured_answer *a = &b->m.buckets[bucket];
    const struct plan_copy *copy = b->copy;
    bool is_slow = slowness(copy->decode_tps, a->decode_tps) > slow_from;

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

static void add_work(struct table *t, const struct bench_result *b)
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

void bench_show_json(struct json_out *o, const struct bench_result *b)
{
    const struct plan_copy *copy = b->copy;
    const struct measured_answer *a = &b->m.buckets[0];

    json_open(o, '{');
    json_text(json_key(o, "machine"), copy->machine->name);
    json_text(json_key(o, "engine"), copy->engine->name);
    json_text(json_key(o, "artifact"), copy->line->pull);
    json_text(json_key(o, "name"), copy->name);
    json_text(json_key(o, "wrong"), b->wrong);
    json_double(json_key(o, "load_s"), b->m.load_s);
    json_double(json_key(o, "first_token_s"), a->first_token_s);
    json_double(json_key(o, "prefill_tps"), a->prefill_tps);
    json_double(json_key(o, "decode_tps"), a->decode_tps);
    json_number(json_key(o, "prompt_tokens"), a->prompt_tokens);
    json_number(json_key(o, "answer_tokens"), a->answer_tokens);
    json_open(json_key(o, "prompts"), '[');
    for (uint32_t i = 0; i < b->m.buckets_count; i++)
        write_answer(o, &b->m.buckets[i]);
    json_close(o, ']');
    json_number(json_key(o, "together"), b->m.together);
    json_double(json_key(o, "together_tps"), b->m.together_tps);
    json_text(json_key(o, "work"), str_from(b->m.work ? b->m.work : ""));
    json_double(json_key(o, "work_s"), b->m.work_s);
    json_open(json_key(o, "expected"), '{');
    json_double(json_key(o, "load_s"), copy->load_s);
    json_double(json_key(o, "prefill_tps"), copy->prefill_tps);
    json_double(json_key(o, "decode_tps"), copy->decode_tps);
    json_close(o, '}');
    write_slowness(o, b);
    json_close(o, '}');
}

static void write_answer(struct json_out *o, const struct measured_answer *a)
{
    json_open(o, '{');
    json_number(json_key(o, "prompt_tokens"), a->prompt_tokens);
    json_number(json_key(o, "answer_tokens"), a->answer_tokens);
    json_double(json_key(o, "first_token_s"), a->first_token_s);
    json_double(json_key(o, "prefill_tps"), a->prefill_tps);
    json_double(json_key(o, "decode_tps"), a->decode_tps);
    json_close(o, '}');
}

/* As `tampu ps --json` has it. Of the prefill the longest prompt tells most: short ones are mostly
 * overhead. */
static void write_slowness(struct json_out *o, const struct bench_result *b)
{
    const struct measured *m = &b->m;
    uint32_t last = m->buckets_count ? m->buckets_count - 1 : 0;
    double prefill = slowness(b->copy->prefill_tps, m->buckets[last].prefill_tps);
    double decode = slowness(b->copy->decode_tps, m->buckets[0].decode_tps);
    bool is_slow = prefill > slow_from || decode > slow_from;

    json_bool(json_key(o, "slow"), is_slow);
    json_text(json_key(o, "why_slow"), is_slow ? STR("measured by tampu bench") : STR(""));
    json_open(json_key(o, "slowness"), '{');
    json_double(json_key(o, "prefill"), prefill);
    json_double(json_key(o, "decode"), decode);
    json_close(o, '}');
}

/* 0: one of them is not known. */
static double slowness(double expected, double found)
{
    return expected > 0 && found > 0 ? expected / found : 0;
}
