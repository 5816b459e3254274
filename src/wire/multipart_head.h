/* SPDX-License-Identifier: Apache-2.0 */
/* A part's headers, read: for multipart.c only. */
#pragma once

#include "wire/multipart.h"

/* head: the lines, each with its CRLF. What parameters say is put into text, where as many bytes
 * must be reserved, so that slices of it stay where they are; the part's point into head and text.
 * NULL, or why it is refused. */
MUST_USE const char *multipart_read_head(struct multipart_part *ret, struct str head,
                                         struct buf *text);

/* Takes NAME=VALUE off *rest, which begins behind a ';'. The value is appended to text, unquoted,
 * where there must be room for it. NULL, or why it is refused. */
MUST_USE const char *multipart_parameter(struct str *rest, struct str *name, struct str *value,
                                         struct buf *text);
