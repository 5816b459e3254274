/* SPDX-License-Identifier: Apache-2.0 */
/* The words of rejections. */
#include "route/rejection.h"

static const struct {
    const char *name, *words;
} rejections[REJECTION_COUNT] = {
#define REJECTION(name, words) [REJECTION_##name] = {#name, words},
#include "tables/rejections.def"
};

const char *rejection_name(enum rejection r)
{
    return rejections[r].name;
}

const char *rejection_words(enum rejection r)
{
    return rejections[r].words;
}
