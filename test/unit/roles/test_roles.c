/* SPDX-License-Identifier: Apache-2.0 */
/* Roles: which a machine has, what is written for it. */
#include "testing.h"

#include <stdio.h>

#include "roles/roles.h"

static struct fleet *fleet_of(const char *machines)
{
    struct fleet *f = NULL;
    struct err err = {0};
    char text[1024];

    snprintf(text, sizeof text, "gateway: {listen: \"0.0.0.0:4321\"}\nmachines:\n%s", machines);
    assert_int_equal(fleet_parse(&f, str_from(text), "fleet.yaml", &err), 0);
    return f;
}

static void services_mean_roles_whatever_else_they_say(void **state)
{
    struct fleet *f =
        fleet_of("  a: {inference: false, services: [Log aggregation, Backup services]}\n"
                 "  b: {inference: false}\n");
    uint32_t everywhere = 1u << ROLE_base | 1u << ROLE_exporter | 1u << ROLE_ship;

    (void)state;
    assert_int_equal(roles_of(&f->machines[0]), everywhere | 1u << ROLE_logs | 1u << ROLE_backup);
    assert_int_equal(roles_of(&f->machines[1]), everywhere);
    fleet_free(f);
}

static void every_file_of_a_role_has_a_place(void **state)
{
    const struct embedded_file *file = NULL;
    unsigned count = 0;
    const char *path;

    (void)state;
    while ((file = role_file(ROLE_gateway, file, &path))) {
        assert_int_equal(path[0], '/');
        assert_int_equal(role_file_mode(path), strstr(path, "/lib/tampu/") ? 0755 : 0644);
        count++;
    }
    assert_int_equal(count, 4);
    assert_int_equal(role_find(STR("watch")), ROLE_watch);
    assert_int_equal(role_find(STR("nobody")), ROLE_COUNT);
}

static void a_script_knows_where_others_are(void **state)
{
    struct fleet *f =
        fleet_of("  pi: {inference: false, addresses: {lan: 192.0.2.1}, services: [tampu]}\n"
                 "  log: {inference: false, addresses: {lan: 192.0.2.2}, "
                 "services: [log aggregation]}\n");
    struct err err = {0};
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    assert_int_equal(
        roles_write(&out, f, &f->machines[1], roles_of(&f->machines[1]), STR(""), &err), 0);
    assert_int_equal(buf_put_char(&out, '\0'), 0);
    assert_non_null(strstr(out.data, "export MACHINE='log'\n"
                                     "export GATEWAY_URL='http://192.0.2.1:4321'\n"
                                     "export GATEWAY_NAME=''\n"
                                     "export GATEWAY_PORT='4321'\n"
                                     "export LOGS_URL='http://192.0.2.2:19532'\n"));
    buf_fini(&out);
    fleet_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_mean_roles_whatever_else_they_say),
        cmocka_unit_test(every_file_of_a_role_has_a_place),
        cmocka_unit_test(a_script_knows_where_others_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
