/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of commands and options, and what is said about them. */
#include "cmd/usage.h"

#include <stdio.h>
#include <string.h>

#include "cmd/command.h"

enum { NEAR = 2 }; /* edits between a misspelt word and the one that was meant */

static void say(const char *command, const char *format, va_list args) PRINTF(2, 0);

const struct command_row command_rows[] = {
#define COMMAND(name, operands, what) {#name, operands, what},
#include "tables/commands.def"
    {0},
};

const struct option_row option_rows[] = {
#define OPTION(command, name, argument, what) {#command, name, argument, what},
#include "tables/options.def"
    {0},
};

const struct command_row *command_find(const char *name)
{
    for (const struct command_row *row = command_rows; row->name; row++)
        if (strcmp(row->name, name) == 0)
            return row;
    return NULL;
}

int usage_error(const char *command, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(command, format, args);
    va_end(args);
    fprintf(stderr, "see: tampu help%s%s\n", command ? " " : "", command ? command : "");
    return EXIT_usage;
}

int command_no(const char *command, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(command, format, args);
    va_end(args);
    return EXIT_no;
}

void usage_suggest(char *out, size_t room, const char *typed, const char *front, const char *best)
{
    out[0] = '\0';
    if (best && str_distance(str_from(typed), str_from(best)) <= NEAR)
        snprintf(out, room, " (did you mean %s%s?)", front, best);
}

const char *usage_nearer(const char *typed, const char *best, const char *other)
{
    struct str word = str_from(typed);

    if (!best || str_distance(word, str_from(other)) < str_distance(word, str_from(best)))
        return other;
    return best;
}

int usage_write(struct buf *out, const struct command_row *command)
{
    int r, options = 0;

    if ((r = buf_printf(out, "    tampu %s", command->name)) < 0 ||
        (r = usage_write_synopsis(out, command)) < 0 ||
        (r = buf_printf(out, "\n\n%s\n", command->what)) < 0)
        return r;
    for (const struct option_row *row = option_rows; row->name && r == 0; row++) {
        if (strcmp(row->command, command->name) != 0)
            continue;
        if (options++ == 0)
            r = buf_put(out, STR("\n| option | meaning |\n|---|---|\n"));
        if (r == 0)
            r = buf_printf(out, "| `--%s%s%s` | %s |\n", row->name, row->argument ? " " : "",
                           row->argument ? row->argument : "", row->what);
    }
    return r;
}

int usage_write_synopsis(struct buf *out, const struct command_row *command)
{
    int r = 0;

    for (const struct option_row *row = option_rows; row->name && r == 0; row++)
        if (strcmp(row->command, command->name) == 0)
            r = buf_printf(out, " [--%s%s%s]", row->name, row->argument ? " " : "",
                           row->argument ? row->argument : "");
    if (r == 0 && command->operands[0])
        r = buf_printf(out, " %s", command->operands);
    return r;
}

static void say(const char *command, const char *format, va_list args)
{
    fprintf(stderr, "tampu%s%s: ", command ? " " : "", command ? command : "");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}
