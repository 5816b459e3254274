/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the journal: 20 bytes of head (mark, length, number, CRC-32), then the record. */
#include "store/journal_record.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

#include "store/journal.h"

enum { MARK_AT = 0, LENGTH_AT = 4, NUMBER_AT = 8, SUM_AT = 16, HEAD = 20 };

static const char MARK[4] = {'t', 'j', 'r', '1'};

#define POLYNOMIAL 0xedb88320u /* its bits from low to high */

enum { SLICES = 8 };

static uint32_t tables[SLICES][256];
static pthread_once_t tables_made = PTHREAD_ONCE_INIT;

static bool read_one(struct str file, struct record *ret);
static uint32_t sum_of(const char *head, struct str bytes);
static uint32_t crc(uint32_t so_far, const char *bytes, size_t count);
static void make_tables(void);
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
    uint64_t length;

    if (file.len < HEAD || memcmp(file.data, MARK, sizeof MARK) != 0)
        return false;
    length = get_number(file.data + LENGTH_AT, 4);
    if (length > JOURNAL_RECORD_MAX || length > file.len - HEAD)
        return false;
    ret->bytes = str_slice(file.data + HEAD, length);
    ret->number = get_number(file.data + NUMBER_AT, 8);
    return get_number(file.data + SUM_AT, 4) == sum_of(file.data, ret->bytes);
}

static uint32_t sum_of(const char *head, struct str bytes)
{
    uint32_t sum = crc(UINT32_MAX, head + LENGTH_AT, SUM_AT - LENGTH_AT);

    return ~crc(sum, bytes.data, bytes.len);
}

/* CRC-32 as in IEEE 802.3, eight bytes at a time: tables[k][b] is what byte b does to the sum when
 * k bytes come after it. */
static uint32_t crc(uint32_t so_far, const char *bytes, size_t count)
{
    pthread_once(&tables_made, make_tables);
    for (; count >= SLICES; bytes += SLICES, count -= SLICES) {
        uint64_t word;

        memcpy(&word, bytes, SLICES);
        word = le64toh(word) ^ so_far;
        /* By hand: gcc does not unroll it, and this is a tenth of a request's instructions. */
        so_far = tables[7][word & 255] ^ tables[6][word >> 8 & 255] ^ tables[5][word >> 16 & 255] ^
                 tables[4][word >> 24 & 255] ^ tables[3][word >> 32 & 255] ^
                 tables[2][word >> 40 & 255] ^ tables[1][word >> 48 & 255] ^ tables[0][word >> 56];
    }
    for (size_t i = 0; i < count; i++)
        so_far = so_far >> 8 ^ tables[0][(so_far ^ (unsigned char)bytes[i]) & 255];
    return so_far;
}

static void make_tables(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t sum = byte;

        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? POLYNOMIAL : 0);
        tables[0][byte] = sum;
    }
    for (unsigned k = 1; k < SLICES; k++)
        for (unsigned byte = 0; byte < 256; byte++)
            tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 255];
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
