/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine of the fleet has for models: its hardware as model/memory and model/speed see it.
 */
#pragma once

#include "fleet/machine.h"
#include "model/memory.h"

/* As that engine sees it (NULL: any engine): one that computes on the CPU or the NPU has no GPU.
 * False when the memory, or the GPU that the file names, is not known: *ret is then guessed low. */
bool machine_box(struct box *ret, const struct catalog *c, const struct machine *m,
                 const struct fleet_engine *e);

/* The same box for an engine that computes on the CPU. */
struct box box_without_gpu(const struct box *box);

/* The same for one that computes on that NPU: it has the RAM, and its own way to it. */
struct box box_on_npu(const struct box *box, const struct hardware_facts *npu);
