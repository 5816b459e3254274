/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields that callers' requests have in common, read into struct chat.
 *
 *     r = read_number(&chat->temperature, json_find(root, "temperature"), "", "temperature", err);
 *     r = read_tool_list(chat, json_find(root, "tools"), read_tool, arena, err);
 *
 * For the files of this folder only. What is absent or null is left as it is. -EINVAL with words.
 */
#pragma once

#include "base/err.h"
#include "dialect/chat.h"
#include "wire/json.h"

/* err calls it by its name with the prefix in front. */
MUST_USE int read_number(struct maybe *ret, yyjson_val *value, const char *prefix, const char *name,
                         struct err *err);

/* The list, or the one value as a list of one, as strings in the arena. -EINVAL: something else, or
 * nothing. */
MUST_USE int read_strings(struct str **ret, size_t *ret_count, yyjson_val *value,
                          struct arena *arena);

/* What ends an answer: texts as above, or err says the words. Also -ENOMEM. */
MUST_USE int read_stops(struct chat *chat, yyjson_val *stops, const char *words,
                        struct arena *arena, struct err *err);

/* Fills in one tool, which is zeroed. -EINVAL, -ENOTSUP with words. */
typedef int read_tool_fn(struct tool *tool, yyjson_val *entry, struct err *err);

/* The list, each entry by read_tool. Also -ENOMEM. */
MUST_USE int read_tool_list(struct chat *chat, yyjson_val *tools, read_tool_fn *read_tool,
                            struct arena *arena, struct err *err);
