/* SPDX-License-Identifier: Apache-2.0 */
/* Which pins and limits cannot hold together. */
#include <errno.h>

#include "plan/plan_inside.h"

int conflict_say(const struct problem *p, struct err *err)
{
    (void)p;
    return err_set(err, -ENOSPC, "the pins do not fit");
}
