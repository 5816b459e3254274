/* SPDX-License-Identifier: Apache-2.0 */
/* Room: copies with room first, in their order; those that cannot hold a prompt are left out. */
#include "testing.h"

#include <errno.h>

#include "base/attr.h"
#include "route/room.h"

enum { COPIES = 4 };

static const struct {
    const char *title;
    uint64_t contexts[COPIES];
    struct room room;
    const char *order; /* "" : refused */
} cases[] = {
    {"nothing is asked", {1000, 500, 2000, 0}, {0, 0}, "abcd"},
    {"a quarter of the bytes, and it is full", {1000, 1000, 1000, 1000}, {4000, 0}, "abcd"},
    {"one byte more is one token more", {1000, 1001, 1000, 1001}, {4001, 0}, "bdac"},
    {"the answer needs room too", {1000, 1010, 1009, 2000}, {4000, 10}, "bdac"},
    {"an answer alone leaves nobody out", {10, 10, 10, 5000}, {4, 4000}, "dabc"},
    {"what nobody has said has room", {1000, 0, 2000, 0}, {400000, 0}, "bd"},
    {"a twelfth of the bytes may just fit", {1000, 999, 1001, 100}, {12000, 0}, "ac"},
    {"one byte more does not", {1000, 999, 1001, 3001}, {12001, 0}, "dc"},
    {"all are too small, and stand as they stood", {500, 400, 600, 700}, {4000, 0}, "abcd"},
    {"nobody can hold it", {1000, 500, 2000, 100}, {24001, 0}, ""},
    {"the largest numbers there are", {1000, 500, 2000, 0}, {UINT32_MAX, UINT32_MAX}, "d"},
};

static void copies_with_room_come_first_and_hopeless_ones_not_at_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct copy copies[COPIES] = {0};
        struct candidates found = {.count = COPIES};
        char order[COPIES + 1] = "";
        struct err err = {0};
        int r;

        for (uint32_t j = 0; j < COPIES; j++) {
            copies[j] = (struct copy){.index = j, .context = cases[i].contexts[j]};
            found.rows[j].copy = &copies[j];
        }
        r = room_arrange(&found, &cases[i].room, &err);
        for (uint32_t j = 0; j < found.count; j++)
            order[j] = (char)('a' + found.rows[j].copy->index);
        if (strcmp(order, cases[i].order) != 0 || r != (*order ? 0 : -E2BIG))
            fail_msg("%s: %s, %d", cases[i].title, order, r);
    }
}

static void the_refusal_says_how_long_it_is_and_how_much_there_is(void **state)
{
    const struct copy small = {.context = 512}, large = {.context = 8192};
    struct candidates found = {.rows = {{.copy = &large}, {.copy = &small}}, .count = 2};
    struct err err = {0};

    (void)state;
    assert_int_equal(room_arrange(&found, &(struct room){.prompt_bytes = 400000}, &err), -E2BIG);
    assert_string_equal(err.text, "about 100000 tokens, the largest context holds 8192");
    assert_int_equal(found.count, 0);
}

/* A stand-in is still compared with the copy that was asked for by name. */
static void parity_stays_with_its_copy(void **state)
{
    const struct copy small = {.context = 512}, large = {.context = 8192};
    struct candidates found = {.rows = {{.copy = &small, .parity = PARITY_identical},
                                        {.copy = &large, .parity = PARITY_degraded}},
                               .count = 2};

    (void)state;
    assert_int_equal(room_arrange(&found, &(struct room){.prompt_bytes = 4000}, NULL), 0);
    assert_ptr_equal(found.rows[0].copy, &large);
    assert_int_equal(found.rows[0].parity, PARITY_degraded);
    assert_int_equal(found.rows[1].parity, PARITY_identical);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_with_room_come_first_and_hopeless_ones_not_at_all),
        cmocka_unit_test(the_refusal_says_how_long_it_is_and_how_much_there_is),
        cmocka_unit_test(parity_stays_with_its_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
