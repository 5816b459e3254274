/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells somebody what is wrong: looks at the gateway every second, and sends what alert/ decides.
 *
 *     notify_open(&n, &options, err);        a thread of its own
 *     notify_close(n);                       before the gateway
 *
 * A receiver that hangs holds up the next look by TELL_TIMEOUT_MS and never a request. What it has
 * not taken it is told later; see alert/alerts.h.
 */
#pragma once

#include "gateway/gateway.h"

struct notify;

struct notify_options {
    struct gateway *gateway;
    const struct settings *settings; /* must outlive it, as the stats */
    struct stats *stats;
    const char *state_folder; /* whose disk is watched; empty: none */
    bool read_secrets;        /* false in demo */
};

enum { TELL_TIMEOUT_MS = 5000, LOOK_EVERY_MS = 1000 };

/* 0; -EINVAL with words: a setting is not right. */
MUST_USE int notify_open(struct notify **ret, const struct notify_options *options,
                         struct err *err);
void notify_close(struct notify *n);
