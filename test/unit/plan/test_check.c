/* SPDX-License-Identifier: Apache-2.0 */
/* The lint of a plan: each code at its line and nothing else, near misses, and the two fleets. */
#include "testing.h"

#include "plan/check.h"

#include <stdio.h>
#include <string.h>

/* Nothing to say against this one. */
/* clang-format off */
static const char base[] =
    /*  1 */
    "fleet: test\n"
    /*  2 */ "machines:\n"
    /*  3 */ "  big:\n"
    /*  4 */ "    hardware: {gpu: RTX 5090, cpu: i9-12900K, ram: 64 GB, disk: 1 TB}\n"
    /*  5 */ "    addresses: {lan: 127.0.0.2}\n"
    /*  6 */ "    engines:\n"
    /*  7 */ "      - {kind: ollama, env: {OLLAMA_NUM_PARALLEL: 1}}\n"
    /*  8 */ "      - {kind: sd-server, port: 1234}\n"
    /*  9 */ "    keep_loaded: [\"qwen2.5:7b\"]\n"
    /* 10 */ "    models:\n"
    /* 11 */ "      - {pull: \"qwen2.5:7b\", name: S-LOC-FRE-qwen2.5-7b, context: 8K}\n"
    /* 12 */ "      - {pull: \"qwen2.5-coder:32b\", name: L-LOC-FRE-qwen2.5-coder-32b, context: 8K}\n"
    /* 13 */ "      - {pull: \"qwen3-vl:8b\", name: S-LOC-FRE-qwen3-vl-8b, context: 8K, task: vision}\n"
    /* 14 */ "      - {pull: nomic-embed-text, name: XS-LOC-FRE-nomic-embed-text}\n"
    /* 15 */ "      - {pull: sdxl, name: S-LOC-FRE-sdxl, engine: sd-server}\n"
    /* 16 */ "  small:\n"
    /* 17 */ "    hardware: {cpu: i5-12400, ram: 32 GB, disk: 500 GB}\n"
    /* 18 */ "    addresses: {lan: 127.0.0.3}\n"
    /* 19 */ "    engines: [ollama]\n"
    /* 20 */ "    models:\n"
    /* 21 */ "      - {pull: \"qwen2.5:7b\", name: S-LOC-FRE-qwen2.5-7b, context: 4K}\n"
    /* 22 */ "      - {pull: \"qwen2.5-coder:32b\", name: L-LOC-FRE-qwen2.5-coder-32b, context: 4K}\n"
    /* 23 */ "      - {pull: nomic-embed-text, name: XS-LOC-FRE-nomic-embed-text, context: 2K}\n"
    /* 24 */ "categories:\n"
    /* 25 */ "  l-code:\n"
    /* 26 */ "    needs: {task: code, params: 20-40B}\n"
    /* 27 */ "    primary: big\n"
    /* 28 */ "    backups: [small]\n"
    /* 29 */ "    cloud: [S-CLD-PAY-haiku]\n"
    /* 30 */ "  s-fast: {needs: {task: general, params: 3-8B}, machines: any}\n"
    /* 31 */ "  embeddings: {needs: {task: embedding}, models: [nomic-embed-text], machines: all}\n"
    /* 32 */ "cloud:\n"
    /* 33 */ "  - {name: S-CLD-PAY-haiku, provider: anthropic, model: claude-haiku-4-5}\n"
    /* 34 */ "expectations:\n"
    /* 35 */ "  - {machine: small, params: 7B, tps: 8-12}\n"
    /* 36 */ "estimates: {storage: 40-110 GB}\n";
/* clang-format on */

#define SMALL_CODER "{pull: \"qwen2.5-coder:32b\", name: L-LOC-FRE-qwen2.5-coder-32b, context: 4K}"
#define SMALL_VECTORS \
    "      - {pull: nomic-embed-text, name: XS-LOC-FRE-nomic-embed-text, context: 2K}\n"
#define EYES "{pull: \"qwen3-vl:8b\", name: S-LOC-FRE-qwen3-vl-8b, context: 8K, task: vision}"

