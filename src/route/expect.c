/* SPDX-License-Identifier: Apache-2.0 */
/* What a copy should need and how fast it should be: the planner's model in a few numbers. */
#include "route/expect.h"

#include <math.h>

enum { BATCH_TOKENS = 512, FAR_TOKENS = 4096 };

/* Ten tokens a second, 200 of a prompt, and a load of ten seconds: soon corrected by measurements.
 */
static const double assumed_step_s = 0.1, assumed_token_s = 0.005, assumed_load_s = 10;

static void flatten(struct expected *e, const struct box *box, const struct load *load);

bool expect_is_single(const struct artifact *a)
{
    return a->model->one_slot || !(a->model->capabilities & 1u << CAPABILITY_completion);
}

bool expect_copy(struct expected *ret, const struct box *machine, const struct engine_rules *rules,
                 const struct artifact *a, uint64_t context)
{
    struct box box = engine_rules_box(rules, machine);
    struct load load = speed_load_of(a);
    struct run run = {.slots = expect_is_single(a) ? 1 : rules->slots, .kv = rules->kv};

    run.context = engine_rules_context(rules, machine, a, context);
    *ret = (struct expected){.context = (uint32_t)run.context, .file_bytes = a->bytes};
    ret->need = memory_need_of(&a->model->geometry, a->bytes, &run);
    ret->predicted_bytes = memory_ollama_estimate(&a->model->geometry, a->bytes, &run);
    ret->fit = engine_rules_fit(rules, machine, &ret->need);
    ret->unload_s = engine_rules_unload_s(machine);
    if (ret->fit.kind == FIT_no)
        return false;
    flatten(ret, &box, &load);
    return true;
}

void expect_assume(struct expected *e)
{
    for (unsigned i = 0; i < EXPECT_BATCH_MAX; i++)
        e->step_s[i] = assumed_step_s;
    e->step_token_s = e->prompt_pair_s = e->prompt_batch_s = 0;
    e->prompt_token_s = assumed_token_s;
    e->load_s = e->reload_s = assumed_load_s;
}

double expect_step_s(const struct expected *e, unsigned batch, double context)
{
    if (batch < 1)
        batch = 1;
    if (batch > EXPECT_BATCH_MAX)
        batch = EXPECT_BATCH_MAX;
    return e->step_s[batch - 1] + batch * context * e->step_token_s;
}

double expect_prompt_s(const struct expected *e, double tokens, double cached)
{
    if (tokens <= 0)
        return 0;
    return tokens * (e->prompt_token_s + (cached + tokens / 2) * e->prompt_pair_s) +
           ceil(tokens / BATCH_TOKENS) * e->prompt_batch_s;
}

/* The formulas of model/speed.h are linear in what varies: a few points give the coefficients. */
static void flatten(struct expected *e, const struct box *box, const struct load *load)
{
    double one = speed_prefill_seconds(box, load, &e->fit, 1, 0);
    double batch = speed_prefill_seconds(box, load, &e->fit, BATCH_TOKENS, 0);
    double far = speed_prefill_seconds(box, load, &e->fit, BATCH_TOKENS, FAR_TOKENS);
    double pairs = BATCH_TOKENS * BATCH_TOKENS / 2.0;

    for (unsigned i = 0; i < EXPECT_BATCH_MAX; i++)
        e->step_s[i] = speed_step_seconds(box, load, &e->fit, 0, i + 1);
    e->step_token_s =
        (speed_step_seconds(box, load, &e->fit, FAR_TOKENS, 1) - e->step_s[0]) / FAR_TOKENS;
    e->prompt_pair_s = (far - batch) / ((double)BATCH_TOKENS * FAR_TOKENS);
    e->prompt_token_s = (batch - one - pairs * e->prompt_pair_s) / (BATCH_TOKENS - 1);
    e->prompt_batch_s = fmax(0, one - e->prompt_token_s);
    e->load_s = speed_load_seconds(box, load, false);
    e->reload_s = speed_load_seconds(box, load, true);
}
