/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of tables/pages.def as Markdown, the manual page and the completions: all from the
 * tables. */
#pragma once

#include "base/buf.h"

typedef int page_fn(struct buf *out);

struct page_row {
    const char *name, *title, *intro;
    page_fn *write_rest;
};

/* Ends with a row without a name. */
extern const struct page_row page_rows[];

const struct page_row *page_find(const char *name);

/* With its title and how it begins. */
MUST_USE int page_write(struct buf *out, const struct page_row *page);

MUST_USE int manual_write(struct buf *out); /* roff, tampu(1) */
MUST_USE int completion_write_bash(struct buf *out);
MUST_USE int completion_write_zsh(struct buf *out);
MUST_USE int completion_write_fish(struct buf *out);
