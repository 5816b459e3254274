/* SPDX-License-Identifier: Apache-2.0 */
/* A model too large for each machine, over several: who lends, how fast it is, what loses it. */
#include "testing.h"

#include <math.h>
#include <stdio.h>

#include "plan/certificate.h"
#include "plan/check.h"
#include "plan/plan.h"

enum { TEXT_MAX = 4096 };

static const char tag[] = "llama3.1:70b";

/* Two alike; a third without a llama-server lends nothing. Together they hold 46 GiB on GPUs. */
static const char machines[] =
    "network: {lan: 1 Gbps}\n"
    "machines:\n"
    "  left:\n"
    "    hardware: {gpu: RTX 4090, cpu: i9-12900K, ram: 12 GB, disk: 1 TB}\n"
    "    engines: [llama-server, ollama]\n"
    "%s"
    "  right:\n"
    "    hardware: {gpu: RTX 4090, cpu: i9-12900K, ram: 12 GB, disk: 1 TB}\n"
    "    engines: [llama-server]\n"
    "%s"
    "  other:\n"
    "    hardware: {cpu: i5-12400, ram: 16 GB, disk: 500 GB}\n"
    "    engines: [ollama]\n"
    "    models: [{pull: 'llama3.1:70b', optional: true}]\n"
    "categories:\n"
    "  large: {needs: {task: general}, models: ['llama3.1:70b'], machines: any%s}\n";

static struct catalog *catalog;
static struct fleet *fleet;
static struct plan *plan;
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
    plan_free(plan);
    fleet_free(fleet);
    plan = NULL;
    fleet = NULL;
    return 0;
}

static void make(const char *head, const char *left, const char *right, const char *category)
{
    char text[TEXT_MAX];
    struct err err = {0};
    int len = snprintf(text, sizeof text, "%s", head);

    forget(NULL);
    snprintf(text + len, sizeof text - (size_t)len, machines, left, right, category);
    if (fleet_parse(&fleet, str_from(text), "test.yaml", &err) < 0)
        fail_msg("%s", err.text);
    wish = (struct plan_wish){
        .fleet = fleet, .catalog = catalog, .day = STR("2026-11-23"), .survive = 1, .gap = 0.005};
    if (plan_make(&plan, &wish, &err) < 0)
        fail_msg("%s", err.text);
}

static const struct plan_copy *large(void)
{
    for (uint32_t i = 0; i < plan->copies_count; i++)
        if (plan->copies[i].artifact == catalog_artifact(catalog, str_from(tag)))
            return &plan->copies[i];
    return NULL;
}

/* 42.52 GB and 0.34 GB of KV (1024 tokens × 80 layers × 8 heads × 128 × 4 B) at 0.7 × 1008 GB/s are
 * 60.7 ms; the link adds 0.3 ms, and 2 × 8192 × 4 B at 1 Gbit/s are 0.52 ms: 16.2 tokens a second.
 */
static double by_hand(void)
{
    return 1 / ((42.52e9 + 1024.0 * 80 * 8 * 128 * 4) / (0.7 * 1008e9) + 0.3e-3 +
                2.0 * 8192 * 4 * 8 / 1e9);
}

static void it_is_planned_over_both_with_the_speed_of_the_link(void **state)
{
    const struct plan_copy *copy;

    (void)state;
    make("span: true\n", "", "", "");
    copy = large();
    assert_non_null(copy);
    assert_true(str_is(copy->machine->name, "left"));
    assert_int_equal(copy->span_count, 1);
    assert_true(str_is(copy->span[0]->name, "right"));
    assert_true(copy->keep_loaded);
    assert_true(copy->memory_bytes > copy->span_bytes[0]); /* the first lends all it has */
    assert_true(fabs(copy->decode_tps / by_hand() - 1) < 1e-6);
    assert_true(fabs(copy->decode_tps - 16.2) < 0.1);
    assert_int_equal(plan->rows[0].copies_count, 1);
    assert_non_null(strstr(copy->why.data, "over left, right"));
}

static void a_machine_that_holds_it_alone_is_faster_and_is_chosen(void **state)
{
    double over;

    (void)state;
    make("span: true\n", "", "", "");
    over = large()->decode_tps;
    make("span: true\n",
         "  huge:\n"
         "    hardware: {gpu: RTX 4090, gpu_memory: 64 GiB, cpu: i9-12900K, ram: 12 GB}\n"
         "    engines: [llama-server]\n",
         "", "");
    assert_true(str_is(large()->machine->name, "huge"));
    assert_int_equal(large()->span_count, 0);
    assert_true(large()->decode_tps > over);
}

static void it_is_lost_with_either(void **state)
{
    static const struct {
        const char *lost;
        bool is_covered;
    } cases[] = {{NULL, true}, {"left", false}, {"right", false}, {"other", true}};
    struct certificate *c = NULL;
    uint32_t seen = 0;

    (void)state;
    make("span: true\n", "", "", "");
    assert_int_equal(certificate_make(&c, plan, &wish, NULL), 0);
    assert_int_equal(c->faults_count, 0);
    for (uint32_t i = 0; i < c->cases_count; i++)
        for (size_t k = 0; k < COUNT_OF(cases); k++) {
            bool is_it =
                cases[k].lost ? str_is(c->cases[i].lost, cases[k].lost) : !c->cases[i].lost.data;

            if (!is_it)
                continue;
            seen++;
            assert_int_equal(c->cases[i].rows[0].covered, cases[k].is_covered);
            if (!cases[k].lost)
                assert_true(fabs(c->cases[i].rows[0].decode_tps / by_hand() - 1) < 1e-6);
        }
    assert_int_equal(seen, COUNT_OF(cases));
    certificate_free(c);
}

