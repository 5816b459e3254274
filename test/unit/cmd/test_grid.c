/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/grid.h"

#include "../testing.h"

#include <stdio.h>
#include <string.h>

static const char *const titles[] = {"NAME", "COUNT", "NOTE"};

static void fill(struct grid *g)
{
    static const char *const rows[][3] = {
        {"delta", "9", "one"}, {"alpha", "10", "Two"}, {"charlie", "9", NULL}, {"bravo", "-", "x"}};

    grid_init(g, titles, COUNT_OF(titles));
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        memcpy(grid_add(g)->cells, rows[i], sizeof rows[i]);
}

static void assert_order(const struct grid *g, const char *names)
{
    char found[256] = "";

    for (unsigned i = 0; i < g->count; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", i ? " " : "",
                 g->rows[i].cells[0]);
    assert_string_equal(found, names);
}

static void numbers_sort_as_numbers_and_words_as_words(void **state)
{
    struct grid g;

    (void)state;
    fill(&g);
    grid_sort(&g, 0, false);
    assert_order(&g, "alpha bravo charlie delta");
    grid_sort(&g, 1, false);
    assert_order(&g, "bravo charlie delta alpha");
    grid_sort(&g, 1, true);
    assert_order(&g, "alpha charlie delta bravo");
    grid_fini(&g);
}

static void a_filter_looks_into_every_cell(void **state)
{
    struct grid g;

    (void)state;
    fill(&g);
    grid_filter(&g, "");
    assert_int_equal(g.count, 4);
    grid_filter(&g, "tw");
    assert_order(&g, "alpha");
    grid_filter(&g, "nobody");
    assert_int_equal(g.count, 0);
    grid_fini(&g);
}

static void what_does_not_fit_is_taken_from_the_last_column_first(void **state)
{
    unsigned widths[GRID_COLUMNS_MAX];
    struct grid g;

    (void)state;
    fill(&g);
    grid_add(&g)->cells[2] = "a note that is long";
    grid_widths(&g, widths, 80);
    assert_int_equal(widths[0], 7);
    assert_int_equal(widths[1], 5);
    assert_int_equal(widths[2], 19);
    grid_widths(&g, widths, 26);
    assert_int_equal(widths[0] + widths[1] + widths[2] + 2 * GRID_GAP, 26);
    assert_int_equal(widths[0], 7);
    grid_widths(&g, widths, 1); /* narrower than anybody can read */
    assert_int_equal(widths[0], 4);
    assert_int_equal(widths[2], 4);
    grid_fini(&g);
}

static void more_rows_than_may_be_are_not_kept(void **state)
{
    struct grid g;

    (void)state;
    grid_init(&g, titles, COUNT_OF(titles));
    for (unsigned i = 0; i < GRID_ROWS_MAX + 5; i++)
        grid_add(&g)->cells[0] = grid_text(&g, "%u", i);
    assert_int_equal(g.count, GRID_ROWS_MAX);
    assert_string_equal(g.rows[GRID_ROWS_MAX - 1].cells[0], "4095");
    grid_fini(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_sort_as_numbers_and_words_as_words),
        cmocka_unit_test(a_filter_looks_into_every_cell),
        cmocka_unit_test(what_does_not_fit_is_taken_from_the_last_column_first),
        cmocka_unit_test(more_rows_than_may_be_are_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
