/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as frames, whole and cut: the same must be heard, and end at the same place. */
#pragma once

#include <stdlib.h>

#include "base/str.h"

/* Reads the text in two pieces. heard: a fingerprint of what came; whole: where frames end. */
typedef int cut_read_fn(struct str text, size_t cut, uint64_t *heard, uint64_t *whole);

static inline int cut_hear(void *heard, struct str frame)
{
    *(uint64_t *)heard = *(uint64_t *)heard * 31 + str_hash(frame);
    return 0;
}

static inline int check_cuts(cut_read_fn *read, const uint8_t *data, size_t size)
{
    struct str text = str_slice((const char *)data, size);
    uint64_t heard[2] = {0}, whole[2];
    int r = read(text, 0, &heard[0], &whole[0]);

    for (size_t cut = 1; cut <= size; cut += 1 + size / 16) {
        heard[1] = 0;
        if (read(text, cut, &heard[1], &whole[1]) != r || heard[0] != heard[1] ||
            whole[0] != whole[1])
            abort();
    }
    return 0;
}
