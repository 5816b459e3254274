/* SPDX-License-Identifier: Apache-2.0 */
/* Scope-bound ownership: what AUTO(x) declares, the end of the scope frees. */
#pragma once

#include <stdlib.h>

/* Lets AUTO(type) call type##_free(), which accepts NULL. */
#define AUTO_FREE(type) \
    static inline void type##_auto(struct type **p) \
    { \
        type##_free(*p); \
    }

#define AUTO(type) __attribute__((cleanup(type##_auto))) struct type *

/* For plain malloc'd memory: AUTO_BYTES(char *) text = strdup("..."). */
static inline void bytes_auto(void *p)
{
    free(*(void **)p);
}
#define AUTO_BYTES(type) __attribute__((cleanup(bytes_auto))) type

/* Moves ownership out of p, which is NULL afterwards. */
#define TAKE(p) \
    __extension__({ \
        __typeof__(p) taken_ = (p); \
        (p) = NULL; \
        taken_; \
    })
