/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets of keys that are nearly used up, by what this gateway has counted, or has heard that all
 * of them have.
 *
 *     budgets_each_near(g, 80, on_budget, ctx);        the fullest budget of each key from 80 %
 */
#pragma once

#include "gateway/gateway.h"
#include "ledger/period.h"

struct budget_use {
    struct str key_id, key_name; /* the name may be empty */
    enum period period;
    bool is_money; /* in millionths of a dollar; else in tokens */
    uint64_t used, budget;
};

/* Borrowed for the call only. */
typedef void budget_fn(void *ctx, const struct budget_use *use);

/* Keys that are revoked or expired are left out, and so is what still runs. Any thread. */
void budgets_each_near(struct gateway *g, unsigned percent, budget_fn *fn, void *ctx);
