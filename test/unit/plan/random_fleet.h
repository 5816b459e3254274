/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fleets made up by a seed: machines, models, categories, pins; small ones that brute force can
 * check, large ones for time and memory.
 *
 *     random_fleet_make(&rf, seed, (struct random_size){.machines = 4, .models = 6, .categories =
 * 3}); rf.fleet, rf.catalog … random_fleet_free(&rf);
 */
#pragma once

#include "testing.h"

#include "fleet/fleet.h"
#include "model/catalog.h"

/* Beyond so many categories each names its models, and the machines together declare all of them.
 */
enum { RANDOM_FLEET_BYTES_MAX = 16 << 20, RANDOM_SMALL_MAX = 8 };

struct random_size {
    uint32_t machines, models, categories;
    uint32_t lines; /* that a machine declares, at most */
    bool has_pins;
};

struct random_fleet {
    uint64_t dice;
    struct buf models, file;
    struct catalog *catalog;
    struct fleet *fleet;
};

static inline uint32_t random_roll(struct random_fleet *rf, uint32_t sides)
{
    rf->dice = rf->dice * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((rf->dice >> 33) % sides);
}

static const char random_hardware[] =
    "hardware:\n"
    "  g8: {match: [G8], kind: gpu, memory: 8 GiB, bandwidth: 400, efficiency: 0.7, prefill: 20,"
    " source: made up}\n"
    "  g16: {match: [G16], kind: gpu, memory: 16 GiB, bandwidth: 800, efficiency: 0.7,"
    " prefill: 60, source: made up}\n"
    "  u: {match: [U], kind: unified, share: 0.7, bandwidth: 200, efficiency: 0.7, prefill: 8,"
    " cpu_efficiency: 0.4, cpu_prefill: 1, source: made up}\n"
    "  c: {match: [C], kind: cpu, bandwidth: 70, efficiency: 0.5, prefill: 1, source: made up}\n";

#define RANDOM_PUT(out, ...) assert_int_equal(buf_printf(out, __VA_ARGS__), 0)

/* Purposes take turns, so that every category has models; sizes differ fourfold. */
static inline void random_models(struct random_fleet *rf, uint32_t count)
{
    static const char *const purposes[] = {"code", "general", "vision"};
    static const char *const abilities[] = {"completion", "completion", "completion, vision"};

    RANDOM_PUT(&rf->models, "models:\n");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t tenths = 10 + random_roll(rf, 280), kind = i % 3;

        RANDOM_PUT(
            &rf->models,
            "  m%u:\n    family: m%u\n    engines: [ollama%s]\n    params: %u.%uB\n"
            "    context: 32K\n    capabilities: [%s]\n    tasks: [%s]\n    source: made up\n"
            "    artifacts:\n      - {tag: \"m%u:1\", quant: Q4_K_M, size: %u.%03u GB}\n",
            i, i, random_roll(rf, 4) ? "" : ", llama-server", tenths / 10, tenths % 10,
            abilities[kind], purposes[kind], i, tenths * 6 / 100,
            tenths * 60 % 1000 + random_roll(rf, 40));
    }
}

static inline void random_machine(struct random_fleet *rf, uint32_t index,
                                  const struct random_size *size)
{
    static const char *const parts[] = {"gpu: G8, cpu: C", "gpu: G16, cpu: C", "cpu: U", "cpu: C"};
    bool is_large = size->categories > RANDOM_SMALL_MAX;
    uint32_t lines = is_large ? size->lines : random_roll(rf, size->lines + 1);
    bool is_twofold = !random_roll(rf, 3);

    RANDOM_PUT(&rf->file, "  n%u:\n    hardware: {%s, ram: %u GB, disk: %u GB}\n", index,
               parts[random_roll(rf, 4)], 16u << random_roll(rf, 2),
               is_large ? 100 + random_roll(rf, 200) : 20 + random_roll(rf, 60));
    if (!random_roll(rf, 4))
        RANDOM_PUT(&rf->file, "    domain: d%u\n", index / 2);
    RANDOM_PUT(&rf->file, "    engines: [ollama%s]\n", is_twofold ? ", llama-server" : "");
    if (!lines)
        return;
    RANDOM_PUT(&rf->file, "    models:\n");
    for (uint32_t i = 0; i < lines; i++) {
        uint32_t model = (is_large ? index * size->lines + i : index * 7 + i * 5) % size->models;
        RANDOM_PUT(&rf->file, "      - {pull: \"m%u:1\", context: 4K}\n", model);
    }
    if (size->has_pins && !random_roll(rf, 3))
        RANDOM_PUT(&rf->file, "    keep_loaded: [\"m%u:1\"]\n", index * 7 % size->models);
}

static inline void random_category(struct random_fleet *rf, uint32_t index,
                                   const struct random_size *size)
{
    static const char *const tasks[] = {"code", "general", "vision"};
    static const char *const bands[] = {"", ", params: 2-12B", ", params: 8B+"};

    RANDOM_PUT(&rf->file,
               "  k%u:\n    needs: {task: %s%s}\n    machines: %s\n"
               "    demand: {per_hour: %u, prompt: %u, answer: %u}\n",
               index, tasks[index % 3], bands[random_roll(rf, 3)],
               size->categories > RANDOM_SMALL_MAX || random_roll(rf, 5) ? "any" : "all",
               1 + random_roll(rf, 200), 100 + random_roll(rf, 3000), 50 + random_roll(rf, 500));
    if (!random_roll(rf, 3))
        RANDOM_PUT(&rf->file, "    floor_tps: %u\n", 1 + random_roll(rf, 20));
    if (size->categories > RANDOM_SMALL_MAX)
        RANDOM_PUT(&rf->file, "    models: [\"m%u:1\", \"m%u:1\", \"m%u:1\"]\n",
                   index * 3 % size->models, (index * 3 + 3) % size->models,
                   (index * 3 + 6) % size->models);
    if (!random_roll(rf, 3))
        RANDOM_PUT(&rf->file, "    cloud: [S-CLD-PAY-c]\n");
}

static inline void random_fleet_make(struct random_fleet *rf, uint64_t seed,
                                     struct random_size size)
{
    struct err err = {0};

    *rf = (struct random_fleet){.dice = seed};
    buf_init(&rf->models, RANDOM_FLEET_BYTES_MAX);
    buf_init(&rf->file, RANDOM_FLEET_BYTES_MAX);
    random_models(rf, size.models);
    RANDOM_PUT(&rf->file, "fleet: random\nnetwork: {wan: %u Mbit/s, lan: 1 Gbit/s}\nmachines:\n",
               50 + random_roll(rf, 400));
    for (uint32_t i = 0; i < size.machines; i++)
        random_machine(rf, i, &size);
    RANDOM_PUT(&rf->file, "categories:\n");
    for (uint32_t i = 0; i < size.categories; i++)
        random_category(rf, i, &size);
    RANDOM_PUT(&rf->file,
               "cloud:\n  - {name: S-CLD-PAY-c, provider: openai, model: c, price_in: 1, "
               "price_out: 4}\n");
    if (catalog_parse(&rf->catalog, buf_str(&rf->models), str_from(random_hardware), STR(""),
                      &err) < 0 ||
        fleet_parse(&rf->fleet, buf_str(&rf->file), "random.yaml", &err) < 0)
        fail_msg("seed %llu: %s", (unsigned long long)seed, err.text);
}

static inline void random_fleet_free(struct random_fleet *rf)
{
    fleet_free(rf->fleet);
    catalog_free(rf->catalog);
    buf_fini(&rf->models);
    buf_fini(&rf->file);
}
