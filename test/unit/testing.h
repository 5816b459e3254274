/* SPDX-License-Identifier: Apache-2.0 */
/* The only header a unit test needs besides ours: cmocka and what it wants before it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
