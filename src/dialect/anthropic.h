/* SPDX-License-Identifier: Apache-2.0 */
/* The Anthropic dialect's parts, one file each; anthropic.c puts them together. */
#pragma once

#include "dialect/dialect.h"
#include "wire/json.h"

/* Signs the thoughts of engines that sign none. Anthropic refuses a signature that is not its own,
 * so that anthropic_forward() leaves these out when they come back. */
#define ANTHROPIC_OUR_SIGNATURE STR("tampu")

int anthropic_scan(struct ask *ret, enum task task, struct str body, struct err *err);
int anthropic_forward(struct buf *out, const struct ask *ask, const struct copy_shape *shape);
int anthropic_note_dropped(struct chat *chat, struct arena *arena);
int anthropic_read_request(struct chat *ret, const struct ask *ask, struct arena *arena,
                           struct err *err);

/* anthropic_messages.c: system and messages of a request. */
int anthropic_read_messages(struct chat *chat, yyjson_val *root, struct arena *arena,
                            struct err *err);

/* anthropic_blocks.c: a block that a person or a tool may show; a text, or a list of such blocks:
 * ret has room for as many. Tool results are left out. */
int anthropic_read_block(struct chat *chat, struct part *ret, yyjson_val *block,
                         struct arena *arena, struct err *err);
int anthropic_read_parts(struct chat *chat, struct part *ret, size_t *ret_count,
                         yyjson_val *content, struct arena *arena, struct err *err);

/* Is it a thought whose signature Anthropic would refuse? */
bool anthropic_is_foreign_thought(yyjson_val *block);

int anthropic_writer_new(struct writer **ret, const struct reply_shape *shape, struct buf *out);
int anthropic_writer_put(struct writer *w, const struct delta *delta);
int anthropic_writer_end(struct writer *w);
void anthropic_writer_free(struct writer *w);

int anthropic_write_request(struct buf *out, struct chat *chat, const struct copy_shape *shape,
                            bool stream, struct arena *arena, struct err *err);

struct json_out;

/* anthropic_turns.c: `system` and `messages` of a request. -ENOTSUP with words. */
int anthropic_put_turns(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                        struct arena *arena, struct err *err);

int anthropic_reader_new(struct reader **ret, enum task task, bool streaming, size_t event_max,
                         struct sink next);
int anthropic_reader_feed(struct reader *r, struct str chunk, uint64_t *whole);
int anthropic_reader_end(struct reader *r);
void anthropic_reader_free(struct reader *r);

/* What an error means; status 0: an event in the middle of a stream. type may be empty. */
enum failure anthropic_failure(int status, struct str type, struct str words);
