/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads: what has to go before a copy can be loaded, what that costs, and what is worth loading
 * while nobody asks.
 *
 *     loads_reckon(&plan, board, copy, now_ms);
 *     plan.victims …                     to be unloaded first, by name: keep_alive 0
 *     keep_alive_s = loads_keep_alive_s(board, copy, now_ms);    goes with every request
 *     copy = loads_idle(board, machine, now_ms);                 to load now, or BOARD_NONE
 *
 * Ollama evicts by how long a copy was to be kept, then by path, not by use. So tampu decides: what
 * must go is unloaded by name before a load, and keep_alive is sent in the same order, should
 * Ollama have to choose after all. A load must earn its keep: what was just loaded is dear to evict
 * for as long as its load took. Pure.
 */
#pragma once

#include "route/board.h"

struct load_plan {
    bool is_possible;
    uint32_t victims[BOARD_LOADED_MAX];
    uint32_t victims_count;
    double wait_s; /* until another load, and whoever uses the victims, have ended */
    double unload_s;
    double evict_s; /* what bringing the victims back will probably cost others */
};

/* For a copy that is away. */
void loads_reckon(struct load_plan *ret, const struct board *b, uint32_t copy, uint64_t now_ms);

/* What evicting a loaded copy will probably cost: seconds of loading it again, for those who wait.
 */
double loads_keep_s(const struct board *b, uint32_t copy, uint64_t now_ms);

/* How long Ollama should keep it, so that its order of victims is ours. */
double loads_keep_alive_s(const struct board *b, uint32_t copy, uint64_t now_ms);

/* What a machine should load unasked, because more was lately missed of it than its victims spared:
 * only when none of them is at work. keeps_only: only what the plan keeps. BOARD_NONE: nothing. */
int loads_idle(const struct board *b, uint32_t machine, bool keeps_only, uint64_t now_ms);

/* Nothing was loaded or unloaded there since, and nothing is. What has to go for a load is in the
 * engine's list for a while after it was told so. */
bool loads_are_calm(const struct board *b, const struct board_machine *m, uint64_t since_ms);
