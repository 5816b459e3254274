/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of `tampu help`. */
#include "testing.h"

#include <ftw.h>
#include <stdlib.h>

#include "base/failure.h"
#include "cmd/pages.h"
#include "cmd/usage.h"

#include "capture.h"

static void every_page_and_command_can_be_printed(void **state)
{
    (void)state;
    for (const struct page_row *page = page_rows; page->name; page++) {
        assert_int_equal(captured(cmd_help, "help", page->name, NULL), EXIT_done);
        assert_int_equal(strncmp(caught_out, page->title, strlen(page->title)), 0);
        assert_int_equal(captured(cmd_help, "help", "--markdown", page->name, NULL), EXIT_done);
        assert_int_equal(strncmp(caught_out, "# ", 2), 0);
        assert_int_equal(caught_out[strlen(caught_out) - 1], '\n');
    }
    for (const struct command_row *row = command_rows; row->name; row++) {
        assert_int_equal(captured(cmd_help, "help", row->name, NULL), EXIT_done);
        assert_non_null(strstr(caught_out, row->what));
    }
}

static void pages_hold_every_row_of_their_tables(void **state)
{
    (void)state;
    captured(cmd_help, "help", "failures", NULL);
    for (int i = 1; i < FAILURE_COUNT; i++)
        assert_non_null(strstr(caught_out, failure_row((enum failure)i)->name));
    captured(cmd_help, "help", "metrics", NULL);
    assert_non_null(strstr(caught_out, "tampu_attempts_total"));
    captured(cmd_help, "help", "endpoints", "--markdown", NULL);
    assert_non_null(strstr(caught_out, "| `POST /v1/chat/completions` | caller | "));
    captured(cmd_help, "help", "steps", "--markdown", NULL);
    assert_non_null(strstr(caught_out, "| `settle` |"));
    assert_non_null(strstr(caught_out, "| the end |"));
    captured(cmd_help, "help", "settings", NULL);
    assert_non_null(strstr(caught_out, "gateway.queue_max"));
}

static void a_misspelt_page_gets_a_suggestion(void **state)
{
    (void)state;
    assert_int_equal(captured(cmd_help, "help", "failrues", NULL), EXIT_usage);
    assert_string_equal(caught_err, "tampu: there is no help page 'failrues' (did you mean "
                                    "failures?)\nsee: tampu help\n");
}

static int remove_one(const char *path, const struct stat *unused, int kind, struct FTW *ftw)
{
    (void)unused, (void)kind, (void)ftw;
    return remove(path);
}

static void everything_can_be_written_to_a_folder(void **state)
{
    static const char *const names[] = {
        "docs/reference/commands.md", "docs/reference/metrics.md", "docs/man/tampu.1",
        "share/completions/tampu",    "share/completions/_tampu",  "share/completions/tampu.fish"};
    char folder[] = "/tmp/tampu-help-XXXXXX", path[128];

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(captured(cmd_help, "help", "--write", folder, NULL), EXIT_done);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(access(path, R_OK), 0);
    }
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(captured(cmd_help, "help", "--write", "/proc/tampu", NULL), EXIT_no);
    assert_non_null(strstr(caught_err, "cannot be written"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_page_and_command_can_be_printed),
        cmocka_unit_test(pages_hold_every_row_of_their_tables),
        cmocka_unit_test(a_misspelt_page_gets_a_suggestion),
        cmocka_unit_test(everything_can_be_written_to_a_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
