/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An apply, as people and programs read it: what it would do, how far it is, what came of it.
 *
 *     apply_write_plan(&out, apply, colors);
 *     apply_follow(apply, is_live);           until it is over; on stderr
 *     apply_write_sum(&out, apply);  apply_write_json(&out, apply);
 */
#pragma once

#include "apply/apply.h"

MUST_USE int apply_write_plan(struct buf *out, struct apply *a);

/* Lines as steps end; live: also one line for each machine that works, with a bar for what it
 * pulls, drawn again and again. */
void apply_follow(struct apply *a, bool is_live);

/* The scripts that steps over SSH will run. */
MUST_USE int apply_write_scripts(struct buf *out, struct apply *a);

/* Every script that sets an engine of the file up, to be run by hand. */
MUST_USE int apply_write_all_scripts(struct buf *out, const struct fleet *f,
                                     const struct catalog *c, struct err *err);

MUST_USE int apply_write_sum(struct buf *out, struct apply *a);
MUST_USE int apply_write_json(struct buf *out, struct apply *a);
