/* SPDX-License-Identifier: Apache-2.0 */
/* Policies by name. */
#include "sim/policy.h"

const struct policy *policy_at(unsigned i)
{
    if (i == 0)
        return &policy_tampu;
    if (i <= policy_rivals_count)
        return &policy_rivals[i - 1];
    if (i == policy_rivals_count + 1)
        return &policy_forgetful;
    return i == policy_rivals_count + 2 ? &policy_relaxed : NULL;
}

const struct policy *policy_find(struct str name)
{
    const struct policy *p;

    for (unsigned i = 0; (p = policy_at(i)); i++)
        if (str_is(name, p->name))
            return p;
    return NULL;
}
