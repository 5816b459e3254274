/* SPDX-License-Identifier: Apache-2.0 */
/* The pace of a copy, from the catalog's facts and the fleet file's settings. */
#include "sim/pace.h"

struct world_engine pace_engine(const struct engine_rules *rules)
{
    return (struct world_engine){
        .on_demand = rules->on_demand,
        .slots = rules->slots,
        .max_loaded = rules->max_loaded,
        .max_queue = rules->max_queue,
        .keep_alive_ms = rules->keep_alive_s < 0 ? -1 : rules->keep_alive_s * 1e3,
    };
}

void pace_reckon(struct pace *ret, const struct box *machine, const struct engine_rules *rules,
                 const struct artifact *a, const struct pace_asked *asked)
{
    struct run run = {.slots = asked->slots, .kv = rules->kv};
    struct footprint need;

    run.context = engine_rules_context(rules, machine, a, asked->num_ctx);
    need = memory_need_of(&a->model->geometry, a->bytes, &run);
    ret->box = engine_rules_box(rules, machine);
    ret->load = speed_load_of(a);
    ret->fit = engine_rules_fit(rules, &asked->free, &need);
    ret->predicted_bytes = memory_ollama_estimate(&a->model->geometry, a->bytes, &run);
    ret->num_ctx = (uint32_t)run.context;
    ret->unload_ms = engine_rules_unload_s(machine) * 1e3;
}
