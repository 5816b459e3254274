/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain structs back to YAML, by the rows that read them: what is written reads back the same.
 *
 *     r = schema_write(&out, &model_section, &model, 4);
 *
 * Zero, empty and false are left out, as they would be read from nothing. Amounts are exact.
 * Ranges, pairs, secrets and rows with a reader of their own are not written: no catalog has any.
 */
#pragma once

#include "wire/schema.h"

/* Lines "key: value", so many spaces in. 0, -ENOMEM or -EMSGSIZE. */
MUST_USE int schema_write(struct buf *out, const struct schema_section *s, const void *from,
                          unsigned indent);
