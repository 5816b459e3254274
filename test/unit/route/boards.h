/* SPDX-License-Identifier: Apache-2.0 */
/* A small fleet with hardware whose numbers can be reckoned in one's head, on a board. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "route/line.h"

static struct fleet *fleet;
static struct catalog *catalog;
static struct view *view;
static struct board *board;

/* A card that holds big or mid with tiny, but not both; a processor ten times slower. */
#define HARDWARE \
    "hardware:\n" \
    "  card: {match: [Card], kind: gpu, memory: 24 GiB, bandwidth: 1000, efficiency: 0.5,\n" \
    "    prefill: 100, source: s}\n" \
    "  cpu: {match: [Slow], kind: cpu, bandwidth: 100, efficiency: 0.5, prefill: 2, source: s}\n"

#define GEOMETRY \
    "geometry: {layers: 10, hidden: 1000, feed_forward: 4000, heads: 10, kv_heads: 2, " \
    "key_length: 100, value_length: 100, vocabulary: 1000}"
#define BOARD_MODEL(name, params, size) \
    "  " name ": {family: f, engines: [ollama], source: s, params: " params \
    ", context: 8K, " GEOMETRY ", capabilities: [completion], tasks: [general],\n" \
    "    artifacts: [{tag: '" name ":1', quant: Q8_0, size: " size "}]}\n"
#define BOARD_MODELS \
    "models:\n" BOARD_MODEL("big", "16B", "16 GB") BOARD_MODEL("mid", "10B", "10 GB") \
        BOARD_MODEL("tiny", "1B", "1 GB")

#define BOARD_CLOUD \
    "cloud:\n" \
    "  sky-1: {provider: anthropic, price_in: 1, price_out: 5, context: 200000, source: s,\n" \
    "    capabilities: [completion], tasks: [general]}\n"

#define BOARD_FLEET \
    "machines:\n" \
    "  fast: {hardware: {cpu: Slow, gpu: Card, ram: 64 GB}, engines: [{kind: ollama, slots: " \
    "2}],\n" \
    "    keep_loaded: ['big:1'], models: [{pull: 'big:1', context: 8K}, {pull: 'mid:1', context: " \
    "8K},\n" \
    "    {pull: 'tiny:1', context: 8K}]}\n" \
    "  slow: {hardware: {cpu: Slow, ram: 64 GB}, engines: [ollama],\n" \
    "    models: [{pull: 'big:1', context: 8K}, {pull: 'tiny:1', context: 4K}]}\n" \
    "categories:\n" \
    "  any: {needs: {task: general}, machines: any, models: ['big:1'], cloud: [M-CLD-PAY-sky]}\n" \
    "cloud:\n" \
    "  - {name: M-CLD-PAY-sky, provider: anthropic, model: sky-1, key: 'env:K'}\n"

/* Copies in the order of the file. */
enum { FAST_BIG, FAST_MID, FAST_TINY, SLOW_BIG, SLOW_TINY, SKY };
enum { FAST, SLOW };

static inline int board_up(void **state)
{
    struct err err = {0};

    (void)state;
    if (catalog_parse(&catalog, str_from(BOARD_MODELS), str_from(HARDWARE), str_from(BOARD_CLOUD),
                      &err) < 0 ||
        fleet_parse(&fleet, str_from(BOARD_FLEET), "f", &err) < 0 ||
        view_new(&view, fleet, catalog, STR("2026-11-23"), &err) < 0)
        fail_msg("%s", err.text);
    board = board_new(view);
    assert_non_null(board);
    return 0;
}

static inline int board_down(void **state)
{
    (void)state;
    board_free(board);
    view_free(view);
    fleet_free(fleet);
    catalog_free(catalog);
    return 0;
}

/* Loaded long ago, so that nothing protects it. */
static inline void loaded(uint32_t copy)
{
    board_set(board, copy, COPY_loaded, 0);
    board->copies[copy].since_ms = 0;
}

/* An errand that may go to big on both machines. */
static inline struct errand *errand(uint64_t id, uint32_t prompt_tokens)
{
    struct {
        struct errand errand; /* first: it is freed as one */
        struct errand_option options[4];
        struct prompt_piece pieces[2];
    } *room = calloc(1, sizeof *room);
    struct errand *e = &room->errand;

    e->options = room->options;
    e->pieces = room->pieces;
    e->id = id;
    e->key = id;
    e->options[0] = (struct errand_option){.copy = FAST_BIG};
    e->options[1] = (struct errand_option){.copy = SLOW_BIG};
    e->options_count = 2;
    e->prompt_tokens = e->prompt_least = prompt_tokens;
    e->output_tokens = 100;
    e->company = 1;
    e->name = STR("any");
    e->worth = worth_usual;
    return e;
}

static inline void assert_near(double found, double expected, double share)
{
    double off = found - expected;

    if ((off < 0 ? -off : off) > share * (expected < 0 ? -expected : expected) + 1e-9)
        fail_msg("%f is not near %f", found, expected);
}

#define BOARD_TEST(name) cmocka_unit_test_setup_teardown(name, board_up, board_down)
