/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of all dialects have in common: a body or a stream in, deltas out.
 *
 *     struct x_reader { struct reader base; … };     a dialect's own reader begins with it
 *     reader_init(&x->base, task, streaming, event_max, next);
 *     json_pool_read(&x->base.pool, frame, &root)
 *     reader_text(&x->base, DELTA_text, 0, text);
 *     reader_fini(&x->base);
 *
 * For the files of this folder only. All that put return 0 or what the sink returned.
 */
#pragma once

#include "dialect/dialect.h"
#include "wire/json.h"

struct reader {
    enum task task;
    bool streaming;
    bool is_complete; /* the dialect's end mark was seen */
    bool is_over;     /* complete or failed: the rest is not looked at */
    struct sink next;
    struct buf body; /* without streaming: the answer so far */
    struct buf text; /* scratch, reset by whoever uses it */
    struct json_pool pool;
};

void reader_init(struct reader *r, enum task task, bool streaming, size_t event_max,
                 struct sink next);
void reader_fini(struct reader *r);

int reader_put(struct reader *r, const struct delta *delta);

/* An empty text is no delta. */
int reader_text(struct reader *r, enum delta_kind kind, unsigned index, struct str text);
int reader_failure(struct reader *r, enum failure why, struct str words);
int reader_complete(struct reader *r);

/* A vector: an array of numbers, or base64 of little-endian floats. -EBADMSG: neither. */
int reader_vector(struct reader *r, unsigned index, yyjson_val *value);

/* What an engine said in an answer with an error status: in whichever of the usual places, or the
 * body itself when it is text. A slice of the arena, cut where a person stops reading. */
struct str failure_words(struct str body, struct arena *arena);

/* The same in a parsed body: error, error.message, message, detail. */
struct str failure_words_in(yyjson_val *root);

/* What a status of 400 or more means where nothing else is known. */
enum failure failure_of_status(int status);

/* Words by which engines say, under various statuses, that the request was too long. */
bool failure_is_overflow(struct str words);

/* Ignores case; ASCII. */
bool words_contain(struct str words, const char *part);
