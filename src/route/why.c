/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a decision. */
#include "route/why.h"

#include <math.h>

void why_begin(struct why *w, uint64_t id, uint64_t now_ms)
{
    w->decisions = w->id == id ? w->decisions + 1 : 1;
    w->id = id;
    w->decided_ms = now_ms;
    w->count = 0;
    w->chosen = -1;
}

void why_add(struct why *w, const struct errand_option *option, enum rejection rejected,
             const struct costs *c)
{
    if (w->count == ERRAND_OPTIONS_MAX)
        return;
    w->rows[w->count++] = (struct why_row){
        .copy = option->copy,
        .parity = option->parity,
        .rejected = (uint16_t)rejected,
        .starts_now = c->starts_now,
        .victims = c->load.victims_count,
        .wait_s = (float)(c->wake_s + c->wait_s),
        .unload_s = (float)fmin(c->load.unload_s, c->load_s),
        .load_s = (float)fmax(c->load_s - c->load.unload_s, 0),
        .prompt_s = (float)c->prompt_s,
        .decode_s = (float)c->decode_s,
        .shared_s = (float)c->shared_s,
        .others_s = (float)c->others_s,
        .evict_s = (float)c->evict_s,
        .fail_s = (float)c->fail_s,
        .hint_s = (float)c->hint_s,
        .late_s = (float)c->late_s,
        .parity_s = (float)c->parity_s,
        .first_s = (float)c->first_s,
        .finish_s = (float)c->finish_s,
        .total_s = (float)c->total_s,
        .money_micro = (float)c->money_micro,
    };
}

void why_choose(struct why *w, uint32_t copy)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->rows[i].copy == copy) {
            w->rows[i].rejected = REJECTION_none;
            w->chosen = (int)i;
        }
}