/* What is changed, and the one finding that comes of it; line 0: none does. */
static const struct change {
    const char *from, *to;
    enum finding_code code;
    unsigned line;
} changes[] = {
    {"", "", 0, 0},
    {"qwen3-vl:8b\"", "qwen3-vl:8b-q4\"", FINDING_unknown_artifact, 13},
    {"qwen3-vl:8b\"", "library/qwen3-vl:8b\"", 0, 0},
    {EYES, "{pull: \"somebody/made-this:8b\"}", FINDING_unknown_artifact, 13},
    {EYES, "{pull: <to-be-chosen>}", 0, 0},
    {", engine: sd-server", "", FINDING_wrong_engine, 15},
    {EYES, "{pull: \"llama3.2-vision:11b\", name: M-LOC-FRE-llama3.2-vision-11b}",
     FINDING_engine_cannot_load, 13},
    {EYES, "{pull: \"qwen2.5vl:7b\", name: S-LOC-FRE-qwen2.5vl-7b}", 0, 0},
    {SMALL_VECTORS, SMALL_VECTORS "      - {pull: \"llama3.1:70b\", context: 4K}\n",
     FINDING_does_not_fit, 24},
    {SMALL_VECTORS, SMALL_VECTORS "      - {pull: \"qwen2.5:14b\", context: 4K}\n", 0, 0},
    {"7b\", name: S-LOC-FRE-qwen2.5-7b, context: 4K",
     "7b\", name: S-LOC-FRE-qwen2.5-7b, context: 32K, slots: 16", FINDING_does_not_fit, 21},
    {"disk: 500 GB", "disk: 20 GB", FINDING_does_not_fit, 17},
    {"32b, context: 8K}", "32b, context: 8K, task: vision}", FINDING_wrong_modality, 12},
    {"32b, context: 8K}", "32b, context: 8K, task: code}", 0, 0},
    {SMALL_CODER, "{pull: \"qwen2.5:14b\", name: M-LOC-FRE-qwen2.5-14b, context: 4K}",
     FINDING_hollow_backup, 28},
    {SMALL_CODER, "{pull: \"codestral:22b\", name: L-LOC-FRE-codestral-22b, context: 4K}", 0, 0},
    {SMALL_CODER, SMALL_CODER "\n      - {pull: \"QWEN2.5-coder:32b\"}", FINDING_duplicate_name,
     23},
    {"    cloud: [S-CLD-PAY-haiku]\n", "    cloud: [S-CLD-PAY-haiku]\n    floor_tps: 2\n", 0, 0},
    {"    cloud: [S-CLD-PAY-haiku]\n", "    cloud: [S-CLD-PAY-haiku]\n    floor_tps: 20\n",
     FINDING_hollow_backup, 28},
    {SMALL_VECTORS, "", FINDING_missing_copy, 20},
    {SMALL_VECTORS, "      - {pull: bge-m3, name: XS-LOC-FRE-bge-m3}\n",
     FINDING_not_interchangeable, 23},
    {SMALL_VECTORS, SMALL_VECTORS "      - {pull: bge-m3, name: XS-LOC-FRE-bge-m3}\n", 0, 0},
    {"OLLAMA_NUM_PARALLEL", "OLLAMA_PARALLEL", FINDING_unknown_setting, 7},
    {"OLLAMA_NUM_PARALLEL", "HSA_OVERRIDE_GFX_VERSION", 0, 0},
    {"32b, context: 8K}", "32b, context: 8K, slots: 2}", FINDING_unknown_setting, 12},
    {"32b, context: 8K}", "32b, context: 8K, slots: 1}", 0, 0},
    {"engines: [ollama]\n",
     "engines: [ollama, {kind: llama-server, args: [-c, 16384, -np, 2]}]\n"
     "    note: here\n",
     0, 0},
    {"engines: [ollama]\n    models:\n",
     "engines: [ollama, {kind: llama-server, args: [-c, 16384, --parallel, 2]}]\n    models:\n"
     "      - {pull: \"llama3.2:1b\", engine: llama-server, context: 12K}\n",
     FINDING_unknown_setting, 21},
    {"engines: [ollama]\n    models:\n",
     "engines: [ollama, {kind: llama-server, args: [-c, 16384, --parallel, 2]}]\n    models:\n"
     "      - {pull: \"llama3.2:1b\", engine: llama-server, context: 8K}\n",
     0, 0},
    /* What llama-server holds, Ollama cannot unload. */
    {"engines: [ollama]\n    models:\n",
     "engines: [ollama, {kind: llama-server, args: [-c, 4096]}]\n    models:\n"
     "      - {pull: \"qwen2.5:14b\", engine: llama-server, context: 4K}\n",
     FINDING_does_not_fit, 23},
    {"provider: anthropic, model: claude-haiku-4-5", "provider: openai, model: o1",
     FINDING_retired_model, 33},
    {"model: claude-haiku-4-5", "model: claude-sonnet-4-6", 0, 0},
    {"model: claude-haiku-4-5", "model: claude-haiku-4.5", FINDING_name_mismatch, 33},
    {"provider: anthropic", "provider: openai", FINDING_wrong_engine, 33},
    {"S-LOC-FRE-qwen3-vl-8b", "XL-LOC-FRE-qwen3-vl-8b", FINDING_name_mismatch, 13},
    {"S-LOC-FRE-qwen3-vl-8b", "S-LOC-FRE-qwen3-vl-32b", FINDING_name_mismatch, 13},
    {"S-LOC-FRE-qwen3-vl-8b", "S-LOC-FRE-qwen3-vl-8b-gpu", 0, 0},
    {"S-LOC-FRE-qwen2.5-7b, context: 4K", "S-LOC-FRE-qwen2.5-7b-cpu, context: 4K",
     FINDING_duplicate_name, 21},
    {"addresses: {lan: 127.0.0.3}", "addresses: {}", FINDING_address_unknown, 18},
    {"    addresses: {lan: 127.0.0.3}\n", "", FINDING_address_unknown, 16},
    {"addresses: {lan: 127.0.0.3}", "addresses: {hostname: small.local}", 0, 0},
    {"cpu: i5-12400, ram: 32 GB", "cpu: i5-12400", FINDING_unknown_hardware, 17},
    {"cpu: i9-12900K", "cpu: i9-99999K", FINDING_unknown_hardware, 4},
    {"cpu: i5-12400", "cpu: i5-12400, gpu: Voodoo 2", FINDING_unknown_hardware, 17},
    {"cpu: i5-12400", "cpu: i5-12400, gpu: Voodoo 2, gpu_memory: 8 GiB, gpu_bandwidth: 400", 0, 0},
    {"tps: 8-12", "tps: 80-120", FINDING_implausible_speed, 35},
    {"tps: 8-12", "tps: 7-9", 0, 0},
    {"40-110 GB", "2-3 TB", FINDING_implausible_size, 36},
    {"storage: 40-110 GB", "setup_time: 1-2 m", FINDING_implausible_duration, 36},
    {"storage: 40-110 GB", "setup_time: 20-60 m", 0, 0},
    {"    backups: [small]\n    cloud: [S-CLD-PAY-haiku]\n", "", FINDING_single_point_of_failure,
     25},
    {"    backups: [small]\n", "", 0, 0},
};

