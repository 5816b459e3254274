/* SPDX-License-Identifier: Apache-2.0 */
/* The Gemini dialect's parts, one file each; gemini.c puts them together. */
#pragma once

#include "dialect/dialect.h"
#include "wire/json.h"

/* What an unsigned call is sent with: Gemini 3 refuses calls that it has not signed, but for these
 * words, which its documents have for calls that another model made. */
#define GEMINI_UNSIGNED "skip_thought_signature_validator"

/* Between a call's id and its signature: other dialects keep nothing of a call but its id. */
#define GEMINI_SIGNED "__thought__"

int gemini_scan(struct ask *ret, enum task task, struct str body, struct err *err);
int gemini_scan_path(struct ask *ask, struct str rest, struct str query, struct arena *arena,
                     struct err *err);
int gemini_read_request(struct chat *ret, const struct ask *ask, struct arena *arena,
                        struct err *err);

/* gemini_contents.c: what is said in a chat, given the request. */
int gemini_read_contents(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err);

int gemini_writer_new(struct writer **ret, const struct reply_shape *shape, struct buf *out);
int gemini_writer_put(struct writer *w, const struct delta *delta);
int gemini_writer_end(struct writer *w);
void gemini_writer_free(struct writer *w);

int gemini_write_request(struct buf *out, struct chat *chat, const struct copy_shape *shape,
                         bool stream, struct arena *arena, struct err *err);

/* gemini_turns.c: systemInstruction and contents. */
struct json_out;
int gemini_put_turns(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                     struct arena *arena, struct err *err);

int gemini_reader_new(struct reader **ret, enum task task, bool streaming, size_t event_max,
                      struct sink next);
int gemini_reader_feed(struct reader *r, struct str chunk, uint64_t *whole);
int gemini_reader_end(struct reader *r);
void gemini_reader_free(struct reader *r);

/* What an error means; code: the HTTP status, which stands in the body, too. */
enum failure gemini_failure(int code, struct str status, struct str words);

/* A member by its name "likeThis", which may also be written "like_this". */
yyjson_val *gemini_find(yyjson_val *obj, const char *name);
struct str gemini_find_str(yyjson_val *obj, const char *name);
bool gemini_is_name(struct str found, const char *name);
