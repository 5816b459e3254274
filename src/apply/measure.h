/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast a copy is: asked for what it can do, cold and warm, alone and together, and timed.
 *
 *     r = measure(&m, asker, &endpoint, copy, err);
 *
 * Copies that talk are asked prompts of several lengths, those that embed, draw, listen, speak or
 * order get one piece of work. Engines count their own tokens and seconds, and are believed; where
 * one says nothing of its seconds, they are those of the wall. No prompt is asked twice: nothing of
 * it is remembered.
 */
#pragma once

#include "engine/question.h"
#include "plan/plan.h"

enum {
    MEASURE_BUCKETS = 3,
    MEASURE_TOGETHER_MAX = 8,
    MEASURE_PATIENCE_S = 60, /* a prompt that should take longer is left out */
};

/* One answer, or several at once. */
struct measured_answer {
    uint64_t prompt_tokens, answer_tokens;
    double load_s;                  /* 0: it was warm, or does not say */
    double first_token_s;           /* on the wall */
    double prefill_tps, decode_tps; /* 0: not known */
};

struct measured {
    double load_s;                                   /* of a cold one */
    struct measured_answer buckets[MEASURE_BUCKETS]; /* warm, shortest prompt first */
    uint32_t buckets_count;                          /* 0: it does not talk */
    uint32_t together;                               /* so many at once; 0: it has one slot */
    double together_tps;                             /* of all of them */
    const char *work;                                /* "image": what it did; NULL: it talks */
    double work_s;                                   /* of a warm one */
};

/* Can copies on such an engine be measured so? */
bool measure_knows(const struct plan_copy *copy);

/* 0; what question_ask() says; -EIO: it answers something else, in words. */
MUST_USE int measure(struct measured *ret, struct asker *a, const struct endpoint *endpoint,
                     const struct plan_copy *copy, struct err *err);

/* measure_work.c: for copies that do not talk. NULL: they do nothing that is known here. */
struct measure_work;
const struct measure_work *measure_work_find(const struct plan_copy *copy);
MUST_USE int measure_work(struct measured *ret, const struct measure_work *work, struct asker *a,
                          const struct endpoint *endpoint, const struct plan_copy *copy,
                          struct err *err);
