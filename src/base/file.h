/* SPDX-License-Identifier: Apache-2.0 */
/* Whole small files into memory. */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

/* Puts the file's bytes into out, which must be initialised. 0; negative errno with the path in
 * words; -EMSGSIZE when it is larger than out's ceiling. */
MUST_USE int file_read(struct buf *out, const char *path, struct err *err);
