/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer teaches about the speed of its copy. */
#include "route/learn.h"

#include <math.h>

/* So many answers that ran alone say more than any that shared their machine; so does a bench. */
enum { ALONE_KNOWN = 3 };

static void learn_one(struct board_copy *c, enum estimate_kind kind, double context_tokens,
                      double observed_s, double expected_s, double tokens, uint32_t at_work);
static void learn_cloud(struct board_copy *c, const struct errand_end *how);

void learn_speeds(struct board *b, const struct errand *e, const struct errand_end *how)
{
    struct board_copy *c = &b->copies[e->copy];
    double prompt = e->prompt_tokens, cached = how->cached_tokens, fresh;
    double context = prompt + how->output_tokens / 2.0;

    if (e->is_opaque) {
        estimate_learn(&c->estimate, ESTIMATE_decode, 0, how->decode_s, opaque_s);
        return;
    }
    if (c->machine == BOARD_NONE) {
        learn_cloud(c, how);
        return;
    }
    /* Ollama does not say what was cached: then what we believe counts. */
    cached = fmin(prompt, fmax(cached, e->cached_tokens));
    fresh = prompt - cached;
    if (e->has_loaded)
        estimate_learn(&c->estimate, ESTIMATE_load, 0, how->load_s, board_expected_load_s(c));
    if (learn_at_work(b, e->copy) != e->at_work_begun)
        return;
    if (c->run_count == 0 && e->batch_begun == 1)
        learn_one(c, ESTIMATE_prompt, prompt, how->prompt_s,
                  expect_prompt_s(&c->expected, fresh > 1 ? fresh : 1, cached), fresh,
                  e->at_work_begun);
    if (c->run_count + 1 == e->batch_begun && how->output_tokens > 1)
        learn_one(c, ESTIMATE_decode, context, how->decode_s / (how->output_tokens - 1),
                  expect_step_s(&c->expected, e->batch_begun, context), how->output_tokens,
                  e->at_work_begun);
}

void learn_bench(struct board_copy *c, const struct bench_speeds *s)
{
    double prompt_s = expect_prompt_s(&c->expected, s->prompt_tokens, 0);

    if (s->prefill_tps > 0 && prompt_s > 0)
        estimate_start(&c->estimate, ESTIMATE_prompt, s->prompt_tokens / s->prefill_tps / prompt_s);
    if (s->decode_tps > 0)
        estimate_start(&c->estimate, ESTIMATE_decode,
                       1 / s->decode_tps / expect_step_s(&c->expected, 1, s->context_tokens));
}

static void learn_one(struct board_copy *c, enum estimate_kind kind, double context_tokens,
                      double observed_s, double expected_s, double tokens, uint32_t at_work)
{
    if (at_work == 1)
        board_learn(c, kind, context_tokens, observed_s, expected_s, tokens);
    else if (c->drift[kind].count < ALONE_KNOWN && fabs((double)c->estimate.start[kind]) <= 0)
        estimate_learn(&c->estimate, kind, context_tokens, observed_s / at_work, expected_s);
}

uint32_t learn_at_work(const struct board *b, uint32_t copy)
{
    const struct board_machine *m;
    uint32_t at_work = 1;

    if (b->copies[copy].machine == BOARD_NONE)
        return 1;
    m = &b->machines[b->copies[copy].machine];
    for (uint32_t i = 0; i < m->loaded_count; i++)
        at_work += m->loaded[i] != copy && b->copies[m->loaded[i]].run_count;
    return at_work;
}

static void learn_cloud(struct board_copy *c, const struct errand_end *how)
{
    estimate_learn(&c->estimate, ESTIMATE_prompt, 0, how->prompt_s, cloud_first_s);
    if (how->output_tokens > 1)
        estimate_learn(&c->estimate, ESTIMATE_decode, 0, how->decode_s / (how->output_tokens - 1),
                       cloud_step_s);
}
