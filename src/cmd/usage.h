/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be typed, as rows; and what is said to somebody who typed something else.
 *
 *     return usage_error("serve", "FLEET is missing");
 *     → tampu serve: FLEET is missing
 *       see: tampu help serve                                    and EXIT_usage
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

struct command_row {
    const char *name, *operands, *what;
};

struct option_row {
    const char *command, *name;
    const char *argument; /* NULL: a flag */
    const char *what;
};

/* Both end with a row without a name. */
extern const struct command_row command_rows[];
extern const struct option_row option_rows[];

/* NULL when there is none of that name. */
const struct command_row *command_find(const char *name);

/* One line on stderr and where help is, then EXIT_usage. command NULL: "tampu: …". */
int usage_error(const char *command, const char *format, ...) PRINTF(2, 3);

/* One line "tampu COMMAND: …" on stderr, then EXIT_no. */
int command_no(const char *command, const char *format, ...) PRINTF(2, 3);

/* " (did you mean --json?)" into out when `best` is near enough to what was typed, else "". `front`
 * goes before it: "--", or nothing. */
void usage_suggest(char *out, size_t room, const char *typed, const char *front, const char *best);

/* The nearer of the two words to what was typed; best may be NULL. */
const char *usage_nearer(const char *typed, const char *best, const char *other);

/* Markdown: how a command is typed, what it does, its options. */
MUST_USE int usage_write(struct buf *out, const struct command_row *command);

/* " [--listen ADDR:PORT] [--json] FLEET", on one line: what follows the command's name. */
MUST_USE int usage_write_synopsis(struct buf *out, const struct command_row *command);
