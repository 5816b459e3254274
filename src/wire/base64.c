/* SPDX-License-Identifier: Apache-2.0 */
/* Base64, four letters for three bytes. */
#include "wire/base64.h"

#include <errno.h>

static int letter_value(char c);
static size_t padding(struct str text);

int base64_put(struct buf *out, struct str bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = (const unsigned char *)bytes.data;
    int r = buf_reserve(out, (bytes.len + 2) / 3 * 4);
    char *to = out->data + out->len;

    if (r < 0)
        return r;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t bits = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                        (left > 2 ? in[i + 2] : 0);

        *to++ = letters[bits >> 18];
        *to++ = letters[bits >> 12 & 63];
        *to++ = left > 1 ? letters[bits >> 6 & 63] : '=';
        *to++ = left > 2 ? letters[bits & 63] : '=';
    }
    out->len += (bytes.len + 2) / 3 * 4;
    return 0;
}

int base64_take(struct buf *out, struct str text)
{
    size_t pad = padding(text), before = out->len;
    int r = text.len % 4 || pad > 2 ? -EBADMSG : buf_reserve(out, text.len / 4 * 3);

    for (size_t i = 0; r == 0 && i < text.len; i += 4) {
        size_t skipped = i + 4 == text.len ? pad : 0;
        uint32_t bits = 0;

        for (size_t j = 0; j < 4; j++) {
            int value = j >= 4 - skipped ? 0 : letter_value(text.data[i + j]);

            if (value < 0)
                r = -EBADMSG;
            bits = bits << 6 | ((uint32_t)value & 63);
        }
        if (r == 0)
            r = buf_put(out, str_slice((char[]){(char)(bits >> 16), (char)(bits >> 8), (char)bits},
                                       3 - skipped));
    }
    if (r < 0)
        out->len = before;
    return r;
}

static int letter_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t padding(struct str text)
{
    size_t pad = 0;

    while (pad < text.len && text.data[text.len - 1 - pad] == '=')
        pad++;
    return pad;
}
