/* SPDX-License-Identifier: Apache-2.0 */
/* Entries end to end. */
#include "store/pile.h"

#include <assert.h>

struct head {
    uint64_t number;
    uint32_t len;
};

void pile_init(struct pile *p)
{
    buf_init(&p->bytes, SIZE_MAX); /* rows are counted, their texts are cut */
    p->count = 0;
}

void pile_fini(struct pile *p)
{
    buf_fini(&p->bytes);
}

void pile_reset(struct pile *p, size_t kept_max)
{
    if (p->bytes.room > kept_max)
        buf_release(&p->bytes);
    buf_reset(&p->bytes);
    p->count = 0;
}

int pile_put(struct pile *p, uint64_t number, struct str entry)
{
    const struct head head = {number, (uint32_t)entry.len};
    int r = buf_reserve(&p->bytes, sizeof head + entry.len);

    if (r == 0)
        r = buf_put(&p->bytes, str_slice((const char *)&head, sizeof head));
    if (r == 0)
        r = buf_put(&p->bytes, entry);
    p->count += r == 0;
    return r;
}

size_t pile_read(const struct pile *p, size_t at, uint64_t *number, struct exchange_row *ret)
{
    struct entry entry;
    struct head head;
    int r;

    memcpy(&head, p->bytes.data + at, sizeof head);
    r = entry_read(&entry, str_slice(p->bytes.data + at + sizeof head, head.len));
    assert(r == 0 && "only entries are put");
    *ret = entry.row;
    if (head.number)
        *number = head.number;
    return sizeof head + head.len;
}
