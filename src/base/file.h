/* SPDX-License-Identifier: Apache-2.0 */
/* Whole small files into memory, and back. */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

/* Puts the file's bytes into out, which must be initialised. 0; negative errno with the path in
 * words; -EMSGSIZE when it is larger than out's ceiling. */
MUST_USE int file_read(struct buf *out, const char *path, struct err *err);

/* All of it or nothing: written beside, then renamed over the old one, whose permissions stay. A
 * link stays a link. 0; negative errno with the path in words. */
MUST_USE int file_write(const char *path, struct str text, struct err *err);

/* The same for a file that nobody else writes: what a process that died has left beside it is in
 * nobody's way. */
MUST_USE int file_keep(const char *path, struct str text, struct err *err);

/* Every folder on the way to that file which is not there, for nobody else to read. 0; negative
 * errno with the folder in words. */
MUST_USE int file_make_folders(const char *path, struct err *err);
