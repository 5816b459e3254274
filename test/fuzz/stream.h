/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz harnesses of dialects share: an answer read whole and cut must say the same, and
 * whatever it says must be writable in every dialect.
 */
#pragma once

#include <stdlib.h>

#include "dialect/dialect.h"

enum { FUZZ_EVENT_MAX = 4096, FUZZ_OUT_MAX = 1 << 20 };

struct fuzz_ear {
    uint64_t heard; /* a fingerprint of all deltas */
    struct writer *writers[DIALECT_COUNT];
};

static inline int fuzz_hear(void *ctx, const struct delta *delta)
{
    struct fuzz_ear *ear = ctx;

    ear->heard = ear->heard * 31 + (uint64_t)delta->kind + delta->index;
    ear->heard = ear->heard * 31 + str_hash(delta->text) + str_hash(delta->call.arguments);
    ear->heard = ear->heard * 31 + delta->usage.prompt_tokens + delta->dimensions;
    for (unsigned i = 0; i < DIALECT_COUNT; i++)
        if (ear->writers[i])
            (void)dialect_get(i)->writer_put(ear->writers[i], delta);
    return 0;
}

/* Returns what the reader returned; *heard is a fingerprint. */
static inline int fuzz_read(enum dialect_id id, enum task task, bool streaming, struct str answer,
                            size_t cut, uint64_t *heard)
{
    const struct dialect *d = dialect_get(id);
    struct reply_shape shape = {.task = task,
                                .stream = streaming,
                                .include_usage = true,
                                .as_list = streaming && answer.len % 2,
                                .base64 = streaming,
                                .id = STR("1"),
                                .model = STR("m")};
    struct fuzz_ear ear = {0};
    struct buf out[DIALECT_COUNT];
    struct reader *reader;
    int r;

    for (unsigned i = 0; i < DIALECT_COUNT; i++) {
        buf_init(&out[i], FUZZ_OUT_MAX);
        if (!task_is_passed(task) &&
            dialect_get(i)->writer_new(&ear.writers[i], &shape, &out[i]) < 0)
            abort();
    }
    if (d->reader_new(&reader, task, streaming, FUZZ_EVENT_MAX, (struct sink){fuzz_hear, &ear}) < 0)
        abort();
    r = d->reader_feed(reader, str_slice(answer.data, cut), NULL);
    if (r == 0)
        r = d->reader_feed(reader, str_slice(answer.data + cut, answer.len - cut), NULL);
    if (r == 0)
        r = d->reader_end(reader);
    d->reader_free(reader);
    for (unsigned i = 0; i < DIALECT_COUNT; i++) {
        if (ear.writers[i])
            (void)dialect_get(i)->writer_end(ear.writers[i]);
        dialect_get(i)->writer_free(ear.writers[i]);
        buf_fini(&out[i]);
    }
    *heard = ear.heard;
    return r;
}

static inline int fuzz_answer(enum dialect_id id, const uint8_t *data, size_t size)
{
    struct str answer = str_slice((const char *)data, size);

    for (unsigned mode = 0; mode < 2 * TASK_COUNT; mode++) {
        uint64_t whole, cut;
        int r;

        if (!dialect_get(id)->target(mode / 2))
            continue;
        r = fuzz_read(id, mode / 2, mode % 2, answer, 0, &whole);
        if (fuzz_read(id, mode / 2, mode % 2, answer, str_hash(answer) % (size + 1), &cut) != r ||
            whole != cut)
            abort();
    }
    return 0;
}

/* A caller's request, read, and written for engines of every dialect. */
static inline int fuzz_request(enum dialect_id id, const uint8_t *data, size_t size)
{
    const struct copy_shape shape = {.model = STR("m"),
                                     .num_ctx = 7,
                                     .keep_alive = STR("-1"),
                                     .can_think = size % 2,
                                     .can_grade = size % 3 == 0};
    const struct dialect *d = dialect_get(id);

    for (unsigned task = 0; task < TASK_COUNT; task++) {
        struct chat chat;
        struct arena arena;
        struct ask ask;
        struct buf out;
        struct err err;

        if (!d->target(task) || d->scan(&ask, task, str_slice((const char *)data, size), &err) < 0)
            continue;
        if (ask.model_len && (ask.model_at + ask.model_len > size || data[ask.model_at] != '"' ||
                              data[ask.model_at + ask.model_len - 1] != '"'))
            abort();
        arena_init(&arena, 1 << 20);
        if (d->scan_path && d->scan_path(&ask, STR("m%2Fx:y"), STR("alt=sse"), &arena, &err) < 0)
            abort();
        buf_init(&out, FUZZ_OUT_MAX);
        if (d->forward)
            (void)d->forward(&out, &ask, &shape);
        if (d->read_request(&chat, &ask, &arena, &err) == 0) {
            for (unsigned i = 0; i < DIALECT_COUNT; i++) {
                buf_reset(&out);
                if (dialect_get(i)->target(chat.task))
                    (void)dialect_get(i)->write_request(&out, &chat, &shape, ask.stream, &arena,
                                                        &err);
            }
        }
        buf_fini(&out);
        arena_fini(&arena);
        ask_fini(&ask);
    }
    return 0;
}
