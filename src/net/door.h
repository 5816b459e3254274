/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one door through which every connect and name lookup goes.
 *
 * With TAMPU_LOOPBACK_ONLY=1 in the environment it refuses every address but
 * loopback, Unix sockets and the networks in TAMPU_ALLOW_NET ("10.99.0.0/24,fd99::/64": networks
 * of namespaces that a test made itself); names are not looked up, except "localhost".
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/str.h"

/* Reads the environment once, before any thread starts. */
void door_open(void);

/* As if TAMPU_LOOPBACK_ONLY=1 had been said; for demo. Before any thread starts. */
void door_close_to_loopback(void);

/* 0, or -EPERM. */
MUST_USE int door_check_address(const struct sockaddr *address);
MUST_USE int door_check_name(struct str name);

/* Of a program that reaches out by itself, as sendmail does: with TAMPU_LOOPBACK_ONLY only the one
 * that TAMPU_ALLOW_PROGRAM names. */
MUST_USE int door_check_program(const char *path);

/* Whether it is 127.0.0.0/8, ::1 or a Unix socket. */
bool door_is_loopback(const struct sockaddr *address);
