/* SPDX-License-Identifier: Apache-2.0 */
/* From the first word to the command. */
#include "testing.h"

#include <fcntl.h>

#include "base/version.h"

#include "capture.h"

static void no_word_gets_help_and_is_usage(void **state)
{
    (void)state;
    assert_int_equal(captured(command_run, "tampu", NULL), EXIT_usage);
    assert_non_null(strstr(caught_out, "serve FLEET"));
    assert_int_equal(captured(command_run, "tampu", "--help", NULL), EXIT_done);
    assert_non_null(strstr(caught_out, "serve FLEET"));
}

static void a_misspelt_command_gets_a_suggestion(void **state)
{
    (void)state;
    assert_int_equal(captured(command_run, "tampu", "sevre", NULL), EXIT_usage);
    assert_string_equal(caught_err, "tampu: there is no command 'sevre' (did you mean serve?)\n"
                                    "see: tampu help\n");
    assert_int_equal(captured(command_run, "tampu", "bake", NULL), EXIT_usage);
    assert_string_equal(caught_err, "tampu: there is no command 'bake'\nsee: tampu help\n");
}

static void the_version_is_told_in_every_way(void **state)
{
    (void)state;
    assert_int_equal(captured(command_run, "tampu", "version", NULL), EXIT_done);
    assert_string_equal(caught_out, "tampu " TAMPU_VERSION "\n");
    assert_int_equal(captured(command_run, "tampu", "--version", NULL), EXIT_done);
    assert_string_equal(caught_out, "tampu " TAMPU_VERSION "\n");
    assert_int_equal(captured(command_run, "tampu", "version", "--json", NULL), EXIT_done);
    assert_string_equal(caught_out, "{\"version\":\"" TAMPU_VERSION "\"}\n");
}

static void output_that_cannot_be_written_is_a_failure(void **state)
{
    int full, saved = dup(STDOUT_FILENO), status;
    char *argv[] = {(char[]){"tampu"}, (char[]){"version"}, NULL};

    (void)state;
    fflush(stdout);
    full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    dup2(full, STDOUT_FILENO);
    status = command_run(2, argv);
    clearerr(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(full);
    assert_int_equal(status, EXIT_no);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_word_gets_help_and_is_usage),
        cmocka_unit_test(a_misspelt_command_gets_a_suggestion),
        cmocka_unit_test(the_version_is_told_in_every_way),
        cmocka_unit_test(output_that_cannot_be_written_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
