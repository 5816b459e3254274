/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as lines of JSON: a cut changes neither the lines nor where frames end. */
#include <stdlib.h>

#include "wire/ndjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int hear(void *ctx, struct str line)
{
    uint64_t *heard = ctx;

    *heard = *heard * 31 + str_hash(line);
    return 0;
}

static int read_it(struct str text, size_t cut, uint64_t *heard, uint64_t *whole)
{
    struct ndjson s;
    int r;

    *heard = 0;
    ndjson_init(&s, 512, hear, heard);
    r = ndjson_feed(&s, str_slice(text.data, cut));
    if (r == 0)
        r = ndjson_feed(&s, str_slice(text.data + cut, text.len - cut));
    if (r == 0)
        r = ndjson_end(&s);
    *whole = ndjson_whole(&s);
    ndjson_fini(&s);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_slice((const char *)data, size);
    uint64_t heard[2], whole[2];
    int r = read_it(text, 0, &heard[0], &whole[0]);

    for (size_t cut = 1; cut <= size; cut += 1 + size / 16)
        if (read_it(text, cut, &heard[1], &whole[1]) != r || heard[0] != heard[1] ||
            whole[0] != whole[1])
            abort();
    return 0;
}
