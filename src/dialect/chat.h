/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was asked, whole and free of any dialect: read only when caller and engine differ.
 *
 * Slices point into the request's body, the parsed tree or the arena of the exchange, and live
 * until the exchange settles.
 */
#pragma once

#include "base/arena.h"
#include "dialect/ask.h"
#include "dialect/delta.h"

struct yyjson_val;

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
    PART_document,
};

struct part {
    enum part_kind kind;
    struct str text;       /* PART_text; a PART_document that is nothing but text */
    struct str media_type; /* "image/png" */
    struct str base64;     /* the bytes; empty when there is a url */
    struct str url;        /* http(s): the engine would have to fetch it */
    struct str name;       /* PART_document: its title or its file's name; may be empty */
};

struct message {
    enum role role;
    struct part *parts;
    size_t part_count;
    struct tool_call *calls;
    size_t call_count;
    struct str call_id; /* ROLE_tool: which call this answers */
    bool is_error;      /* ROLE_tool: the call failed */
    struct str name;
    /* What was thought before the answer, all of it. What only its maker can read, a signature or
     * sealed thought, has no place here: same maker is same dialect, and that is passed through. */
    struct str thinking;
};

struct tool {
    struct str name, description;
    struct yyjson_val *parameters; /* JSON schema, or NULL */
    bool strict;                   /* arguments must match the schema */
};

/* A sampling number that may be absent. */
struct maybe {
    bool given;
    double value;
};

enum tool_choice { CHOICE_auto, CHOICE_none, CHOICE_required, CHOICE_named };
enum format { FORMAT_text, FORMAT_json, FORMAT_schema };

/* What a caller's dialect calls a field of OpenAI's; a list of them ends with an empty one. */
struct own_word {
    struct str openai, own;
};

/* The whole request, read only when caller and engine speak different dialects. */
struct chat {
    const struct ask *ask;
    enum task task; /* what an engine is asked for: ask's, or one that says the same elsewhere */
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
    bool one_call;        /* no parallel calls */
    enum format format;
    struct yyjson_val *schema; /* FORMAT_schema */
    struct str effort;         /* reasoning: none minimal low medium high xhigh max, or empty */
    uint32_t thinking_tokens;  /* ... as a budget; 0: not said, then effort counts alone */
    struct maybe temperature, top_p, top_k, seed, presence_penalty, frequency_penalty;
    struct str *stops;
    size_t stop_count;
    bool logprobs;
    uint32_t top_logprobs;
    bool goes_on;    /* the last message is an answer's beginning: the rest of it is wanted */
    bool is_shown;   /* nothing is to be answered: what the template makes of it is wanted */
    struct str user; /* whom the caller asks for, in its own words */
    struct str service_tier; /* in the caller's words */
    /* Fields that struct chat (read_request) or the engine's dialect (write_request) cannot carry
     * and that change nothing essential. */
    struct str *dropped;
    size_t dropped_count;
    const struct own_word *words; /* NULL: the caller speaks as OpenAI does */
};

/* Notes a dropped field, once; names beyond a ceiling are not noted. -ENOMEM. The name must live
 * as long as the arena. */
int chat_drop(struct chat *chat, struct arena *arena, struct str name);

/* The same for who writes a request: the name is OpenAI's, and is noted as the caller calls it. */
int chat_lose(struct chat *chat, struct arena *arena, struct str name);

/* A field of OpenAI's that an engine's dialect has no place for, and whether the caller gave it. */
struct loss {
    bool given;
    struct str name;
};

/* chat_lose() for those that were given. */
int chat_lose_given(struct chat *chat, struct arena *arena, const struct loss *lost, size_t count);

/* Which call a result answers that has a name and no id, given the messages before it. Results come
 * in the order of their calls: the second result of one name answers its second call. An unnamed
 * one answers the call whose turn it is. NULL: none, or too far back. */
const struct tool_call *chat_find_call(const struct chat *chat, struct str name);

/* The name of the call that a result answers, given the messages before it: the latest of that id,
 * as some engines reuse them. Empty: none, or too far back. */
struct str chat_called_name(const struct chat *chat, struct str id);

/* How many tokens to think for: those asked for, or what the effort comes to. */
uint32_t chat_thinking_tokens(const struct chat *chat);
