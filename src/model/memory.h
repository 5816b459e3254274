/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model needs and whether a machine has it: bytes.
 *
 *     struct run run = {.context = 8192, .slots = 1};
 *     struct footprint need = memory_need_of(&geometry, weights, &run);
 *     struct fit fit = memory_fit(&box, &need);
 *
 * Pure arithmetic. The formulas are those of llama.cpp's buffers:
 *   KV       Σ layers of  tokens × kv_heads × (key + value) × bytes of an element, where tokens is
 *            context × slots, or window × slots + ubatch in layers with a sliding window
 *   compute  4 × ubatch × (vocabulary + 2 hidden + 2 feed_forward)
 *            + (flash attention ? 2 × tokens × ubatch : 4 × tokens × ubatch × heads) + 64 MiB
 *   base     what the runtime takes once per process: 0.45 GiB on CUDA and ROCm, 0.05 elsewhere
 * A discrete GPU keeps 1 GiB free (llama.cpp's --fit margin); the rest of the machine keeps the
 * RAM that its facts say.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/catalog.h"

enum kv_type {
    KV_f16,
    KV_q8_0,
    KV_q4_0,
};

/* How a model is run. */
struct run {
    uint64_t context; /* tokens of one slot */
    uint32_t slots;   /* 0 counts as 1 */
    uint32_t ubatch;  /* 0 counts as 512 */
    enum kv_type kv;
    bool no_flash; /* without flash attention */
};

struct footprint {
    uint64_t weights, kv, compute, base;
    uint32_t layers; /* the weights and the KV are split by whole layers */
};

/* A machine as far as models care. All bytes usable by engines. */
struct box {
    uint64_t gpu_bytes;      /* 0: no GPU that engines use */
    uint64_t ram_bytes;      /* for what is not on a GPU */
    bool is_unified;         /* GPU and RAM are one pool: gpu_bytes of ram_bytes */
    uint64_t base_bytes;     /* of a process on the GPU */
    double gpu_gbs, cpu_gbs; /* memory bandwidth, GB/s, peak */
    double gpu_efficiency, cpu_efficiency;
    double gpu_moe_efficiency;     /* 0: as dense */
    double gpu_tflops, cpu_tflops; /* effective when reading a prompt */
    double gpu_tps_max;            /* ceiling of one stream; 0: none */
    double disk_gbs;               /* reading a model's file, GB/s; 0: 1 */
    double link_gbs;               /* to the GPU, GB/s; 0: 12 */
};

enum fit_kind {
    FIT_no,
    FIT_gpu,   /* whole on the GPU */
    FIT_split, /* some layers on the GPU, the rest in RAM */
    FIT_ram,   /* no GPU: in RAM */
};

struct fit {
    enum fit_kind kind;
    double gpu_share;              /* of weights and KV, 0 to 1 */
    uint64_t gpu_bytes, ram_bytes; /* what it takes of each */
    uint64_t short_bytes;          /* FIT_no: what is missing */
};

/* KV cache bytes of one token in layers without a window. */
uint64_t memory_kv_of_token(const struct geometry *g, enum kv_type kv);

uint64_t memory_kv(const struct geometry *g, const struct run *run);
uint64_t memory_compute(const struct geometry *g, const struct run *run);

struct footprint memory_need_of(const struct geometry *g, uint64_t weights_bytes,
                                const struct run *run);

/* The same for a known artifact: embeddings and models that force one slot get one, models
 * without geometry their working memory. */
struct footprint memory_need_of_artifact(const struct artifact *a, const struct run *run);
uint64_t footprint_total(const struct footprint *f);

/* Alone on the box. To place several, take gpu_bytes and ram_bytes off the box each time. */
struct fit memory_fit(const struct box *box, const struct footprint *need);

/* What is left of the box when a model with that fit lives there. */
struct box memory_take(const struct box *box, const struct fit *fit);

/* Ollama's own estimate, by which it decides to evict: it knows neither windows nor quantised
 * KV. */
uint64_t memory_ollama_estimate(const struct geometry *g, uint64_t file_bytes,
                                const struct run *run);

/* The context that Ollama gives a model when nobody says one, by total GPU memory. */
uint64_t memory_ollama_context(uint64_t gpu_total_bytes, uint64_t native_context);

/* A box from the parts the fleet file names. Unknown parts are guessed low; *ret_unknown (may be
 * NULL) is set to the first text that the catalog does not know, else .data NULL. */
struct box memory_box(const struct catalog *c, struct str cpu, struct str gpu, uint64_t ram_bytes,
                      uint64_t gpu_memory_bytes, struct str *ret_unknown);
