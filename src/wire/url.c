/* SPDX-License-Identifier: Apache-2.0 */
/* Query parameters, percent-decoding, path checks. */
#include "wire/url.h"

#include <errno.h>

static int hex_digit(char c);
static int octet(struct str s, size_t at);
static bool is_clean_byte(struct str path, size_t at);
static bool is_dots(struct str segment);

bool url_parameter(struct str *rest, struct str *name, struct str *value)
{
    while (rest->len) {
        struct str pair = str_cut(*rest, '&', rest);

        if (!pair.len)
            continue;
        *name = str_cut(pair, '=', value);
        return true;
    }
    return false;
}

int url_decode(struct buf *out, struct str s, bool plus)
{
    size_t before = out->len;
    int r = buf_reserve(out, s.len);

    for (size_t i = 0; r == 0 && i < s.len; i++) {
        int c = s.data[i] == '%' ? octet(s, i) : s.data[i] == '+' && plus ? ' ' : s.data[i];

        if (s.data[i] == '%')
            i += 2;
        r = c == 0 || c == -EINVAL ? -EINVAL : buf_put_char(out, (char)c);
    }
    if (r < 0)
        out->len = before;
    return r;
}

int url_find(struct buf *out, struct str query, const char *name)
{
    struct str encoded, value;

    while (url_parameter(&query, &encoded, &value)) {
        size_t before = out->len;
        int r = url_decode(out, encoded, true);
        /* Nothing decoded: there may be no memory behind it. */
        struct str found =
            out->len > before ? str_slice(out->data + before, out->len - before) : STR("");
        bool is_it = r == 0 && str_is(found, name);

        out->len = before;
        if (is_it)
            return url_decode(out, value, true);
        if (r < 0 && r != -EINVAL)
            return r;
    }
    return -ENOENT;
}

bool url_path_is_clean(struct str path)
{
    struct str rest, segment;

    if (!path.len || path.data[0] != '/')
        return false;
    for (size_t i = 0; i < path.len; i++)
        if (!is_clean_byte(path, i))
            return false;
    rest = str_slice(path.data + 1, path.len - 1);
    while (rest.len) {
        segment = str_cut(rest, '/', &rest);
        if (!segment.len || is_dots(segment))
            return false;
    }
    return true;
}

int url_encode(struct buf *out, struct str s)
{
    static const char hex[] = "0123456789ABCDEF";
    int r = 0;

    for (size_t i = 0; r == 0 && i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];

        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
            (c && strchr("-._~", c)))
            r = buf_put_char(out, (char)c);
        else
            r = buf_put(out, str_slice((char[]){'%', hex[c >> 4], hex[c & 15]}, 3));
    }
    return r;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -EINVAL;
}

/* The byte that "%XX" at `at` stands for, or -EINVAL. */
static int octet(struct str s, size_t at)
{
    int high, low;

    if (s.len - at < 3)
        return -EINVAL;
    high = hex_digit(s.data[at + 1]);
    low = hex_digit(s.data[at + 2]);
    return high < 0 || low < 0 ? -EINVAL : high << 4 | low;
}

static bool is_clean_byte(struct str path, size_t at)
{
    char c = path.data[at];
    int meant = c == '%' ? octet(path, at) : c;

    if (c <= ' ' || c > '~' || c == '\\')
        return false;
    if (c != '%')
        return true;
    return meant > 0 && meant != '/' && meant != '\\';
}

/* "." and "..", also as %2e. */
static bool is_dots(struct str segment)
{
    size_t dots = 0;

    for (size_t i = 0; i < segment.len; i++) {
        if (segment.data[i] == '.')
            dots++;
        else if (segment.data[i] == '%' && octet(segment, i) == '.')
            dots++, i += 2;
        else
            return false;
    }
    return dots == 1 || dots == 2;
}
