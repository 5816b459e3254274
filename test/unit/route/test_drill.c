/* SPDX-License-Identifier: Apache-2.0 */
/* Drills: what there is to prove, and who counts as dead. */
#include "testing.h"

#include "base/buf.h"
#include "copies.h"
#include "route/drill.h"

static int set_up(void **state)
{
    (void)state;
    see(FLEET, MODELS, CLOUD);
    return 0;
}

static const struct drill_row *row_of(const struct drill_row *rows, uint32_t count,
                                      const char *category, const char *machine)
{
    for (uint32_t i = 0; i < count; i++)
        if (str_is(rows[i].category->name, category) && rows[i].machine &&
            str_is(rows[i].machine->name, machine))
            return &rows[i];
    return NULL;
}

static void every_machine_of_the_map_is_a_row_and_cloud_is_none(void **state)
{
    struct drill_row rows[64];
    uint32_t count = drill_list(view, rows, 64);

    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        assert_true((rows[i].copy != NULL) == (rows[i].hole == NULL));
        assert_true(!rows[i].copy || rows[i].copy->machine == rows[i].machine);
        assert_true(!rows[i].copy || !rows[i].copy->cloud);
    }
    assert_int_equal(row_of(rows, count, "code", "b")->role, DRILL_primary);
    assert_int_equal(row_of(rows, count, "code", "a")->role, DRILL_backup);
    assert_non_null(row_of(rows, count, "any-chat", "c")->copy);
    assert_null(row_of(rows, count, "any-chat", "a"));
}

static void rows_stop_at_the_ceiling(void **state)
{
    struct drill_row rows[2];

    (void)state;
    assert_int_equal(drill_list(view, rows, 2), 2);
}

static void all_but_the_survivor_are_dead_and_providers_always(void **state)
{
    struct buf dead;

    (void)state;
    buf_init(&dead, DRILL_HEADER_MAX);
    assert_int_equal(drill_write_dead(&dead, view, fleet_machine(fleet, STR("b"))), 0);
    for (uint32_t i = 0; i < view->copies_count; i++) {
        const struct copy *c = &view->copies[i];

        assert_int_equal(drill_is_dead(buf_str(&dead), c), !str_is(c->machine_name, "b"));
        assert_int_equal(drill_is_dead(STR(""), c), c->cloud != NULL);
    }
    buf_fini(&dead);
}

static void names_are_compared_whole(void **state)
{
    (void)state;
    assert_true(drill_is_dead(STR("b , a"), copy_at("a/ollama/coder:32b")));
    assert_false(drill_is_dead(STR("aa,ab"), copy_at("a/ollama/coder:32b")));
}

static void what_is_asked_fits_the_purpose(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < fleet->categories_count; i++)
        assert_non_null(golden_of(&fleet->categories[i])->path);
    assert_string_equal(golden_of(fleet_category(fleet, STR("search")))->path, "/v1/embeddings");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_machine_of_the_map_is_a_row_and_cloud_is_none),
        cmocka_unit_test(rows_stop_at_the_ceiling),
        cmocka_unit_test(all_but_the_survivor_are_dead_and_providers_always),
        cmocka_unit_test(names_are_compared_whole),
        cmocka_unit_test(what_is_asked_fits_the_purpose),
    };

    return cmocka_run_group_tests(tests, set_up, forget_all);
}
