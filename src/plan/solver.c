/* SPDX-License-Identifier: Apache-2.0 */
/* Which solver there is. */
#include "plan/solver.h"

#include <stdlib.h>

const struct solver *solver_find(void)
{
    static const struct solver *const solvers[] = {&solver_highs, &solver_cbc};

    for (size_t i = 0; i < COUNT_OF(solvers); i++)
        if (solvers[i]->is_there())
            return solvers[i];
    return NULL;
}

void solver_answer_fini(struct solver_answer *a)
{
    free(a->values);
    *a = (struct solver_answer){0};
}
