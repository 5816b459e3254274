/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output. */
#include "cmd/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/markdown.h"
#include "cmd/usage.h"

enum { PLAIN_MAX = 8 << 20 };

bool terminal_takes_colors(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no_color && no_color[0]) &&
           !(term && strcmp(term, "dumb") == 0);
}

size_t terminal_width(void)
{
    struct winsize size = {0};

    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        return 0;
    return size.ws_col;
}

int terminal_print(struct str text)
{
    if (fwrite(text.data ? text.data : "", 1, text.len, stdout) == text.len && fflush(stdout) == 0)
        return EXIT_done;
    if (errno == EPIPE) /* whoever reads has read enough: head, or less that was left */
        return EXIT_no;
    return command_no(NULL, "cannot write the output: %s", strerror(errno));
}

int terminal_print_page(struct str page)
{
    struct buf plain;
    int status;

    buf_init(&plain, PLAIN_MAX);
    if (markdown_write_plain(&plain, page, terminal_width(), terminal_takes_colors()) == 0)
        status = terminal_print(buf_str(&plain));
    else
        status = command_no(NULL, "out of memory");
    buf_fini(&plain);
    return status;
}
