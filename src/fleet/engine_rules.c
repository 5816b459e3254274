/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of engines, and what of a machine they use. */
#include "fleet/engine_rules.h"

#include <stdlib.h>

/* RAM of a machine whose file does not say. */
static const uint64_t ram_unsaid = 64ull << 30;

/* Ollama keeps a model for five minutes and three models at once unless it is told otherwise. */
static const double keep_alive_usual_s = 300;
static const double unload_usual_s = 0.3, unload_discrete_s = 1.3;
enum { LOADED_USUAL = 3, QUEUE_USUAL = 512 };

static int compare_versions(struct str a, struct str b);
static void read_ollama(struct engine_rules *ret, const struct fleet_engine *e);
static double read_keep_alive_s(struct str text);
static bool has_arg(const struct fleet_engine *e, const char *arg);
static struct str find_env(const struct fleet_engine *e, const char *name);
static uint32_t env_number(const struct fleet_engine *e, const char *name, uint32_t fallback);

void engine_rules_read(struct engine_rules *ret, const struct fleet_engine *e)
{
    *ret = (struct engine_rules){
        .on_demand = !engine_kind_row(e->kind)->stays,
        .takes_orders = engine_kind_row(e->kind)->told,
        .slots = e->slots ? e->slots : engine_kind_row(e->kind)->slots,
        .max_loaded = UINT32_MAX,
        .max_queue = UINT32_MAX,
        .keep_alive_s = -1,
        .cpu_only = e->compute == COMPUTE_cpu || e->compute == COMPUTE_npu,
        .offloads = has_arg(e, "--offload-to-cpu"),
    };
    if (e->kind == ENGINE_ollama)
        read_ollama(ret, e);
}

struct box box_assumed(const struct catalog *c, const struct machine *m)
{
    struct machine assumed = *m;
    struct box box;

    if (!machine_ram(m))
        assumed.hardware.ram_bytes = ram_unsaid;
    machine_box(&box, c, &assumed, NULL);
    return box;
}

struct box engine_rules_box(const struct engine_rules *rules, const struct box *machine)
{
    return rules->cpu_only ? box_without_gpu(machine) : *machine;
}

uint64_t engine_rules_context(const struct engine_rules *rules, const struct box *machine,
                              const struct artifact *a, uint64_t context)
{
    uint64_t native = artifact_context(a);

    context = context ? context : rules->context;
    if (context == 0)
        context = memory_ollama_context(machine->gpu_bytes, native);
    return native && context > native ? native : context;
}

/* What offloads rests in RAM and borrows the GPU. */
struct fit engine_rules_fit(const struct engine_rules *rules, const struct box *free,
                            const struct footprint *need)
{
    struct box room = engine_rules_box(rules, free);

    if (rules->offloads && footprint_total(need) <= room.ram_bytes)
        return (struct fit){.kind = room.gpu_bytes ? FIT_gpu : FIT_ram,
                            .gpu_share = room.gpu_bytes ? 1 : 0,
                            .ram_bytes = footprint_total(need)};
    return memory_fit(&room, need);
}

double engine_rules_unload_s(const struct box *machine)
{
    return machine->gpu_bytes && !machine->is_unified ? unload_discrete_s : unload_usual_s;
}

bool engine_refuses(const struct fleet_engine *e, const struct model *m)
{
    return m->refused_since.len && e && m->refused_by == e->kind &&
           (!e->version.len || compare_versions(e->version, m->refused_since) >= 0);
}

/* "0.9.12" before "0.30.0": by numbers between dots. */
static int compare_versions(struct str a, struct str b)
{
    while (a.len || b.len) {
        struct str x = str_cut(a, '.', &a), y = str_cut(b, '.', &b);
        unsigned long nx = x.len ? strtoul(x.data, NULL, 10) : 0;
        unsigned long ny = y.len ? strtoul(y.data, NULL, 10) : 0;

        if (nx != ny)
            return nx < ny ? -1 : 1;
    }
    return 0;
}

static void read_ollama(struct engine_rules *ret, const struct fleet_engine *e)
{
    struct str kv = find_env(e, "OLLAMA_KV_CACHE_TYPE");

    ret->slots = env_number(e, "OLLAMA_NUM_PARALLEL", e->slots ? e->slots : 1);
    ret->max_loaded = env_number(e, "OLLAMA_MAX_LOADED_MODELS", 0);
    if (ret->max_loaded == 0)
        ret->max_loaded = LOADED_USUAL;
    ret->max_queue = env_number(e, "OLLAMA_MAX_QUEUE", QUEUE_USUAL);
    ret->keep_alive_s = read_keep_alive_s(find_env(e, "OLLAMA_KEEP_ALIVE"));
    ret->context = env_number(e, "OLLAMA_CONTEXT_LENGTH", 0);
    ret->kv = str_is(kv, "q8_0") ? KV_q8_0 : str_is(kv, "q4_0") ? KV_q4_0 : KV_f16;
}

/* "10m", "3600" (seconds), "-1" or "-1m" (for ever), as Ollama reads it. */
static double read_keep_alive_s(struct str text)
{
    uint64_t value;

    if (text.len && text.data[0] == '-')
        return -1;
    if (text.len && str_to_u64(&value, text) == 0)
        return (double)value;
    if (text.len && units_read_duration(&value, text) == 0)
        return (double)value / 1e3;
    return keep_alive_usual_s;
}

static bool has_arg(const struct fleet_engine *e, const char *arg)
{
    for (uint32_t i = 0; i < e->args_count; i++)
        if (str_is(e->args[i], arg))
            return true;
    return false;
}

/* Empty when it is not set. */
static struct str find_env(const struct fleet_engine *e, const char *name)
{
    for (uint32_t i = 0; i < e->env_count; i++)
        if (str_is(e->env[i].key, name))
            return e->env[i].value;
    return STR("");
}

static uint32_t env_number(const struct fleet_engine *e, const char *name, uint32_t fallback)
{
    uint64_t value;

    return str_to_u64(&value, find_env(e, name)) == 0 && value < UINT32_MAX ? (uint32_t)value
                                                                            : fallback;
}
