/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as lines of JSON: a cut changes neither the lines nor where frames end. */
#include "cuts.h"

#include "wire/ndjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_it(struct str text, size_t cut, uint64_t *heard, uint64_t *whole)
{
    struct ndjson s;
    int r;

    ndjson_init(&s, 512, cut_hear, heard);
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
    return check_cuts(read_it, data, size);
}
