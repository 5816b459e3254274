/* SPDX-License-Identifier: Apache-2.0 */
/* The Ollama dialect's parts, one file each; ollama.c puts them together. */
#pragma once

#include "dialect/dialect.h"
#include "wire/json.h"

int ollama_write_request(struct buf *out, struct chat *chat, const struct copy_shape *shape,
                         bool stream, struct arena *arena, struct err *err);

int ollama_reader_new(struct reader **ret, enum task task, bool streaming, size_t event_max,
                      struct sink next);
int ollama_reader_feed(struct reader *r, struct str chunk, uint64_t *whole);
int ollama_reader_end(struct reader *r);
void ollama_reader_free(struct reader *r);

/* What an error means; status 0: a line in the middle of a stream. */
enum failure ollama_failure(int status, struct str words);
