/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hints: what another gateway says of an engine or a copy, which is worth less than own eyes.
 *
 *     if (hint_hear(&h, now_ms))      it is news: the engine is probed soon
 *     if (hint_holds(&h, now_ms))     others are preferred (cost.h); nobody is ruled out by it
 *     hint_disprove(&h);              it answered us: until it is told anew nothing holds
 *
 * A hint is told again every half second for as long as it is so. It ends when it is not
 * (HINT_SILENCE_MS), when we have seen better, and in any case after HINT_LIFE_MS. Zeroed memory is
 * a hint that nobody told. Pure: the time is handed in.
 *
 * In the text that gateways exchange a line is a kind and a name: "down gtr9-pro/ollama".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum { HINT_SILENCE_MS = 3000, HINT_LIFE_MS = 30000, HINTS_MAX = 32, HINT_NAME_MAX = 300 };

enum hint_kind {
    HINT_down,   /* an engine answers no probe, or nobody listens there: a probe disproves it */
    HINT_engine, /* an engine is benched: an answer of it disproves it */
    HINT_copy,   /* a copy is */
    HINT_KINDS
};

struct hint {
    uint64_t begun_ms, heard_ms;
    bool is_told, is_disproven;
};

const char *hint_name(enum hint_kind kind);

/* True when it is news. */
bool hint_hear(struct hint *h, uint64_t now_ms);
void hint_disprove(struct hint *h);
bool hint_holds(const struct hint *h, uint64_t now_ms);

/* A line more. What is longer than HINT_NAME_MAX is left out. */
MUST_USE int hint_write(struct buf *out, enum hint_kind kind, struct str name);

/* Takes the next line that is one off *text, passing over any others; false at its end. */
bool hint_read(struct str *text, enum hint_kind *kind, struct str *name);