/* What the certificate believes of who lends how much it has reckoned itself. */
static void lending_too_little_or_what_is_not_there_is_a_fault(void **state)
{
    uint64_t lent;

    (void)state;
    make("span: true\n", "", "", "");
    lent = large()->span_bytes[0];
    for (int i = 0; i < 2; i++) {
        uint64_t wrong = i ? 64ull << 30 : lent - (1 << 20);
        struct plan_copy *copy = (struct plan_copy *)large();
        struct certificate *c = NULL;

        copy->span_bytes = &wrong;
        assert_int_equal(certificate_make(&c, plan, &wish, NULL), 0);
        assert_true(c->faults_count >= 1);
        certificate_free(c);
    }
}

static void without_the_key_it_is_a_hole(void **state)
{
    struct certificate *c = NULL;

    (void)state;
    make("", "", "", "");
    assert_null(large());
    assert_int_equal(plan->rows[0].copies_count, 0);
    assert_int_equal(certificate_make(&c, plan, &wish, NULL), 0);
    assert_false(c->cases[0].rows[0].covered);
    certificate_free(c);
}

static void the_machine_of_its_line_leads(void **state)
{
    (void)state;
    make("span: true\n", "", "    models: [{pull: 'llama3.1:70b', context: 4K}]\n", "");
    assert_true(str_is(large()->machine->name, "right"));
    assert_non_null(large()->line);
    assert_int_equal(large()->context, 4096);
    assert_true(str_is(large()->span[0]->name, "left"));
}

static void nobody_lends_what_is_kept_loaded_or_for_less_than_the_floor(void **state)
{
    (void)state;
    make("span: true\n", "    models: [{pull: 'qwen2.5:14b', context: 8K, engine: ollama}]\n", "",
         "");
    assert_non_null(large());
    make("span: true\n",
         "    models: [{pull: 'qwen2.5:14b', context: 8K, engine: ollama, pin: true}]\n", "", "");
    assert_null(large());
    make("span: true\n", "", "    models: [{pull: 'qwen2.5:7b', context: 8K}]\n", "");
    assert_null(large());
    make("span: true\n", "", "", ", floor_tps: 20");
    assert_null(large());
}

static enum severity severity_of_not_fitting(const char *head, const char *pull)
{
    enum severity worst = SEVERITY_usual;
    struct findings findings;

    make(head, "", pull, "");
    assert_int_equal(check_fleet(&findings, fleet, catalog, STR("2026-11-23")), 0);
    for (size_t i = 0; i < findings.count; i++)
        if (findings.items[i].code == FINDING_does_not_fit &&
            str_is(findings.items[i].machine, "right"))
            worst = findings.items[i].severity;
    findings_fini(&findings);
    return worst;
}

/* 46 GiB hold 42.5 GB, and not 66 GB. */
static void the_lint_minds_what_even_several_could_not_hold(void **state)
{
    static const char line[] = "    models: [{pull: 'llama3.1:70b', context: 4K}]\n",
                      larger[] = "    models: [{pull: 'gpt-oss:120b', context: 4K}]\n";

    (void)state;
    assert_int_equal(severity_of_not_fitting("", line), SEVERITY_error);
    assert_int_equal(severity_of_not_fitting("span: true\n", line), SEVERITY_note);
    assert_int_equal(severity_of_not_fitting("span: true\n", larger), SEVERITY_error);
}

/* Nothing there is too large, or has a llama-server to lend: the key alone changes nothing. */
static void the_shipped_fleet_is_planned_as_without_it(void **state)
{
    struct fleet *other = NULL;
    struct plan *plain = NULL;
    struct plan_wish same;

    (void)state;
    assert_int_equal(
        fleet_load_with(&fleet, "fleets/homelab.yaml", STR("span: true\n"), "more.yaml", NULL), 0);
    assert_int_equal(fleet_load(&other, "fleets/homelab.yaml", NULL), 0);
    assert_true(fleet->span);
    assert_false(other->span);
    wish = (struct plan_wish){
        .fleet = fleet, .catalog = catalog, .day = STR("2026-11-23"), .survive = 1, .gap = 0.005};
    same = wish;
    same.fleet = other;
    assert_int_equal(plan_make(&plan, &wish, NULL), 0);
    assert_int_equal(plan_make(&plain, &same, NULL), 0);
    assert_int_equal(plan->copies_count, plain->copies_count);
    assert_true(plan->objective == plain->objective);
    for (uint32_t i = 0; i < plan->copies_count; i++) {
        assert_ptr_equal(plan->copies[i].artifact, plain->copies[i].artifact);
        assert_string_equal(plan->copies[i].machine->name.data,
                            plain->copies[i].machine->name.data);
        assert_int_equal(plan->copies[i].span_count, 0);
    }
    plan_free(plain);
    fleet_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(it_is_planned_over_both_with_the_speed_of_the_link, forget),
        cmocka_unit_test_teardown(a_machine_that_holds_it_alone_is_faster_and_is_chosen, forget),
        cmocka_unit_test_teardown(it_is_lost_with_either, forget),
        cmocka_unit_test_teardown(lending_too_little_or_what_is_not_there_is_a_fault, forget),
        cmocka_unit_test_teardown(without_the_key_it_is_a_hole, forget),
        cmocka_unit_test_teardown(the_machine_of_its_line_leads, forget),
        cmocka_unit_test_teardown(nobody_lends_what_is_kept_loaded_or_for_less_than_the_floor,
                                  forget),
        cmocka_unit_test_teardown(the_lint_minds_what_even_several_could_not_hold, forget),
        cmocka_unit_test_teardown(the_shipped_fleet_is_planned_as_without_it, forget),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
