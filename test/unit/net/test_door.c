/* SPDX-License-Identifier: Apache-2.0 */
/* The door: who may be connected to. */
#include "testing.h"

#include <errno.h>
#include <stdlib.h>

#include "net/dns.h"
#include "net/door.h"

static void set(const char *only, const char *nets)
{
    setenv("TAMPU_LOOPBACK_ONLY", only, 1);
    setenv("TAMPU_ALLOW_NET", nets, 1);
    door_open();
}

static int check(const char *host)
{
    union address address;

    assert_true(dns_read_address(&address, host, 80));
    return door_check_address(&address.any);
}

static void with_loopback_only_nothing_else_passes(void **state)
{
    static const char *const inside[] = {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"};
    static const char *const beyond[] = {
        "0.0.0.0", "10.0.0.1", "128.0.0.1", "192.168.1.1", "100.64.1.1",
        "::",      "::2",      "fe80::1",   "fd00::1",     "::ffff:10.0.0.1"};
    struct sockaddr odd = {.sa_family = AF_UNSPEC};
    struct sockaddr path = {.sa_family = AF_UNIX};

    (void)state;
    set("1", "");
    for (size_t i = 0; i < COUNT_OF(inside); i++)
        assert_int_equal(check(inside[i]), 0);
    for (size_t i = 0; i < COUNT_OF(beyond); i++)
        assert_int_equal(check(beyond[i]), -EPERM);
    assert_int_equal(door_check_address(&odd), -EPERM);
    assert_int_equal(door_check_address(&path), 0);
    assert_int_equal(door_check_name(STR("LocalHost")), 0);
    assert_int_equal(door_check_name(STR("example.com")), -EPERM);
    assert_int_equal(door_check_name(STR("localhost.example.com")), -EPERM);
}

static void named_networks_pass(void **state)
{
    (void)state;
    set("1", "10.99.0.0/24, fd99:1::/33,10.98.4.0/22,1.2.3.4/32");
    assert_int_equal(check("10.99.0.255"), 0);
    assert_int_equal(check("10.99.1.0"), -EPERM);
    assert_int_equal(check("10.98.7.255"), 0);
    assert_int_equal(check("10.98.8.0"), -EPERM);
    assert_int_equal(check("1.2.3.4"), 0);
    assert_int_equal(check("1.2.3.5"), -EPERM);
    assert_int_equal(check("fd99:1:7fff::1"), 0);
    assert_int_equal(check("fd99:1:8000::1"), -EPERM);
    assert_int_equal(check("::ffff:10.99.0.1"), 0);
    assert_int_equal(check("127.0.0.1"), 0);
}

static void what_cannot_be_read_allows_nothing(void **state)
{
    (void)state;
    set("1", "10.0.0.0,10.0.0.0/33,10.0.0/8,x/8,/8,10.0.0.0/-1,,10.0.0.0/8x");
    assert_int_equal(check("10.0.0.1"), -EPERM);
}

static void otherwise_the_door_is_open(void **state)
{
    (void)state;
    set("", "");
    assert_int_equal(check("10.0.0.1"), 0);
    assert_int_equal(door_check_name(STR("example.com")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_loopback_only_nothing_else_passes),
        cmocka_unit_test(named_networks_pass),
        cmocka_unit_test(what_cannot_be_read_allows_nothing),
        cmocka_unit_test(otherwise_the_door_is_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
