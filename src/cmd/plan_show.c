/* SPDX-License-Identifier: Apache-2.0 */
/* What all ways to show a plan have in common. */
#include "cmd/plan_show.h"

#include <math.h>

#include "fleet/box.h"

struct str shown_tag(const struct plan_copy *copy, const struct artifact *artifact)
{
    for (uint32_t i = 0; copy && copy->line && i < artifact->also_count; i++)
        if (str_equal(artifact->also[i], copy->line->pull))
            return copy->line->pull;
    return artifact_short_tag(artifact);
}

void memory_use_of(struct memory_use *ret, const struct plan *plan, const struct machine *m)
{
    struct box box;

    machine_box(&box, plan->catalog, m, NULL);
    *ret = (struct memory_use){
        .is_gpu = box.gpu_bytes > 0,
        .all = box.gpu_bytes > 0 ? box.gpu_bytes : box.ram_bytes,
    };
    for (uint32_t i = 0; i < plan->copies_count; i++) {
        const struct plan_copy *copy = &plan->copies[i];
        uint64_t bytes = ret->is_gpu ? copy->gpu_bytes : copy->memory_bytes;

        for (uint32_t k = 0; k < copy->span_count; k++)
            if (copy->span[k] == m)
                ret->kept += copy->span_bytes[k];
        if (copy->machine != m)
            continue;
        if (copy->keep_loaded)
            ret->kept += bytes;
        else if (bytes > ret->on_demand)
            ret->on_demand = bytes;
    }
}

const char *difference_name(const struct difference *d)
{
    return !d->before ? "add" : !d->after ? "remove" : "change";
}

bool plan_has_bound(const struct plan *plan)
{
    return plan->bound > 0 && isfinite(plan->bound) && isfinite(plan->gap);
}
