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
#include "store/store.h"
#include "wire/json_out.h"

enum {
    MEASURE_BUCKETS = 3,
    MEASURE_TOGETHER_MAX = 8,
    MEASURE_PATIENCE_S = 60, /* a prompt that should take longer is left out */
    MEASURE_BRIEF_S = 300,   /* no brief one takes longer */
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

/* The shortest prompt alone, nothing at once, within MEASURE_BRIEF_S: -EIO beyond. */
MUST_USE int measure_briefly(struct measured *ret, struct asker *a, const struct endpoint *endpoint,
                             const struct plan_copy *copy, struct err *err);

/* How long that should take; 0: nobody knows, or more than half of what it may. */
double measure_brief_s(const struct plan_copy *copy);

/* What came of it, at one moment. */
struct measure_result {
    const struct plan_copy *copy;
    struct measured m;
    struct str wrong; /* why it could not be measured; else empty */
    int64_t at_us;    /* UTC */
};

/* measure_result.c: as JSON, which `tampu plan --measured` takes; the same into the store. */
void measure_write(struct json_out *o, const struct measure_result *result);
MUST_USE int measure_keep(struct store *s, const struct measure_result *result, struct err *err);

/* So much slower than expected that plans count on it. */
bool measure_is_slow(double expected, double found);

/* measure_work.c: for copies that do not talk. NULL: they do nothing that is known here. */
struct measure_work;
const struct measure_work *measure_work_find(const struct plan_copy *copy);
MUST_USE int measure_work(struct measured *ret, const struct measure_work *work, struct asker *a,
                          const struct endpoint *endpoint, const struct plan_copy *copy,
                          uint64_t until_us, struct err *err);
bool measure_work_is_quick(const struct measure_work *work);

/* Until then, of the monotonic clock, 0: for ever; but no longer than the longest pause. */
uint32_t measure_left_ms(uint64_t until_us);
