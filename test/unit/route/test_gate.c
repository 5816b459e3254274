/* SPDX-License-Identifier: Apache-2.0 */
/* The gate: only what the catalog says is a reason to refuse. */
#include "testing.h"

#include "route/gate.h"

static void what_a_model_is_not_made_for_is_refused(void **state)
{
    struct str languages[] = {STR("en"), STR("es")};
    struct model narrow = {.languages = languages, .languages_count = 2, .pixels = 512 * 512};
    struct model broad = {.name = STR("broad")};
    struct artifact of_narrow = {.model = &narrow}, of_broad = {.model = &broad};
    const struct copy copies[] = {{.artifact = &of_narrow}, {.artifact = &of_broad}, {0}};
    const struct {
        struct gate gate;
        const char *narrow;
    } cases[] = {
        {{.pixels = 0}, NULL},
        {{.language = STR("en")}, NULL},
        {{.language = STR("ES")}, NULL},
        {{.language = STR("en-GB")}, NULL},
        {{.language = STR("de")}, "language"},
        {{.language = STR("de-CH")}, "language"},
        {{.language = STR("german")}, NULL},
        {{.pixels = 512 * 512}, NULL},
        {{.pixels = 512 * 512 + 1}, "size"},
        {{.language = STR("de"), .pixels = 1 << 20}, "language"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *why = gate_refuses(&cases[i].gate, &copies[0]);

        if (!cases[i].narrow != !why || (why && strcmp(why, cases[i].narrow) != 0))
            fail_msg("case %zu: %s", i, why ? why : "it passes");
        assert_null(gate_refuses(&cases[i].gate, &copies[1]));
        assert_null(gate_refuses(&cases[i].gate, &copies[2]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_model_is_not_made_for_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
