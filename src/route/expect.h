/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a copy should need and how fast it should be, before anything was measured.
 *
 *     if (expect_copy(&e, &box, &rules, artifact, context))
 *         first_s = expect_prompt_s(&e, tokens, cached);
 *
 * The planner's model of model/speed.h, flattened to a few numbers for each copy, so that a
 * decision adds and multiplies only. Pure.
 */
#pragma once

#include "fleet/engine_rules.h"
#include "model/speed.h"

enum { EXPECT_BATCH_MAX = 16 };

struct expected {
    double step_s[EXPECT_BATCH_MAX]; /* a decode step of 1, 2, … sequences without context */
    double step_token_s;             /* more, for each token of all their contexts */
    double prompt_token_s;           /* reading a prompt: for each token, */
    double prompt_pair_s;            /* for each token and each that stands before it, */
    double prompt_batch_s;           /* and for each batch of 512 */
    double load_s, reload_s;         /* from disk, from the page cache */
    double unload_s;
    uint64_t file_bytes;
    struct footprint need;
    uint64_t predicted_bytes; /* what Ollama believes before it loads */
    struct fit fit;           /* alone on its machine */
    uint32_t context;         /* tokens of one slot, as it will be */
};

/* context: tokens of one slot, 0: the engine chooses. False when it does not fit, even alone;
 * `need` is filled in all the same. */
bool expect_copy(struct expected *ret, const struct box *machine, const struct engine_rules *rules,
                 const struct artifact *a, uint64_t context);

/* What is assumed of what nobody knows: an ordinary model on an ordinary machine. Memory and the
 * length of its context stay as they are. */
void expect_assume(struct expected *e);

/* Embeddings and some families never run in parallel, whatever the engine's settings say. */
bool expect_is_single(const struct artifact *a);

/* One decode step of `batch` sequences that hold `context` tokens each. */
double expect_step_s(const struct expected *e, unsigned batch, double context);

/* Reading `tokens` new ones behind `cached` ones. */
double expect_prompt_s(const struct expected *e, double tokens, double cached);
