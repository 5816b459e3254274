/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of requests and answers that several dialects write alike. */
#include "dialect/put.h"

#include <stdio.h>

void put_numbers(struct json_out *o, const struct named_number *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (numbers[i].value->given)
            json_double(json_key(o, numbers[i].name), numbers[i].value->value);
}

void put_texts(struct json_out *o, const struct str *texts, size_t count)
{
    json_open(o, '[');
    for (size_t i = 0; i < count; i++)
        json_text(o, texts[i]);
    json_close(o, ']');
}

void put_prompt(struct json_out *o, const struct chat *chat)
{
    json_text(json_key(o, "prompt"), chat->prompt);
    if (chat->suffix.len)
        json_text(json_key(o, "suffix"), chat->suffix);
}

void put_inputs(struct json_out *o, const struct chat *chat)
{
    put_texts(json_key(o, "input"), chat->inputs, chat->input_count);
    if (chat->dimensions)
        json_number(json_key(o, "dimensions"), chat->dimensions);
}

void put_vector(struct json_out *o, const struct delta *delta)
{
    json_open(o, '[');
    for (size_t i = 0; i < delta->dimensions && !o->error; i++)
        json_double(o, delta->vector[i]);
    json_close(o, ']');
}

void put_failure(struct json_out *o, enum failure why, struct str found)
{
    char words[128];

    snprintf(words, sizeof words, "%s%s", failure_row(why)->words, found.len ? ": " : "");
    json_joined(o, str_from(words), found);
}
