/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every request is read for, whatever the dialects: enough to admit, route and forward it.
 *
 *     dialect->scan(&ask, task, body, err);
 *     …                                    ask.model, ask.needs, ask.stream
 *     ask_fini(&ask);
 *
 * The slices point into the body or into the parsed copy of it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct form;
struct yyjson_doc;

enum task {
#define TASK(id, capability, answer, body, words) TASK_##id,
#include "tables/tasks.def"
    TASK_COUNT
};

/* The answer goes through as it came: nobody translates it. */
bool task_is_passed(enum task task);

/* The answer can be had in pieces. */
static inline bool task_has_stream(enum task task)
{
    return task == TASK_chat || task == TASK_complete;
}

/* The answer is vectors. */
static inline bool task_is_embedding(enum task task)
{
    return task == TASK_embed || task == TASK_embed_one;
}

/* What an engine must be able to do, a mask; the catalog says the same of a copy. */
enum need {
    NEED_images = 1 << 0,
    NEED_tools = 1 << 1,
    NEED_schema = 1 << 2,
    NEED_thinking = 1 << 3,
    NEED_insert = 1 << 4, /* fill in the middle: a suffix */
    NEED_audio = 1 << 5,
};

/* Enough to admit, route and forward: read from every request, whatever the dialects. */
struct ask {
    enum task task;
    struct str body;         /* the original bytes; of a form, none: they are not in memory */
    const struct form *form; /* NULL: the body is JSON */
    struct yyjson_doc *doc;  /* the parsed body and the bytes it points into; */
    char *copy;              /* both given back by ask_fini() */
    struct str model;        /* unescaped */
    size_t model_at;         /* where in body the value of "model" stands, quotes included */
    size_t model_len;
    bool stream;
    bool as_list;             /* the stream is to be one JSON array */
    bool hides_thoughts;      /* the caller wants the answer alone */
    bool is_load;             /* nothing is asked: Ollama is told to load the model */
    bool include_usage;       /* the caller wants usage in its stream */
    bool has_foreign_thought; /* it must be written anew for an engine of its own dialect */
    uint32_t needs;           /* mask of enum need */
    uint32_t max_tokens;      /* of each answer; 0: not said */
    uint32_t choices;         /* answers, to all prompts of a list; 0: not said, one */
    uint32_t prompt_bytes;    /* text bytes of prompt and messages: tokens are about a quarter */
    uint32_t longest_bytes;   /* of the longest of the texts or lists of tokens that these are */
    struct str language;      /* of a sound; empty: not said */
    uint64_t pixels;          /* of an image or video; 0: not said */
};

/* Accepts a zeroed one. */
void ask_fini(struct ask *ask);
