/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine of the fleet has for models. */
#include "fleet/box.h"

/* A GPU of which nobody says more: the share of its bandwidth that most reach, and operations for
 * each byte that most have. */
static const double gpu_efficiency_usual = 0.6, gpu_tflops_by_gbs = 0.05;
static const uint64_t gpu_base_usual = 460ull << 20;

static bool describe_gpu(struct box *box, const struct hardware *h);
static void slow_down(struct box *box, double slowness);

bool machine_box(struct box *ret, const struct catalog *c, const struct machine *m,
                 const struct fleet_engine *e)
{
    const struct hardware *h = &m->hardware;
    const struct hardware_facts *npu;
    struct str unknown;
    bool is_described;

    *ret = memory_box(c, h->cpu, h->gpu, machine_ram(m), h->gpu_memory_bytes, &unknown);
    is_described = h->gpu.len && str_equal(unknown, h->gpu) && describe_gpu(ret, h);
    ret->disk_gbs = (double)h->disk_rate_bits / 8e9;
    npu = h->npu.len ? catalog_hardware(c, h->npu) : NULL;
    if (e && e->compute == COMPUTE_npu && npu && npu->kind == HARDWARE_npu)
        *ret = box_on_npu(ret, npu);
    else if (e && e->compute == COMPUTE_cpu)
        *ret = box_without_gpu(ret);
    slow_down(ret, m->slowness);
    return machine_ram(m) && !(h->gpu.len && str_equal(unknown, h->gpu) && !is_described);
}

struct box box_without_gpu(const struct box *box)
{
    struct box plain = *box;

    plain.gpu_bytes = 0;
    plain.is_unified = false;
    return plain;
}

struct box box_on_npu(const struct box *box, const struct hardware_facts *npu)
{
    struct box small = box_without_gpu(box);

    small.cpu_gbs = npu->bandwidth_gbs;
    small.cpu_efficiency = npu->efficiency;
    small.cpu_tflops = npu->prefill_tflops;
    return small;
}

/* By the numbers in the file. */
static bool describe_gpu(struct box *box, const struct hardware *h)
{
    if (!h->gpu_memory_bytes || h->gpu_gbs <= 0)
        return false;
    box->gpu_bytes = h->gpu_memory_bytes;
    box->base_bytes = gpu_base_usual;
    box->gpu_gbs = h->gpu_gbs;
    box->gpu_efficiency = gpu_efficiency_usual;
    box->gpu_tflops = h->gpu_tflops > 0 ? h->gpu_tflops : h->gpu_gbs * gpu_tflops_by_gbs;
    return true;
}

/* Bandwidth and arithmetic alike: which of them it is nobody knows. */
static void slow_down(struct box *box, double slowness)
{
    if (slowness <= 1)
        return;
    box->gpu_gbs /= slowness;
    box->gpu_tflops /= slowness;
    box->cpu_gbs /= slowness;
    box->cpu_tflops /= slowness;
}
