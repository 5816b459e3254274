/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an imagined engine was asked, read from a body in Ollama's or OpenAI's words.
 *
 *     asked_read(&asked, root, ASKED_native, &arena);
 *     asked.messages[asked.message_count - 1].text …
 *
 * Deliberately not the gateway's own reader (dialect/): a mistake there must not be made here too.
 * Reads what is there and forgives the rest; which field is wrong is the faces' business.
 * Everything is borrowed from the tree and the arena. Pure.
 */
#pragma once

#include "base/arena.h"
#include "sim/world.h"
#include "wire/json.h"

enum asked_words { ASKED_native, ASKED_openai };

struct asked_message {
    struct str role, text;
    unsigned images;
    bool has_calls;
    uint64_t chain; /* fingerprint of all messages up to this one */
};

struct asked_tool {
    struct str name;
    yyjson_val *parameters;
};

enum asked_format { ASKED_text, ASKED_json, ASKED_schema };
enum asked_think { ASKED_think_unsaid, ASKED_think_off, ASKED_think_on };

struct asked {
    struct str model;
    struct asked_message *messages;
    size_t message_count;
    bool is_prompt, raw; /* messages were made of a prompt; and it goes to the model as it is */
    struct str suffix;
    struct asked_tool *tools;
    size_t tool_count;
    struct str tool_name; /* must be called; empty: see words.h */
    bool no_tools, any_tool;
    enum asked_format format;
    yyjson_val *schema;
    enum asked_think think;
    struct str *stops;
    size_t stop_count;
    struct str *inputs; /* to embed */
    size_t input_count;
    uint32_t dimensions;
    bool base64;
    bool stream, stream_said, include_usage;
    int64_t max_tokens; /* negative: as many as it takes */
    uint32_t num_ctx;
    uint64_t options; /* fingerprint of those that make Ollama reload; 0: none given */
    bool keep_alive_given;
    double keep_alive_ms; /* negative: for ever */
};

/* 0; -ENOMEM; -EINVAL: input or keep_alive is of a kind that the engine refuses. */
MUST_USE int asked_read(struct asked *ret, yyjson_val *root, enum asked_words words,
                        struct arena *arena);

/* The prompt as the pieces of a visit. */
void asked_pieces(const struct asked *asked, struct visit *v);

/* Tokens of a text that is only counted: a quarter of its bytes. */
uint32_t asked_tokens(struct str text);

/* "10m", "1h30m", "-1s" or a number of seconds, as Go reads durations. */
MUST_USE int asked_duration(double *ret_ms, yyjson_val *value);

/* Fingerprints are continued: mix(mix(seed, a), b). */
uint64_t asked_mix(uint64_t seed, struct str s);
