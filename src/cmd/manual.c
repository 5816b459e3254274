/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page tampu(1), in roff, from the tables. */
#include <string.h>

#include "base/version.h"
#include "cmd/pages.h"
#include "cmd/usage.h"

static int write_commands(struct buf *out);
static int write_options(struct buf *out, const struct command_row *command);
static int put_slanted(struct buf *out, const char *text);
static int put_roff(struct buf *out, const char *text);

static const char head[] =
    ".TH TAMPU 1 \"\" \"tampu " TAMPU_VERSION "\" \"User commands\"\n"
    ".SH NAME\n"
    "tampu \\- one dependable model server out of many unlike machines\n"
    ".SH SYNOPSIS\n"
    ".B tampu\n"
    ".I COMMAND\n"
    "[\\fIOPTIONS\\fR]\n"
    ".SH DESCRIPTION\n"
    "Serves the models of a fleet of machines behind one endpoint. The machines run unmodified\n"
    "engines; what is where stands in one file.\n"
    ".SH COMMANDS\n";

static const char tail[] =
    ".SH EXIT STATUS\n"
    ".TP\n0\ndone\n"
    ".TP\n1\nthe answer is no\n"
    ".TP\n2\nusage, or a bad file\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.B TAMPU_KEY\nthe operator's key that \\fBstatus\\fR and \\fBps\\fR present to the "
    "gateway\n"
    ".TP\n.B XDG_STATE_HOME\nstate is kept in \\fItampu\\fR below it, instead of below "
    "\\fI~/.local/state\\fR\n"
    ".TP\n.B STATE_DIRECTORY\nas systemd sets it for a service: state is kept there, before "
    "XDG_STATE_HOME is looked at\n"
    ".TP\n.B TAMPU_LOOPBACK_ONLY\n1: no address but loopback is ever connected to\n"
    ".TP\n.B NO_COLOR\nno colours\n"
    ".PP\nEvery setting may be given as a variable, too: see \\fBtampu help settings\\fR.\n"
    ".SH SEE ALSO\n"
    "\\fBtampu help\\fR names the pages that the program can print.\n";

int manual_write(struct buf *out)
{
    int r = buf_put(out, str_from(head));

    if (r == 0)
        r = write_commands(out);
    return r == 0 ? buf_put(out, str_from(tail)) : r;
}

static int write_commands(struct buf *out)
{
    int r = 0;

    for (const struct command_row *row = command_rows; row->name && r == 0; row++) {
        if ((r = buf_printf(out, ".SS %s", row->name)) < 0 ||
            (r = put_slanted(out, row->operands)) < 0 || (r = put_roff(out, row->what)) < 0 ||
            (r = buf_put_char(out, '\n')) < 0)
            return r;
        r = write_options(out, row);
    }
    return r;
}

static int write_options(struct buf *out, const struct command_row *command)
{
    int r = 0;

    for (const struct option_row *row = option_rows; row->name && r == 0; row++) {
        if (strcmp(row->command, command->name) != 0)
            continue;
        if ((r = buf_put(out, STR(".TP\n\\fB\\-\\-"))) < 0 || (r = put_roff(out, row->name)) < 0 ||
            (r = buf_put(out, STR("\\fR"))) < 0 ||
            (r = put_slanted(out, row->argument ? row->argument : "")) < 0 ||
            (r = put_roff(out, row->what)) < 0)
            return r;
        r = buf_put_char(out, '\n');
    }
    return r;
}

/* What the user fills in, after a space, if anything; and the end of the line. */
static int put_slanted(struct buf *out, const char *text)
{
    int r = 0;

    if (*text && (r = buf_put(out, STR(" \\fI"))) == 0 && (r = put_roff(out, text)) == 0)
        r = buf_put(out, STR("\\fR"));
    return r == 0 ? buf_put_char(out, '\n') : r;
}

/* Texts of the tables never begin with a dot; what is left are backslashes and hyphens. */
static int put_roff(struct buf *out, const char *text)
{
    int r = 0;

    for (; *text && r == 0; text++) {
        if (*text == '\\')
            r = buf_put(out, STR("\\e"));
        else if (*text == '-')
            r = buf_put(out, STR("\\-"));
        else
            r = buf_put_char(out, *text);
    }
    return r;
}
