/* SPDX-License-Identifier: Apache-2.0 */
/* How a model will run on a machine. */
#include "plan/running.h"

#include "fleet/box.h"
#include "plan/check_inside.h"

static struct str said(const struct fleet_engine *e, const char *variable, const char *argument,
                       const char *brief);

bool running_box(const struct catalog *c, struct box *ret, const struct machine *m,
                 const struct fleet_engine *e)
{
    return machine_box(ret, c, m, e);
}

uint32_t running_slots(const struct fleet_engine *e)
{
    uint64_t slots = 0;

    if (str_to_u64(&slots, said(e, "OLLAMA_NUM_PARALLEL", "--parallel", "-np")) < 0)
        return 0;
    return slots > RUNNING_SLOTS_MAX ? RUNNING_SLOTS_MAX : (uint32_t)slots;
}

/* llama-server shares its context between its slots, Ollama gives it to each. */
uint64_t running_context(const struct fleet_engine *e)
{
    uint64_t context = 0;
    uint32_t slots = running_slots(e);

    if (str_to_u64(&context, said(e, "OLLAMA_CONTEXT_LENGTH", "--ctx-size", "-c")) < 0)
        return 0;
    return e && e->kind == ENGINE_llama_server && slots ? context / slots : context;
}

struct run running_of(const struct fleet_engine *e, const struct fleet_model *line,
                      const struct artifact *a, const struct box *box)
{
    struct str kv = said(e, "OLLAMA_KV_CACHE_TYPE", "--cache-type-k", "-ctk");
    uint64_t of_engine = running_context(e), native = artifact_context(a);
    bool is_fixed = e && e->kind == ENGINE_llama_server && of_engine;
    struct run run = {.kv = str_is(kv, "q8_0") ? KV_q8_0 : str_is(kv, "q4_0") ? KV_q4_0 : KV_f16};

    run.slots = running_slots(e);
    if (!run.slots)
        run.slots = line && line->slots ? line->slots : e && e->slots ? e->slots : 1;
    run.context = line && line->context && !is_fixed ? line->context
                  : of_engine                        ? of_engine
                  : e && e->kind == ENGINE_ollama    ? memory_ollama_context(box->gpu_bytes, native)
                                                     : native;
    if (native && run.context > native)
        run.context = native;
    return run;
}

/* The value of an engine's variable, or behind one of its arguments; empty: not there. */
static struct str said(const struct fleet_engine *e, const char *variable, const char *argument,
                       const char *brief)
{
    for (uint32_t i = 0; e && e->kind == ENGINE_llama_server && i + 1 < e->args_count; i++)
        if (str_is(e->args[i], argument) || str_is(e->args[i], brief))
            return e->args[i + 1];
    return check_setting(e, variable);
}
