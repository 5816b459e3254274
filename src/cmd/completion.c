/* SPDX-License-Identifier: Apache-2.0 */
/* Completions for the shells, from the tables. */
#include <string.h>

#include "cmd/pages.h"
#include "cmd/usage.h"

static int write_bash_case(struct buf *out, const struct command_row *command);
static int write_zsh_case(struct buf *out, const struct command_row *command);
static int write_names(struct buf *out);
static int write_page_names(struct buf *out);
static int write_quoted(struct buf *out, const char *text);

static const char bash_head[] = "# Completion of tampu for bash; made by `tampu help --write`.\n"
                                "_tampu()\n"
                                "{\n"
                                "    local word=${COMP_WORDS[COMP_CWORD]} words=--help\n"
                                "\n"
                                "    COMPREPLY=()\n"
                                "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                                "        words='";
static const char bash_middle[] = "'\n"
                                  "    else\n"
                                  "        case ${COMP_WORDS[1]} in\n";
static const char bash_tail[] =
    "        esac\n"
    "    fi\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
    "    if [ \"$COMP_CWORD\" -gt 1 ] && [ \"${#COMPREPLY[@]}\" -eq 0 ]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
    "    fi\n"
    "}\n"
    "complete -o filenames -F _tampu tampu\n";

static const char zsh_head[] = "#compdef tampu\n"
                               "# Completion of tampu for zsh; made by `tampu help --write`.\n"
                               "if (( CURRENT == 2 )); then\n"
                               "    local -a commands=(\n";
static const char zsh_middle[] = "    )\n"
                                 "    _describe command commands\n"
                                 "    return\n"
                                 "fi\n"
                                 "case $words[2] in\n";
static const char zsh_tail[] = "esac\n";

int completion_write_bash(struct buf *out)
{
    int r = buf_put(out, str_from(bash_head));

    if (r == 0)
        r = write_names(out);
    if (r == 0)
        r = buf_put(out, str_from(bash_middle));
    for (const struct command_row *row = command_rows; row->name && r == 0; row++)
        r = write_bash_case(out, row);
    return r == 0 ? buf_put(out, str_from(bash_tail)) : r;
}

int completion_write_zsh(struct buf *out)
{
    int r = buf_put(out, str_from(zsh_head));

    for (const struct command_row *row = command_rows; row->name && r == 0; row++)
        if ((r = buf_printf(out, "        '%s:", row->name)) == 0 &&
            (r = write_quoted(out, row->what)) == 0)
            r = buf_put(out, STR("'\n"));
    if (r == 0)
        r = buf_put(out, str_from(zsh_middle));
    for (const struct command_row *row = command_rows; row->name && r == 0; row++)
        r = write_zsh_case(out, row);
    return r == 0 ? buf_put(out, str_from(zsh_tail)) : r;
}

int completion_write_fish(struct buf *out)
{
    int r = buf_put(out, STR("# Completion of tampu for fish; made by `tampu help --write`.\n"));

    for (const struct command_row *row = command_rows; row->name && r == 0; row++)
        if ((r = buf_printf(out, "complete -c tampu -n __fish_use_subcommand -f -a %s -d '",
                            row->name)) == 0 &&
            (r = write_quoted(out, row->what)) == 0)
            r = buf_put(out, STR("'\n"));
    for (const struct option_row *row = option_rows; row->name && r == 0; row++)
        if ((r = buf_printf(out,
                            "complete -c tampu -n '__fish_seen_subcommand_from %s' -l %s%s -d '",
                            row->command, row->name, row->argument ? " -r" : "")) == 0 &&
            (r = write_quoted(out, row->what)) == 0)
            r = buf_put(out, STR("'\n"));
    return r;
}

/* Its options and, where its operands are words to choose from, those. */
static int write_bash_case(struct buf *out, const struct command_row *command)
{
    struct str choice, rest = str_from(command->operands);
    int r = buf_printf(out, "        %s) words='", command->name);

    choice = str_cut(rest, ' ', &rest);
    if (r == 0 && str_index(choice, '|') < choice.len)
        for (struct str word; r == 0 && choice.len;) {
            word = str_cut(choice, '|', &choice);
            r = buf_printf(out, "%.*s ", STR_ARG(word));
        }
    if (r == 0 && strcmp(command->name, "help") == 0)
        r = write_page_names(out);
    for (const struct option_row *row = option_rows; row->name && r == 0; row++)
        if (strcmp(row->command, command->name) == 0)
            r = buf_printf(out, "--%s ", row->name);
    return r == 0 ? buf_put(out, STR("--help' ;;\n")) : r;
}

static int write_zsh_case(struct buf *out, const struct command_row *command)
{
    int r = buf_printf(out, "%s)\n    _arguments \\\n", command->name);

    for (const struct option_row *row = option_rows; row->name && r == 0; row++) {
        if (strcmp(row->command, command->name) != 0)
            continue;
        if ((r = buf_printf(out, "        '--%s[", row->name)) < 0 ||
            (r = write_quoted(out, row->what)) < 0)
            return r;
        r = buf_printf(out, "]%s%s%s' \\\n", row->argument ? ":" : "",
                       row->argument ? row->name : "", row->argument ? ":_files" : "");
    }
    return r == 0 ? buf_put(out, STR("        '*:file:_files' ;;\n")) : r;
}

static int write_names(struct buf *out)
{
    int r = 0;

    for (const struct command_row *row = command_rows; row->name && r == 0; row++)
        r = buf_printf(out, "%s%s", row == command_rows ? "" : " ", row->name);
    return r;
}

static int write_page_names(struct buf *out)
{
    int r = write_names(out);

    for (const struct page_row *page = page_rows; page->name && r == 0; page++)
        r = buf_printf(out, " %s", page->name);
    return r == 0 ? buf_put_char(out, ' ') : r;
}

/* Inside single quotes, and without what zsh takes for structure. */
static int write_quoted(struct buf *out, const char *text)
{
    int r = 0;

    for (; *text && r == 0; text++)
        if (*text == '\'')
            r = buf_put(out, STR("'\\''"));
        else if (strchr(":[]", *text))
            r = buf_put_char(out, *text == ':' ? ',' : ' ');
        else
            r = buf_put_char(out, *text);
    return r;
}
