/* SPDX-License-Identifier: Apache-2.0 */
/* The bill: distinct bytes once over the internet, the rest between machines, and how long. */
#include "testing.h"

#include "fleets.h"
#include "plan/diff.h"

#define MACHINES \
    "machines:\n" \
    "  a: {hardware: {cpu: i5-12400, ram: 32 GB, disk: 100 GB}, engines: [ollama],\n" \
    "      models: [{pull: 'qwen2.5:7b', context: 8K}]}\n" \
    "  b: {hardware: {cpu: i5-12400, ram: 32 GB}, engines: [ollama],\n" \
    "      models: [{pull: 'qwen2.5:7b', context: 8K}]}\n"

static struct diff *reckon(const char *text)
{
    struct presence nothing = {0};
    struct diff *d = NULL;

    declare(text);
    assert_int_equal(diff_make(&d, &declared->plan, &wish, &nothing, NULL), 0);
    return d;
}

static bool is_near(double found, double expected)
{
    return found > expected * 0.999 && found < expected * 1.001;
}

static void each_byte_crosses_the_internet_once(void **state)
{
    struct diff *d = reckon(MACHINES "network: {wan: 100 Mbit/s, lan: 1 Gbit/s}\n");
    double bytes = (double)declared->plan.copies[0].artifact->bytes;

    (void)state;
    assert_int_equal(d->bill.wan_bytes, declared->plan.copies[0].artifact->bytes);
    assert_int_equal(d->bill.lan_bytes, declared->plan.copies[0].artifact->bytes);
    assert_int_equal(d->bill.disk_bytes, 2 * declared->plan.copies[0].artifact->bytes);
    assert_false(d->bill.is_assumed);
    assert_int_equal(d->bill.evictions, 0);
    /* Seeding begins when the pull is done. */
    assert_true(is_near(d->bill.seconds, bytes * 8 / 100e6 + bytes * 8 / 1e9));
    diff_free(d);
}

static void a_slow_disk_is_the_limit(void **state)
{
    struct diff *d =
        reckon("machines:\n"
               "  a: {hardware: {cpu: i5-12400, ram: 32 GB, disk: 100 GB, disk_rate: 40 Mbit/s},\n"
               "      engines: [ollama], models: [{pull: 'qwen2.5:7b', context: 8K}]}\n"
               "network: {wan: 100 Mbit/s, lan: 1 Gbit/s}\n");

    (void)state;
    assert_true(
        is_near(d->bill.seconds, (double)declared->plan.copies[0].artifact->bytes * 8 / 40e6));
    diff_free(d);
}

/* Two pulls share the internet; two machines load at the same time. */
static void roads_are_shared_and_machines_work_side_by_side(void **state)
{
    struct diff *d =
        reckon("machines:\n"
               "  a: {hardware: {cpu: i5-12400, ram: 32 GB}, engines: [ollama], keep_loaded: "
               "['qwen2.5:7b'],\n"
               "      models: [{pull: 'qwen2.5:7b', context: 8K}]}\n"
               "  b: {hardware: {cpu: i5-12400, ram: 32 GB}, engines: [ollama], keep_loaded: "
               "['mistral:7b'],\n"
               "      models: [{pull: 'mistral:7b', context: 8K}]}\n"
               "network: {wan: 100 Mbit/s, lan: 1 Gbit/s}\n");
    double both = (double)d->bill.wan_bytes * 8 / 100e6;

    (void)state;
    assert_int_equal(d->bill.lan_bytes, 0);
    assert_true(is_near(d->bill.seconds, both + declared->plan.copies[1].load_s));
    diff_free(d);
}

static void links_that_nobody_named_are_assumed_and_said_so(void **state)
{
    struct diff *d = reckon(MACHINES);

    (void)state;
    assert_true(d->bill.is_assumed);
    assert_int_equal(d->bill.wan_bits, 300000000);
    assert_int_equal(d->bill.lan_bits, 1000000000);
    diff_free(d);
}

static void what_is_left_of_a_disk_is_known_where_its_size_is(void **state)
{
    struct diff *d = reckon(MACHINES);
    double left = 0;

    (void)state;
    assert_true(bill_disk_left(&declared->plan, &fleet->machines[0], &left));
    assert_true(is_near(left, 100e9 - (double)declared->plan.copies[0].artifact->bytes));
    assert_false(bill_disk_left(&declared->plan, &fleet->machines[1], &left));
    diff_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_byte_crosses_the_internet_once, forget),
        cmocka_unit_test_teardown(a_slow_disk_is_the_limit, forget),
        cmocka_unit_test_teardown(roads_are_shared_and_machines_work_side_by_side, forget),
        cmocka_unit_test_teardown(links_that_nobody_named_are_assumed_and_said_so, forget),
        cmocka_unit_test_teardown(what_is_left_of_a_disk_is_known_where_its_size_is, forget),
    };

    return cmocka_run_group_tests(tests, load_catalog, free_catalog);
}
