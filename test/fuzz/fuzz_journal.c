/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a journal: what is found lies within them, and what is written back is found again.
 */
#include <stdlib.h>

#include "store/journal_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_found_again(const struct record *record, struct str written)
{
    struct str before =
        str_slice(record->bytes.data - (written.len - record->bytes.len), written.len);
    struct record again;
    size_t at = 0;

    if (!record_find(written, &at, &again) || at != written.len || again.skipped ||
        again.number != record->number || !str_equal(again.bytes, record->bytes))
        return false;
    /* The older kind is written as the newer one, which is written as it was. */
    return before.data[3] == '1' || str_equal(before, written);
}

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
            !is_found_again(&record, buf_str(&again)))
            abort();
        buf_reset(&again);
        before = at;
    }
    buf_fini(&again);
    return 0;
}
