/* SPDX-License-Identifier: Apache-2.0 */
/* A small fleet and catalog from text, as a view: what routing is tested on. */
#pragma once

#include <stdio.h>

#include "fleet/view.h"

static struct fleet *fleet;
static struct catalog *catalog;
static struct view *view;

static inline void see(const char *fleet_text, const char *models, const char *cloud)
{
    struct err err = {0};

    if (catalog_parse(&catalog, str_from(models), STR(""), str_from(cloud), &err) < 0 ||
        fleet_parse(&fleet, str_from(fleet_text), "f", &err) < 0 ||
        view_new(&view, fleet, catalog, STR("2026-11-23"), &err) < 0)
        fail_msg("%s", err.text);
}

static inline int forget_all(void **state)
{
    (void)state;
    view_free(view);
    fleet_free(fleet);
    catalog_free(catalog);
    return 0;
}

/* The copy at that place; there must be one. */
static inline const struct copy *copy_at(const char *place)
{
    for (uint32_t i = 0; i < view->copies_count; i++)
        if (str_is(view->copies[i].place, place))
            return &view->copies[i];
    fail_msg("there is no copy at %s", place);
    return NULL;
}

/* Coder: two quantisations of one model. Vectors and arrows: embeddings of two models. */
#define MODEL(name, facts, artifacts) \
    "  " name ": {family: f, engines: [ollama, openai], source: s, " facts ",\n" \
    "    artifacts: [" artifacts "]}\n"
#define MODELS \
    "models:\n" MODEL("coder", \
                      "params: 32B, context: 32K, capabilities: [completion, tools], " \
                      "tasks: [code, general]", \
                      "{tag: 'coder:32b', also: ['coder:big'], quant: Q4_K_M, size: 20 GB}, " \
                      "{tag: 'coder:32b-q8', quant: Q8_0, size: 35 GB}") \
        MODEL("chat", "params: 7B, context: 8K, capabilities: [completion], tasks: [general]", \
              "{tag: 'chat:7b', quant: Q4_K_M, size: 5 GB}") \
            MODEL("eyes", \
                  "params: 11B, context: 8K, capabilities: [completion, vision], " \
                  "tasks: [vision, general]", \
                  "{tag: 'eyes:11b', quant: Q4_K_M, size: 8 GB}") \
                MODEL("vectors", \
                      "params: 137M, context: 2K, capabilities: [embedding], tasks: [embedding], " \
                      "dimensions: 768, one_slot: true", \
                      "{tag: 'vectors', quant: F16, size: 274 MB}") \
                    MODEL("arrows", \
                          "params: 334M, context: 512, capabilities: [embedding], tasks: " \
                          "[embedding], " \
                          "dimensions: 1024", \
                          "{tag: 'arrows', quant: F16, size: 670 MB}")

#define CLOUD \
    "cloud:\n" \
    "  haiku-1: {provider: anthropic, price_in: 1, price_out: 5, context: 200000, source: s,\n" \
    "    capabilities: [completion, tools], tasks: [general]}\n" \
    "  old-1: {provider: anthropic, price_in: 1, price_out: 5, context: 100000, source: s,\n" \
    "    retired: 2026-01-05, capabilities: [completion], tasks: [general]}\n"

/* Three machines; a and b hold the coder, b and c chat; c looks at images and makes vectors. */
#define FLEET \
    "machines:\n" \
    "  a: {engines: [{kind: ollama, slots: 4}], models: [\n" \
    "    {pull: 'coder:32b', name: L-LOC-FRE-coder, context: 32K, slots: 2}, 'own:1b']}\n" \
    "  b: {engines: [ollama], models: [{pull: 'coder:big', name: L-LOC-FRE-coder, context: 8K},\n" \
    "    {pull: 'chat:7b', name: S-LOC-FRE-chat}, {pull: 'eyes:11b', optional: true}]}\n" \
    "  c: {engines: [ollama, {kind: llama-server, port: 9000}], models: [\n" \
    "    {pull: 'chat:7b', name: S-LOC-FRE-chat-c, engine: ollama}, {pull: 'eyes:11b', engine: " \
    "ollama},\n" \
    "    {pull: vectors, engine: ollama, slots: 8}, {pull: arrows, engine: llama-server},\n" \
    "    {pull: 'coder:32b-q8', engine: ollama}]}\n" \
    "categories:\n" \
    "  code: {needs: {task: code}, primary: b, backups: [a, c], cloud: [M-CLD-PAY-haiku]}\n" \
    "  look: {needs: {task: vision}, primary: c}\n" \
    "  draw: {needs: {task: image}, primary: a}\n" \
    "  any-chat: {needs: {task: general, params: 3-8B}, machines: any}\n" \
    "  picked: {needs: {task: general}, primary: b, models: ['chat:7b', L-LOC-FRE-coder]}\n" \
    "  search: {needs: {task: embedding}, machines: any}\n" \
    "aliases: {gpt-4: code, mine: 'own:1b', best: L-ANY-FRE-code}\n" \
    "cloud:\n" \
    "  - {name: M-CLD-PAY-haiku, provider: anthropic, model: haiku-1, key: 'env:K'}\n" \
    "  - {name: M-CLD-PAY-old, provider: anthropic, model: old-1, key: 'env:K'}\n" \
    "  - {name: M-CLD-PAY-gone, provider: openai, model: gone-1, key: 'env:K', retired: " \
    "2026-11-23}\n" \
    "  - {name: M-CLD-PAY-other, provider: anthropic, model: new-1, key: 'env:OTHER'}\n"
