/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that are kept, and who waits for one: a visit each, told by hand. */
#include "testing.h"

#include "cache/cache.h"

enum { NOW_MS = 1000, TTL_MS = 500, ROOM = 4096 };

struct guest {
    struct cache_visit visit; /* first */
    unsigned woken;
    bool is_deaf;
};

static struct cache *c;

static bool on_wake(struct cache_visit *visit)
{
    struct guest *g = (struct guest *)visit;

    g->woken += !g->is_deaf;
    return !g->is_deaf;
}

/* As another thread may: it is told before its waker comes to itself. */
static bool on_wake_at_once(struct cache_visit *visit)
{
    ((struct guest *)visit)->woken++;
    return cache_told(visit) == CACHE_hit;
}

static int set_up(void **state)
{
    (void)state;
    c = cache_new(ROOM);
    return c ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    cache_free(c);
    return 0;
}

static struct guest make_guest(void)
{
    return (struct guest){.visit.wake = on_wake};
}

static enum cache_found ask_at(struct guest *g, unsigned char number, uint64_t now_ms)
{
    const struct cache_key key = {{number}};
    const struct cache_answer *answer = NULL;
    enum cache_found found = cache_ask(c, &key, now_ms, true, &g->visit, &answer);

    if (found == CACHE_hit)
        cache_give_back(c, answer);
    return found;
}

static enum cache_found ask(struct guest *g, unsigned char number)
{
    return ask_at(g, number, NOW_MS);
}

static void land(struct guest *g, struct str bytes)
{
    const struct cache_facts facts = {.machine = "a", .prompt_tokens = 7};

    cache_land(c, &g->visit, bytes, &facts, NOW_MS, TTL_MS);
}

static void what_was_answered_is_answered_again_until_it_is_old(void **state)
{
    const struct cache_key key = {{1}};
    const struct cache_answer *answer = NULL;
    struct guest g = make_guest();

    (void)state;
    assert_int_equal(ask(&g, 1), CACHE_lead);
    land(&g, STR("hello"));
    assert_int_equal(cache_ask(c, &key, NOW_MS + TTL_MS - 1, true, &g.visit, &answer), CACHE_hit);
    assert_true(str_is(answer->bytes, "hello"));
    assert_string_equal(answer->facts.machine, "a");
    assert_int_equal(answer->facts.prompt_tokens, 7);
    assert_int_equal(answer->made_ms, NOW_MS);
    assert_int_equal(cache_sum(c).answers, 1);
    /* Who reads it has it, also when it is dropped meanwhile. */
    assert_int_equal(ask_at(&g, 1, NOW_MS + TTL_MS), CACHE_lead);
    assert_true(str_is(answer->bytes, "hello"));
    cache_give_back(c, answer);
    assert_int_equal(cache_sum(c).bytes, 0);
    assert_false(cache_leave(c, &g.visit, false));
}

static void equal_requests_wait_for_one(void **state)
{
    struct guest first = make_guest(), others[3] = {make_guest(), make_guest(), make_guest()};

    (void)state;
    assert_int_equal(ask(&first, 1), CACHE_lead);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_int_equal(ask(&others[i], 1), CACHE_wait);
    assert_false(cache_leave(c, &others[1].visit, true)); /* it is gone, and not told */
    land(&first, STR("x"));
    assert_int_equal(others[0].woken + others[2].woken, 2);
    assert_int_equal(others[1].woken, 0);
    assert_int_equal(cache_told(&others[0].visit), CACHE_hit);
    assert_int_equal(ask(&others[0], 1), CACHE_hit);
    /* It leaves while the word is on its way. */
    assert_true(cache_leave(c, &others[2].visit, true));
}

static void who_is_told_at_once_is_not_told_again(void **state)
{
    struct guest first = make_guest(), other = {.visit.wake = on_wake_at_once};

    (void)state;
    assert_int_equal(ask(&first, 1), CACHE_lead);
    assert_int_equal(ask(&other, 1), CACHE_wait);
    land(&first, STR("x"));
    assert_int_equal(other.woken, 1);
    assert_false(cache_leave(c, &other.visit, true)); /* nothing is on its way to it any more */
}

