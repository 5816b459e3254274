/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, in words for a person: where, found, expected, what to do.
 *
 *     return err_set(err, -EINVAL, "%s: port %d is not in 1..65535", where, port);
 *     …
 *     return err_wrap(err, r, "%s", path);        "PATH: " is put in front
 *
 * err may be NULL: then only the number travels. Written only on failure.
 */
#pragma once

#include "base/attr.h"

enum { ERR_TEXT_MAX = 1024 };

struct err {
    int code;
    char text[ERR_TEXT_MAX];
};

/* Returns code (negative errno). Text beyond the room is cut. */
int err_set(struct err *err, int code, const char *format, ...) PRINTF(3, 4);

/* Puts words and ": " in front of what err says. Returns code. */
int err_wrap(struct err *err, int code, const char *format, ...) PRINTF(3, 4);
