/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is answered, piece by piece, free of any dialect.
 *
 *     engine's bytes -> reader -> delta -> sink (meter, writer) -> caller's bytes
 *
 * A delta's slices die when put() returns.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"
#include "base/str.h"

/* A call that a model makes; in a delta it may be a piece of one. */
struct tool_call {
    unsigned index;
    struct str id, name;
    struct str arguments; /* text of a JSON object; in a delta: a piece, as it came */
};

enum finish {
    FINISH_none,
    FINISH_stop,
    FINISH_length,
    FINISH_tool_calls,
    FINISH_content_filter,
    FINISH_load, /* nothing was asked: the model is loaded */
};

struct usage {
    bool known;
    /* prompt: all of it, also what came from a cache or was put there; completion: with the
     * thinking. The others say how much of these. */
    uint64_t prompt_tokens, completion_tokens, cached_tokens, thinking_tokens;
    uint64_t cache_written_tokens;
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
    struct str text; /* also the words of a failure, and of a finish the stop text that matched */
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
