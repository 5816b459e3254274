/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request targets: query parameters, percent-decoding, and paths that may be trusted.
 *
 *     for (struct str rest = query; url_parameter(&rest, &name, &value);)
 *         url_decode(&out, value, true);
 *
 * Pure; nothing is allocated but by the buf that is written to.
 */
#pragma once

#include "base/buf.h"

/* Takes the next NAME=VALUE off *rest, both still encoded; false when there is none left.
 * Empty pairs are skipped; a name without '=' has the empty value. */
bool url_parameter(struct str *rest, struct str *name, struct str *value);

/* Appends what s says. plus: '+' is a space, as in a query. -EINVAL: a '%' without two
 * hex digits, or a NUL; then out is as before. -EMSGSIZE, -ENOMEM. */
MUST_USE int url_decode(struct buf *out, struct str s, bool plus);

/* Appends the first parameter of that name, decoded. -ENOENT: there is none; or as url_decode(). */
MUST_USE int url_find(struct buf *out, struct str query, const char *name);

/* Whether a path (undecoded) may be matched against endpoints: it begins with '/', holds printable
 * ASCII only, every '%' has its digits, no "//", and no segment that is "." or "..", in
 * whatever spelling; nor an encoded slash, backslash or NUL. */
bool url_path_is_clean(struct str path);

/* Appends s with all but A-Z a-z 0-9 - . _ ~ percent-encoded. */
MUST_USE int url_encode(struct buf *out, struct str s);
