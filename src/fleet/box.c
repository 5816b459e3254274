/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine of the fleet has for models. */
#include "fleet/box.h"

bool machine_box(struct box *ret, const struct catalog *c, const struct machine *m,
                 const struct fleet_engine *e)
{
    const struct hardware *h = &m->hardware;
    struct str unknown;

    *ret = memory_box(c, h->cpu, h->gpu, machine_ram(m), h->gpu_memory_bytes, &unknown);
    ret->disk_gbs = (double)h->disk_rate_bits / 8e9;
    if (e && e->compute == COMPUTE_cpu)
        *ret = box_without_gpu(ret);
    return machine_ram(m) && !(h->gpu.len && str_equal(unknown, h->gpu));
}

struct box box_without_gpu(const struct box *box)
{
    struct box plain = *box;

    plain.gpu_bytes = 0;
    plain.is_unified = false;
    return plain;
}
