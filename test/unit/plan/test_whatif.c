/* SPDX-License-Identifier: Apache-2.0 */
/* What if: questions as words, machines that are added, and what is said about wrong ones. */
#include "testing.h"

#include <errno.h>

#include "fleets.h"
#include "plan/whatif.h"

static const char text[] =
    "machines:\n"
    "  a:\n"
    "    hardware: {gpu: RTX 5090, cpu: i9-12900K, ram: 64 GB, disk: 1 TB, disk_rate: 2 GB/s}\n"
    "    engines:\n"
    "      - {kind: ollama, slots: 2, env: {OLLAMA_KV_CACHE_TYPE: q8_0}}\n"
    "      - {kind: sd-server, name: draws, port: 1235, compute: cpu}\n"
    "    domain: desk\n"
    "  b: {hardware: {cpu: i5-12400, ram: 32 GB}, engines: [ollama], domain: desk}\n";

static struct whatif what;

static int set_up(void **state)
{
    (void)state;
    declare(text);
    whatif_init(&what);
    return 0;
}

static int tear_down(void **state)
{
    whatif_fini(&what);
    return forget(state);
}

static int ask(const char *word, struct err *err)
{
    return whatif_read(&what, str_from(word), fleet, catalog, err);
}

/* The machine that was added, in a fleet of its own. */
static const struct machine *added(struct fleet **ret, const char *name)
{
    struct err err = {0};

    if (fleet_parse(ret, buf_str(&what.machines), "what-if", &err) < 0)
        fail_msg("%s", err.text);
    return fleet_machine(*ret, str_from(name));
}

static void a_machine_like_another_is_like_it(void **state)
{
    const struct machine *a = &fleet->machines[0], *m;
    AUTO(fleet) other = NULL;

    (void)state;
    assert_int_equal(ask("add=twin:a", NULL), 0);
    m = added(&other, "twin");
    assert_non_null(m);
    assert_true(str_equal(m->hardware.gpu, a->hardware.gpu));
    assert_true(str_equal(m->hardware.cpu, a->hardware.cpu));
    assert_int_equal(m->hardware.ram_bytes, a->hardware.ram_bytes);
    assert_int_equal(m->hardware.disk_bytes, a->hardware.disk_bytes);
    assert_int_equal(m->hardware.disk_rate_bits, a->hardware.disk_rate_bits);
    assert_int_equal(m->engines_count, 2);
    assert_int_equal(m->engines[0].slots, 2);
    assert_true(str_is(m->engines[0].env[0].value, "q8_0"));
    assert_true(str_is(m->engines[1].name, "draws"));
    assert_int_equal(m->engines[1].port, 1235);
    assert_int_equal(m->engines[1].compute, COMPUTE_cpu);
    assert_true(str_is(m->domain, "twin"));
}

static void a_machine_is_made_of_parts(void **state)
{
    const struct machine *m;
    AUTO(fleet) other = NULL;

    (void)state;
    assert_int_equal(ask("add=x:RTX 5090, i9-12900K, 64 GB, ollama, sd-server", NULL), 0);
    assert_int_equal(ask("add=y:AI Max+ 395,128 GB", NULL), 0);
    m = added(&other, "x");
    assert_true(str_is(m->hardware.gpu, "RTX 5090"));
    assert_int_equal(m->hardware.ram_bytes, 64ull << 30);
    assert_int_equal(m->engines_count, 2);
    m = fleet_machine(other, STR("y"));
    assert_true(str_is(m->hardware.cpu, "AI Max+ 395"));
    assert_int_equal(m->engines[0].kind, ENGINE_ollama);
}

static void a_domain_is_lost_with_all_its_machines(void **state)
{
    (void)state;
    assert_int_equal(ask("lose=desk", NULL), 0);
    assert_int_equal(ask("ctx=64K", NULL), 0);
    assert_int_equal(ask("without-cloud", NULL), 0);
    assert_int_equal(whatif_apply(&what, &wish, NULL), 0);
    assert_int_equal(wish.lost_count, 2);
    assert_int_equal(wish.context, 65536);
    assert_true(wish.without_cloud);
}

static void what_is_not_understood_is_named(void **state)
{
    static const struct {
        const char *word, *said;
    } cases[] = {
        {"lose=c", "no such machine or domain"},
        {"lose=", "no such machine or domain"},
        {"add=a:b", "there is a machine"},
        {"add=:b", "expected add=NAME:HARDWARE"},
        {"add=c:RTX 5091", "RTX 5090"},
        {"add=c:i5-12400", "needs its RAM"},
        {"add=c:64 GB", "no hardware is named"},
        {"ctx=0", "expected tokens"},
        {"ctx=x", "expected tokens"},
        {"cloudless", "without-cloud"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};

        assert_int_equal(ask(cases[i].word, &err), -EINVAL);
        if (!strstr(err.text, cases[i].said))
            fail_msg("%s: %s", cases[i].word, err.text);
    }
    assert_int_equal(what.machines.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_machine_like_another_is_like_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_machine_is_made_of_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_domain_is_lost_with_all_its_machines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_understood_is_named, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, load_catalog, free_catalog);
}
