/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rejections: why a copy was not asked, in a word and in words (tables/rejections.def).
 *
 *     rejection_name(REJECTION_down)      "down"
 *     rejection_words(REJECTION_down)     "the machine does not answer"
 */
#pragma once

enum rejection {
#define REJECTION(name, words) REJECTION_##name,
#include "tables/rejections.def"
    REJECTION_COUNT
};

const char *rejection_name(enum rejection r);
const char *rejection_words(enum rejection r);
