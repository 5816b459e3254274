/* SPDX-License-Identifier: Apache-2.0 */
/* Where state is kept. */
#include "testing.h"

#include <errno.h>
#include <stdlib.h>

#include "cmd/state.h"

static void the_folder_is_found_as_people_expect(void **state)
{
    static const struct {
        const char *given, *service, *xdg, *home, *url;
    } cases[] = {
        {"/s", "/v", "/x", "/h", "sqlite:/s/tampu.db"},
        {"s", NULL, NULL, NULL, "sqlite:s/tampu.db"},
        {NULL, "/var/lib/tampu", "/x", "/h", "sqlite:/var/lib/tampu/tampu.db"},
        {NULL, "/var/lib/tampu:/var/lib/more", NULL, NULL, "sqlite:/var/lib/tampu/tampu.db"},
        {NULL, NULL, "/x", "/h", "sqlite:/x/tampu/tampu.db"},
        {NULL, NULL, "relative", "/h", "sqlite:/h/.local/state/tampu/tampu.db"},
        {NULL, NULL, NULL, "/h", "sqlite:/h/.local/state/tampu/tampu.db"},
        {"", "", "", "/h", "sqlite:/h/.local/state/tampu/tampu.db"},
    };
    char url[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        unsetenv("STATE_DIRECTORY");
        unsetenv("XDG_STATE_HOME");
        unsetenv("HOME");
        if (cases[i].service)
            setenv("STATE_DIRECTORY", cases[i].service, 1);
        if (cases[i].xdg)
            setenv("XDG_STATE_HOME", cases[i].xdg, 1);
        if (cases[i].home)
            setenv("HOME", cases[i].home, 1);
        assert_int_equal(state_url(url, sizeof url, cases[i].given, NULL), 0);
        assert_string_equal(url, cases[i].url);
    }
}

static void without_a_home_the_option_is_named(void **state)
{
    struct err err = {0};
    char url[64];

    (void)state;
    unsetenv("STATE_DIRECTORY");
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    assert_int_equal(state_url(url, sizeof url, NULL, &err), -ENOENT);
    assert_non_null(strstr(err.text, "--state DIR"));
    assert_int_equal(state_url(url, 8, "/long", &err), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_folder_is_found_as_people_expect),
        cmocka_unit_test(without_a_home_the_option_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
