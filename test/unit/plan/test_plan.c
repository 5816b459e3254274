/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of the shipped fleet and of small ones: coverage, pins, stability, and words for what
 * cannot be. */
#include "random_fleet.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "net/clock.h"
#include "plan/plan.h"
#include "plan/solver.h"

enum { WORDS_MAX = 4096, NOISES = 3, PROOF_MS = 60000, SCALE_MS = 120000, SCALE_MIB = 512 };

static struct catalog *catalog;
static struct fleet *homelab;
static struct plan *usual; /* of homelab, by search alone */

static uint64_t now_ms(void)
{
    return clock_monotonic_us() / 1000;
}

static struct plan_wish wish_of(const struct fleet *fleet)
{
    return (struct plan_wish){.fleet = fleet,
                              .catalog = catalog,
                              .day = STR("2026-11-23"),
                              .survive = 1,
                              .gap = 0.005,
                              .now_ms = now_ms};
}

static struct plan *made(const struct plan_wish *wish)
{
    struct plan *plan = NULL;
    struct err err = {0};

    if (plan_make(&plan, wish, &err) < 0)
        fail_msg("%s", err.text);
    return plan;
}

static int load(void **state)
{
    struct plan_wish wish;
    struct err err = {0};

    (void)state;
    if (catalog_load(&catalog, NULL, &err) < 0 ||
        fleet_load(&homelab, "fleets/homelab.yaml", &err) < 0)
        fail_msg("%s", err.text);
    wish = wish_of(homelab);
    usual = made(&wish);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    plan_free(usual);
    fleet_free(homelab);
    catalog_free(catalog);
    return 0;
}

static const struct plan_copy *copy_on(const struct plan *plan, const char *machine,
                                       const char *tag)
{
    for (uint32_t i = 0; i < plan->copies_count; i++)
        if (str_is(plan->copies[i].machine->name, machine) &&
            plan->copies[i].artifact == catalog_artifact(catalog, str_from(tag)))
            return &plan->copies[i];
    return NULL;
}

static bool is_same(const struct plan *a, const struct plan *b)
{
    if (a->copies_count != b->copies_count)
        return false;
    for (uint32_t i = 0; i < a->copies_count; i++)
        if (a->copies[i].engine != b->copies[i].engine ||
            a->copies[i].artifact != b->copies[i].artifact ||
            a->copies[i].keep_loaded != b->copies[i].keep_loaded)
            return false;
    return true;
}

static void every_category_has_machines_of_two_domains_at_its_floor(void **state)
{

    (void)state;
    assert_int_equal(usual->rows_count, homelab->categories_count);
    for (uint32_t i = 0; i < usual->rows_count; i++) {
        const struct plan_row *row = &usual->rows[i];
        const struct category *cat = &homelab->categories[row->category];

        assert_true(row->copies_count >= 2);
        assert_false(str_equal(usual->copies[row->copies[0]].machine->domain,
                               usual->copies[row->copies[1]].machine->domain));
        for (uint32_t j = 0; j < 2; j++)
            if (cat->floor_tps > 0)
                assert_true(usual->copies[row->copies[j]].decode_tps >= cat->floor_tps);
    }
}

static void what_the_file_keeps_loaded_is_kept(void **state)
{

    (void)state;
    assert_true(copy_on(usual, "gtr9-pro", "gpt-oss:120b")->keep_loaded);
    assert_true(copy_on(usual, "gtr9-pro", "gpt-oss:120b")->is_pinned);
    assert_true(copy_on(usual, "mac-mini-m4-pro", "qwen3-vl:8b")->keep_loaded);
}

static void a_process_keeps_its_model_and_weights_beside_the_gpu_stay_in_ram(void **state)
{
    const struct plan_copy *flux = copy_on(usual, "akshat-pc", "flux-schnell-q8_0");

    (void)state;
    assert_true(flux->keep_loaded);
    assert_true(flux->gpu_bytes < 1ull << 30);
    assert_true(flux->memory_bytes > 20ull << 30);
}

static void the_gap_is_proven_where_there_is_a_solver(void **state)
{
    struct plan_wish wish = wish_of(homelab);
    struct plan *plan;

    (void)state;
    if (!solver_find())
        skip();
    wish.time_limit_ms = PROOF_MS;
    plan = made(&wish);
    assert_true(plan->is_proven);
    assert_true(plan->gap <= 0.005);
    assert_true(plan->bound <= plan->objective);
    plan_free(plan);
}

static void the_same_wish_gives_the_same_plan_on_any_number_of_threads(void **state)
{
    struct plan_wish wish = wish_of(homelab);
    struct plan *two;

    (void)state;
    wish.threads = 3;
    two = made(&wish);
    assert_true(is_same(usual, two));
    assert_true(usual->objective == two->objective);
    plan_free(two);
}

