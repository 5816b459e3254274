/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text written piece by piece; the first error sticks.
 *
 *     struct text_out t = {.out = &page};
 *     text_printf(&t, "%u machines\n", count);
 *     text_put(&t, name);
 *     return t.error;                        0, -EMSGSIZE or -ENOMEM
 */
#pragma once

#include "base/buf.h"

struct text_out {
    struct buf *out;
    int error;
};

void text_printf(struct text_out *t, const char *format, ...) PRINTF(2, 3);
void text_put(struct text_out *t, struct str s);

/* So many times the same. */
void text_repeat(struct text_out *t, const char *what, size_t times);

/* "20.4 GB", as units_write_bytes(); "1h30m", "42s", "<1s". */
void text_bytes(struct text_out *t, uint64_t bytes);
void text_seconds(struct text_out *t, double seconds);

/* What may stand in HTML as text or in an attribute's quotes. */
void text_html(struct text_out *t, struct str s);
