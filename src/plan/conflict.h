/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cannot be: pins that do not fit, and seats that a machine does not have, in words.
 *
 *     if (conflict_check(problem, &err) < 0)
 *         err names the smallest set of pins and limits that conflict, each with its place
 *
 * A machine's limits concern its own pins alone, so the first machine whose pins do not fit has a
 * smallest set; from it every pin is taken that is not needed for the conflict.
 */
#pragma once

#include "plan/placement.h"

/* 0; -ENOSPC; -ENOMEM. */
MUST_USE int conflict_check(const struct problem *p, struct err *err);

/* Why no engine of that room can run it: "it needs 133.0 GiB with 4096 tokens of context, …".
 * Empty when one can. 0 or -ENOMEM. */
MUST_USE int seat_say_impossible(struct buf *out, const struct problem *p, const struct room *room,
                                 const struct artifact *a);
