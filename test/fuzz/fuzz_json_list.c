/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an array of JSON objects: a cut changes neither the values nor where they end. */
#include <stdlib.h>

#include "wire/json_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int hear(void *ctx, struct str value)
{
    uint64_t *heard = ctx;

    *heard = *heard * 31 + str_hash(value);
    return 0;
}

static int read_it(struct str text, size_t cut, uint64_t *heard, uint64_t *whole)
{
    struct json_list s;
    int r;

    *heard = 0;
    json_list_init(&s, 512, hear, heard);
    r = json_list_feed(&s, str_slice(text.data, cut));
    if (r == 0)
        r = json_list_feed(&s, str_slice(text.data + cut, text.len - cut));
    *whole = json_list_end(&s);
    json_list_fini(&s);
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
