/* SPDX-License-Identifier: Apache-2.0 */
/* The dialects by number. */
#include "dialect/dialect.h"

#include <assert.h>

#define DIALECT(name, framing, what) extern const struct dialect name##_dialect;
#include "tables/dialects.def"

const struct dialect *dialect_get(enum dialect_id id)
{
    static const struct dialect *const dialects[DIALECT_COUNT] = {
#define DIALECT(name, framing, what) [DIALECT_##name] = &name##_dialect,
#include "tables/dialects.def"
    };

    assert(id < DIALECT_COUNT);
    return dialects[id];
}
