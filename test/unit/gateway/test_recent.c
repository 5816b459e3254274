/* SPDX-License-Identifier: Apache-2.0 */
/* Recent requests: what who watches is told, and how much is kept. */
#include "testing.h"

#include <stdio.h>

#include "gateway/recent.h"

struct told {
    unsigned count;
    char last[64], step[16];
};

static void tell(void *ctx, const struct recent_row *row)
{
    struct told *told = ctx;

    told->count++;
    snprintf(told->last, sizeof told->last, "%.*s", STR_ARG(row->row.id));
    snprintf(told->step, sizeof told->step, "%s", row->step);
}

static void put(struct recent *r, uint64_t *ticket, const char *id, const char *step)
{
    recent_put(r, ticket, &(struct exchange_row){.id = str_from(id), .asked = STR("l-code")}, step,
               "openai_chat");
}

static void only_what_changed_is_told(void **state)
{
    struct recent *r = recent_new();
    struct told told = {0};
    uint64_t first = 0, second = 0, change;

    (void)state;
    put(r, &first, "one", "send");
    put(r, &second, "two", "send");
    change = recent_since(r, 0, tell, &told);
    assert_int_equal(told.count, 2);
    assert_string_equal(told.last, "two");
    put(r, &first, "one", "settle");
    told.count = 0;
    assert_true(recent_since(r, change, tell, &told) > change);
    assert_int_equal(told.count, 1);
    assert_string_equal(told.last, "one");
    assert_string_equal(told.step, "settle");
    recent_free(r);
}

static void an_old_request_does_not_come_back_over_a_newer_one(void **state)
{
    struct recent *r = recent_new();
    struct told told = {0};
    uint64_t first = 0;
    char id[16];

    (void)state;
    put(r, &first, "old", "send");
    for (unsigned i = 0; i < RECENT_ROOM; i++) {
        uint64_t ticket = 0;

        snprintf(id, sizeof id, "new%u", i);
        put(r, &ticket, id, "send");
    }
    put(r, &first, "old", "settle");
    recent_since(r, 0, tell, &told);
    assert_int_equal(told.count, RECENT_ROOM);
    assert_string_equal(told.last, id);
    recent_free(r);
}

static void names_that_are_too_long_are_cut(void **state)
{
    struct recent *r = recent_new();
    struct told told = {0};
    char name[1024];
    uint64_t ticket = 0;

    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    put(r, &ticket, name, "send");
    recent_since(r, 0, tell, &told);
    assert_int_equal(strlen(told.last), 32);
    recent_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_changed_is_told),
        cmocka_unit_test(an_old_request_does_not_come_back_over_a_newer_one),
        cmocka_unit_test(names_that_are_too_long_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
