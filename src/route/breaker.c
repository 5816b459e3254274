/* SPDX-License-Identifier: Apache-2.0 */
/* Breakers: who is benched, and until when. */
#include "route/breaker.h"

bool breaker_allows(const struct breaker *b, uint64_t now_ms)
{
    return !b->open || (!b->trying && now_ms >= b->open_until_ms);
}

bool breaker_try(struct breaker *b, uint64_t now_ms)
{
    bool is_trial = b->open && now_ms >= b->open_until_ms;

    if (is_trial)
        b->trying = true;
    return is_trial;
}

void breaker_forget(struct breaker *b)
{
    b->trying = false;
}

bool breaker_succeeded(struct breaker *b)
{
    bool was_open = b->open;

    *b = (struct breaker){0};
    return was_open;
}

bool breaker_failed(struct breaker *b, uint64_t now_ms, const struct breaker_rules *rules,
                    bool at_once)
{
    uint64_t cooldown_ms = rules->cooldown_ms;
    bool was_open = b->open;

    b->failures++;
    if (b->open && !b->trying)
        return false; /* one that was under way when it opened */
    b->trying = false;
    if (!b->open && !at_once && b->failures < rules->failures)
        return false;
    for (uint32_t i = 0; i < b->trips && cooldown_ms < rules->cooldown_max_ms; i++)
        cooldown_ms *= 2;
    if (cooldown_ms > rules->cooldown_max_ms)
        cooldown_ms = rules->cooldown_max_ms;
    b->trips++;
    b->open = true;
    b->open_until_ms = now_ms + cooldown_ms;
    return !was_open;
}

uint64_t breaker_wait_ms(const struct breaker *b, uint64_t now_ms)
{
    if (!b->open || now_ms >= b->open_until_ms)
        return 0;
    return b->open_until_ms - now_ms;
}
