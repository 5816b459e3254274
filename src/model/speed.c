/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a model runs on a machine. */
#include "model/speed.h"

#include <math.h>

/* Starting a process and its kernels; unloading nothing. */
static const double start_seconds = 1.5, link_default_gbs = 12, disk_default_gbs = 1;

/* Over several machines: one round trip over a LAN, the LAN when nobody says it, and the bytes of
 * one activation. */
static const double round_trip_seconds = 0.3e-3, lan_default_bits = 1e9, activation_bytes = 4;

enum { UBATCH = 512 };

static double device_seconds(double bytes, double gbs, double efficiency);
static double flops_seconds(const struct box *box, const struct fit *fit, double operations);
static double hop_seconds(const struct load *m, double tokens, uint64_t lan_bits);
static double lan_seconds(double bytes, uint64_t lan_bits);

struct load speed_load_of(const struct artifact *a)
{
    const struct model *m = a->model;
    const struct geometry *g = &m->geometry;
    double used = g->experts ? (double)g->experts_used / g->experts : 1;
    double active = m->params ? (double)m->active_params / (double)m->params : 1;

    return (struct load){
        .weights_bytes = a->bytes - a->projector_bytes,
        .active_params = m->active_params,
        .kv_of_token = memory_kv_of_token(g, KV_f16),
        /* Solved for: one sequence reads the active share of the weights. */
        .routed_share = used < 1 ? fmin(1, (1 - active) / (1 - used)) : 0,
        .expert_share = used,
        .layers = g->layers,
        .hidden = g->hidden,
    };
}

double speed_active_bytes(const struct load *m, unsigned batch)
{
    double touched = 1 - pow(1 - m->expert_share, batch ? batch : 1);

    return (double)m->weights_bytes * (1 - m->routed_share + m->routed_share * touched);
}

double speed_step_seconds(const struct box *box, const struct load *m, const struct fit *fit,
                          uint64_t context, unsigned batch)
{
    double bytes, gpu_efficiency, seconds, floor;

    batch = batch ? batch : 1;
    if (fit->kind == FIT_no)
        return INFINITY;
    gpu_efficiency = m->routed_share > 0 && box->gpu_moe_efficiency > 0 ? box->gpu_moe_efficiency
                                                                        : box->gpu_efficiency;
    bytes = speed_active_bytes(m, batch) + (double)batch * (double)context * (double)m->kv_of_token;
    seconds = fit->gpu_share > 0
                  ? device_seconds(bytes * fit->gpu_share, box->gpu_gbs, gpu_efficiency)
                  : 0;
    if (fit->gpu_share < 1)
        seconds += device_seconds(bytes * (1 - fit->gpu_share), box->cpu_gbs, box->cpu_efficiency);
    floor = flops_seconds(box, fit, 2.0 * (double)m->active_params * batch);
    if (fit->gpu_share > 0 && box->gpu_tps_max > 0)
        floor = fmax(floor, 1 / box->gpu_tps_max);
    return fmax(seconds, floor);
}

double speed_decode_tps(const struct box *box, const struct load *m, const struct fit *fit,
                        uint64_t context, unsigned batch)
{
    return 1 / speed_step_seconds(box, m, fit, context, batch);
}

double speed_prefill_seconds(const struct box *box, const struct load *m, const struct fit *fit,
                             uint64_t tokens, uint64_t cached)
{
    double u = (double)tokens, active = (double)m->active_params;
    double attention, seconds, link = box->link_gbs > 0 ? box->link_gbs : link_default_gbs;

    if (fit->kind == FIT_no)
        return INFINITY;
    if (!tokens || active <= 0)
        return 0;
    attention = ((double)cached + u / 2) * 2 * m->layers * m->hidden / active;
    if (fit->kind != FIT_split)
        return flops_seconds(box, fit, u * 2 * active * (1 + attention));
    /* A split model reads prompts on the GPU; what lives in RAM crosses the link for each batch. */
    seconds = u * 2 * active * (1 + attention) / (box->gpu_tflops * 1e12);
    return seconds +
           ceil(u / UBATCH) * (1 - fit->gpu_share) * (double)m->weights_bytes / (link * 1e9);
}

double speed_prefill_tps(const struct box *box, const struct load *m, const struct fit *fit,
                         uint64_t tokens)
{
    double seconds = speed_prefill_seconds(box, m, fit, tokens, 0);

    return seconds > 0 ? (double)tokens / seconds : 0;
}

double speed_load_seconds(const struct box *box, const struct load *m, bool is_cached)
{
    double link = box->link_gbs > 0 ? box->link_gbs : link_default_gbs;
    double disk = box->disk_gbs > 0 ? box->disk_gbs : disk_default_gbs;
    double rate = is_cached ? link : fmin(link, disk);

    return start_seconds + (double)m->weights_bytes / (rate * 1e9);
}

double speed_span_step_seconds(const struct speed_part *parts, uint32_t count, const struct load *m,
                               uint64_t context, uint64_t lan_bits)
{
    double seconds = (count - 1) * hop_seconds(m, 1, lan_bits);

    for (uint32_t i = 0; i < count; i++)
        seconds += parts[i].share * speed_step_seconds(&parts[i].box, m, &parts[i].fit, context, 1);
    return seconds;
}

double speed_span_prefill_seconds(const struct speed_part *parts, uint32_t count,
                                  const struct load *m, uint64_t tokens, uint64_t lan_bits)
{
    double seconds = (count - 1) * hop_seconds(m, (double)tokens, lan_bits);

    for (uint32_t i = 0; i < count; i++)
        seconds +=
            parts[i].share * speed_prefill_seconds(&parts[i].box, m, &parts[i].fit, tokens, 0);
    return seconds;
}

double speed_span_load_seconds(const struct speed_part *parts, uint32_t count, const struct load *m,
                               uint64_t lan_bits)
{
    double slowest = 0;

    for (uint32_t i = 0; i < count; i++) {
        double disk = parts[i].box.disk_gbs > 0 ? parts[i].box.disk_gbs : disk_default_gbs;
        double bytes = parts[i].share * (double)m->weights_bytes;

        slowest = fmax(slowest, i ? lan_seconds(bytes, lan_bits) : bytes / (disk * 1e9));
    }
    return start_seconds + slowest;
}

static double device_seconds(double bytes, double gbs, double efficiency)
{
    return bytes / (gbs * efficiency * 1e9);
}

static double flops_seconds(const struct box *box, const struct fit *fit, double operations)
{
    double tflops = fit->gpu_share > 0 ? box->gpu_tflops : box->cpu_tflops;

    return operations / (tflops * 1e12);
}

/* To one further machine and back, in as many batches as a prompt is read in. */
static double hop_seconds(const struct load *m, double tokens, uint64_t lan_bits)
{
    return ceil(tokens / UBATCH) * round_trip_seconds +
           lan_seconds(2 * tokens * m->hidden * activation_bytes, lan_bits);
}

static double lan_seconds(double bytes, uint64_t lan_bits)
{
    return bytes * 8 / (lan_bits ? (double)lan_bits : lan_default_bits);
}
