/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was asked (struct chat) and what is answered (struct delta), free of any dialect.
 *
 * Slices point into the request's body, the parsed tree or the arena of the exchange, and live
 * until the exchange settles. A delta's slices die when put() returns.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/failure.h"
#include "base/str.h"

struct yyjson_doc;
struct yyjson_val;

enum task { TASK_chat, TASK_complete, TASK_embed, TASK_COUNT };

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
    struct str body;        /* the original bytes */
    struct yyjson_doc *doc; /* the parsed body and the bytes it points into; */
    char *copy;             /* both given back by ask_fini() */
    struct str model;       /* unescaped */
    size_t model_at;        /* where in body the value of "model" stands, quotes included */
    size_t model_len;
    bool stream;
    bool include_usage;    /* the caller wants usage in its stream */
    uint32_t needs;        /* mask of enum need */
    uint32_t max_tokens;   /* 0: not said */
    uint32_t prompt_bytes; /* text bytes of prompt and messages: tokens are about a quarter */
};

/* Accepts a zeroed one. */
void ask_fini(struct ask *ask);

enum role {
    ROLE_system,
    ROLE_user,
    ROLE_assistant,
    ROLE_tool,
};

enum part_kind {
    PART_text,
    PART_image,
    PART_audio,
};

struct part {
    enum part_kind kind;
    struct str text;       /* PART_text */
    struct str media_type; /* "image/png" */
    struct str base64;     /* the bytes; empty when there is a url */
    struct str url;        /* http(s): the engine would have to fetch it */
};

struct tool_call {
    unsigned index;
    struct str id, name;
    struct str arguments; /* text of a JSON object (checked); in a delta: a piece, as it came */
};

struct message {
    enum role role;
    struct part *parts;
    size_t part_count;
    struct tool_call *calls;
    size_t call_count;
    struct str call_id; /* ROLE_tool: which call this answers */
    struct str name;
    struct str thinking;
};

struct tool {
    struct str name, description;
    struct yyjson_val *parameters; /* JSON schema, or NULL */
};

/* A sampling number that may be absent. */
struct maybe {
    bool given;
    double value;
};

enum tool_choice { CHOICE_auto, CHOICE_none, CHOICE_required, CHOICE_named };
enum format { FORMAT_text, FORMAT_json, FORMAT_schema };

/* The whole request, read only when caller and engine speak different dialects. */
struct chat {
    const struct ask *ask;
    struct message *messages;
    size_t message_count;
    struct str prompt, suffix; /* TASK_complete */
    struct str *inputs;        /* TASK_embed */
    size_t input_count;
    bool base64;         /* TASK_embed: the caller wants base64 */
    uint32_t dimensions; /* 0: the model's own */
    struct tool *tools;
    size_t tool_count;
    enum tool_choice tool_choice;
    struct str tool_name; /* CHOICE_named */
    enum format format;
    struct yyjson_val *schema; /* FORMAT_schema */
    struct str effort;         /* reasoning: none minimal low medium high xhigh max, or empty */
    struct maybe temperature, top_p, top_k, seed, presence_penalty, frequency_penalty;
    struct str *stops;
    size_t stop_count;
    bool logprobs;
    uint32_t top_logprobs;
    /* Fields that struct chat (read_request) or the engine's dialect (write_request) cannot carry
     * and that change nothing essential. */
    struct str *dropped;
    size_t dropped_count;
};

/* Notes one more dropped field; names beyond a ceiling are not noted. -ENOMEM. The name must live
 * as long as the arena. */
int chat_drop(struct chat *chat, struct arena *arena, struct str name);

enum finish {
    FINISH_none,
    FINISH_stop,
    FINISH_length,
    FINISH_tool_calls,
    FINISH_content_filter,
};

struct usage {
    bool known;
    uint64_t prompt_tokens, completion_tokens, cached_tokens, thinking_tokens;
};

/* Durations that the engine reports of itself, microseconds; 0: not said. */
struct engine_times {
    uint64_t load_us, prefill_us, decode_us;
};

enum delta_kind {
    DELTA_text,
    DELTA_thinking,
    DELTA_call,      /* a tool call or a piece of one */
    DELTA_embedding, /* one vector */
    DELTA_finish,
    DELTA_usage,
    DELTA_failure, /* the engine says so in the middle of its answer */
    DELTA_end,     /* the dialect's own mark that the answer is complete */
};

struct delta {
    enum delta_kind kind;
    unsigned index;  /* choice, or number of the vector */
    struct str text; /* also the words of a failure */
    struct tool_call call;
    const double *vector;
    size_t dimensions;
    enum finish finish;
    struct usage usage;
    struct engine_times times;
    enum failure why; /* DELTA_failure */
};

/* Where deltas go next. Negative stops the stream and is handed back by the feeder. */
struct sink {
    int (*put)(void *ctx, const struct delta *delta);
    void *ctx;
};
