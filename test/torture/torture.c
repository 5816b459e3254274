/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that fail on demand: linked with --wrap for malloc, calloc and realloc. */
#include "torture.h"

#include "testing.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum { ALLOCATIONS_MAX = 100000 };

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);

static unsigned countdown; /* 0: nothing fails */
static bool has_failed;

static void run(int (*scene)(void), bool may_succeed);
static bool must_fail(void);

void torture(int (*scene)(void))
{
    run(scene, false);
}

void torture_lightly(int (*scene)(void))
{
    run(scene, true);
}

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return must_fail() ? NULL : __real_realloc(p, size);
}

static void run(int (*scene)(void), bool may_succeed)
{
    assert_int_equal(scene(), 0);
    for (unsigned n = 1; n < ALLOCATIONS_MAX; n++) {
        int r;

        has_failed = false;
        countdown = n;
        r = scene();
        countdown = 0;
        if (!has_failed) {
            assert_int_equal(r, 0);
            return;
        }
        if (r != -ENOMEM && !(may_succeed && r == 0))
            fail_msg("allocation %u failed, and the scene returned %d", n, r);
    }
    fail_msg("the scene never ends");
}

static bool must_fail(void)
{
    if (!countdown || --countdown)
        return false;
    has_failed = true;
    return true;
}
