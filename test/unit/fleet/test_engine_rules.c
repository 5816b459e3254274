/* SPDX-License-Identifier: Apache-2.0 */
/* Engine rules: Ollama's settings as the fleet file says them, and what they come to. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "fleet/engine_rules.h"
#include "fleet/fleet.h"

static struct fleet *fleet;

/* The rules of an Ollama with these settings. */
static struct engine_rules rules_of(const char *engine)
{
    struct engine_rules rules;
    struct err err = {0};
    char text[512];

    fleet_free(fleet);
    fleet = NULL;
    snprintf(text, sizeof text, "machines:\n  m: {hardware: {ram: 32 GB}, engines: [%s]}\n",
             engine);
    if (fleet_parse(&fleet, str_from(text), "f", &err) < 0)
        fail_msg("%s", err.text);
    engine_rules_read(&rules, &fleet->machines[0].engines[0]);
    return rules;
}

static int forget(void **state)
{
    (void)state;
    fleet_free(fleet);
    fleet = NULL;
    return 0;
}

static void an_ollama_that_nobody_set_up_is_ollamas_own(void **state)
{
    struct engine_rules r = rules_of("ollama");

    (void)state;
    assert_true(r.on_demand);
    assert_int_equal(r.slots, 1);
    assert_int_equal(r.max_loaded, 3);
    assert_int_equal(r.max_queue, 512);
    assert_true(r.keep_alive_s > 299 && r.keep_alive_s < 301);
    assert_int_equal(r.context, 0);
    assert_int_equal(r.kv, KV_f16);
}

static void settings_count(void **state)
{
    struct engine_rules r =
        rules_of("{kind: ollama, env: {OLLAMA_NUM_PARALLEL: 4, OLLAMA_MAX_LOADED_MODELS: 7, "
                 "OLLAMA_MAX_QUEUE: 9, OLLAMA_CONTEXT_LENGTH: 8192, OLLAMA_KV_CACHE_TYPE: q8_0}}");

    (void)state;
    assert_int_equal(r.slots, 4);
    assert_int_equal(r.max_loaded, 7);
    assert_int_equal(r.max_queue, 9);
    assert_int_equal(r.context, 8192);
    assert_int_equal(r.kv, KV_q8_0);
}

static void keep_alive_is_read_as_ollama_reads_it(void **state)
{
    static const struct {
        const char *text;
        double seconds;
    } cases[] = {{"10m", 600}, {"'3600'", 3600}, {"'-1'", -1},
                 {"-1m", -1},  {"1h30m", 5400},  {"x", 300}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char engine[128];
        double found;

        snprintf(engine, sizeof engine, "{kind: ollama, env: {OLLAMA_KEEP_ALIVE: %s}}",
                 cases[i].text);
        found = rules_of(engine).keep_alive_s;
        assert_true(found > cases[i].seconds - 0.01 && found < cases[i].seconds + 0.01);
    }
}

static void others_keep_what_they_started_with(void **state)
{
    struct engine_rules r = rules_of("{kind: llama-server, slots: 3}");

    (void)state;
    assert_false(r.on_demand);
    assert_int_equal(r.slots, 3);
    assert_true(r.keep_alive_s < 0);
    assert_true(rules_of("{kind: sd-server, args: [--offload-to-cpu]}").offloads);
    assert_true(rules_of("{kind: whisper-server, compute: cpu}").cpu_only);
}

static void an_engine_on_the_processor_has_no_card(void **state)
{
    struct engine_rules rules = {.cpu_only = true};
    struct box box = {.gpu_bytes = UINT64_C(8000000000), .ram_bytes = UINT64_C(32000000000)};
    struct footprint need = {.weights = UINT64_C(4000000000), .layers = 10};

    (void)state;
    assert_int_equal(engine_rules_fit(&rules, &box, &need).kind, FIT_ram);
    rules.cpu_only = false;
    assert_int_equal(engine_rules_fit(&rules, &box, &need).kind, FIT_gpu);
    assert_true(engine_rules_unload_s(&box) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ollama_that_nobody_set_up_is_ollamas_own),
        cmocka_unit_test(settings_count),
        cmocka_unit_test(keep_alive_is_read_as_ollama_reads_it),
        cmocka_unit_test(others_keep_what_they_started_with),
        cmocka_unit_test(an_engine_on_the_processor_has_no_card),
    };

    return cmocka_run_group_tests(tests, NULL, forget);
}
