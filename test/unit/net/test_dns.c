/* SPDX-License-Identifier: Apache-2.0 */
/* Names to addresses. Only localhost is ever asked for. */
#include "testing.h"

#include <errno.h>
#include <stdlib.h>

#include "net/dns.h"
#include "net/door.h"

static struct {
    struct loop *loop;
    struct dns *dns;
    struct dns_lookup *lookup;
    unsigned answers, addresses;
    bool close_inside;
} seen;

static int set_up(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    assert_int_equal(loop_open(&seen.loop, 0), 0);
    return dns_open(&seen.dns, seen.loop);
}

static int tear_down(void **state)
{
    (void)state;
    dns_close(seen.dns);
    loop_close(seen.loop);
    return 0;
}

static void on_found(void *ctx, const union address *addresses, size_t count, const char *words)
{
    assert_ptr_equal(ctx, &seen);
    assert_non_null(words);
    seen.answers++;
    seen.addresses = (unsigned)count;
    for (size_t i = 0; i < count; i++) {
        assert_true(door_is_loopback(&addresses[i].any));
        assert_int_equal(ntohs(addresses[i].v4.sin_port), 4000);
    }
    if (seen.close_inside) {
        dns_close(seen.dns);
        seen.dns = NULL;
    }
    loop_stop(seen.loop);
}

static void find(const char *name)
{
    assert_int_equal(dns_find(&seen.lookup, seen.dns, name, 4000, on_found, &seen), 0);
}

static void a_name_is_found_and_remembered(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        find("localhost");
        assert_int_equal(seen.answers, i - 1); /* never from inside dns_find() */
        loop_run(seen.loop);
        assert_int_equal(seen.answers, i);
        assert_in_range(seen.addresses, 1, DNS_ADDRESSES_MAX);
    }
}

static void a_cancelled_lookup_says_nothing(void **state)
{
    (void)state;
    find("localhost");
    dns_cancel(seen.lookup);
    find("localhost");
    loop_run(seen.loop);
    find("localhost"); /* remembered by now */
    dns_cancel(seen.lookup);
    assert_int_equal(seen.answers, 1);
}

static void all_may_end_in_the_answer(void **state)
{
    (void)state;
    seen.close_inside = true;
    find("localhost");
    loop_run(seen.loop);
    assert_int_equal(seen.answers, 1);
}

static void closing_leaves_cancelled_lookups_alone(void **state)
{
    (void)state;
    find("localhost");
    dns_cancel(seen.lookup);
    dns_close(seen.dns);
    seen.dns = NULL;
}

static void names_beyond_are_refused(void **state)
{
    (void)state;
    assert_int_equal(dns_find(&seen.lookup, seen.dns, "example.com", 80, on_found, &seen), -EPERM);
}

static void numbers_need_no_lookup(void **state)
{
    static const char *const numbers[] = {"127.0.0.1", "::1", "::ffff:1.2.3.4"};
    /* Other spellings of an address are names: the door treats them so. */
    static const char *const names[] = {"127.1",      "0x7f.0.0.1", "2130706433", "0177.0.0.1",
                                        "127.0.0.1.", "[::1]",      "localhost",  ""};
    union address address;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        assert_true(dns_read_address(&address, numbers[i], 1));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_false(dns_read_address(&address, names[i], 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_is_found_and_remembered), TEST(a_cancelled_lookup_says_nothing),
        TEST(all_may_end_in_the_answer),      TEST(closing_leaves_cancelled_lookups_alone),
        TEST(names_beyond_are_refused),       TEST(numbers_need_no_lookup),
    };

    setenv("TAMPU_LOOPBACK_ONLY", "1", 1);
    door_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
