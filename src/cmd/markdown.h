/* SPDX-License-Identifier: Apache-2.0 */
/* The help pages' Markdown as plain text: tables in columns, no marks. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/* What our own pages use: # titles, | tables |, `code`, indented code, paragraphs of one line. */
MUST_USE int markdown_write_plain(struct buf *out, struct str page, size_t width, bool colors);
