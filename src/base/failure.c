/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of tables/failures.def. */
#include "base/failure.h"

#include <assert.h>

static const struct failure_row rows[FAILURE_COUNT] = {
    [FAILURE_none] = {"none", 200, false, BLAME_caller, "no failure"},
#define FAILURE(name, status, again, blame, words) \
    [FAILURE_##name] = {#name, status, again, BLAME_##blame, words},
#include "tables/failures.def"
};

const struct failure_row *failure_row(enum failure why)
{
    assert(why >= 0 && why < FAILURE_COUNT);
    return &rows[why];
}