static void nobody_who_will_not_wait_does(void **state)
{
    const struct cache_key key = {{1}};
    const struct cache_answer *answer = NULL;
    struct guest first = make_guest(), other = make_guest();

    (void)state;
    assert_int_equal(ask(&first, 1), CACHE_lead);
    assert_int_equal(cache_ask(c, &key, NOW_MS, false, &other.visit, &answer), CACHE_alone);
    assert_int_equal(ask(&other, 2), CACHE_lead);
    cache_leave(c, &other.visit, false);
    cache_leave(c, &first.visit, false);
}

static void who_leads_and_leaves_hands_it_on(void **state)
{
    struct guest g[4] = {make_guest(), make_guest(), make_guest(), make_guest()};

    (void)state;
    g[1].is_deaf = true; /* its loop has ended */
    assert_int_equal(ask(&g[0], 1), CACHE_lead);
    for (int i = 1; i < 4; i++)
        assert_int_equal(ask(&g[i], 1), CACHE_wait);
    assert_false(cache_leave(c, &g[0].visit, true));
    assert_int_equal(g[2].woken, 1);
    assert_int_equal(g[3].woken, 0);
    /* The next one leaves before it knows that it leads. */
    assert_true(cache_leave(c, &g[2].visit, true));
    assert_int_equal(g[3].woken, 1);
    assert_int_equal(cache_told(&g[3].visit), CACHE_lead);
    land(&g[3], STR("x"));
    assert_int_equal(ask(&g[0], 1), CACHE_hit);
    assert_int_equal(cache_told(&g[2].visit), CACHE_lead); /* and is too late for anything */
}

static void when_there_is_nothing_to_keep_all_go_on_alone(void **state)
{
    struct guest first = make_guest(), others[2] = {make_guest(), make_guest()};

    (void)state;
    assert_int_equal(ask(&first, 1), CACHE_lead);
    assert_int_equal(ask(&others[0], 1), CACHE_wait);
    assert_int_equal(ask(&others[1], 1), CACHE_wait);
    assert_false(cache_leave(c, &first.visit, false));
    for (int i = 0; i < 2; i++)
        assert_int_equal(cache_told(&others[i].visit), CACHE_alone);
    assert_int_equal(ask(&first, 1), CACHE_lead);
    assert_false(cache_leave(c, &first.visit, true));
}

static void the_longest_unused_makes_room(void **state)
{
    static char bytes[1200];
    struct guest g = make_guest();

    (void)state;
    for (unsigned char i = 1; i <= 4; i++) {
        assert_int_equal(ask(&g, i), CACHE_lead);
        land(&g, str_slice(bytes, i == 4 ? 600 : 700));
        assert_true(cache_sum(c).bytes <= ROOM);
        if (i == 3)
            assert_int_equal(ask(&g, 1), CACHE_hit); /* 2 is the longest unused now */
    }
    assert_int_equal(ask(&g, 1), CACHE_hit);
    assert_int_equal(ask(&g, 3), CACHE_hit);
    assert_int_equal(ask(&g, 4), CACHE_hit);
    assert_int_equal(ask(&g, 2), CACHE_lead);
    cache_leave(c, &g.visit, false);
}

static void what_is_larger_than_all_room_is_not_kept(void **state)
{
    static char bytes[ROOM];
    struct guest g = make_guest(), other = make_guest();

    (void)state;
    assert_int_equal(ask(&g, 1), CACHE_lead);
    assert_int_equal(ask(&other, 1), CACHE_wait);
    land(&g, str_slice(bytes, sizeof bytes));
    assert_int_equal(cache_told(&other.visit), CACHE_alone);
    assert_int_equal(cache_sum(c).answers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_answered_is_answered_again_until_it_is_old, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(equal_requests_wait_for_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_told_at_once_is_not_told_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_who_will_not_wait_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_leads_and_leaves_hands_it_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(when_there_is_nothing_to_keep_all_go_on_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_longest_unused_makes_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_larger_than_all_room_is_not_kept, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
