/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine has, held against the file: each difference by itself, and none where there is
 * none. */
#include "fleet/stock.h"
#include "testing.h"

static const char fleet_text[] =
    "fleet: f\n"
    "machines:\n"
    "  one:\n"
    "    engines: [{kind: ollama, version: 0.33.0}, {kind: llama-server}]\n"
    "    models:\n"
    "      - {pull: \"qwen2.5:7b\", context: 8K}\n"
    "      - {pull: nomic-embed-text}\n"
    "      - {pull: \"phi:2.7b\", optional: true}\n"
    "      - {pull: \"llama3.2:3b\", engine: llama-server}\n";

static struct {
    struct fleet *fleet;
    struct catalog *catalog;
    struct view *view;
} play;

static int set_up(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(fleet_parse(&play.fleet, str_from(fleet_text), "f.yaml", &err), 0);
    assert_int_equal(catalog_load(&play.catalog, NULL, &err), 0);
    return view_new(&play.view, play.fleet, play.catalog, STR("2026-11-23"), &err);
}

static int tear_down(void **state)
{
    (void)state;
    view_free(play.view);
    fleet_free(play.fleet);
    catalog_free(play.catalog);
    return 0;
}

static void each_difference_is_named_and_what_is_as_declared_is_not(void **state)
{
    const struct stock_model as_declared[] = {{STR("QWEN2.5:7b"), STR(""), true, 8192},
                                              {STR("nomic-embed-text:latest"), STR(""), false, 0},
                                              {STR("phi:2.7b"), STR(""), false, 0}};
    const struct stock_model other[] = {{STR("qwen2.5:7b"), STR(""), true, 4096},
                                        {STR("mistral:7b"), STR(""), false, 0}};
    const struct {
        struct stock stock;
        const char *found;
    } cases[] = {
        {{STR("0.33.0"), as_declared, 3}, ""},
        {{STR(""), as_declared, 3}, ""},
        {{STR("0.30.1"), as_declared, 3}, "version 0.30.1;"},
        {{STR("0.33.0"), as_declared, 1}, "missing nomic-embed-text;"},
        {{STR("0.33.0"), other, 2},
         "context qwen2.5:7b;missing nomic-embed-text;undeclared mistral:7b;"},
        {{STR("0.33.0"), NULL, 0}, "missing qwen2.5:7b;missing nomic-embed-text;"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stock_drift rows[STOCK_DRIFTS_MAX];
        uint32_t count = stock_compare(rows, STOCK_DRIFTS_MAX, play.view, 0, &cases[i].stock);
        struct buf found;

        buf_init(&found, 4096);
        assert_int_equal(buf_put(&found, STR("")), 0);
        for (uint32_t k = 0; k < count; k++)
            assert_int_equal(
                buf_printf(&found, "%s %.*s;", drift_name(rows[k].kind), STR_ARG(rows[k].name)), 0);
        if (!str_is(buf_str(&found), cases[i].found))
            fail_msg("case %zu: %.*s, not %s", i, STR_ARG(buf_str(&found)), cases[i].found);
        buf_fini(&found);
    }
}

static void more_than_there_is_room_for_is_left_out(void **state)
{
    struct stock_model models[STOCK_DRIFTS_MAX + 9];
    struct stock_drift rows[STOCK_DRIFTS_MAX];
    const struct stock stock = {STR("0.33.0"), models, STOCK_DRIFTS_MAX + 9};

    (void)state;
    for (uint32_t i = 0; i < stock.count; i++)
        models[i] = (struct stock_model){.name = STR("other:1b")};
    assert_int_equal(stock_compare(rows, STOCK_DRIFTS_MAX, play.view, 0, &stock), STOCK_DRIFTS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_difference_is_named_and_what_is_as_declared_is_not),
        cmocka_unit_test(more_than_there_is_room_for_is_left_out),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
