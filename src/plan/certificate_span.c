/* SPDX-License-Identifier: Apache-2.0 */
/* What the certificate reckons again of a copy over several machines: who lends what, and whether
 * it is enough; its speed over the LAN. */
#include "fleet/box.h"
#include "model/speed.h"
#include "plan/certificate_inside.h"

static uint64_t lent_by(const struct judge *j, const struct machine *m);
static struct box whole_box(const struct judge *j, const struct machine *m);
static struct fit part_fit(const struct box *box, uint64_t bytes);
static uint64_t part_of(const struct box *box, const struct footprint *need, uint64_t bytes);
static bool is_room(const struct box *box, uint64_t bytes);

struct box span_room(const struct judge *j, const struct machine *m)
{
    struct box box = whole_box(j, m);
    struct fit lent = part_fit(&box, lent_by(j, m));

    return lent.gpu_bytes || lent.ram_bytes ? memory_take(&box, &lent) : box;
}

struct fit span_fit(const struct judge *j, const struct plan_copy *copy, const struct box *room)
{
    struct footprint need = proof_need(copy);
    uint64_t wanted = need.weights + need.kv, held = part_of(room, &need, copy->memory_bytes);
    bool is_lent = is_room(room, copy->memory_bytes);

    for (uint32_t i = 0; i < copy->span_count; i++) {
        struct box box = whole_box(j, copy->span[i]);

        is_lent &= is_room(&box, lent_by(j, copy->span[i]));
        held += part_of(&box, &need, copy->span_bytes[i]);
    }
    if (!is_lent || held < wanted)
        return (struct fit){.kind = FIT_no, .short_bytes = held < wanted ? wanted - held : 0};
    return part_fit(room, copy->memory_bytes);
}

/* Each machine works its share after the one before it, and the LAN is between them. */
double span_tps(const struct judge *j, const struct plan_copy *copy)
{
    struct speed_part parts[PLAN_MACHINES_MAX];
    struct footprint need = proof_need(copy);
    struct load load = speed_load_of(copy->artifact);

    for (uint32_t i = 0; i <= copy->span_count; i++) {
        struct box box = whole_box(j, i ? copy->span[i - 1] : copy->machine);
        uint64_t bytes = i ? copy->span_bytes[i - 1] : copy->memory_bytes;

        parts[i] = (struct speed_part){.box = box,
                                       .fit = part_fit(&box, bytes),
                                       .share = (double)part_of(&box, &need, bytes) /
                                                (double)(need.weights + need.kv)};
    }
    return 1 / speed_span_step_seconds(parts, copy->span_count + 1, &load, PROOF_CONTEXT,
                                       j->certificate.plan->fleet->network.lan_bits);
}

static uint64_t lent_by(const struct judge *j, const struct machine *m)
{
    const struct plan *plan = j->certificate.plan;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < plan->copies_count; i++)
        for (uint32_t k = 0; k < plan->copies[i].span_count; k++)
            if (plan->copies[i].span[k] == m)
                sum += plan->copies[i].span_bytes[k];
    return sum;
}

static struct box whole_box(const struct judge *j, const struct machine *m)
{
    struct box box;

    (void)machine_box(&box, j->certificate.plan->catalog, m, NULL);
    return box;
}

static struct fit part_fit(const struct box *box, uint64_t bytes)
{
    if (box->gpu_bytes)
        return (struct fit){.kind = FIT_gpu, .gpu_share = 1, .gpu_bytes = bytes};
    return (struct fit){.kind = FIT_ram, .ram_bytes = bytes};
}

/* Weights and KV; each machine has its own working memory besides. */
static uint64_t part_of(const struct box *box, const struct footprint *need, uint64_t bytes)
{
    uint64_t fixed = need->compute + (box->gpu_bytes ? box->base_bytes : 0);

    return bytes > fixed ? bytes - fixed : 0;
}

static bool is_room(const struct box *box, uint64_t bytes)
{
    return bytes <= (box->gpu_bytes ? box->gpu_bytes : box->ram_bytes) &&
           (!box->is_unified || bytes <= box->ram_bytes);
}
