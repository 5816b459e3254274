/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of many addresses accept a connection: a few hundred at a time, each for a moment.
 *
 *     sweep_connect(points, count, timeout_ms, err);        sets is_open
 *
 * Nothing is sent on the connections. Blocks; goes through the door (net/door.h): what it forbids
 * is closed.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "net/dns.h"

enum { SWEEP_AT_ONCE = 256 };

struct sweep_point {
    union address address;
    bool is_open;
};

/* 0; -EMFILE and the like with words. */
MUST_USE int sweep_connect(struct sweep_point *points, size_t count, int timeout_ms,
                           struct err *err);
