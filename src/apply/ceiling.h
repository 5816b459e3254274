/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ceiling that transfers share, on whatever loops (base/pace.h).
 *
 *     ceiling_open(&c, bytes_per_s, STR("07:00-23:00"), err);
 *     after_ms = ceiling_take(&c, bytes);         what was moved; 0: go on
 *     after_ms = ceiling_wait(&c);                the same, nothing moved: hours may be over
 *     ceiling_close(&c);
 *
 * Nobody is told to wait longer than CEILING_WAIT_MS: then look again.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>

#include "base/err.h"
#include "base/pace.h"

enum { CEILING_WAIT_MS = 1000 };

struct ceiling {
    pthread_mutex_t mutex;
    struct pace pace;
};

/* -EINVAL with words: no such hours. */
MUST_USE int ceiling_open(struct ceiling *c, uint64_t bytes_per_s, struct str hours,
                          struct err *err);
void ceiling_close(struct ceiling *c);

uint64_t ceiling_take(struct ceiling *c, uint64_t bytes);
uint64_t ceiling_wait(struct ceiling *c);

/* How much to move at once. */
size_t ceiling_piece(struct ceiling *c, size_t most);