static struct catalog *catalog;

static int load_catalog(void **state)
{
    (void)state;
    return catalog_load(&catalog, NULL, NULL);
}

static int free_catalog(void **state)
{
    (void)state;
    catalog_free(catalog);
    return 0;
}

static void replace(char *out, size_t room, const char *from, const char *to)
{
    const char *at = strstr(base, from);

    assert_non_null(at);
    snprintf(out, room, "%.*s%s%s", (int)(at - base), base, to, at + strlen(from));
}

static void check_change(const struct change *change)
{
    struct findings findings;
    struct fleet *fleet = NULL;
    struct err err = {0};
    char text[sizeof base + 512];

    replace(text, sizeof text, change->from, change->to);
    if (fleet_parse(&fleet, str_from(text), "test.yaml", &err) < 0)
        fail_msg("'%s' → '%s': %s", change->from, change->to, err.text);
    assert_int_equal(check_fleet(&findings, fleet, catalog, STR("2026-11-23")), 0);
    for (size_t i = 0; i < findings.count; i++) {
        const struct finding *f = &findings.items[i];

        if (f->where.line != change->line || f->code != change->code || findings.count != 1)
            fail_msg("'%s' → '%s': line %u: %s [%s]", change->from, change->to, f->where.line,
                     f->message, finding_row(f->code)->code);
        assert_true(f->fix[0] && f->message[0]);
    }
    if (findings.count != (change->line > 0))
        fail_msg("'%s' → '%s': expected %s at line %u, found nothing", change->from, change->to,
                 finding_row(change->code)->code, change->line);
    findings_fini(&findings);
    fleet_free(fleet);
}

