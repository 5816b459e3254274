/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: read, and written all at once or not at all. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char folder[] = "/tmp/tampu-file-XXXXXX";
static char path[100], other[100];

static int make_folder(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "%s/file", mkdtemp(folder));
    snprintf(other, sizeof other, "%s/link", folder);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    unlink(path);
    unlink(other);
    return rmdir(folder);
}

static void holds(const char *name, const char *text)
{
    struct buf out;

    buf_init(&out, 1000);
    assert_int_equal(file_read(&out, name, NULL), 0);
    assert_true(str_is(buf_str(&out), text));
    buf_fini(&out);
}

static void what_is_written_is_read_and_permissions_stay(void **state)
{
    struct stat now;

    (void)state;
    assert_int_equal(file_write(path, STR("one"), NULL), 0);
    holds(path, "one");
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(file_write(path, STR("two, longer"), NULL), 0);
    holds(path, "two, longer");
    assert_int_equal(stat(path, &now), 0);
    assert_int_equal(now.st_mode & 0777, 0600);
}

static void a_link_stays_a_link(void **state)
{
    struct stat now;

    (void)state;
    assert_int_equal(symlink(path, other), 0);
    assert_int_equal(file_write(other, STR("three"), NULL), 0);
    holds(path, "three");
    assert_int_equal(lstat(other, &now), 0);
    assert_true(S_ISLNK(now.st_mode));
}

static void what_cannot_be_written_changes_nothing_and_is_named(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(file_write("/nonexistent/file", STR("x"), &err), -ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent/file"));
    holds(path, "three");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_and_permissions_stay),
        cmocka_unit_test(a_link_stays_a_link),
        cmocka_unit_test(what_cannot_be_written_changes_nothing_and_is_named),
    };

    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
