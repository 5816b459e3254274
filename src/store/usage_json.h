/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums of requests in words: what they are kept apart by, and rows as JSON; as `tampu usage` and
 * /admin/v1/usage say them.
 */
#pragma once

#include "base/err.h"
#include "store/rows.h"
#include "wire/json_out.h"

/* "day,key,owner,model,machine", any of them; empty: one sum. -EINVAL with words. */
MUST_USE int usage_by_read(unsigned *ret, struct str text, struct err *err);

/* "2026-11-23": its first microsecond, UTC. -EINVAL. */
MUST_USE int usage_day_read(int64_t *ret_us, struct str text);
void usage_day_write(char out[16], int64_t day);

/* An object; what is not kept apart is left out. */
void usage_row_write(struct json_out *o, const struct usage_row *row, unsigned by);