static void each_change_has_its_one_finding_at_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        check_change(&changes[i]);
}

static void every_code_has_a_change_that_triggers_it(void **state)
{
    (void)state;
    for (int code = 0; code < FINDING_COUNT; code++) {
        bool found = false;

        for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
            found |= changes[i].line && changes[i].code == (enum finding_code)code;
        if (!found)
            fail_msg("nothing triggers %s", finding_row((enum finding_code)code)->code);
    }
}

static void load(struct fleet **ret, struct findings *findings, const char *path)
{
    struct err err = {0};

    if (fleet_load(ret, path, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(check_fleet(findings, *ret, catalog, STR("2026-11-23")), 0);
}

static size_t count(const struct findings *f, enum finding_code code)
{
    size_t found = 0;

    for (size_t i = 0; i < f->count; i++)
        found += f->items[i].code == code;
    return found;
}

static void the_plan_as_written_has_all_its_mistakes_found(void **state)
{
    static const struct {
        enum finding_code code;
        size_t count;
    } expected[] = {
        {FINDING_unknown_artifact, 10},
        {FINDING_wrong_engine, 5},
        {FINDING_engine_cannot_load, 3},
        {FINDING_does_not_fit, 7},
        {FINDING_wrong_modality, 1},
        {FINDING_hollow_backup, 7},
        {FINDING_missing_copy, 3},
        {FINDING_not_interchangeable, 3},
        {FINDING_unknown_setting, 1},
        {FINDING_retired_model, 4},
        {FINDING_address_unknown, 10},
        {FINDING_implausible_speed, 6},
        {FINDING_implausible_size, 1},
        {FINDING_implausible_duration, 1},
        {FINDING_duplicate_name, 10},
        {FINDING_name_mismatch, 23},
        {FINDING_single_point_of_failure, 2},
    };
    struct findings findings;
    struct fleet *fleet;

    (void)state;
    load(&fleet, &findings, "fleets/seed.yaml");
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (count(&findings, expected[i].code) != expected[i].count)
            fail_msg("%s: %zu, expected %zu", finding_row(expected[i].code)->code,
                     count(&findings, expected[i].code), expected[i].count);
    for (size_t i = 1; i < findings.count; i++)
        assert_true(findings.items[i - 1].where.line <= findings.items[i].where.line);
    findings_fini(&findings);
    fleet_free(fleet);
}

static void the_plan_that_works_has_no_errors(void **state)
{
    struct findings findings;
    struct fleet *fleet;

    (void)state;
    load(&fleet, &findings, "fleets/homelab.yaml");
    assert_int_equal(findings.counts[SEVERITY_error], 0);
    assert_int_equal(findings.counts[SEVERITY_warning], 10);
    assert_int_equal(count(&findings, FINDING_address_unknown), 10);
    findings_fini(&findings);
    fleet_free(fleet);
}

static void a_clock_that_is_behind_does_not_bring_models_back(void **state)
{
    struct findings findings;
    struct fleet *fleet;

    (void)state;
    assert_int_equal(fleet_load(&fleet, "fleets/seed.yaml", NULL), 0);
    assert_int_equal(check_fleet(&findings, fleet, catalog, STR("1970-01-01")), 0);
    assert_int_equal(count(&findings, FINDING_retired_model), 4);
    findings_fini(&findings);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_has_its_one_finding_at_its_line),
        cmocka_unit_test(every_code_has_a_change_that_triggers_it),
        cmocka_unit_test(the_plan_as_written_has_all_its_mistakes_found),
        cmocka_unit_test(the_plan_that_works_has_no_errors),
        cmocka_unit_test(a_clock_that_is_behind_does_not_bring_models_back),
    };

    return cmocka_run_group_tests(tests, load_catalog, free_catalog);
}
