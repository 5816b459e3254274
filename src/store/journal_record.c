/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the journal: 20 bytes of head (mark, length, number, sum), then the record. */
#include "store/journal_record.h"

#include <string.h>

#include "base/fingerprint.h"
#include "store/journal.h"

enum { MARK_AT = 0, LENGTH_AT = 4, NUMBER_AT = 8, SUM_AT = 16, HEAD = 20 };

/* The older kind is read, not written: what a program before this one left. Its sum is a CRC-32,
 * which took a fiftieth of a request. */
static const char MARK[4] = {'t', 'j', 'r', '2'}, OLDER[4] = {'t', 'j', 'r', '1'};

#define POLYNOMIAL 0xedb88320u /* its bits from low to high */

static bool read_one(struct str file, struct record *ret);
static uint32_t sum_of(const char *head, struct str bytes);
static uint32_t older_sum_of(const char *head, struct str bytes);
static uint32_t crc(uint32_t so_far, const char *bytes, size_t count);
static void put_number(char *out, uint64_t value, unsigned bytes);
static uint64_t get_number(const char *in, unsigned bytes);

int record_write(struct buf *out, uint64_t number, struct str bytes)
{
    char *head;
    int r = buf_reserve(out, HEAD + bytes.len);

    if (r < 0)
        return r;
    head = out->data + out->len;
    memcpy(head + MARK_AT, MARK, sizeof MARK);
    put_number(head + LENGTH_AT, bytes.len, 4);
    put_number(head + NUMBER_AT, number, 8);
    put_number(head + SUM_AT, sum_of(head, bytes), 4);
    memcpy(head + HEAD, bytes.data, bytes.len);
    out->len += HEAD + bytes.len;
    return 0;
}

bool record_find(struct str file, size_t *at, struct record *ret)
{
    size_t begin = *at, here = begin;

    while (here + HEAD <= file.len) {
        const char *mark = memchr(file.data + here, MARK[0], file.len - here);

        if (!mark)
            return false;
        here = (size_t)(mark - file.data);
        if (read_one(str_slice(mark, file.len - here), ret)) {
            ret->skipped = here - begin;
            *at = here + HEAD + ret->bytes.len;
            return true;
        }
        here++;
    }
    return false;
}

static bool read_one(struct str file, struct record *ret)
{
    bool is_older = file.len >= HEAD && memcmp(file.data, OLDER, sizeof OLDER) == 0;
    uint64_t length;

    if (file.len < HEAD || (!is_older && memcmp(file.data, MARK, sizeof MARK) != 0))
        return false;
    length = get_number(file.data + LENGTH_AT, 4);
    if (length > JOURNAL_RECORD_MAX || length > file.len - HEAD)
        return false;
    ret->bytes = str_slice(file.data + HEAD, length);
    ret->number = get_number(file.data + NUMBER_AT, 8);
    return get_number(file.data + SUM_AT, 4) ==
           (is_older ? older_sum_of : sum_of)(file.data, ret->bytes);
}

static uint32_t sum_of(const char *head, struct str bytes)
{
    struct fingerprint all = {0};

    fingerprint_put(&all, str_slice(head + LENGTH_AT, SUM_AT - LENGTH_AT));
    fingerprint_put(&all, bytes);
    return (uint32_t)fingerprint_get(&all);
}

static uint32_t older_sum_of(const char *head, struct str bytes)
{
    uint32_t sum = crc(UINT32_MAX, head + LENGTH_AT, SUM_AT - LENGTH_AT);

    return ~crc(sum, bytes.data, bytes.len);
}

/* CRC-32 as in IEEE 802.3; few records are read that way. */
static uint32_t crc(uint32_t so_far, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        so_far ^= (unsigned char)bytes[i];
        for (int bit = 0; bit < 8; bit++)
            so_far = so_far >> 1 ^ (so_far & 1 ? POLYNOMIAL : 0);
    }
    return so_far;
}

static void put_number(char *out, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        out[i] = (char)(value >> 8 * i);
}

static uint64_t get_number(const char *in, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)(unsigned char)in[i] << 8 * i;
    return value;
}
