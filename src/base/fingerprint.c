/* SPDX-License-Identifier: Apache-2.0 */
/* A fingerprint of bytes that come in pieces. */
#include "base/fingerprint.h"

#include <endian.h>
#include <string.h>

static uint64_t mix(uint64_t hash, uint64_t word);

void fingerprint_put(struct fingerprint *f, struct str piece)
{
    unsigned held = f->bytes % 8;
    uint64_t word;

    f->bytes += piece.len;
    for (; held && piece.len; piece.data++, piece.len--) {
        f->word |= (uint64_t)(unsigned char)*piece.data << (8 * held);
        held = (held + 1) % 8;
        if (!held) {
            f->hash = mix(f->hash, f->word);
            f->word = 0;
        }
    }
    for (; piece.len >= 8; piece.data += 8, piece.len -= 8) {
        memcpy(&word, piece.data, 8);
        f->hash = mix(f->hash, le64toh(word));
    }
    for (; piece.len; piece.data++, piece.len--)
        f->word |= (uint64_t)(unsigned char)*piece.data << (8 * held++);
}

uint64_t fingerprint_get(const struct fingerprint *f)
{
    return fingerprint_join(mix(f->hash, f->word), f->bytes);
}

uint64_t fingerprint_of(struct str text)
{
    struct fingerprint f = {0};

    fingerprint_put(&f, text);
    return fingerprint_get(&f);
}

uint64_t fingerprint_join(uint64_t first, uint64_t second)
{
    uint64_t joined = mix(mix(mix(1, first), second), second);

    return joined ? joined : 1;
}

/* A multiplication spreads each bit upwards, the shift brings it down again. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}
