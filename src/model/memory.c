/* SPDX-License-Identifier: Apache-2.0 */
/* What a model needs and whether a machine has it. */
#include "model/memory.h"

static const uint64_t mib = 1ull << 20, gib = 1ull << 30;

enum { UBATCH = 512 };

static double element_bytes(enum kv_type kv);
static uint64_t slots_of(const struct run *run);
static uint64_t ubatch_of(const struct run *run);
static struct fit fit_split(const struct box *box, const struct footprint *need);
static struct fit not_fitting(uint64_t need, uint64_t have);
static uint64_t ram_usable(uint64_t ram_bytes);
static void add_gpu(struct box *box, const struct hardware_facts *gpu, uint64_t ram_bytes,
                    uint64_t gpu_memory_bytes);
static void add_cpu(struct box *box, const struct hardware_facts *cpu);

uint64_t memory_kv_of_token(const struct geometry *g, enum kv_type kv)
{
    uint64_t layers = g->kv_layers ? g->kv_layers : g->layers;
    double elements = (double)(layers - g->window_layers) * g->kv_heads *
                      (double)(g->key_length + g->value_length);

    return (uint64_t)(elements * element_bytes(kv));
}

uint64_t memory_kv(const struct geometry *g, const struct run *run)
{
    uint64_t tokens = run->context * slots_of(run);
    uint64_t seen = g->window * slots_of(run) + ubatch_of(run);
    uint32_t heads = g->window_kv_heads ? g->window_kv_heads : g->kv_heads;
    uint32_t keys = g->window_key_length ? g->window_key_length : g->key_length;
    uint32_t values = g->window_value_length ? g->window_value_length : g->value_length;
    double windowed;

    if (seen > tokens)
        seen = tokens;
    windowed = (double)g->window_layers * heads * (double)(keys + values) * (double)seen *
               element_bytes(run->kv);
    return memory_kv_of_token(g, run->kv) * tokens + (uint64_t)windowed;
}

uint64_t memory_compute(const struct geometry *g, const struct run *run)
{
    uint64_t ubatch = ubatch_of(run), tokens = run->context * slots_of(run);
    uint64_t widths = (uint64_t)g->vocabulary + 2ull * g->hidden + 2ull * g->feed_forward;
    uint64_t attention = run->no_flash ? 4 * tokens * ubatch * g->heads : 2 * tokens * ubatch;

    return 4 * ubatch * widths + attention + 64 * mib;
}

struct footprint memory_need_of(const struct geometry *g, uint64_t weights_bytes,
                                const struct run *run)
{
    return (struct footprint){
        .weights = weights_bytes,
        .kv = memory_kv(g, run),
        .compute = memory_compute(g, run),
        .layers = g->layers,
    };
}

struct footprint memory_need_of_artifact(const struct artifact *a, const struct run *run)
{
    const struct model *m = a->model;
    struct run own = *run;
    uint64_t native = artifact_context(a);

    if (m->one_slot || m->dimensions)
        own.slots = 1;
    if (native && own.context > native)
        own.context = native;
    if (!m->geometry.layers)
        return (struct footprint){.weights = a->bytes, .compute = m->working_bytes, .layers = 1};
    struct footprint need = memory_need_of(&m->geometry, a->bytes, &own);
    if (m->dimensions)
        need.kv = 0;
    need.compute += m->working_bytes;
    return need;
}

uint64_t footprint_total(const struct footprint *f)
{
    return f->weights + f->kv + f->compute + f->base;
}

struct fit memory_fit(const struct box *box, const struct footprint *need)
{
    uint64_t total = footprint_total(need) + (need->base ? 0 : box->base_bytes);

    if (box->gpu_bytes && total <= box->gpu_bytes && (!box->is_unified || total <= box->ram_bytes))
        return (struct fit){.kind = FIT_gpu, .gpu_share = 1, .gpu_bytes = total};
    if (box->gpu_bytes && !box->is_unified)
        return fit_split(box, need);
    total = footprint_total(need);
    if (!box->gpu_bytes && total <= box->ram_bytes)
        return (struct fit){.kind = FIT_ram, .ram_bytes = total};
    return not_fitting(total, box->gpu_bytes ? box->gpu_bytes : box->ram_bytes);
}

struct box memory_take(const struct box *box, const struct fit *fit)
{
    struct box left = *box;
    uint64_t ram = fit->ram_bytes + (box->is_unified ? fit->gpu_bytes : 0);

    left.gpu_bytes -= fit->gpu_bytes < left.gpu_bytes ? fit->gpu_bytes : left.gpu_bytes;
    left.ram_bytes -= ram < left.ram_bytes ? ram : left.ram_bytes;
    /* A full GPU is still a GPU: without this byte the box would look like one without. */
    if (box->gpu_bytes && !left.gpu_bytes)
        left.gpu_bytes = 1;
    return left;
}

uint64_t memory_ollama_estimate(const struct geometry *g, uint64_t file_bytes,
                                const struct run *run)
{
    uint64_t width = g->heads ? g->hidden / g->heads : 0;

    return file_bytes + 4ull * g->layers * g->kv_heads * width * run->context * slots_of(run);
}

uint64_t memory_ollama_context(uint64_t gpu_total_bytes, uint64_t native_context)
{
    uint64_t context = gpu_total_bytes >= 47 * gib   ? 262144
                       : gpu_total_bytes >= 23 * gib ? 32768
                                                     : 4096;

    return native_context && context > native_context ? native_context : context;
}

