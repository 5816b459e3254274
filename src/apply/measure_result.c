/* SPDX-License-Identifier: Apache-2.0 */
/* What came of measuring a copy: as JSON, and in the store. */
#include <errno.h>

#include "apply/measure.h"

enum { FOUND_MAX = 64 << 10 };

/* Slower than this many times what was expected: planned as such. */
static const double slow_from = 2;

static void write_answer(struct json_out *o, const struct measured_answer *a);
static void write_slowness(struct json_out *o, const struct measure_result *result);
static double slowness(double expected, double found);

int measure_keep(struct store *s, const struct measure_result *result, struct err *err)
{
    const struct plan_copy *copy = result->copy;
    struct measurement_row row = {copy->machine->name, copy->engine->name, copy->line->pull,
                                  result->at_us, STR("")};
    struct buf found;
    struct json_out o = {.out = &found};
    int r;

    buf_init(&found, FOUND_MAX);
    measure_write(&o, result);
    row.found = buf_str(&found);
    r = o.error < 0 ? err_set(err, o.error, "out of memory")
                    : store_measurement_put(s, &row, 1, err);
    buf_fini(&found);
    return r;
}

void measure_write(struct json_out *o, const struct measure_result *result)
{
    const struct plan_copy *copy = result->copy;
    const struct measured *m = &result->m;
    const struct measured_answer *a = &m->buckets[0];

    json_open(o, '{');
    json_text(json_key(o, "machine"), copy->machine->name);
    json_text(json_key(o, "engine"), copy->engine->name);
    json_text(json_key(o, "artifact"), copy->line->pull);
    json_text(json_key(o, "name"), copy->name);
    json_number(json_key(o, "at_us"), (uint64_t)result->at_us);
    json_text(json_key(o, "wrong"), result->wrong);
    json_double(json_key(o, "load_s"), m->load_s);
    json_double(json_key(o, "first_token_s"), a->first_token_s);
    json_double(json_key(o, "prefill_tps"), a->prefill_tps);
    json_double(json_key(o, "decode_tps"), a->decode_tps);
    json_number(json_key(o, "prompt_tokens"), a->prompt_tokens);
    json_number(json_key(o, "answer_tokens"), a->answer_tokens);
    json_open(json_key(o, "prompts"), '[');
    for (uint32_t i = 0; i < m->buckets_count; i++)
        write_answer(o, &m->buckets[i]);
    json_close(o, ']');
    json_number(json_key(o, "together"), m->together);
    json_double(json_key(o, "together_tps"), m->together_tps);
    json_text(json_key(o, "work"), str_from(m->work ? m->work : ""));
    json_double(json_key(o, "work_s"), m->work_s);
    json_open(json_key(o, "expected"), '{');
    json_double(json_key(o, "load_s"), copy->load_s);
    json_double(json_key(o, "prefill_tps"), copy->prefill_tps);
    json_double(json_key(o, "decode_tps"), copy->decode_tps);
    json_close(o, '}');
    write_slowness(o, result);
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
static void write_slowness(struct json_out *o, const struct measure_result *result)
{
    const struct plan_copy *copy = result->copy;
    const struct measured *m = &result->m;
    uint32_t last = m->buckets_count ? m->buckets_count - 1 : 0;
    double prefill = slowness(copy->prefill_tps, m->buckets[last].prefill_tps);
    double decode = slowness(copy->decode_tps, m->buckets[0].decode_tps);
    bool is_slow = prefill > slow_from || decode > slow_from;

    json_bool(json_key(o, "slow"), is_slow);
    json_text(json_key(o, "why_slow"), is_slow ? STR("measured by tampu bench") : STR(""));
    json_open(json_key(o, "slowness"), '{');
    json_double(json_key(o, "prefill"), prefill);
    json_double(json_key(o, "decode"), decode);
    json_close(o, '}');
}

bool measure_is_slow(double expected, double found)
{
    return slowness(expected, found) > slow_from;
}

/* 0: one of them is not known. */
static double slowness(double expected, double found)
{
    return expected > 0 && found > 0 ? expected / found : 0;
}
