/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenAI dialect's parts, one file each; openai.c puts them together. */
#pragma once

#include "dialect/dialect.h"
#include "wire/json.h"

extern const struct dialect openai_dialect;

int openai_scan(struct ask *ret, enum task task, struct str body, struct err *err);
int openai_read_request(struct chat *ret, const struct ask *ask, struct arena *arena,
                        struct err *err);

/* openai_read.c: who asks, and how dearly. */
void openai_read_account(struct chat *chat, yyjson_val *root);

/* openai_messages.c: the messages of a chat, given an object that has them. */
int openai_read_messages(struct chat *chat, yyjson_val *messages, struct arena *arena,
                         struct err *err);

/* A part that is a picture, whose image_url is a text or has a url; an object with file_data. */
int openai_read_image(struct part *ret, yyjson_val *part, struct err *err);
int openai_read_file(struct part *ret, yyjson_val *file, struct err *err);

/* An object with the name and the arguments of a call. */
int openai_read_call(struct tool_call *ret, yyjson_val *call, struct err *err);

int openai_writer_new(struct writer **ret, const struct reply_shape *shape, struct buf *out);
int openai_writer_put(struct writer *w, const struct delta *delta);
int openai_writer_end(struct writer *w);
void openai_writer_free(struct writer *w);

int openai_write_request(struct buf *out, struct chat *chat, const struct copy_shape *shape,
                         bool stream, struct arena *arena, struct err *err);

struct json_out;

/* openai_turns.c: `messages` of a request. -ENOTSUP with words. */
int openai_put_turns(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                     struct arena *arena, struct err *err);

int openai_reader_new(struct reader **ret, enum task task, bool streaming, size_t event_max,
                      struct sink next);
int openai_reader_feed(struct reader *r, struct str chunk, uint64_t *whole);
int openai_reader_end(struct reader *r);
void openai_reader_free(struct reader *r);

/* What an error means. type and code are the error's own; either may be empty. */
enum failure openai_failure(int status, struct str type, struct str code, struct str words);
