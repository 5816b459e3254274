/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the scans of all dialects have in common: the body parsed, the model found, text counted.
 *
 *     r = scan_begin(&ask, task, body, &root, err);
 *     …                                        on failure: ask_fini(&ask)
 *     scan_text(&ask, json_find(root, "prompt"));
 *
 * For the files of this folder only.
 */
#pragma once

#include "base/err.h"
#include "dialect/chat.h"
#include "wire/json.h"

/* Parses an object, and refuses members whose names only some engines take for those that are
 * looked at here ("Model"), and of these two of one name. On failure nothing is held. */
MUST_USE int scan_object(struct ask *ret, enum task task, struct str body, yyjson_val **ret_root,
                         struct err *err);

/* The same, and reads `model`. */
MUST_USE int scan_begin(struct ask *ret, enum task task, struct str body, yyjson_val **ret_root,
                        struct err *err);

/* Reads `stream`; fallback is what its absence means. */
MUST_USE int scan_stream(struct ask *ask, yyjson_val *root, bool fallback, struct err *err);

/* How long the answer may be: the largest that is said; of no number, nothing. */
void scan_max_tokens(struct ask *ask, yyjson_val *in, const char *name);

/* How many answers are wanted, or made to choose from: the largest that is said. */
void scan_choices(struct ask *ask, yyjson_val *in, const char *name);

/* Adds to ask->prompt_bytes, and raises longest_bytes: a text, a token's number, or a list of
 * either. */
void scan_text(struct ask *ask, yyjson_val *text);
