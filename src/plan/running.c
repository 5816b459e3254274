/* SPDX-License-Identifier: Apache-2.0 */
/* How a model will run on a machine. */
#include "plan/running.h"

#include "plan/check_inside.h"

static uint32_t slots_of(const struct fleet_engine *e, const struct fleet_model *line);

bool running_box(const struct catalog *c, struct box *ret, const struct machine *m,
                 const struct fleet_engine *e)
{
    const struct hardware *h = &m->hardware;
    struct str unknown;

    *ret = memory_box(c, h->cpu, h->gpu, machine_ram(m), h->gpu_memory_bytes, &unknown);
    if (e && e->compute == COMPUTE_cpu) {
        ret->gpu_bytes = 0;
        ret->is_unified = false;
    }
    return machine_ram(m) && !(h->gpu.len && str_equal(unknown, h->gpu));
}

struct run running_of(const struct fleet_engine *e, const struct fleet_model *line,
                      const struct artifact *a, const struct box *box)
{
    struct str kv = check_setting(e, "OLLAMA_KV_CACHE_TYPE");
    uint64_t said = 0, native = artifact_context(a);
    struct run run = {.kv = str_is(kv, "q8_0") ? KV_q8_0 : str_is(kv, "q4_0") ? KV_q4_0 : KV_f16};

    if (str_to_u64(&said, check_setting(e, "OLLAMA_CONTEXT_LENGTH")) < 0)
        said = 0;
    run.slots = slots_of(e, line);
    run.context = line && line->context           ? line->context
                  : said                          ? said
                  : e && e->kind == ENGINE_ollama ? memory_ollama_context(box->gpu_bytes, native)
                                                  : native;
    if (native && run.context > native)
        run.context = native;
    return run;
}

static uint32_t slots_of(const struct fleet_engine *e, const struct fleet_model *line)
{
    uint64_t slots = 0;

    if (str_to_u64(&slots, check_setting(e, "OLLAMA_NUM_PARALLEL")) < 0 || !slots)
        slots = line && line->slots ? line->slots : e && e->slots ? e->slots : 1;
    return slots > RUNNING_SLOTS_MAX ? RUNNING_SLOTS_MAX : (uint32_t)slots;
}
