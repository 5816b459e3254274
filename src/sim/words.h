/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an imagined model says: the same to the same messages, wherever the artifact lives.
 *
 *     words_answer(&answer, &asked, STR("qwen2.5:14b"), seed, &arena);
 *     while (words_token(answer.text, &at, &token)) …
 *
 * An answer begins with what arrived and with all it takes to say it again:
 *
 *     [qwen2.5:14b m=2 i=0 t=1 n=57 #1a2b3c4d] Caravan bridge maize …
 *
 * the artifact, the number of messages, images and tools, how many words follow and their seed. The
 * rules by which a test asks for something: "write N words"            the answer has N words (at
 * most WORDS_MAX) "call NAME", "use NAME",   in the last message, from the user, and there is such
 * a tool: "use the tool NAME"        that tool is called, with arguments made from its parameters
 *   last message an assistant's whose text begins this answer (or, where messages were made of a
 *   prompt, a prompt that ends in such a beginning): only the rest is said
 * A JSON format holds the header in its first string. Pure.
 */
#pragma once

#include "sim/asked.h"

enum { WORDS_MAX = 20000 };

struct answer {
    struct str thinking;       /* empty: none */
    struct str text;           /* what is to be said, without what was said before */
    struct str call_name;      /* .data NULL: no tool is called */
    struct str call_arguments; /* JSON text */
    uint64_t chain;            /* of the messages with this answer behind them */
    bool stopped;              /* by a stop text */
};

/* think: the model can and is to. 0 or -ENOMEM. */
MUST_USE int words_answer(struct answer *ret, const struct asked *asked, struct str artifact,
                          uint64_t seed, bool think, struct arena *arena);

/* The next token of a text from *at on, about four bytes; false at its end. */
bool words_token(struct str text, size_t *at, struct str *ret);
uint32_t words_count(struct str text);

/* A unit vector: texts with the same words are near each other. */
void words_embed(float *out, uint32_t dimensions, struct str artifact, struct str text);
