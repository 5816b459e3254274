/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as server-sent events: a cut changes neither the events nor where frames end. */
#include "cuts.h"

#include "wire/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int hear(void *ctx, struct str name, struct str data)
{
    uint64_t *heard = ctx;

    *heard = (*heard * 31 + str_hash(name)) * 31 + str_hash(data);
    return 0;
}

static int read_it(struct str text, size_t cut, uint64_t *heard, uint64_t *whole)
{
    struct sse s;
    int r;

    sse_init(&s, 512, hear, heard);
    r = sse_feed(&s, str_slice(text.data, cut));
    if (r == 0)
        r = sse_feed(&s, str_slice(text.data + cut, text.len - cut));
    *whole = sse_whole(&s);
    sse_fini(&s);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return check_cuts(read_it, data, size);
}