/* The plan is there; then each category is asked 5 % more or less. */
static void small_changes_of_demand_move_nothing(void **state)
{
    struct plan_wish wish = wish_of(homelab);
    struct demand demand[64];
    struct holding held[256];
    struct plan *plan, *again;
    uint32_t dice = 1;

    (void)state;
    wish.time_limit_ms = solver_find() ? PROOF_MS : 0;
    plan = made(&wish);
    for (uint32_t i = 0; i < plan->copies_count; i++)
        held[i] = (struct holding){plan->copies[i].machine, plan->copies[i].engine,
                                   plan->copies[i].artifact};
    wish.holdings = held;
    wish.holdings_count = plan->copies_count;
    wish.has_holdings = true;
    wish.demand = demand;
    for (int noise = 0; noise < NOISES; noise++) {
        for (uint32_t i = 0; i < plan->rows_count; i++) {
            dice = dice * 1664525 + 1013904223;
            demand[i] =
                (struct demand){.per_hour = plan->rows[i].per_hour * (dice >> 31 ? 1.05 : 0.95)};
        }
        again = made(&wish);
        assert_int_equal(again->copies_count, plan->copies_count);
        for (uint32_t i = 0; i < plan->copies_count; i++)
            assert_non_null(copy_on(again, plan->copies[i].machine->name.data,
                                    plan->copies[i].artifact->tag.data));
        plan_free(again);
    }
    plan_free(plan);
}

static void a_lost_machine_holds_nothing_and_its_work_goes_elsewhere(void **state)
{
    struct plan_wish wish = wish_of(homelab);
    const struct machine *lost = fleet_machine(homelab, STR("akshat-pc"));
    struct plan *plan;

    (void)state;
    wish.lost = &lost;
    wish.lost_count = 1;
    plan = made(&wish);
    for (uint32_t i = 0; i < plan->copies_count; i++)
        assert_ptr_not_equal(plan->copies[i].machine, lost);
    for (uint32_t i = 0; i < plan->rows_count; i++)
        assert_true(plan->rows[i].copies_count > 0);
    plan_free(plan);
}

static void more_context_takes_more_memory(void **state)
{
    struct plan_wish wish = wish_of(homelab);
    struct plan *longer;

    (void)state;
    wish.context = 12288;
    longer = made(&wish);
    assert_int_equal(copy_on(longer, "ser9", "llama3.2:3b")->context, 12288);
    assert_true(copy_on(longer, "ser9", "llama3.2:3b")->memory_bytes >
                copy_on(usual, "ser9", "llama3.2:3b")->memory_bytes);
    plan_free(longer);
}

#define FLEET(hardware, keep, lines) \
    "fleet: test\nmachines:\n  a:\n    hardware: {" hardware "}\n    engines: [ollama]\n" keep \
    "    models:\n" lines \
    "categories:\n  s-fast: {needs: {task: general, params: 3-8B}, machines: any}\n"
#define QWEN   "      - {pull: \"qwen2.5:7b\", context: 8K}\n"
#define LLAMA  "      - {pull: \"llama3.1:70b\", context: 8K}\n"
#define CODER  "      - {pull: \"qwen2.5-coder:32b\", context: 8K}\n"
#define VISION "      - {pull: \"llama3.2-vision:11b\", context: 8K}\n"
#define ROOMY  "gpu: RTX 5090, cpu: i9-12900K, ram: 64 GB, disk: 1 TB"

/* Fleets that have no plan, and words that the reason must have. */
static const struct {
    const char *text;
    int code;
    const char *says[4];
} impossible[] = {
    {FLEET("cpu: i5-12400", "", QWEN), -EINVAL, {"test.yaml:4:", "memory a has", "ram: 32 GB"}},
    {FLEET("gpu: RTX 5095, cpu: i9-12900K, ram: 64 GB", "", QWEN),
     -EINVAL,
     {"test.yaml:4:", "RTX 5095", "three numbers", "nearest that it knows is RTX 5090"}},
    {FLEET("cpu: i5-12400, ram: 32 GB", "    keep_loaded: [\"llama3.1:70b\"]\n", LLAMA),
     -ENOSPC,
     {"test.yaml:6:", "llama3.1:70b", "GiB more than a has"}},
    {FLEET(ROOMY, "    keep_loaded: [\"llama3.2-vision:11b\"]\n", VISION),
     -ENOSPC,
     {"test.yaml:6:", "does not load it since version"}},
    {FLEET("cpu: i5-12400, ram: 32 GB, disk: 1 TB",
           "    keep_loaded: [\"qwen2.5:7b\", \"qwen2.5-coder:32b\"]\n", QWEN CODER),
     -ENOSPC,
     {"test.yaml:6:", "qwen2.5:7b", "qwen2.5-coder:32b", "GiB of RAM"}},
    {FLEET(ROOMY, "",
           "      - {pull: \"qwen2.5:7b\", pin: true}\n"
           "      - {pull: \"llama3.2-vision:11b\", pin: true}\n"),
     -ENOSPC,
     {"test.yaml:8:", "does not load it"}},
};

static void what_cannot_be_is_said_in_words_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(impossible); i++) {
        struct fleet *fleet = NULL;
        struct plan *plan = NULL;
        struct plan_wish wish;
        struct err err = {0};

        if (fleet_parse(&fleet, str_from(impossible[i].text), "test.yaml", &err) < 0)
            fail_msg("%s", err.text);
        wish = wish_of(fleet);
        assert_int_equal(plan_make(&plan, &wish, &err), impossible[i].code);
        for (size_t j = 0; j < 4 && impossible[i].says[j]; j++)
            if (!strstr(err.text, impossible[i].says[j]))
                fail_msg("expected '%s' in: %s", impossible[i].says[j], err.text);
        fleet_free(fleet);
    }
}

