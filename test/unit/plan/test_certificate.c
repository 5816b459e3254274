/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate: who serves what when somebody is lost, and what it does not believe. */
#include "testing.h"

#include "fleets.h"

/* Two machines with the same coder, one of them also with a smaller one; one small box. */
static const char text[] =
    "machines:\n"
    "  big:\n"
    "    hardware: {gpu: RTX 5090, cpu: i9-12900K, ram: 64 GB, disk: 1 TB}\n"
    "    engines: [ollama]\n"
    "    keep_loaded: ['qwen2.5-coder:32b']\n"
    "    models:\n"
    "      - {pull: 'qwen2.5-coder:32b', name: L-LOC-FRE-coder, context: 8K}\n"
    "      - {pull: 'qwen2.5:7b', name: S-LOC-FRE-qwen, context: 8K}\n"
    "      - {pull: nomic-embed-text, name: XS-LOC-FRE-vectors}\n"
    "  tall:\n"
    "    domain: rack\n"
    "    hardware: {cpu: AI Max+ 395, ram: 128 GB, disk: 1 TB}\n"
    "    engines: [ollama]\n"
    "    models:\n"
    "      - {pull: 'qwen2.5-coder:32b', name: L-LOC-FRE-coder, context: 16K}\n"
    "      - {pull: 'codestral:22b', name: L-LOC-FRE-codestral, context: 8K}\n"
    "  small:\n"
    "    domain: rack\n"
    "    hardware: {cpu: i5-12400, ram: 32 GB, disk: 500 GB}\n"
    "    engines: [ollama]\n"
    "    models:\n"
    "      - {pull: 'qwen2.5:7b', name: S-LOC-FRE-qwen, context: 8K}\n"
    "      - {pull: 'qwen2.5-coder:32b', name: L-LOC-FRE-coder, context: 4K}\n"
    "categories:\n"
    "  code: {needs: {task: code, params: 20-40B}, primary: big, backups: [small, tall], "
    "floor_tps: 5}\n"
    "  fast: {needs: {task: general, params: 3-8B}, machines: any, cloud: [S-CLD-PAY-haiku]}\n"
    "  search: {needs: {task: embedding}, machines: all}\n"
    "  draw: {needs: {task: image}, primary: big}\n"
    "cloud:\n"
    "  - {name: S-CLD-PAY-haiku, provider: anthropic, model: claude-haiku-4-5, key: 'env:K'}\n";

static int set_up(void **state)
{
    (void)state;
    declare(text);
    return 0;
}

static struct certificate *certify(void)
{
    struct certificate *c = NULL;
    struct err err = {0};

    if (certificate_make(&c, &declared->plan, &wish, &err) < 0)
        fail_msg("%s", err.text);
    return c;
}

static const struct certificate_case *case_of(const struct certificate *c, const char *lost)
{
    for (uint32_t i = 0; i < c->cases_count; i++)
        if (lost ? str_is(c->cases[i].lost, lost) : !c->cases[i].lost.data)
            return &c->cases[i];
    fail_msg("nobody asked what happens without %s", lost);
    return NULL;
}

/* What one cell must say: who answers ("cloud", "-"), parity, covered. */
static const struct expected {
    const char *lost, *category, *machine;
    enum parity parity;
    bool covered;
} expected[] = {
    {NULL, "code", "big", PARITY_identical, true},
    {"small", "code", "big", PARITY_identical, true},
    /* small is the first backup and holds it, but below the floor: tall answers. */
    {"big", "code", "tall", PARITY_equivalent, true},
    {"rack", "code", "big", PARITY_identical, true},
    {"rack", "fast", "big", PARITY_identical, true},
    {"big", "fast", "small", PARITY_identical, true},
    {"big + small", "fast", "cloud", PARITY_degraded, true},
    {"big + tall", "code", "small", PARITY_equivalent, false},
    {NULL, "search", "big", PARITY_identical, true},
    {"big", "search", "-", PARITY_identical, false},
    {NULL, "draw", "-", PARITY_identical, false},
};

static void check_cell(const struct certificate *c, const struct expected *e)
{
    const struct category *category = fleet_category(fleet, str_from(e->category));
    const struct certificate_row *row = &case_of(c, e->lost)->rows[category - fleet->categories];
    struct str who = row->copy ? row->copy->machine->name : row->cloud ? STR("cloud") : STR("-");

    if (!str_is(who, e->machine) || row->parity != e->parity || row->covered != e->covered)
        fail_msg("without %s, %s: %.*s, %s, %d", e->lost ? e->lost : "nobody", e->category,
                 STR_ARG(who), parity_name(row->parity), row->covered);
}

static void each_loss_says_who_answers(void **state)
{
    struct certificate *c;

    (void)state;
    wish.survive = 2;
    c = certify();
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        check_cell(c, &expected[i]);
    assert_int_equal(c->cases_count, 1 + 3 + 1 + 3);
    assert_int_equal(c->faults_count, 0);
    certificate_free(c);
}

static void pairs_are_asked_for_and_losses_can_be_left_out(void **state)
{
    struct certificate *c;

    (void)state;
    c = certify();
    assert_int_equal(c->cases_count, 1 + 3 + 1);
    certificate_free(c);
    wish.survive = 0;
    c = certify();
    assert_int_equal(c->cases_count, 1);
    certificate_free(c);
}

