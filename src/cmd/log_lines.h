/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gateway's log for people: which of its lines are wanted, and how they read.
 *
 *     log_wish_read(&wish, level, since, now_us, err);      and wish.machine, .model, .request
 *     if (log_line_write(&out, &wish, line))  print out
 *
 * Lines that are no log lines, as a program's last words, are kept while nothing special is wanted.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { LOG_TIME_ROOM = 32 };

struct log_wish {
    struct str machine, model, request; /* empty: any */
    unsigned least;                     /* of the levels, from debug */
    char since[LOG_TIME_ROOM];          /* as log lines begin; empty: from the beginning */
    bool as_json;
};

/* level: "warning", or empty; since: "1h30m" before now, a time in UTC from its day on
 * ("2026-11-23T18:40"), or empty. -EINVAL with words. */
MUST_USE int log_wish_read(struct log_wish *wish, struct str level, struct str since,
                           int64_t now_us, struct err *err);

/* True: it is wanted, and stands behind out with its end. False also when out has no room. */
bool log_line_write(struct buf *out, const struct log_wish *wish, struct str line);
