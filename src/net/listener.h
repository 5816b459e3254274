/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets: "127.0.0.1:4000", "[::1]:0", "localhost:4000", "unix:/run/tampu.sock".
 *
 * Several loops may listen on one port: the first opens it, the others open theirs beside
 * it and the kernel spreads the connections. That the port is free of other programs is checked.
 */
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

enum { LISTENER_TEXT_MAX = 128 };

struct listener {
    int fd;
    bool is_unix, owns_path;
    char text[LISTENER_TEXT_MAX]; /* the address, with the port that was picked */
};

/* beside: the fd of another one on the same address, or 0. Bound, not yet listening. The caller
 * closes fd. */
MUST_USE int listener_open(struct listener *ret, const char *address, int beside, struct err *err);

/* Removes the socket's file, if it is ours. */
void listener_forget(struct listener *l);
