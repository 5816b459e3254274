/* SPDX-License-Identifier: Apache-2.0 */
/* What one routing decision costs: nanoseconds at 30 candidates, and in a fleet of 100 machines
 * that hold 300 artifacts each. Ends with 1 when a limit is exceeded or a decision allocates. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "route/choice.h"

enum { ROUNDS = 20000, FLEET_MAX = 64 << 20 };

static struct fleet *fleet;
static struct catalog *catalog;
static struct view *view;

/* Machines, artifacts on each, candidates that an errand may have; and the most it may take. */
static const struct {
    unsigned machines, artifacts, candidates;
    double limit_us;
} cases[] = {{30, 1, 30, 5}, {100, 300, ERRAND_OPTIONS_MAX, 20}};

static bool imagine(unsigned machines, unsigned artifacts);
static bool measure(size_t which);
static double decide_us(struct board *b, struct errand *e);
static double processor_us(void);
static void busy(struct board *b);

int main(void)
{
    bool good = true;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        good &= measure(i);
    return !good;
}

static bool measure(size_t which)
{
    struct errand_option options[ERRAND_OPTIONS_MAX] = {0};
    struct prompt_piece pieces[ERRAND_PIECES_MAX + 1] = {0};
    struct errand *e = calloc(1, sizeof *e);
    struct why *why = calloc(1, sizeof *why);
    struct board *b;
    struct mallinfo2 before, after;
    double plain_us, told_us;
    bool good;

    if (!e || !why || !imagine(cases[which].machines, cases[which].artifacts))
        return false;
    b = board_new(view);
    busy(b);
    e->id = 1;
    e->options = options;
    e->pieces = pieces;
    e->company = 1;
    e->prompt_tokens = 2000;
    e->output_tokens = 200;
    e->worth = worth_usual;
    for (uint32_t i = 0; i < cases[which].candidates; i++)
        e->options[e->options_count++] =
            (struct errand_option){.copy = i * cases[which].artifacts % b->copies_count};
    for (uint32_t i = 0; i < 16; i++)
        e->pieces[e->pieces_count++] = (struct prompt_piece){1000 + i, 120 * (i + 1)};
    affinity_note(b->affinity, 0, 2, e->pieces, 8);
    before = mallinfo2();
    plain_us = decide_us(b, e);
    e->why = why;
    told_us = decide_us(b, e);
    after = mallinfo2();
    good = plain_us <= cases[which].limit_us && told_us <= cases[which].limit_us &&
           before.uordblks == after.uordblks;
    printf("decide: %u machines x %u artifacts, %u candidates: %.2f us, with its record %.2f us "
           "(limit %.0f), %zu bytes allocated\n",
           cases[which].machines, cases[which].artifacts, e->options_count, plain_us, told_us,
           cases[which].limit_us, after.uordblks - before.uordblks);
    board_free(b);
    view_free(view);
    fleet_free(fleet);
    catalog_free(catalog);
    free(why);
    free(e);
    return good;
}

/* Of the processor's time, so that a busy machine does not count. */
static double decide_us(struct board *b, struct errand *e)
{
    double began_us = processor_us();
    struct choice c;
    uint32_t made = 0;

    for (uint64_t i = 0; i < ROUNDS; i++)
        made += choice_make(&c, b, e, 1000000 + i);
    return (processor_us() - began_us) / made;
}

static double processor_us(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (double)used.ru_utime.tv_sec * 1e6 + (double)used.ru_utime.tv_usec;
}

/* Half of the copies that may be asked are loaded, and half of these at work. */
static void busy(struct board *b)
{
    for (uint32_t i = 0; i < b->machines_count; i++) {
        uint32_t copy = i * (b->copies_count / b->machines_count);

        if (i % 2)
            continue;
        board_set(b, copy, COPY_loaded, 1000);
        for (uint64_t k = 0; k < i % 4; k++)
            board_begin(
                b, copy,
                &(struct board_run){.id = k, .begun_ms = 900000, .work_s = 200, .weight = 1});
    }
}

static bool imagine(unsigned machines, unsigned artifacts)
{
    struct buf text, models;
    struct err err = {0};
    int r;

    buf_init(&text, FLEET_MAX);
    buf_init(&models, FLEET_MAX);
    r = buf_printf(&models, "models:\n");
    for (unsigned k = 0; k < artifacts && r == 0; k++)
        r = buf_printf(
            &models,
            "  m%u: {family: f, engines: [ollama], source: s, params: %uB, context: 16K,\n"
            "    geometry: {layers: 32, hidden: 4096, feed_forward: 11008, heads: 32, "
            "kv_heads: 8, key_length: 128, value_length: 128, vocabulary: 32000},\n"
            "    capabilities: [completion], tasks: [general], artifacts: [{tag: 'm%u:1', "
            "quant: Q4, size: %u GB}]}\n",
            k, 1 + k % 30, k, 1 + k % 30);
    r = r ? r : buf_printf(&text, "machines:\n");
    for (unsigned i = 0; i < machines && r == 0; i++) {
        r = buf_printf(&text,
                       "  box%u: {hardware: {cpu: x, ram: 128 GB}, engines: [{kind: ollama, "
                       "slots: 4}], models: [",
                       i);
        for (unsigned k = 0; k < artifacts && r == 0; k++)
            r = buf_printf(&text, "%s{pull: 'm%u:1', context: 8K}", k ? ", " : "", k);
        r = r ? r : buf_printf(&text, "]}\n");
    }
    if (r == 0 && catalog_parse(&catalog, buf_str(&models), STR(""), STR(""), &err) == 0 &&
        fleet_parse(&fleet, buf_str(&text), "bench", &err) == 0)
        r = view_new(&view, fleet, catalog, STR("2026-11-23"), &err);
    else
        r = -1;
    buf_fini(&text);
    buf_fini(&models);
    if (r < 0)
        fprintf(stderr, "decide: %s\n", err.text);
    return r == 0;
}
