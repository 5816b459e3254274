/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes may stand where in an HTTP/1 head. */
#pragma once

#include <stdbool.h>

/* RFC 9110 5.6.2: letters, digits and !#$%&'*+-.^_`|~ */
static inline bool byte_is_token(unsigned char c)
{
    static const unsigned char map[32] = {
        [4] = 0xfa,                                         /* ! # $ % & ' */
        [5] = 0x6c,                                         /* * + - . */
        [6] = 0xff,  [7] = 0x03,                            /* 0-9 */
        [8] = 0xfe,  [9] = 0xff,  [10] = 0xff, [11] = 0xc7, /* A-Z ^ _ */
        [12] = 0xff, [13] = 0xff, [14] = 0xff, [15] = 0x57, /* ` a-z | ~ */
    };

    return map[c >> 3] & (1u << (c & 7));
}

/* Field values: visible, space, tab and the upper half. */
static inline bool byte_is_text(unsigned char c)
{
    return (c >= 0x20 && c != 0x7f) || c == '\t';
}

/* -1 when it is not a hexadecimal digit. */
static inline int byte_hex(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
