/* SPDX-License-Identifier: Apache-2.0 */
/* The option parser that all commands share. */
#include "cmd/option.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"

enum { PAGE_MAX = 65536, READ_done = -1 };

static int read_word(struct options *o, int argc, char **argv, int *at);
static int read_letter(struct options *o, const char *word, int *at);
static int read_option(struct options *o, int argc, char **argv, int *at);
static int read_known(struct options *o, size_t row, struct str word, const char *next, int *at);
static int read_other(struct options *o, struct str word, const char *next, int *at);
static int refuse(const struct options *o, struct str name, const char *words);
static int add_operand(struct options *o, const char *word);
static int check_operands(const struct options *o);
static int print_help(const char *command);
static size_t find_row(const char *command, struct str name);

bool options_read(struct options *o, int argc, char **argv, int *status)
{
    bool only_operands = false;

    *o = (struct options){.other = o->other, .ctx = o->ctx, .command = argv[0]};
    *status = READ_done;
    for (int at = 1; at < argc && *status == READ_done; at++) {
        if (only_operands)
            *status = add_operand(o, argv[at]);
        else if (strcmp(argv[at], "--") == 0)
            only_operands = true;
        else
            *status = read_word(o, argc, argv, &at);
    }
    if (*status == READ_done)
        *status = check_operands(o);
    return *status == READ_done;
}

const char *option_value(const struct options *o, const char *name)
{
    size_t row = find_row(o->command, str_from(name));

    assert(row < OPTIONS_MAX);
    return o->values[row];
}

bool option_given(const struct options *o, const char *name)
{
    return option_value(o, name) != NULL;
}

const char *option_value_at(const struct options *o, const char *name, size_t index)
{
    size_t row = find_row(o->command, str_from(name));

    assert(row < OPTIONS_MAX);
    for (size_t i = 0; i < o->given_count; i++)
        if (o->given[i].row == row && index-- == 0)
            return o->given[i].value;
    return NULL;
}

/* READ_done to go on, else the exit status. */
static int read_word(struct options *o, int argc, char **argv, int *at)
{
    const char *word = argv[*at];

    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return print_help(o->command);
    if (word[0] != '-' || word[1] == '\0')
        return add_operand(o, word);
    if (word[1] != '-')
        return read_letter(o, word, at);
    return read_option(o, argc, argv, at);
}

/* The few flags that have a letter, too. */
static int read_letter(struct options *o, const char *word, int *at)
{
    static const char *const letters[][2] = {{"-f", "follow"}, {"-y", "yes"}};

    for (size_t i = 0; i < COUNT_OF(letters); i++) {
        struct str name = str_from(letters[i][1]);
        size_t row = find_row(o->command, name);

        if (strcmp(word, letters[i][0]) == 0 && row < OPTIONS_MAX)
            return read_known(o, row, name, NULL, at);
    }
    return usage_error(o->command, "unknown option '%s'", word);
}

static int read_option(struct options *o, int argc, char **argv, int *at)
{
    struct str word = str_from(argv[*at] + 2), value, name = str_cut(word, '=', &value);
    const char *next = *at + 1 < argc ? argv[*at + 1] : NULL;
    size_t row = find_row(o->command, name);

    if (row < OPTIONS_MAX)
        return read_known(o, row, word, next, at);
    return o->other ? read_other(o, word, next, at) : refuse(o, name, "");
}

static int read_known(struct options *o, size_t row, struct str word, const char *next, int *at)
{
    const struct option_row *option = &option_rows[row];
    size_t equals = str_index(word, '=');

    if (!option->argument && equals < word.len)
        return usage_error(o->command, "--%s takes no value", option->name);
    if (!option->argument) {
        o->values[row] = "";
    } else if (equals < word.len) {
        o->values[row] = word.data + equals + 1; /* argv's end is the value's */
    } else if (next) {
        o->values[row] = next;
        ++*at;
    } else {
        return usage_error(o->command, "--%s needs a value: --%s %s", option->name, option->name,
                           option->argument);
    }
    if (o->given_count == VALUES_MAX)
        return usage_error(o->command, "too many options, from --%s on", option->name);
    o->given[o->given_count++] = (struct option_given){row, o->values[row]};
    return READ_done;
}

static int read_other(struct options *o, struct str word, const char *next, int *at)
{
    struct str value, name = str_cut(word, '=', &value);
    bool has_value = name.len < word.len;
    struct err err = {0};
    int r;

    if (!has_value)
        value = str_from(next);
    r = o->other(o->ctx, name, value, &err);
    if (r == -ENOENT)
        return refuse(o, name, err.text);
    if (!has_value && !next)
        return usage_error(o->command, "--%.*s needs a value", STR_ARG(name));
    if (r < 0)
        return usage_error(o->command, "%s", err.text);
    *at += !has_value;
    return READ_done;
}

/* words: what others have to say of it; an option of the command that is near goes before. */
static int refuse(const struct options *o, struct str name, const char *words)
{
    const char *best = NULL;
    char typed[64], suggestion[128];

    snprintf(typed, sizeof typed, "%.*s", STR_ARG(name));
    for (const struct option_row *row = option_rows; row->name; row++)
        if (strcmp(row->command, o->command) == 0)
            best = usage_nearer(typed, best, row->name);
    usage_suggest(suggestion, sizeof suggestion, typed, "--", best);
    if (!*suggestion && *words)
        return usage_error(o->command, "%s", words);
    return usage_error(o->command, "unknown option '--%s'%s", typed, suggestion);
}

static int add_operand(struct options *o, const char *word)
{
    if (o->operand_count == OPERANDS_MAX)
        return usage_error(o->command, "too many words, from '%s' on", word);
    o->operands[o->operand_count++] = word;
    return READ_done;
}

/* As many as the command's row names; those in brackets may be missing. */
static int check_operands(const struct options *o)
{
    const struct command_row *command = command_find(o->command);
    struct str rest = str_from(command ? command->operands : "");
    size_t count = 0;

    while (rest.len) {
        struct str word = str_cut(rest, ' ', &rest);

        if (count++ >= o->operand_count && word.data[0] != '[')
            return usage_error(o->command, "%.*s is missing", STR_ARG(word));
    }
    if (o->operand_count > count)
        return usage_error(o->command, "one word too many: '%s'", o->operands[count]);
    return READ_done;
}

static int print_help(const char *command)
{
    const struct command_row *row = command_find(command);
    struct buf page;
    int status = EXIT_usage;

    buf_init(&page, PAGE_MAX);
    if (row && usage_write(&page, row) == 0)
        status = terminal_print_page(buf_str(&page));
    buf_fini(&page);
    return status;
}

static size_t find_row(const char *command, struct str name)
{
    size_t row = 0;

    while (row < OPTIONS_MAX &&
           (strcmp(option_rows[row].command, command) != 0 || !str_is(name, option_rows[row].name)))
        row++;
    return row;
}
