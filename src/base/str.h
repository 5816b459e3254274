/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slice of bytes: pointer and length, borrowed, not terminated.
 *
 * Passed by value. The bytes belong to whoever handed the slice out and live
 * as long as that one says.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

struct str {
    const char *data;
    size_t len;
};

/* printf: "%.*s", STR_ARG(s) */
#define STR_ARG(s)   (int)(s).len, (s).data ? (s).data : ""
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})

static inline struct str str_from(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

static inline struct str str_slice(const char *data, size_t len)
{
    return (struct str){data, len};
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool str_is(struct str a, const char *text)
{
    return str_equal(a, str_from(text));
}

/* ASCII only, as HTTP header names and model names want it. */
bool str_equal_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Offset of the first byte c, or s.len. */
size_t str_index(struct str s, char c);

/* Without leading and trailing spaces and tabs. */
struct str str_trim(struct str s);

/* Cuts s at the first `c`: what stood before it is returned, *rest is what follows (empty if none).
 */
struct str str_cut(struct str s, char c, struct str *rest);

/* Digits only, no sign, no space. 0, -EINVAL when not a number, -ERANGE when it does not fit. */
MUST_USE int str_to_u64(uint64_t *ret, struct str s);

/* The digits of value, in room. */
enum { STR_U64_ROOM = 20 };
struct str str_from_u64(char room[STR_U64_ROOM], uint64_t value);

/* FNV-1a: for tables of trusted keys and for fingerprints, not against attackers. */
uint64_t str_hash(struct str s);

/* How many single edits turn a into b (adjacent swaps count one); for "did you mean".
 * Words longer than 63 bytes are not compared: SIZE_MAX. */
size_t str_distance(struct str a, struct str b);
