/* SPDX-License-Identifier: Apache-2.0 */
/* Options and operands, and what is said about wrong ones. */
#include "testing.h"

#include <errno.h>

#include "capture.h"
#include "cmd/option.h"

static struct options o;

static int read_options(int argc, char **argv)
{
    int status;

    return options_read(&o, argc, argv, &status) ? 100 : status;
}

static void values_and_flags_and_operands(void **state)
{
    (void)state;
    o = (struct options){0};
    assert_int_equal(captured(read_options, "key", "create", "--name", "laptop", "--owner=ana",
                              "--operator", NULL),
                     100);
    assert_string_equal(o.command, "key");
    assert_int_equal(o.operand_count, 1);
    assert_true(option_given(&o, "operator"));
    assert_false(option_given(&o, "json"));
    assert_null(option_value(&o, "expires"));
}

static int remember_values(int argc, char **argv)
{
    int status = read_options(argc, argv);

    if (status == 100)
        printf("%s|%s|%s", option_value(&o, "name"), option_value(&o, "owner"), o.operands[0]);
    return status;
}

static void values_come_as_they_were_typed(void **state)
{
    static const struct {
        const char *words[8], *out;
    } cases[] = {
        {{"--name", "a b", "--owner=", "list"}, "a b||list"},
        {{"list", "--name=x=y", "--owner", "--json"}, "x=y|--json|list"},
        {{"--name", "old", "--name", "new", "--owner=o", "list"}, "new|o|list"},
        {{"--name=-", "--owner=--", "--", "list"}, "-|--|list"},
        {{"--name=n", "--owner=o", "--", "--json"}, "n|o|--json"},
        {{"--name=n", "--owner=o", "-"}, "n|o|-"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *const *w = cases[i].words;

        assert_int_equal(
            captured(remember_values, "key", w[0], w[1], w[2], w[3], w[4], w[5], w[6], NULL), 100);
        assert_string_equal(caught_out, cases[i].out);
    }
}

static void what_is_wrong_is_said_with_a_suggestion(void **state)
{
    static const struct {
        const char *words[4], *says;
    } cases[] = {
        {{"key", "list", "--nmae", "x"}, "unknown option '--nmae' (did you mean --name?)\n"},
        {{"key", "list", "--zzz"}, "tampu key: unknown option '--zzz'\nsee: tampu help key\n"},
        {{"key", "list", "-x"}, "unknown option '-x'\n"},
        {{"key", "list", "--name"}, "--name needs a value: --name NAME\n"},
        {{"key", "list", "--json=yes"}, "--json takes no value\n"},
        {{"key"}, "create|list|show|rotate|revoke is missing\n"},
        {{"key", "a", "b", "c"}, "one word too many: 'c'\n"},
        {{"serve"}, "FLEET is missing\n"},
        {{"status", "now"}, "one word too many: 'now'\n"},
        {{"demo", "a", "b"}, "one word too many: 'b'\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *const *w = cases[i].words;

        o = (struct options){0};
        assert_int_equal(captured(read_options, w[0], w[1], w[2], w[3], NULL), EXIT_usage);
        if (!strstr(caught_err, cases[i].says))
            fail_msg("'%s' does not say '%s'", caught_err, cases[i].says);
        assert_string_equal(caught_out, "");
    }
}

static void optional_operands_may_be_missing(void **state)
{
    (void)state;
    o = (struct options){0};
    assert_int_equal(captured(read_options, "demo", NULL), 100);
    assert_int_equal(o.operand_count, 0);
    assert_int_equal(captured(read_options, "demo", "x", NULL), 100);
    assert_int_equal(o.operand_count, 1);
}

static void help_is_printed_and_ends_it(void **state)
{
    (void)state;
    o = (struct options){0};
    assert_int_equal(captured(read_options, "ps", "--help", NULL), EXIT_done);
    assert_non_null(strstr(caught_out, "tampu ps [--gateway URL] [--json]"));
    assert_non_null(strstr(caught_out, "--gateway URL  the gateway to ask"));
    assert_string_equal(caught_err, "");
}

static char seen[128];

static int read_setting(void *ctx, struct str name, struct str value, struct err *err)
{
    (void)ctx;
    if (!str_is(name, "queue-max"))
        return -ENOENT;
    if (str_is(value, "many"))
        return err_set(err, -EINVAL, "--queue-max: found 'many', expected a number");
    snprintf(seen, sizeof seen, "%.*s=%.*s", STR_ARG(name), STR_ARG(value));
    return value.data ? 0 : -EINVAL;
}

static void options_without_a_row_go_to_somebody_else(void **state)
{
    (void)state;
    o = (struct options){.other = read_setting};
    assert_int_equal(captured(read_options, "serve", "f.yaml", "--queue-max", "3", NULL), 100);
    assert_string_equal(seen, "queue-max=3");
    assert_int_equal(captured(read_options, "serve", "--queue-max=4", "f.yaml", NULL), 100);
    assert_string_equal(seen, "queue-max=4");
    assert_int_equal(captured(read_options, "serve", "f", "--queue-max", NULL), EXIT_usage);
    assert_non_null(strstr(caught_err, "--queue-max needs a value"));
    assert_int_equal(captured(read_options, "serve", "f", "--queue-max", "many", NULL), EXIT_usage);
    assert_non_null(strstr(caught_err, "found 'many', expected a number"));
    assert_int_equal(captured(read_options, "serve", "f", "--sate", "x", NULL), EXIT_usage);
    assert_non_null(strstr(caught_err, "did you mean --state?"));
}

static void too_many_words_are_refused(void **state)
{
    char *argv[32], word[] = "x", name[] = "help";
    int status;

    (void)state;
    argv[0] = name;
    for (size_t i = 1; i < COUNT_OF(argv); i++)
        argv[i] = word;
    o = (struct options){0};
    assert_false(options_read(&o, COUNT_OF(argv), argv, &status));
    assert_int_equal(status, EXIT_usage);
}

static void all_values_of_an_option_can_be_had(void **state)
{
    (void)state;
    o = (struct options){0};
    assert_int_equal(
        captured(read_options, "plan", "--what-if", "a", "f", "--what-if=b", "--json", NULL), 100);
    assert_string_equal(option_value_at(&o, "what-if", 0), "a");
    assert_string_equal(option_value_at(&o, "what-if", 1), "b");
    assert_null(option_value_at(&o, "what-if", 2));
    assert_string_equal(option_value(&o, "what-if"), "b");
    assert_null(option_value_at(&o, "why", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_values_of_an_option_can_be_had),
        cmocka_unit_test(values_and_flags_and_operands),
        cmocka_unit_test(values_come_as_they_were_typed),
        cmocka_unit_test(what_is_wrong_is_said_with_a_suggestion),
        cmocka_unit_test(optional_operands_may_be_missing),
        cmocka_unit_test(help_is_printed_and_ends_it),
        cmocka_unit_test(options_without_a_row_go_to_somebody_else),
        cmocka_unit_test(too_many_words_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
