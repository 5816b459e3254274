/* SPDX-License-Identifier: Apache-2.0 */
/* Single values of a schema: each kind's type, its words for people, its reader. */
#pragma once

#include "wire/schema.h"

/* Reads y into out at the row's offset, or reports what is wrong with it. */
void schema_read_value(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                       char *out);

/* "bytes, as in 32 GB": what a kind expects, for messages and the reference. */
const char *schema_kind_words(enum schema_kind kind);
