/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a provider asks to be left alone: retry-after, and the limits that it counts in headers.
 *
 *     wait_ms = limits_wait_ms(status, headers, count, now_us);
 *
 * Pure: the time is handed in.
 */
#pragma once

#include <stdint.h>

#include "wire/message.h"

/* Nobody is left alone for longer, whatever he says. */
enum { LIMITS_WAIT_MAX_MS = 3600 * 1000 };

/* 0: not at all. An answer with a status below 400 counts too: its headers may say that it was the
 * last for now. now_us: UTC, for limits that end at a time of day. */
uint64_t limits_wait_ms(int status, const struct header *headers, size_t count, int64_t now_us);
