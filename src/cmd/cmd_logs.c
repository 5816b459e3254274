/* SPDX-License-Identifier: Apache-2.0 */
/* tampu logs: what the gateway has written, from a file or the journal of this machine. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "cmd/command.h"
#include "cmd/log_lines.h"
#include "cmd/option.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"
#include "net/clock.h"

enum {
    LINE_ROOM = 64 << 10, /* longer lines come in pieces */
    LOOK_MS = 200,        /* for what a file has grown by */
    COMMAND_ROOM = 256,
};

static int read_wish(struct log_wish *wish, const struct options *o, struct err *err);
static struct str given(const struct options *o, const char *name);
static FILE *open_journal(const struct log_wish *wish, bool follows);
static int print_lines(FILE *from, const struct log_wish *wish, bool follows);
static int print_line(const struct log_wish *wish, struct str line);
static int end_journal(FILE *journal, int status);

int cmd_logs(int argc, char **argv)
{
    struct log_wish wish = {0};
    struct options o = {0};
    struct err err = {0};
    bool follows;
    FILE *from;
    int status;

    if (!options_read(&o, argc, argv, &status))
        return status;
    if (read_wish(&wish, &o, &err) < 0)
        return usage_error("logs", "%s", err.text);
    follows = option_given(&o, "follow");
    if (!o.operand_count) {
        from = open_journal(&wish, follows);
        return from ? end_journal(from, print_lines(from, &wish, false))
                    : command_no("logs", "journalctl cannot be run: %s", strerror(errno));
    }
    from = strcmp(o.operands[0], "-") == 0 ? stdin : fopen(o.operands[0], "re");
    if (!from)
        return command_no("logs", "%s: %s", o.operands[0], strerror(errno));
    status = print_lines(from, &wish, follows && from != stdin);
    if (from != stdin)
        fclose(from);
    return status;
}

static int read_wish(struct log_wish *wish, const struct options *o, struct err *err)
{
    wish->machine = given(o, "machine");
    wish->model = given(o, "model");
    wish->request = given(o, "request");
    wish->as_json = option_given(o, "json");
    return log_wish_read(wish, given(o, "level"), given(o, "since"), clock_wall_us(), err);
}

static struct str given(const struct options *o, const char *name)
{
    return str_from(option_given(o, name) ? option_value(o, name) : "");
}

/* What it is asked holds nothing that a user typed: lines are chosen here, for files and journals
 * alike. The journal's own answer to an unknown unit is no line. */
static FILE *open_journal(const struct log_wish *wish, bool follows)
{
    char command[COMMAND_ROOM];

    snprintf(command, sizeof command,
             "exec journalctl --unit tampu --output cat --no-pager --quiet%s%s",
             *wish->since || wish->request.len ? " --no-tail" : " --lines 1000",
             follows ? " --follow" : "");
    return popen(command, "re");
}

static int print_lines(FILE *from, const struct log_wish *wish, bool follows)
{
    AUTO_BYTES(char *) line = malloc(LINE_ROOM);
    int status = line ? EXIT_done : EXIT_no;

    while (status == EXIT_done) {
        if (fgets(line, LINE_ROOM, from)) {
            status = print_line(wish, str_slice(line, strcspn(line, "\r\n")));
        } else if (follows && !ferror(from)) {
            clearerr(from);
            poll(NULL, 0, LOOK_MS);
        } else {
            break;
        }
    }
    return status;
}

static int print_line(const struct log_wish *wish, struct str line)
{
    struct buf out;
    int status = EXIT_done;

    buf_init(&out, 4 * LINE_ROOM);
    if (line.len && log_line_write(&out, wish, line))
        status = terminal_print(buf_str(&out));
    buf_fini(&out);
    return status;
}

/* Who reads no more ends the journal, too: that is no failure of it. */
static int end_journal(FILE *journal, int status)
{
    int ended = pclose(journal);

    if (status != EXIT_done || (WIFEXITED(ended) && WEXITSTATUS(ended) == 0))
        return status;
    return command_no("logs",
                      "this machine's journal has no log of tampu.service: name the file that "
                      "the gateway's output went to, or - for standard input");
}
