/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions: why the last requests went where they went, as JSON, by request id.
 *
 *     decisions_put(d, &decision);           at the end of an exchange; takes it
 *     decisions_find(d, id, &out);           -ENOENT: too long ago, or never
 *     decisions_keep(d);                     every second: what is new becomes text, and goes to
 * its file
 *
 * Of more than DECISIONS_MAX in a second the first are forgotten: an exchange does not wait for
 * text. The last DECISIONS_MAX are remembered; with a folder also beyond the end of the process, in
 * two files of a few MiB. Thread-safe; only decisions_keep() and decisions_new() touch the disk.
 */
#pragma once

#include "base/buf.h"

enum { DECISIONS_MAX = 2048, DECISION_TEXT_MAX = 32 << 10 };

struct decision;
struct decisions;

/* folder: where they are kept; "": nowhere. NULL without memory. */
struct decisions *decisions_new(const char *folder);
void decisions_free(struct decisions *d);

void decisions_put(struct decisions *d, struct decision **decision);
MUST_USE int decisions_find(struct decisions *d, struct str id, struct buf *out);
void decisions_keep(struct decisions *d);
