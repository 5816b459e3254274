/* SPDX-License-Identifier: Apache-2.0 */
/* What the planner has to decide about: seats, offers and turns of small fleets. */
#include "testing.h"

#include "plan/problem.h"

static struct catalog *catalog;
static struct fleet *fleet;
static struct problem *problem;
static struct plan_wish wish;

static int load(void **state)
{
    (void)state;
    return catalog_load(&catalog, NULL, NULL);
}

static int unload(void **state)
{
    (void)state;
    catalog_free(catalog);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    problem_free(problem);
    fleet_free(fleet);
    problem = NULL;
    fleet = NULL;
    return 0;
}

static void begin(const char *text)
{
    struct err err = {0};

    if (fleet_parse(&fleet, str_from(text), "test.yaml", &err) < 0)
        fail_msg("%s", err.text);
    wish = (struct plan_wish){
        .fleet = fleet, .catalog = catalog, .day = STR("2026-11-23"), .survive = 1};
}

static void pose(void)
{
    struct err err = {0};

    if (problem_new(&problem, &wish, &err) < 0)
        fail_msg("%s", err.text);
}

static const struct seat *seat(const char *machine, const char *tag)
{
    const struct artifact *a = catalog_artifact(catalog, str_from(tag));

    assert_non_null(a);
    for (uint32_t i = 0; i < problem->seats_count; i++) {
        const struct seat *s = &problem->seats[i];

        if (str_is(problem->rooms[s->room].machine->name, machine) &&
            problem->wares[s->ware].artifact == a)
            return s;
    }
    return NULL;
}

/* The cheapest warm offer of that artifact on that machine. */
static const struct offer *offer(uint32_t want, const char *machine, const char *tag)
{
    const struct want *w = &problem->wants[want];

    for (uint32_t i = 0; i < w->offers_count; i++)
        if (w->offers[i].is_warm && &problem->seats[w->offers[i].seat] == seat(machine, tag))
            return &w->offers[i];
    return NULL;
}

#define MACHINE(name, hardware, rest) "  " name ":\n    hardware: {" hardware "}\n" rest
#define BIG                           "gpu: RTX 5090, cpu: i9-12900K, ram: 64 GB, disk: 1 TB"
#define SMALL                         "cpu: i5-12400, ram: 32 GB, disk: 500 GB"
#define OLLAMA                        "    engines: [ollama]\n"
#define HEAD                          "fleet: test\nmachines:\n"
#define FAST                          "categories:\n  s-fast: {needs: {task: general, params: 3-8B}, machines: any"

static void an_artifact_has_a_seat_where_it_is_served_loaded_and_fits(void **state)
{
    (void)state;
    begin(HEAD MACHINE("big", BIG,
                       OLLAMA
                       "    models: [\"qwen2.5:7b\", \"llama3.2-vision:11b\", \"llama3.1:70b\"]\n")
              MACHINE("small", SMALL, OLLAMA) FAST "}\n");
    pose();
    assert_non_null(seat("big", "qwen2.5:7b"));
    assert_non_null(seat("small", "qwen2.5:7b"));
    assert_null(seat("big", "llama3.2-vision:11b"));
    assert_null(seat("small", "llama3.1:70b"));
    assert_null(seat("big", "sdxl"));
}

static void context_is_the_lines_else_what_others_say_and_less_where_that_fits(void **state)
{
    (void)state;
    begin(HEAD MACHINE(
        "big", BIG,
        OLLAMA "    models: [{pull: \"qwen2.5:7b\", context: 16K}, {pull: \"mistral:7b\"}]\n")
              MACHINE("small", SMALL, OLLAMA) FAST "}\n");
    pose();
    assert_int_equal(seat("big", "qwen2.5:7b")->run.context, 16384);
    assert_int_equal(seat("small", "qwen2.5:7b")->run.context, 16384);
    assert_int_equal(seat("small", "mistral:7b")->run.context, 8192);
}

static void a_wished_context_holds_for_every_text_model(void **state)
{
    (void)state;
    begin(HEAD MACHINE(
        "big", BIG, OLLAMA "    models: [{pull: \"qwen2.5:7b\", context: 4K}, nomic-embed-text]\n")
              FAST "}\n");
    wish.context = 20000;
    pose();
    assert_int_equal(seat("big", "qwen2.5:7b")->run.context, 20000);
    assert_int_equal(seat("big", "nomic-embed-text")->run.context, 2048);
}

static void too_slow_is_no_offer(void **state)
{
    (void)state;
    begin(HEAD MACHINE("big", BIG, OLLAMA "    models: [\"qwen2.5:7b\"]\n")
              MACHINE("small", SMALL, OLLAMA) FAST ", floor_tps: 50}\n");
    pose();
    assert_non_null(offer(0, "big", "qwen2.5:7b"));
    assert_null(offer(0, "small", "qwen2.5:7b"));
}

static void what_the_file_names_comes_before_what_it_does_not(void **state)
{
    uint32_t strangers = 0;

    (void)state;
    begin(HEAD MACHINE("big", BIG, OLLAMA "    models: [\"mistral:7b\"]\n") FAST "}\n");
    pose();
    assert_ptr_equal(&problem->seats[problem->wants[0].offers[0].seat], seat("big", "mistral:7b"));
    for (uint32_t i = 0; i < problem->wants[0].offers_count; i++)
        strangers += problem->wants[0].offers[i].is_warm;
    assert_int_equal(strangers, 1 + UNDECLARED_MAX);
}

