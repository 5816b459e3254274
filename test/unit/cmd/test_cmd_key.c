/* SPDX-License-Identifier: Apache-2.0 */
/* tampu key, on a store in a folder of its own. */
#include "testing.h"

#include <sys/stat.h>
#include <unistd.h>

#include <ftw.h>
#include <stdlib.h>

#include "capture.h"
#include "net/clock.h"
#include "store/keyring.h"
#include "wire/json.h"

static char folder[64], state_option[96];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tampu-key-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(state_option, sizeof state_option, "--state=%s/state", folder);
    return 0;
}

static int remove_one(const char *path, const struct stat *unused, int kind, struct FTW *ftw)
{
    (void)unused, (void)kind, (void)ftw;
    return remove(path);
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* What the store's keyring says of a key, its line end taken off. */
static enum key_verdict verdict(char *key, int64_t now_us, enum key_role *role)
{
    const struct key_entry *entry = NULL;
    struct keyring *ring = NULL;
    struct store *s = NULL;
    enum key_verdict found;
    char url[128];

    key[strcspn(key, "\n")] = '\0';
    snprintf(url, sizeof url, "sqlite:%s/state/tampu.db", folder);
    assert_int_equal(store_open(&s, str_from(url), NULL), 0);
    assert_int_equal(keyring_load(&ring, s, NULL), 0);
    found = keyring_find(ring, str_from(key), now_us, &entry);
    if (entry && role)
        *role = entry->row.role;
    keyring_unref(ring);
    store_close(s);
    return found;
}

static void a_new_key_is_shown_once_and_works(void **state)
{
    enum key_role role = KEY_operator;

    (void)state;
    assert_int_equal(captured(cmd_key, "key", "create", "--name", "laptop", state_option, NULL),
                     EXIT_done);
    assert_int_equal(strlen(caught_out), 6 + 32 + 1);
    assert_non_null(strstr(caught_err, "for 'laptop' (caller), good for ever"));
    assert_int_equal(verdict(caught_out, 1, &role), KEY_ok);
    assert_int_equal(role, KEY_caller);
    assert_int_equal(captured(cmd_key, "key", "list", "--json", state_option, NULL), EXIT_done);
    assert_null(strstr(caught_out, "\"key\""));
    assert_null(strstr(caught_out, "hash"));
}

static void operators_and_expiry(void **state)
{
    enum key_role role = KEY_caller;
    int64_t now_us = clock_wall_us(), day_us = 86400000000;
    char key[128];

    (void)state;
    assert_int_equal(captured(cmd_key, "key", "create", "--name=x", "--operator", "--expires=30d",
                              state_option, NULL),
                     EXIT_done);
    assert_non_null(strstr(caught_err, "(operator), good until 20"));
    snprintf(key, sizeof key, "%.60s", caught_out);
    assert_int_equal(verdict(key, now_us + 29 * day_us, &role), KEY_ok);
    assert_int_equal(role, KEY_operator);
    assert_int_equal(verdict(key, now_us + 31 * day_us, NULL), KEY_expired);
}

static void json_tells_everything(void **state)
{
    struct json json = {0};
    char key[128];

    (void)state;
    assert_int_equal(captured(cmd_key, "key", "create", "--name=x\"y", "--owner=ana", "--json",
                              state_option, NULL),
                     EXIT_done);
    assert_int_equal(json_read(&json, str_from(caught_out), JSON_MEMORY(4096), NULL), 0);
    assert_true(str_is(json_find_str(json.root, "name"), "x\"y"));
    assert_true(str_is(json_find_str(json.root, "owner"), "ana"));
    assert_true(str_is(json_find_str(json.root, "role"), "caller"));
    assert_true(yyjson_is_null(json_find(json.root, "expires")));
    assert_non_null(json_find_str(json.root, "created").data);
    snprintf(key, sizeof key, "%.*s", STR_ARG(json_find_str(json.root, "key")));
    json_fini(&json);
    assert_int_equal(verdict(key, 1, NULL), KEY_ok);
    assert_int_equal(captured(cmd_key, "key", "list", "--json", state_option, NULL), EXIT_done);
    assert_int_equal(json_read(&json, str_from(caught_out), JSON_MEMORY(4096), NULL), 0);
    assert_int_equal(yyjson_arr_size(json_find(json.root, "keys")), 1);
    json_fini(&json);
}

static void revoked_keys_are_refused_and_listed(void **state)
{
    char key[128];

    (void)state;
    captured(cmd_key, "key", "create", "--name=laptop", state_option, NULL);
    snprintf(key, sizeof key, "%.60s", caught_out);
    assert_int_equal(captured(cmd_key, "key", "revoke", "laptop", state_option, NULL), EXIT_done);
    assert_int_equal(verdict(key, 1, NULL), KEY_revoked);
    captured(cmd_key, "key", "list", state_option, NULL);
    assert_int_equal(strncmp(caught_out, "ID ", 3), 0);
    assert_non_null(strstr(caught_out, "revoked"));
    assert_int_equal(captured(cmd_key, "key", "revoke", "laptop", state_option, NULL), EXIT_no);
    assert_non_null(strstr(caught_err, "no key that is still good"));
}

static void an_empty_list_says_what_that_means(void **state)
{
    (void)state;
    assert_int_equal(mkdir(strchr(state_option, '=') + 1, 0700), 0);
    assert_int_equal(captured(cmd_key, "key", "list", state_option, NULL), EXIT_done);
    assert_non_null(strstr(caught_out, "no keys: only callers on this machine are served"));
    assert_int_equal(captured(cmd_key, "key", "list", "--json", state_option, NULL), EXIT_done);
    assert_string_equal(caught_out, "{\"keys\":[]}\n");
}

static void wrong_usage_is_told(void **state)
{
    static const struct {
        const char *words[3], *says;
    } cases[] = {
        {{"create"}, "a key needs a name"},
        {{"create", "--name="}, "a key needs a name"},
        {{"create", "--name=x", "--expires=soon"}, "--expires soon: expected a time like 30d"},
        {{"create", "--name=x", "--expires=0"}, "expected a time like"},
        {{"create", "--name=x", "--expires=99999999999999d"}, "expected a time like"},
        {{"make"}, "expected create, list, show, rotate or revoke, found 'make'"},
        {{"revoke"}, "revoke needs the id, prefix or name"},
        {{"list", "x"}, "one word too many"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *const *w = cases[i].words;

        assert_int_equal(captured(cmd_key, "key", state_option, w[0], w[1], w[2], NULL),
                         EXIT_usage);
        if (!strstr(caught_err, cases[i].says))
            fail_msg("'%s' does not say '%s'", caught_err, cases[i].says);
    }
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
    (void)state;
    assert_int_equal(captured(cmd_key, "key", "create", "--name=x", "--state", "/proc/tampu", NULL),
                     EXIT_no);
    assert_non_null(strstr(caught_err, "/proc/tampu: cannot be made"));
}

static void looking_makes_no_store(void **state)
{
    (void)state;
    assert_int_equal(mkdir(strchr(state_option, '=') + 1, 0700), 0);
    assert_int_equal(captured(cmd_key, "key", "list", "--state", "/tmp/tampu-no-such", NULL),
                     EXIT_no);
    assert_non_null(strstr(caught_err, "/tmp/tampu-no-such: there is no such folder"));
    assert_int_equal(captured(cmd_key, "key", "revoke", "laptop", state_option, NULL), EXIT_no);
    assert_non_null(strstr(caught_err, "no keys have been made here"));
    captured(cmd_key, "key", "list", state_option, NULL);
    assert_int_equal(access("/tmp/tampu-no-such", F_OK), -1);
}

#define KEY_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEY_TEST(a_new_key_is_shown_once_and_works),
        KEY_TEST(operators_and_expiry),
        KEY_TEST(json_tells_everything),
        KEY_TEST(revoked_keys_are_refused_and_listed),
        KEY_TEST(an_empty_list_says_what_that_means),
        KEY_TEST(wrong_usage_is_told),
        KEY_TEST(a_folder_that_cannot_be_made_is_named),
        KEY_TEST(looking_makes_no_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
