/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A breaker: benches what keeps failing, lets one try through when its time is over.
 *
 *     if (breaker_allows(&b, now_ms)) { breaker_try(&b, now_ms); … one attempt … }
 *     breaker_succeeded(&b)  or  breaker_failed(&b, now_ms, &rules)
 *
 * closed ── `failures` in a row ──► open ── cooldown over ──► one try ──► closed, or open for twice
 * as long (up to `cooldown_max_ms`). Zeroed memory is a closed breaker.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct breaker_rules {
    uint32_t failures;
    uint32_t cooldown_ms, cooldown_max_ms;
};

struct breaker {
    uint32_t failures; /* in a row */
    uint32_t trips;    /* in a row: doubles the cooldown */
    uint64_t open_until_ms;
    bool open, trying;
};

/* Whether an attempt may be made now. */
bool breaker_allows(const struct breaker *b, uint64_t now_ms);

/* An attempt begins: an open breaker whose cooldown is over lets only this one through. True when
 * it is that one. */
bool breaker_try(struct breaker *b, uint64_t now_ms);

/* The attempt ended without saying anything about the engine (the caller left). */
void breaker_forget(struct breaker *b);

/* True when this closed it. */
bool breaker_succeeded(struct breaker *b);

/* True when this opened it. at_once: one failure is enough (nobody listens there). */
bool breaker_failed(struct breaker *b, uint64_t now_ms, const struct breaker_rules *rules,
                    bool at_once);

/* Milliseconds until an attempt may be made; 0 when it may now. */
uint64_t breaker_wait_ms(const struct breaker *b, uint64_t now_ms);