/* The smallest set: what fits beside each of the others is not among them. */
static void a_conflict_names_only_what_it_needs(void **state)
{
    struct fleet *fleet = NULL;
    struct plan *plan = NULL;
    struct plan_wish wish;
    struct err err = {0};

    (void)state;
    if (fleet_parse(&fleet,
                    STR(FLEET("cpu: i5-12400, ram: 32 GB, disk: 1 TB",
                              "    keep_loaded: [\"qwen2.5:7b\", \"qwen2.5-coder:32b\", "
                              "nomic-embed-text]\n",
                              QWEN CODER "      - {pull: nomic-embed-text}\n")),
                    "test.yaml", &err) < 0)
        fail_msg("%s", err.text);
    wish = wish_of(fleet);
    assert_int_equal(plan_make(&plan, &wish, &err), -ENOSPC);
    assert_non_null(strstr(err.text, "qwen2.5-coder:32b"));
    assert_null(strstr(err.text, "nomic-embed-text"));
    fleet_free(fleet);
}

/* An artifact, a machine, and a word of the reason. */
static const struct {
    const char *tag, *machine, *says;
} reasons[] = {
    {"gpt-oss:120b", "retromac", "GiB more than retromac has"},
    {"llama3.2-vision:11b", "akshat-pc", "does not load it since version"},
    {"flux-schnell-q8_0", "ser9", "no engine of ser9"},
    {"qwen2.5:14b", "pi5", "serves no models"},
    {"gpt-oss:120b", "gtr9-pro", "It is there"},
    {"qwen2.5:72b", "ms-s1", "No category asks"},
    {"qwen3-vl:32b", "gtr9-pro", "s a request here"},
    {"sd-turbo", "ms-s1", "push out"},
};

static void why_not_gives_the_rule_and_its_numbers(void **state)
{
    struct plan_wish wish = wish_of(homelab);
    struct buf out;

    (void)state;
    buf_init(&out, WORDS_MAX);
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        buf_reset(&out);
        assert_int_equal(plan_why_not(&out, usual, &wish,
                                      catalog_artifact(catalog, str_from(reasons[i].tag)),
                                      fleet_machine(homelab, str_from(reasons[i].machine))),
                         0);
        assert_int_equal(buf_put_char(&out, '\0'), 0);
        if (!strstr(out.data, reasons[i].says))
            fail_msg("%s on %s: expected '%s' in: %s", reasons[i].tag, reasons[i].machine,
                     reasons[i].says, out.data);
    }
    buf_fini(&out);
}

/* With PLAN_SCALE=1 only: it takes half a minute of a processor. */
static void a_hundred_machines_and_three_hundred_models_come_near_the_bound(void **state)
{
    struct random_size size = {.machines = 100, .models = 300, .categories = 100, .lines = 10};
    struct random_fleet rf;
    struct plan_wish wish;
    struct rusage usage;
    struct plan *plan;

    (void)state;
    if (!getenv("PLAN_SCALE") || !solver_find())
        skip();
    random_fleet_make(&rf, 7, size);
    wish = wish_of(rf.fleet);
    wish.catalog = rf.catalog;
    wish.gap = 0.05;
    wish.threads = 2;
    wish.time_limit_ms = SCALE_MS;
    plan = made(&wish);
    getrusage(RUSAGE_SELF, &usage);
    print_message("objective %.1f, bound %.1f, gap %.2f %%, %.1f s, %ld MiB\n", plan->objective,
                  plan->bound, plan->gap * 100, plan->seconds, usage.ru_maxrss / 1024);
    assert_true(plan->is_proven);
    assert_true(plan->seconds <= SCALE_MS / 1000);
    assert_true(usage.ru_maxrss / 1024 <= SCALE_MIB);
    plan_free(plan);
    random_fleet_free(&rf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_category_has_machines_of_two_domains_at_its_floor),
        cmocka_unit_test(what_the_file_keeps_loaded_is_kept),
        cmocka_unit_test(a_process_keeps_its_model_and_weights_beside_the_gpu_stay_in_ram),
        cmocka_unit_test(the_gap_is_proven_where_there_is_a_solver),
        cmocka_unit_test(the_same_wish_gives_the_same_plan_on_any_number_of_threads),
        cmocka_unit_test(small_changes_of_demand_move_nothing),
        cmocka_unit_test(a_lost_machine_holds_nothing_and_its_work_goes_elsewhere),
        cmocka_unit_test(more_context_takes_more_memory),
        cmocka_unit_test(what_cannot_be_is_said_in_words_with_its_place),
        cmocka_unit_test(a_conflict_names_only_what_it_needs),
        cmocka_unit_test(why_not_gives_the_rule_and_its_numbers),
        cmocka_unit_test(a_hundred_machines_and_three_hundred_models_come_near_the_bound),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
