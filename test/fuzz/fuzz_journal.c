/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a journal: what is found lies within them, and is written back the same. */
#include <stdlib.h>

#include "store/journal_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str file = str_slice((const char *)data, size);
    struct record record;
    struct buf again;
    size_t at = 0, before = 0;

    buf_init(&again, size + 64);
    while (record_find(file, &at, &record)) {
        if (record.bytes.data + record.bytes.len != file.data + at || before + record.skipped >= at)
            abort();
        if (record_write(&again, record.number, record.bytes) < 0 ||
            !str_equal(buf_str(&again), str_slice(file.data + at - again.len, again.len)))
            abort();
        buf_reset(&again);
        before = at;
    }
    buf_fini(&again);
    return 0;
}
