/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output: how wide it is, whether it takes colours, and printing that notices failure. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* A terminal, NO_COLOR (no-color.org) is not set, and TERM is not "dumb". */
bool terminal_takes_colors(void);

/* Columns of the terminal; 0 when output is none: then nothing is wrapped. */
size_t terminal_width(void);

/* Prints all of it: EXIT_done, or EXIT_no after telling why not; a reader that has gone is told
 * nothing. */
int terminal_print(struct str text);

/* Prints Markdown as plain text. */
int terminal_print_page(struct str page);
