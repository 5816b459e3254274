/* SPDX-License-Identifier: Apache-2.0 */
/* Errors in words, and the rows of the failures. */
#include "testing.h"

#include <errno.h>

#include "base/err.h"
#include "base/failure.h"
#include "base/str.h"

static void words_and_number_travel_together(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(err_set(&err, -EINVAL, "port %d", 70000), -EINVAL);
    assert_int_equal(err.code, -EINVAL);
    assert_string_equal(err.text, "port 70000");
}

static void wrapping_puts_words_in_front(void **state)
{
    struct err err = {0};

    (void)state;
    err_set(&err, -ENOENT, "no such key");
    assert_int_equal(err_wrap(&err, -ENOENT, "%s", "fleet.yaml"), -ENOENT);
    assert_string_equal(err.text, "fleet.yaml: no such key");
}

static void without_words_only_the_number_travels(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, -EIO, "unseen"), -EIO);
    assert_int_equal(err_wrap(NULL, -EIO, "unseen"), -EIO);
}

static void words_beyond_the_room_are_cut(void **state)
{
    char longest[2 * ERR_TEXT_MAX];
    struct err err = {0};

    (void)state;
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    err_set(&err, -EINVAL, "%s", longest);
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
    err_wrap(&err, -EINVAL, "in front");
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
    assert_int_equal(strncmp(err.text, "in front: xxx", 13), 0);
    err_wrap(&err, -EINVAL, "%s", longest);
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
}

static void every_failure_has_a_row(void **state)
{
    (void)state;
    assert_string_equal(failure_row(FAILURE_none)->name, "none");
    assert_string_equal(failure_row(FAILURE_queue_full)->name, "queue_full");
    assert_int_equal(failure_row(FAILURE_queue_full)->status, 429);
    for (int i = 1; i < FAILURE_COUNT; i++) {
        const struct failure_row *row = failure_row((enum failure)i);

        assert_non_null(row->name);
        assert_in_range(row->status, 400, 599);
        assert_true(row->words[0] != '\0');
        /* What is ours or theirs recurs, but for what another engine can do, or can do now. */
        assert_true(!row->again || row->blame >= BLAME_copy || i == FAILURE_unsupported ||
                    i == FAILURE_upstream_loading);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_number_travel_together),
        cmocka_unit_test(wrapping_puts_words_in_front),
        cmocka_unit_test(without_words_only_the_number_travels),
        cmocka_unit_test(words_beyond_the_room_are_cut),
        cmocka_unit_test(every_failure_has_a_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
