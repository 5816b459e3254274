/* SPDX-License-Identifier: Apache-2.0 */
/* Compiler attributes, by short names. */
#pragma once

#define MUST_USE            __attribute__((warn_unused_result))
#define PRINTF(text, first) __attribute__((format(printf, text, first)))
#define UNUSED              __attribute__((unused))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The struct of which `member` is a part. */
#define CONTAINER(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
