/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an array of JSON objects: a cut changes neither the values nor where they end. */
#include "cuts.h"

#include "wire/json_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_it(struct str text, size_t cut, uint64_t *heard, uint64_t *whole)
{
    struct json_list s;
    int r;

    json_list_init(&s, 512, cut_hear, heard);
    r = json_list_feed(&s, str_slice(text.data, cut));
    if (r == 0)
        r = json_list_feed(&s, str_slice(text.data + cut, text.len - cut));
    *whole = json_list_end(&s);
    json_list_fini(&s);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return check_cuts(read_it, data, size);
}