struct box memory_box(const struct catalog *c, struct str cpu, struct str gpu, uint64_t ram_bytes,
                      uint64_t gpu_memory_bytes, struct str *ret_unknown)
{
    const struct hardware_facts *cpu_row = cpu.len ? catalog_hardware(c, cpu) : NULL;
    const struct hardware_facts *gpu_row = gpu.len ? catalog_hardware(c, gpu) : NULL;
    struct box box = {.ram_bytes = ram_usable(ram_bytes),
                      .cpu_gbs = 34,
                      .cpu_efficiency = 0.5,
                      .cpu_tflops = 0.3};

    if (ret_unknown)
        *ret_unknown = gpu.len && !gpu_row ? gpu : cpu.len && !cpu_row ? cpu : (struct str){0};
    if (cpu_row)
        add_cpu(&box, cpu_row);
    if (gpu_row)
        add_gpu(&box, gpu_row, ram_bytes, gpu_memory_bytes);
    else if (!gpu.len && cpu_row && cpu_row->kind == HARDWARE_unified)
        add_gpu(&box, cpu_row, ram_bytes, gpu_memory_bytes);
    else if (gpu_memory_bytes)
        box.gpu_bytes = 0; /* a GPU nobody knows: its speed cannot be reckoned, so it is left out */
    return box;
}

static double element_bytes(enum kv_type kv)
{
    static const double bytes[] = {[KV_f16] = 2, [KV_q8_0] = 1.0625, [KV_q4_0] = 0.5625};

    return bytes[kv];
}

static uint64_t slots_of(const struct run *run)
{
    return run->slots ? run->slots : 1;
}

static uint64_t ubatch_of(const struct run *run)
{
    return run->ubatch ? run->ubatch : UBATCH;
}

/* Buffers and base stay on the GPU; weights and KV go there by whole layers. */
static struct fit fit_split(const struct box *box, const struct footprint *need)
{
    uint64_t fixed = need->compute + (need->base ? need->base : box->base_bytes);
    uint64_t moving = need->weights + need->kv, on_gpu = 0;
    uint32_t layers = need->layers ? need->layers : 1;

    if (box->gpu_bytes > fixed && moving)
        on_gpu = (uint64_t)((double)(box->gpu_bytes - fixed) / (double)moving * layers);
    if (on_gpu > layers)
        on_gpu = layers;
    if (!on_gpu)
        fixed = 0;
    uint64_t gpu = moving / layers * on_gpu, rest = moving - gpu;
    if (!on_gpu)
        rest += need->compute;
    if (rest > box->ram_bytes)
        return not_fitting(rest, box->ram_bytes);
    if (!on_gpu)
        return (struct fit){.kind = FIT_ram, .ram_bytes = rest};
    return (struct fit){
        .kind = FIT_split,
        .gpu_share = (double)on_gpu / layers,
        .gpu_bytes = gpu + fixed,
        .ram_bytes = rest,
    };
}

static struct fit not_fitting(uint64_t need, uint64_t have)
{
    return (struct fit){.kind = FIT_no, .short_bytes = need > have ? need - have : 0};
}

/* What the system leaves: 4 GiB at least, a fifth up to 64 GiB, 15 % beyond. */
static uint64_t ram_usable(uint64_t ram_bytes)
{
    uint64_t reserve = ram_bytes > 64 * gib ? ram_bytes * 15 / 100 : ram_bytes / 5;

    if (reserve < 4 * gib)
        reserve = 4 * gib;
    return ram_bytes > reserve ? ram_bytes - reserve : ram_bytes / 2;
}

static void add_gpu(struct box *box, const struct hardware_facts *gpu, uint64_t ram_bytes,
                    uint64_t gpu_memory_bytes)
{
    uint64_t memory = gpu->memory_bytes > gib ? gpu->memory_bytes - gib : gpu->memory_bytes;

    if (gpu->kind == HARDWARE_cpu || gpu->kind == HARDWARE_npu)
        return;
    box->is_unified = gpu->kind == HARDWARE_unified;
    if (box->is_unified)
        memory = (uint64_t)((double)ram_bytes * gpu->usable_share);
    box->gpu_bytes = gpu_memory_bytes ? gpu_memory_bytes : memory;
    if (box->is_unified && box->ram_bytes < box->gpu_bytes)
        box->ram_bytes = box->gpu_bytes;
    box->base_bytes = box->is_unified ? 50 * mib : 460 * mib;
    box->gpu_gbs = gpu->bandwidth_gbs;
    box->gpu_efficiency = gpu->efficiency;
    box->gpu_moe_efficiency = gpu->moe_efficiency;
    box->gpu_tflops = gpu->prefill_tflops;
    box->gpu_tps_max = gpu->tps_max;
}

static void add_cpu(struct box *box, const struct hardware_facts *cpu)
{
    bool is_unified = cpu->kind == HARDWARE_unified;

    box->cpu_gbs = cpu->bandwidth_gbs;
    box->cpu_efficiency = is_unified ? cpu->cpu_efficiency : cpu->efficiency;
    box->cpu_tflops = is_unified ? cpu->cpu_prefill_tflops : cpu->prefill_tflops;
}