static void without_cloud_its_rows_are_holes(void **state)
{
    struct certificate *c;

    (void)state;
    wish.survive = 2;
    wish.without_cloud = true;
    c = certify();
    check_cell(c, &(struct expected){"big + small", "fast", "-", PARITY_identical, false});
    certificate_free(c);
}

static void a_hole_names_hardware_that_would_close_it(void **state)
{
    struct certificate *c = certify();
    uint32_t draw = (uint32_t)(fleet_category(fleet, STR("draw")) - fleet->categories);
    uint32_t code = (uint32_t)(fleet_category(fleet, STR("code")) - fleet->categories);

    (void)state;
    assert_non_null(c->closers[draw].data);
    assert_non_null(strstr(c->closers[draw].data, "GiB of GPU memory"));
    assert_null(c->closers[code].data);
    certificate_free(c);
}

/* A plan may claim anything: what does not fit is not counted, and is said. */
static void it_does_not_believe_what_the_plan_says_of_itself(void **state)
{
    struct plan_copy *copy = &declared->plan.copies[0];
    struct certificate *c;

    (void)state;
    assert_true(str_is(copy->machine->name, "big"));
    copy->context = 32768;
    copy->slots = 64;
    copy->decode_tps = 1000;
    c = certify();
    check_cell(c, &(struct expected){NULL, "code", "tall", PARITY_identical, true});
    assert_true(c->faults_count > 0);
    assert_non_null(strstr(c->faults[0].data, "qwen2.5-coder:32b"));
    certificate_free(c);
}

static void what_is_kept_loaded_together_must_fit_together(void **state)
{
    struct certificate *c;

    (void)state;
    for (uint32_t i = 0; i < declared->plan.copies_count; i++) {
        declared->plan.copies[i].keep_loaded = true;
        if (str_is(declared->plan.copies[i].machine->name, "small"))
            declared->plan.copies[i].slots = 4;
    }
    c = certify();
    assert_int_equal(c->faults_count, 1);
    assert_non_null(strstr(c->faults[0].data, "small cannot keep qwen2.5-coder:32b"));
    certificate_free(c);
}

/* A model that is asked for takes the room of what is kept: it is as fast as alone. */
static void what_is_loaded_on_demand_drives_out_what_is_kept(void **state)
{
    static const char crowded[] =
        "machines:\n"
        "  big:\n"
        "    hardware: {gpu: RTX 5090, cpu: i9-12900K, ram: 64 GB}\n"
        "    engines: [ollama]\n"
        "    keep_loaded: ['qwen2.5-coder:32b']\n"
        "    models: [{pull: 'qwen2.5-coder:32b', context: 8K}, {pull: 'qwen3-vl:32b', context: "
        "8K}]\n"
        "categories: {eyes: {needs: {task: vision, params: 32B+}, primary: big, floor_tps: 40}}\n";
    struct certificate *c;

    (void)state;
    forget(NULL);
    declare(crowded);
    c = certify();
    check_cell(c, &(struct expected){NULL, "eyes", "big", PARITY_identical, true});
    assert_int_equal(c->faults_count, 0);
    certificate_free(c);
}

static void an_engine_keeps_no_more_than_it_is_set_to(void **state)
{
    static const char many[] =
        "machines:\n"
        "  tall:\n"
        "    hardware: {cpu: AI Max+ 395, ram: 128 GB}\n"
        "    engines: [{kind: ollama, env: {OLLAMA_MAX_LOADED_MODELS: 1}}]\n"
        "    keep_loaded: ['llama3.2:3b', 'qwen2.5:7b']\n"
        "    models: [{pull: 'llama3.2:3b', context: 8K}, {pull: 'qwen2.5:7b', context: 8K}]\n";
    struct certificate *c;

    (void)state;
    forget(NULL);
    declare(many);
    c = certify();
    assert_int_equal(c->faults_count, 1);
    assert_non_null(strstr(c->faults[0].data, "keeps 2 models loaded, and is set to 1"));
    certificate_free(c);
}

static void machines_that_the_wish_loses_are_nowhere(void **state)
{
    const struct machine *lost[] = {fleet_machine(fleet, STR("big"))};
    struct certificate *c;

    (void)state;
    wish.lost = lost;
    wish.lost_count = 1;
    c = certify();
    assert_int_equal(c->cases_count, 1 + 2 + 1);
    check_cell(c, &(struct expected){NULL, "code", "tall", PARITY_identical, true});
    certificate_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_loss_says_who_answers, set_up, forget),
        cmocka_unit_test_setup_teardown(pairs_are_asked_for_and_losses_can_be_left_out, set_up,
                                        forget),
        cmocka_unit_test_setup_teardown(without_cloud_its_rows_are_holes, set_up, forget),
        cmocka_unit_test_setup_teardown(a_hole_names_hardware_that_would_close_it, set_up, forget),
        cmocka_unit_test_setup_teardown(it_does_not_believe_what_the_plan_says_of_itself, set_up,
                                        forget),
        cmocka_unit_test_setup_teardown(what_is_kept_loaded_together_must_fit_together, set_up,
                                        forget),
        cmocka_unit_test_setup_teardown(what_is_loaded_on_demand_drives_out_what_is_kept, set_up,
                                        forget),
        cmocka_unit_test_setup_teardown(an_engine_keeps_no_more_than_it_is_set_to, set_up, forget),
        cmocka_unit_test_setup_teardown(machines_that_the_wish_loses_are_nowhere, set_up, forget),
    };

    return cmocka_run_group_tests(tests, load_catalog, free_catalog);
}
