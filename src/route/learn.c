/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer teaches about the speed of its copy. */
#include "route/learn.h"

#include <math.h>

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
    if (!e->was_alone || !learn_is_alone(b, e->copy))
        return;
    if (c->run_count == 0 && e->batch_begun == 1)
        board_learn(c, ESTIMATE_prompt, prompt, how->prompt_s,
                    expect_prompt_s(&c->expected, fresh > 1 ? fresh : 1, cached), fresh);
    if (c->run_count + 1 == e->batch_begun && how->output_tokens > 1)
        board_learn(c, ESTIMATE_decode, context, how->decode_s / (how->output_tokens - 1),
                    expect_step_s(&c->expected, e->batch_begun, context), how->output_tokens);
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

bool learn_is_alone(const struct board *b, uint32_t copy)
{
    const struct board_machine *m;

    if (b->copies[copy].machine == BOARD_NONE)
        return true;
    m = &b->machines[b->copies[copy].machine];
    for (uint32_t i = 0; i < m->loaded_count; i++)
        if (m->loaded[i] != copy && b->copies[m->loaded[i]].run_count)
            return false;
    return true;
}

static void learn_cloud(struct board_copy *c, const struct errand_end *how)
{
    estimate_learn(&c->estimate, ESTIMATE_prompt, 0, how->prompt_s, cloud_first_s);
    if (how->output_tokens > 1)
        estimate_learn(&c->estimate, ESTIMATE_decode, 0, how->decode_s / (how->output_tokens - 1),
                       cloud_step_s);
}
