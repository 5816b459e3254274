/* SPDX-License-Identifier: Apache-2.0 */
/* The Ollama dialect's parts, one file each; ollama.c puts them together. */
#pragma once

#include "dialect/dialect.h"
#include "wire/json.h"

int ollama_scan(struct ask *ret, enum task task, struct str body, struct err *err);
int ollama_read_request(struct chat *ret, const struct ask *ask, struct arena *arena,
                        struct err *err);

/* ollama_forward.c */
int ollama_forward(struct buf *out, const struct ask *ask, const struct copy_shape *shape);
int ollama_note_dropped(struct chat *chat, struct arena *arena);

/* ollama_messages.c: the messages of a chat, given a list of them; of /api/generate, given the
 * request. */
int ollama_read_messages(struct chat *chat, yyjson_val *messages, struct arena *arena,
                         struct err *err);
int ollama_read_generate(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err);

int ollama_writer_new(struct writer **ret, const struct reply_shape *shape, struct buf *out);
int ollama_writer_put(struct writer *w, const struct delta *delta);
int ollama_writer_end(struct writer *w);
void ollama_writer_free(struct writer *w);

int ollama_write_request(struct buf *out, struct chat *chat, const struct copy_shape *shape,
                         bool stream, struct arena *arena, struct err *err);

int ollama_reader_new(struct reader **ret, enum task task, bool streaming, size_t event_max,
                      struct sink next);
int ollama_reader_feed(struct reader *r, struct str chunk, uint64_t *whole);
int ollama_reader_end(struct reader *r);
void ollama_reader_free(struct reader *r);

/* What an error means; status 0: a line in the middle of a stream. */
enum failure ollama_failure(int status, struct str words);
