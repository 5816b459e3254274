/* SPDX-License-Identifier: Apache-2.0 */
/* Slices of bytes. */
#include "base/str.h"

#include <errno.h>

static char lower(char c);

bool str_equal_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_equal(str_slice(s.data, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len &&
           str_equal(str_slice(s.data + s.len - suffix.len, suffix.len), suffix);
}

size_t str_index(struct str s, char c)
{
    const char *found = s.len ? memchr(s.data, c, s.len) : NULL;

    return found ? (size_t)(found - s.data) : s.len;
}

struct str str_trim(struct str s)
{
    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = str_slice(s.data + 1, s.len - 1);
    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

struct str str_cut(struct str s, char c, struct str *rest)
{
    size_t at = str_index(s, c);

    *rest = at < s.len ? str_slice(s.data + at + 1, s.len - at - 1)
                       : str_slice(s.data ? s.data + at : NULL, 0);
    return str_slice(s.data, at);
}

int str_to_u64(uint64_t *ret, struct str s)
{
    uint64_t value = 0;

    if (!s.len)
        return -EINVAL;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return -EINVAL;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.data[i] - '0'), &value))
            return -ERANGE;
    }
    *ret = value;
    return 0;
}

struct str str_from_u64(char room[STR_U64_ROOM], uint64_t value)
{
    size_t at = STR_U64_ROOM;

    do
        room[--at] = (char)('0' + value % 10);
    while (value /= 10);
    return str_slice(room + at, STR_U64_ROOM - at);
}

uint64_t str_hash(struct str s)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.data[i]) * 0x100000001b3u;
    return hash;
}

/* Optimal string alignment, three rows. */
size_t str_distance(struct str a, struct str b)
{
    enum { LONGEST = 63 };
    size_t rows[3][LONGEST + 1] = {0};
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    if (a.len > LONGEST || b.len > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        above[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = above[j - 1] + (a.data[i - 1] != b.data[j - 1]);

            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
                a.data[i - 2] == b.data[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        size_t *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b.len];
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}