static void a_cold_offer_costs_its_load(void **state)
{
    const struct want *w;
    const struct seat *s;

    (void)state;
    begin(HEAD MACHINE("big", BIG, OLLAMA "    models: [\"qwen2.5:7b\"]\n") FAST
          ", models: [\"qwen2.5:7b\"]}\n");
    pose();
    w = &problem->wants[0];
    s = seat("big", "qwen2.5:7b");
    assert_int_equal(w->offers_count, 2);
    assert_true(w->offers[0].is_warm && !w->offers[1].is_warm);
    assert_true(w->offers[1].cost_s - w->offers[0].cost_s >= s->load_s * 0.99);
}

static void embeddings_have_one_vector_space(void **state)
{
    (void)state;
    begin(HEAD MACHINE("a", BIG, OLLAMA "    models: [bge-m3]\n")
              MACHINE("b", SMALL, OLLAMA "    models: [nomic-embed-text]\n") MACHINE(
                  "c", SMALL,
                  OLLAMA "    models: [nomic-embed-text]\n") "categories:\n  embeddings: {needs: "
                                                             "{task: embedding}, machines: all}\n");
    pose();
    assert_ptr_equal(problem->wants[0].space,
                     catalog_artifact(catalog, STR("nomic-embed-text"))->model);
    assert_null(offer(0, "a", "bge-m3"));
    assert_non_null(offer(0, "a", "nomic-embed-text"));
    assert_true(seat("a", "nomic-embed-text")->level_s[LEVEL_none] > 100);
}

static void what_stays_leaves_less_of_the_gpu(void **state)
{
    uint64_t alone;

    (void)state;
    begin(HEAD MACHINE("a", "gpu: RTX 2080 Super, cpu: i7-6700K, ram: 32 GB, disk: 500 GB",
                       OLLAMA "    models: [{pull: \"deepseek-r1:8b\", context: 8K}]\n") FAST
          "}\n");
    pose();
    assert_int_equal(seat("a", "deepseek-r1:8b")->fit.kind, FIT_gpu);
    alone = seat("a", "deepseek-r1:8b")->gpu_bytes;
    forget(state);
    begin(HEAD MACHINE("a", "gpu: RTX 2080 Super, cpu: i7-6700K, ram: 32 GB, disk: 500 GB",
                       "    engines: [ollama, whisper-server]\n"
                       "    models:\n      - {pull: \"deepseek-r1:8b\", context: 8K}\n"
                       "      - {pull: whisper-large-v3-turbo, engine: whisper-server}\n") FAST
          "}\n");
    pose();
    assert_int_equal(seat("a", "deepseek-r1:8b")->fit.kind, FIT_split);
    assert_true(seat("a", "deepseek-r1:8b")->gpu_bytes < alone);
}

static void streams_and_spares_are_as_many_as_requests_and_domains(void **state)
{
    static const char text[] =
        HEAD MACHINE("a", SMALL, OLLAMA "    models: [\"qwen2.5:7b\"]\n    domain: rack\n")
            MACHINE("b", SMALL, OLLAMA "    domain: rack\n") MACHINE("c", SMALL, OLLAMA) FAST
        ", models: [\"qwen2.5:7b\"], demand: {per_hour: 4}}\n";
    struct demand crowd = {.per_hour = 400};

    (void)state;
    begin(text);
    pose();
    assert_int_equal(problem->wants[0].domains, 2);
    assert_int_equal(problem->wants[0].streams, 1);
    assert_int_equal(problem->wants[0].turns, 2);
    assert_true(problem->wants[0].weight[1] < problem->wants[0].weight[0]);
    forget(state);
    begin(text);
    wish.demand = &crowd;
    pose();
    assert_int_equal(problem->wants[0].streams, 2);
    assert_int_equal(problem->wants[0].turns, 2);
}

static void a_retired_or_unwanted_cloud_is_none(void **state)
{
    static const char text[] = HEAD MACHINE("a", SMALL, OLLAMA "    models: [\"qwen2.5:7b\"]\n")
        FAST ", cloud: [S-CLD-PAY-haiku]}\n"
             "cloud: [{name: S-CLD-PAY-haiku, provider: anthropic, model: claude-haiku-4-5}]\n";

    (void)state;
    begin(text);
    pose();
    assert_non_null(problem->wants[0].cloud);
    assert_true(problem->wants[0].cloud_s > 60);
    forget(state);
    begin(text);
    wish.without_cloud = true;
    pose();
    assert_null(problem->wants[0].cloud);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, forget)
    const struct CMUnitTest tests[] = {
        TEST(an_artifact_has_a_seat_where_it_is_served_loaded_and_fits),
        TEST(context_is_the_lines_else_what_others_say_and_less_where_that_fits),
        TEST(a_wished_context_holds_for_every_text_model),
        TEST(too_slow_is_no_offer),
        TEST(what_the_file_names_comes_before_what_it_does_not),
        TEST(a_cold_offer_costs_its_load),
        TEST(embeddings_have_one_vector_space),
        TEST(what_stays_leaves_less_of_the_gpu),
        TEST(streams_and_spares_are_as_many_as_requests_and_domains),
        TEST(a_retired_or_unwanted_cloud_is_none),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
