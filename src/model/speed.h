/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast a model runs on a machine: seconds and tokens a second.
 *
 *     struct load load = speed_load_of(artifact);
 *     tps = speed_decode_tps(&box, &load, &fit, 8192, 1);
 *
 * Decoding reads every active weight once a step (a roofline over memory bandwidth):
 *   active(b)  dense: all weights;  experts: shared + routed × (1 − (1 − used/experts)^b)
 *   step       share × (active(b) + b × context × kv) / (efficiency × bandwidth) on the GPU,
 *              the rest the same way on the CPU; at least 2 × active parameters × b / flop/s
 * Reading a prompt of u tokens after `hit` cached ones:
 *   u × 2 × active parameters / flop/s × (1 + (hit + u/2) × 2 × layers × hidden / active
 *   parameters), and for a split model the CPU's share passes over the link once per batch
 * Loading: bytes over the slower of disk and link, and a start. Efficiencies, rates and ceilings
 * are facts of the catalog, to be replaced by what is measured on the machine itself.
 */
#pragma once

#include "model/memory.h"

/* A model as far as speed cares. */
struct load {
    uint64_t weights_bytes;
    uint64_t active_params;
    uint64_t kv_of_token; /* bytes */
    double routed_share;  /* of the weights that are routed experts; 0: dense */
    double expert_share;  /* experts used / experts */
    uint32_t layers, hidden;
};

struct load speed_load_of(const struct artifact *a);

/* Weights that one step reads for b sequences. */
double speed_active_bytes(const struct load *m, unsigned batch);

/* Seconds of one decode step: each of `batch` sequences gets a token. */
double speed_step_seconds(const struct box *box, const struct load *m, const struct fit *fit,
                          uint64_t context, unsigned batch);

/* Tokens a second of one of `batch` sequences that hold `context` tokens each; 0 when it does not
 * fit. */
double speed_decode_tps(const struct box *box, const struct load *m, const struct fit *fit,
                        uint64_t context, unsigned batch);

/* Seconds to read `tokens` new ones behind `cached` ones. */
double speed_prefill_seconds(const struct box *box, const struct load *m, const struct fit *fit,
                             uint64_t tokens, uint64_t cached);

/* Tokens a second when reading a prompt of that length. */
double speed_prefill_tps(const struct box *box, const struct load *m, const struct fit *fit,
                         uint64_t tokens);

/* One machine's part of a model that spans several: its share of the layers. */
struct speed_part {
    struct box box;
    struct fit fit; /* of that part; gpu_share is 1 or 0 */
    double share;   /* of weights and KV; all of them together 1 */
};

/* The same for a model over several machines, the first of which leads. Each works its share after
 * the one before it; to each but the first the activations (4 bytes × hidden for each token) go
 * over the LAN and come back, with a round trip of 0.3 ms for every batch. lan_bits 0: 1 Gbit/s. */
double speed_span_step_seconds(const struct speed_part *parts, uint32_t count, const struct load *m,
                               uint64_t context, uint64_t lan_bits);
double speed_span_prefill_seconds(const struct speed_part *parts, uint32_t count,
                                  const struct load *m, uint64_t tokens, uint64_t lan_bits);

/* Until the slowest share is there: from the first one's disk, to the others over the LAN. */
double speed_span_load_seconds(const struct speed_part *parts, uint32_t count, const struct load *m,
                               uint64_t lan_bits);

/* Seconds until it can answer, its file in the page cache or not. */
double speed_load_seconds(const struct box *box, const struct load *m, bool is_cached);
