/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory a GPU that lives in RAM may use: asked of the machine over SSH, and written there
 * where the fleet file says more (`hardware.gpu_memory`).
 *
 *     if (gpu_memory_is_set(catalog, machine))
 *         gpu_memory_look(&now, catalog, machine, &remote_options);
 *     if (!gpu_memory_suffices(&now, machine)) …      hand_limit() writes it, and looks again
 *
 * What a machine takes over only when it starts is left to a person, in words; the next apply looks
 * whether it was done.
 */
#pragma once

#include "apply/remote.h"
#include "model/catalog.h"

struct gpu_memory {
    bool is_known; /* the machine said so */
    uint64_t now_bytes, written_bytes;
};

/* Does the file say how much a GPU of that kind may use, on a system where tampu knows the way? */
bool gpu_memory_is_set(const struct catalog *c, const struct machine *m);

/* Over SSH. What cannot be asked, or has no such GPU after all, is not known. */
void gpu_memory_look(struct gpu_memory *ret, const struct catalog *c, const struct machine *m,
                     const struct remote_options *options);

/* The same of what the machine's script says: "gpu-memory: now=63488 written=0", in MiB. */
void gpu_memory_read(struct gpu_memory *ret, struct str said);

/* To a percent; also what is not known. */
bool gpu_memory_suffices(const struct gpu_memory *now, const struct machine *m);
