/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of requests and answers that several dialects write alike; only the names differ.
 *
 *     put_texts(json_key(&o, "stop"), chat->stops, chat->stop_count);
 *     put_numbers(&o, numbers, COUNT_OF(numbers));
 *
 * For the files of this folder only. Errors stick to o, as those of json_out do.
 */
#pragma once

#include "dialect/chat.h"
#include "wire/json_out.h"

/* A sampling number by the name that a dialect has for it. */
struct named_number {
    const char *name;
    const struct maybe *value;
};

/* Those that are given. */
void put_numbers(struct json_out *o, const struct named_number *numbers, size_t count);

/* A list of texts. */
void put_texts(struct json_out *o, const struct str *texts, size_t count);

/* TASK_complete: `prompt` and `suffix`. TASK_embed: `input` and `dimensions`. */
void put_prompt(struct json_out *o, const struct chat *chat);
void put_inputs(struct json_out *o, const struct chat *chat);

/* A list of numbers. */
void put_vector(struct json_out *o, const struct delta *delta);

/* Why, in words, and what was found, as one text. */
void put_failure(struct json_out *o, enum failure why, struct str found);
