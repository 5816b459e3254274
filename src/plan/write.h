/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan written into the text of the fleet file it was made from: comments and layout stay.
 *
 *     r = write_plan(&out, plan, text, "fleet.yaml", &err);
 *
 * Lines that the plan keeps get its context and slots where they differ; lines it does not want go,
 * unless they are optional or nobody knows what they pull; what is new is added. Models that stay
 * loaded become keep_loaded, and the first machines of each row the primary and backups of a
 * category that lists its machines. Pure: whoever calls it reads and writes files.
 */
#pragma once

#include "plan/plan.h"

/* Of a fleet of several files, what stands in this one: `name` as the fleet's places have it. 0;
 * -EINVAL, -ENOMEM, -EMSGSIZE with words. */
MUST_USE int write_plan(struct buf *out, const struct plan *plan, struct str text, const char *name,
                        struct err *err);
