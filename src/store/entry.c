/* SPDX-License-Identifier: Apache-2.0 */
/* A row as bytes: a head, the lengths of its texts, its numbers, its texts. */
#include "store/entry.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>

enum { VERSION = 1, HEAD = 4, NUMBERS = 11 };

static const size_t texts[] = {
    offsetof(struct exchange_row, id),     offsetof(struct exchange_row, endpoint),
    offsetof(struct exchange_row, asked),  offsetof(struct exchange_row, machine),
    offsetof(struct exchange_row, model),  offsetof(struct exchange_row, parity),
    offsetof(struct exchange_row, key_id), offsetof(struct exchange_row, failure),
};

enum { TEXTS = COUNT_OF(texts), FIXED = HEAD + 2 * TEXTS + 8 * NUMBERS };

static struct str text_of(const struct exchange_row *row, size_t index);
static void take_numbers(uint64_t out[NUMBERS], const struct exchange_row *row);
static void give_numbers(struct exchange_row *row, const uint64_t in[NUMBERS]);

int entry_write(struct buf *out, enum entry_kind kind, const struct exchange_row *row)
{
    uint64_t numbers[NUMBERS];
    struct str parts[TEXTS];
    size_t len = FIXED;
    char *at;

    for (size_t i = 0; i < TEXTS; i++) {
        parts[i] = text_of(row, i);
        len += parts[i].len;
    }
    if (buf_reserve(out, len) < 0)
        return -ENOMEM;
    at = out->data + out->len;
    memcpy(at, (char[HEAD]){(char)kind, VERSION}, HEAD);
    at += HEAD;
    for (size_t i = 0; i < TEXTS; i++, at += 2)
        memcpy(at, &(uint16_t){htole16((uint16_t)parts[i].len)}, 2);
    take_numbers(numbers, row);
    for (size_t i = 0; i < NUMBERS; i++, at += 8)
        memcpy(at, &(uint64_t){htole64(numbers[i])}, 8);
    for (size_t i = 0; i < TEXTS; at += parts[i++].len)
        if (parts[i].len)
            memcpy(at, parts[i].data, parts[i].len);
    out->len += len;
    return 0;
}

int entry_read(struct entry *ret, struct str bytes)
{
    uint64_t numbers[NUMBERS];
    struct entry entry = {0};
    const char *lengths, *text;
    size_t left;

    if (bytes.len < FIXED || bytes.data[1] != VERSION ||
        (bytes.data[0] != ENTRY_open && bytes.data[0] != ENTRY_end))
        return -EBADMSG;
    lengths = bytes.data + HEAD;
    text = bytes.data + FIXED;
    left = bytes.len - FIXED;
    entry.kind = (enum entry_kind)bytes.data[0];
    for (size_t i = 0; i < TEXTS; i++) {
        uint16_t len;

        memcpy(&len, lengths + 2 * i, 2);
        len = le16toh(len);
        if (len > left || len > ENTRY_TEXT_MAX)
            return -EBADMSG;
        *(struct str *)(void *)((char *)&entry.row + texts[i]) = str_slice(text, len);
        text += len;
        left -= len;
    }
    if (left)
        return -EBADMSG;
    for (size_t i = 0; i < NUMBERS; i++) {
        memcpy(&numbers[i], lengths + 2 * TEXTS + 8 * i, 8);
        numbers[i] = le64toh(numbers[i]);
    }
    give_numbers(&entry.row, numbers);
    *ret = entry;
    return 0;
}

static struct str text_of(const struct exchange_row *row, size_t index)
{
    struct str text;

    memcpy(&text, (const char *)row + texts[index], sizeof text);
    text.len = text.len < ENTRY_TEXT_MAX ? text.len : ENTRY_TEXT_MAX;
    return text;
}

/* The order is the format: another one is another version. */
static void take_numbers(uint64_t out[NUMBERS], const struct exchange_row *row)
{
    const uint64_t numbers[NUMBERS] = {
        (uint64_t)row->started_us,
        (uint64_t)row->status,
        row->attempts,
        row->prompt_tokens,
        row->completion_tokens,
        row->cached_tokens,
        row->money_micro,
        row->avoided_micro,
        row->energy_mj,
        (uint64_t)row->total_us,
        (uint64_t)row->first_token_us,
    };

    memcpy(out, numbers, sizeof numbers);
}

static void give_numbers(struct exchange_row *row, const uint64_t in[NUMBERS])
{
    row->started_us = (int64_t)in[0];
    row->status = (int)in[1];
    row->attempts = (unsigned)in[2];
    row->prompt_tokens = in[3];
    row->completion_tokens = in[4];
    row->cached_tokens = in[5];
    row->money_micro = in[6];
    row->avoided_micro = in[7];
    row->energy_mj = in[8];
    row->total_us = (int64_t)in[9];
    row->first_token_us = (int64_t)in[10];
}
