/* SPDX-License-Identifier: Apache-2.0 */
/* A plan into its fleet file: what changes, and that everything else is as it was. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "fleets.h"
#include "plan/explain.h"
#include "plan/write.h"

static struct buf out;

static int tear_down(void **state)
{
    buf_fini(&out);
    return forget(state);
}

static const char *written(const struct plan *plan, const char *text)
{
    struct err err = {0};

    buf_fini(&out);
    buf_init(&out, 16 << 20);
    if (write_plan(&out, plan, str_from(text), "test.yaml", &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(buf_put_char(&out, '\0'), 0);
    return out.data;
}

static const char text[] =
    "# A fleet.\n"
    "machines:\n"
    "  a: # the first\n"
    "    hardware: {cpu: i5-12400, ram: 32 GB}\n"
    "    engines: [ollama]\n"
    "    keep_loaded: [\"qwen2.5:7b\"] # always\n"
    "    models:\n"
    "      # talk\n"
    "      - {pull: \"qwen2.5:7b\", context: 8K} # the usual\n"
    "      - {pull: \"mistral:7b\", context: 8K}\n"
    "      - {pull: \"qwen2.5:14b\", optional: true} # one day\n"
    "      - nobody-knows-this:1b\n"
    "  b: {hardware: {cpu: i5-12400, ram: 32 GB}, engines: [ollama], models: [\"llama3.2:3b\"]}\n"
    "\n"
    "categories:\n"
    "  fast:\n"
    "    needs: {task: general, params: 3-8B}\n"
    "    primary: a # for now\n"
    "    backups: [b]\n";

static int set_up(void **state)
{
    (void)state;
    declare(text);
    return 0;
}

static void what_is_so_already_changes_nothing(void **state)
{
    (void)state;
    declared->plan.copies[2].context = 0; /* b's line says none */
    assert_string_equal(written(&declared->plan, text), text);
}

/* a loses mistral and its 8K; b gets qwen2.5:7b, stays loaded and is asked first. */
static void lines_go_come_and_change_in_their_places(void **state)
{
    struct plan *plan = &declared->plan;
    struct plan_copy copies[3] = {plan->copies[0], plan->copies[2], plan->copies[0]};
    uint32_t order[] = {2, 0};
    static const char expected[] =
        "# A fleet.\n"
        "machines:\n"
        "  a: # the first\n"
        "    hardware: {cpu: i5-12400, ram: 32 GB}\n"
        "    engines: [ollama]\n"
        "    keep_loaded: [] # always\n"
        "    models:\n"
        "      # talk\n"
        "      - {pull: \"qwen2.5:7b\", context: 16K} # the usual\n"
        "      - {pull: \"qwen2.5:14b\", optional: true} # one day\n"
        "      - nobody-knows-this:1b\n"
        "  b: {hardware: {cpu: i5-12400, ram: 32 GB}, engines: [ollama], "
        "models: [{pull: \"llama3.2:3b\", context: 4K, slots: 2}, "
        "{pull: \"qwen2.5:7b\", name: S-LOC-FRE-qwen, context: 8K}], "
        "keep_loaded: [\"qwen2.5:7b\"]}\n"
        "\n"
        "categories:\n"
        "  fast:\n"
        "    needs: {task: general, params: 3-8B}\n"
        "    primary: b # for now\n"
        "    backups: [a]\n";

    (void)state;
    copies[0].context = 16384;
    copies[0].keep_loaded = false;
    copies[1].context = 4096;
    copies[1].slots = 2;
    copies[2].machine = copies[1].machine;
    copies[2].engine = copies[1].engine;
    copies[2].line = NULL;
    copies[2].name = STR("S-LOC-FRE-qwen");
    copies[2].context = 8192;
    copies[2].slots = 1;
    copies[2].keep_loaded = true;
    plan->copies = copies;
    plan->copies_count = 3;
    plan->rows[0].copies = order;
    plan->rows[0].copies_count = 2;
    assert_string_equal(written(plan, text), expected);
}

static void a_machine_may_end_up_empty_and_another_begin(void **state)
{
    static const char bare[] = "machines:\n"
                               "  a: {hardware: {cpu: i5-12400, ram: 32 GB}, engines: [ollama],\n"
                               "      models: [{pull: \"qwen2.5:7b\", context: 8K}]}\n"
                               "  b:\n"
                               "    hardware: {cpu: i5-12400, ram: 32 GB}\n"
                               "    engines: [ollama]\n";
    struct plan_copy copy;

    (void)state;
    forget(NULL);
    declare(bare);
    copy = declared->plan.copies[0];
    copy.machine = &fleet->machines[1];
    copy.engine = fleet->machines[1].engines;
    copy.line = NULL;
    copy.name = STR("S-LOC-FRE-qwen");
    declared->plan.copies = &copy;
    assert_string_equal(
        written(&declared->plan, bare),
        "machines:\n"
        "  a: {hardware: {cpu: i5-12400, ram: 32 GB}, engines: [ollama],\n"
        "      models: []}\n"
        "  b:\n"
        "    hardware: {cpu: i5-12400, ram: 32 GB}\n"
        "    engines: [ollama]\n"
        "    models: [{pull: \"qwen2.5:7b\", name: S-LOC-FRE-qwen, context: 8K}]\n");
}

static size_t comments_in(const char *at)
{
    size_t count = 0;

    while ((at = strchr(at, '#')) != NULL) {
        count++;
        at++;
    }
    return count;
}

/* Plans of the whole fleet, of other seeds and contexts: each reads back as itself. */
static void what_is_written_declares_the_plan(void **state)
{
    struct buf before;

    (void)state;
    forget(NULL);
    buf_init(&before, 1 << 20);
    assert_int_equal(file_read(&before, "fleets/homelab.yaml", NULL), 0);
    assert_int_equal(buf_put_char(&before, '\0'), 0);
    declare(before.data);
    for (uint32_t i = 0; i < 6; i++) {
        AUTO(plan) plan = NULL;
        AUTO(fleet) again = NULL;
        AUTO(declared) found = NULL;
        struct plan_wish other = wish;
        struct difference difference;
        struct err err = {0};

        wish.seed = i;
        wish.context = i % 2 ? 0 : 4096 << i / 2;
        wish.without_cloud = i > 3;
        if (plan_make(&plan, &wish, &err) < 0)
            fail_msg("%s", err.text);
        written(plan, before.data);
        assert_int_equal(comments_in(out.data), comments_in(before.data));
        if (fleet_parse(&again, str_from(out.data), "test.yaml", &err) < 0)
            fail_msg("%s", err.text);
        other.fleet = again;
        assert_int_equal(declared_make(&found, &other, NULL), 0);
        if (explain_difference(&difference, 1, plan, &found->plan))
            fail_msg(
                "%.*s, %d",
                STR_ARG((difference.before ? difference.before : difference.after)->artifact->tag),
                !difference.before);
    }
    buf_fini(&before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_so_already_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_go_come_and_change_in_their_places, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_machine_may_end_up_empty_and_another_begin, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_written_declares_the_plan, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, load_catalog, free_catalog);
}
