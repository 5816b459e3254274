/* SPDX-License-Identifier: Apache-2.0 */
/* One name, one digest: whoever has another than most is named, until it has the same. */
#include "fleet/digests.h"
#include "testing.h"

#define MACHINE(name) "  " name ": {engines: [{kind: ollama}], models: [{pull: \"qwen2.5:7b\"}]}\n"
static const char four[] = "fleet: f\nmachines:\n" MACHINE("a") MACHINE("b") MACHINE("c")
    MACHINE("d") "  e: {engines: [{kind: ollama}], models: [{pull: nomic-embed-text}]}\n",
                  two[] = "fleet: f\nmachines:\n" MACHINE("a") MACHINE("b");

static struct {
    struct fleet *fleet;
    struct catalog *catalog;
    struct view *view;
    struct digests *digests;
} play;

static void close_view(void)
{
    view_free(play.view);
    fleet_free(play.fleet);
    catalog_free(play.catalog);
}

static void show(const char *text)
{
    struct err err = {0};

    assert_int_equal(fleet_parse(&play.fleet, str_from(text), "f.yaml", &err), 0);
    assert_int_equal(catalog_load(&play.catalog, NULL, &err), 0);
    assert_int_equal(view_new(&play.view, play.fleet, play.catalog, STR("2026-11-23"), &err), 0);
}

static int set_up(void **state)
{
    (void)state;
    play.digests = digests_new();
    show(four);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_view();
    digests_free(play.digests);
    return 0;
}

/* Does it differ from the others? */
static int differs(uint32_t engine, const char *name, const char *digest)
{
    const struct stock_model model = {.name = str_from(name), .digest = str_from(digest)};
    const struct stock stock = {.models = &model, .count = 1};
    struct stock_drift row = {DRIFT_missing, STR("")};
    uint32_t count = digests_note(play.digests, play.view, engine, &stock, &row, 1);

    assert_true(count == 0 || (row.kind == DRIFT_digest && str_is(row.name, "qwen2.5:7b")));
    return (int)count;
}

static void the_odd_one_out_is_named_until_it_has_the_same(void **state)
{
    (void)state;
    assert_int_equal(differs(0, "qwen2.5:7b", "aa"), 0);
    assert_int_equal(differs(1, "QWEN2.5:7b", "aa"), 0);
    assert_int_equal(differs(2, "qwen2.5:7b", "bb"), 1);
    assert_int_equal(differs(0, "qwen2.5:7b", "aa"), 0);
    assert_int_equal(differs(2, "qwen2.5:7b", "aa"), 0);
}

static void of_as_many_against_as_many_both_are_told(void **state)
{
    (void)state;
    assert_int_equal(differs(0, "qwen2.5:7b", "aa"), 0);
    assert_int_equal(differs(1, "qwen2.5:7b", "bb"), 1);
    assert_int_equal(differs(0, "qwen2.5:7b", "aa"), 1);
    assert_int_equal(differs(2, "qwen2.5:7b", "bb"), 0); /* two against one now */
    assert_int_equal(differs(0, "qwen2.5:7b", "aa"), 1);
}

static void what_is_not_said_or_not_declared_says_nothing(void **state)
{
    (void)state;
    assert_int_equal(differs(0, "qwen2.5:7b", "aa"), 0);
    assert_int_equal(differs(1, "qwen2.5:7b", ""), 0);
    assert_int_equal(differs(1, "mistral:7b", "bb"), 0);
    assert_int_equal(differs(4, "qwen2.5:7b", "bb"), 0);
    assert_int_equal(differs(4, "nomic-embed-text:latest", "cc"), 0);
    assert_int_equal(differs(0, "qwen2.5:7b", "aa"), 0);
}

static void who_left_the_file_has_no_say(void **state)
{
    (void)state;
    assert_int_equal(differs(2, "qwen2.5:7b", "bb"), 0);
    assert_int_equal(differs(3, "qwen2.5:7b", "bb"), 0);
    assert_int_equal(differs(0, "qwen2.5:7b", "aa"), 1);
    close_view();
    show(two);
    assert_int_equal(differs(0, "qwen2.5:7b", "aa"), 0);
    assert_int_equal(differs(1, "qwen2.5:7b", "aa"), 0);
}

#define DIGEST_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIGEST_TEST(the_odd_one_out_is_named_until_it_has_the_same),
        DIGEST_TEST(of_as_many_against_as_many_both_are_told),
        DIGEST_TEST(what_is_not_said_or_not_declared_says_nothing),
        DIGEST_TEST(who_left_the_file_has_no_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
