/* SPDX-License-Identifier: Apache-2.0 */
/* How long copies that do not talk take for a piece of work. */
#include <errno.h>
#include <stdio.h>

#include "apply/measure.h"
#include "dialect/dialect.h"
#include "dialect/ways.h"
#include "net/clock.h"
#include "wire/json_out.h"
#include "wire/silence.h"

enum { PATH_MAX_BYTES = 512, BODY_MAX = 128 << 10, ANSWER_MAX = 64 << 20 };

struct measure_work {
    const char *words; /* what is done */
    enum capability capability;
    enum task task;
    const char *text; /* members of the JSON beside "model"; NULL: a second of silence */
};

/* The first that a copy can do is done. */
static const struct measure_work works[] = {
    {"text", CAPABILITY_embedding, TASK_embed,
     "\"input\":\"A tampu is a way station of the Inca roads, where llama caravans were housed, "
     "fed "
     "and sent on; runners waited there day and night to take over a message.\""},
    {"image", CAPABILITY_image, TASK_draw,
     "\"prompt\":\"a llama on a mountain road\",\"size\":\"512x512\",\"n\":1"},
    {"second of sound", CAPABILITY_transcribe, TASK_transcribe, NULL},
    {"sentence", CAPABILITY_speech, TASK_speak,
     "\"input\":\"The caravan rests here tonight.\",\"voice\":\"alloy\""},
    {"question", CAPABILITY_rerank, TASK_rerank,
     "\"query\":\"caravan\",\"documents\":[\"llamas\",\"motors\",\"a road over mountains\"]"},
};

static int do_once(double *ret_s, const struct measure_work *work, struct asker *a,
                   const struct endpoint *endpoint, const struct plan_copy *copy, uint64_t until_us,
                   struct err *err);
static int write_path(struct buf *out, const struct plan_copy *copy, enum task task);
static const struct dialect *dialect_of(const struct plan_copy *copy);

const struct measure_work *measure_work_find(const struct plan_copy *copy)
{
    uint32_t can = copy->artifact->model->capabilities;

    if (can & 1u << CAPABILITY_completion || !dialect_of(copy))
        return NULL;
    for (size_t i = 0; i < COUNT_OF(works); i++)
        if (can & 1u << works[i].capability)
            return &works[i];
    return NULL;
}

/* How long a picture takes is nothing that anybody expects. */
bool measure_work_is_quick(const struct measure_work *work)
{
    return work->capability != CAPABILITY_image;
}

/* What the first takes longer than the second is taken for loading. */
int measure_work(struct measured *ret, const struct measure_work *work, struct asker *a,
                 const struct endpoint *endpoint, const struct plan_copy *copy, uint64_t until_us,
                 struct err *err)
{
    double cold_s = 0, warm_s = 0;
    int r = do_once(&cold_s, work, a, endpoint, copy, until_us, err);

    if (r == 0)
        r = do_once(&warm_s, work, a, endpoint, copy, until_us, err);
    if (r < 0)
        return r;
    ret->work = work->words;
    ret->work_s = warm_s;
    ret->load_s = cold_s > warm_s ? cold_s - warm_s : 0;
    return 0;
}

static int do_once(double *ret_s, const struct measure_work *work, struct asker *a,
                   const struct endpoint *endpoint, const struct plan_copy *copy, uint64_t until_us,
                   struct err *err)
{
    struct buf path, body, answer;
    struct json_out o = {.out = &body};
    struct question q = {.endpoint = endpoint,
                         .method = METHOD_POST,
                         .type = work->text ? STR("") : STR(SILENCE_TYPE),
                         .answer = &answer,
                         .idle_timeout_ms = measure_left_ms(until_us)};
    uint64_t began_us;
    int r;

    buf_init(&path, PATH_MAX_BYTES);
    buf_init(&body, BODY_MAX);
    buf_init(&answer, ANSWER_MAX);
    r = write_path(&path, copy, work->task);
    if (r == 0 && !work->text)
        r = silence_write_form(&body, copy->line->pull);
    if (r == 0 && work->text) {
        json_open(&o, '{');
        json_text(json_key(&o, "model"), copy->line->pull);
        r = o.error < 0 ? o.error : buf_printf(&body, ",%s}", work->text);
    }
    q.target = buf_str(&path);
    q.json = buf_str(&body);
    began_us = clock_monotonic_us();
    r = r < 0 ? r : question_ask(a, &q, err);
    *ret_s = (double)(clock_monotonic_us() - began_us) / 1e6;
    if (r > 0 && r != 200)
        r = err_set(err, -EIO, "%.*s answers with status %d: %.*s", STR_ARG(q.target), r,
                    (int)(answer.len < 200 ? answer.len : 200), answer.data ? answer.data : "");
    buf_fini(&path);
    buf_fini(&body);
    buf_fini(&answer);
    return r < 0 ? r : 0;
}

static int write_path(struct buf *out, const struct plan_copy *copy, enum task task)
{
    struct str extra;
    int r = way_find(out, &extra, copy->engine, task);

    return r == -ENOENT ? buf_put(out, str_from(dialect_of(copy)->target(task))) : r;
}

/* NULL: nobody speaks with it. */
static const struct dialect *dialect_of(const struct plan_copy *copy)
{
    for (enum dialect_id i = 0; i < DIALECT_COUNT; i++)
        if (str_is(str_from(engine_kind_row(copy->engine->kind)->dialect), dialect_get(i)->name))
            return dialect_get(i);
    return NULL;
}
