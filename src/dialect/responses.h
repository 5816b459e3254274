/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's Responses API, parts in one file each: another language than its chat completions.
 *
 * Answers are not kept here: who has no engine behind it that keeps them sends the whole
 * conversation, and a previous_response_id is refused.
 */
#pragma once

#include "dialect/dialect.h"
#include "wire/json.h"

int responses_scan(struct ask *ret, enum task task, struct str body, struct err *err);
int responses_read_request(struct chat *ret, const struct ask *ask, struct arena *arena,
                           struct err *err);

/* responses_input.c: instructions and input, as messages. */
int responses_read_input(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err);

int responses_writer_new(struct writer **ret, const struct reply_shape *shape, struct buf *out);
int responses_writer_put(struct writer *w, const struct delta *delta);
int responses_writer_end(struct writer *w);
void responses_writer_free(struct writer *w);

int responses_reader_new(struct reader **ret, enum task task, bool streaming, size_t event_max,
                         struct sink next);
int responses_reader_feed(struct reader *r, struct str chunk, uint64_t *whole);
int responses_reader_end(struct reader *r);
void responses_reader_free(struct reader *r);
