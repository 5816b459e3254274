/* SPDX-License-Identifier: Apache-2.0 */
/* Which contexts a prompt fits into. */
#include "route/room.h"

#include <errno.h>
#include <inttypes.h>

static uint64_t tokens_of(uint64_t bytes, uint64_t token_bytes);

int room_arrange(struct candidates *found, const struct room *room, struct err *err)
{
    uint64_t least = tokens_of(room->prompt_bytes, ROOM_TOKEN_BYTES_MAX);
    uint64_t about = tokens_of(room->prompt_bytes, ROOM_TOKEN_BYTES);
    uint64_t largest = 0;
    uint32_t kept = 0, tight_count = 0;
    struct candidate tight[CANDIDATES_MAX];

    for (uint32_t i = 0; i < found->count; i++) {
        uint64_t context = found->rows[i].copy->context;

        largest = context > largest ? context : largest;
        if (!context || about + room->answer_tokens <= context)
            found->rows[kept++] = found->rows[i];
        else if (least <= context)
            tight[tight_count++] = found->rows[i];
        else
            candidates_rule_out(found, found->rows[i].copy, REJECTION_too_long, NULL);
    }
    for (uint32_t i = 0; i < tight_count; i++) {
        tight[i].is_last = true;
        found->rows[kept++] = tight[i];
    }
    found->count = kept;
    if (kept)
        return 0;
    return err_set(err, -E2BIG, "about %" PRIu64 " tokens, the largest context holds %" PRIu64,
                   about, largest);
}

static uint64_t tokens_of(uint64_t bytes, uint64_t token_bytes)
{
    return bytes / token_bytes + (bytes % token_bytes > 0);
}
