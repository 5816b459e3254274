/* SPDX-License-Identifier: Apache-2.0 */
/* tampu help: everything that can be typed, and one page about each subject. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/option.h"
#include "cmd/pages.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"

enum { PAGE_MAX = 4 << 20 };

static int find_and_write(struct buf *out, const char *subject);
static int write_overview(struct buf *out);
static struct str first_sentence(const char *text);
static int refuse(const char *subject);
static int write_everything(const char *folder);
static int write_page_file(const char *folder, const char *name, struct buf *page);
static int save(const char *folder, const char *name, page_fn *write_page);
static int save_text(const char *folder, const char *name, struct str text);
static int make_folders(char *path);

int cmd_help(int argc, char **argv)
{
    struct options o = {0};
    struct buf page;
    int status, r;

    if (!options_read(&o, argc, argv, &status))
        return status;
    if (option_given(&o, "write"))
        return write_everything(option_value(&o, "write"));
    buf_init(&page, PAGE_MAX);
    r = o.operand_count ? find_and_write(&page, o.operands[0]) : write_overview(&page);
    if (r == -ENOENT)
        status = refuse(o.operands[0]);
    else if (r < 0)
        status = command_no("help", "out of memory");
    else if (option_given(&o, "markdown"))
        status = terminal_print(buf_str(&page));
    else
        status = terminal_print_page(buf_str(&page));
    buf_fini(&page);
    return status;
}

/* -ENOENT when there is neither a page nor a command of that name. */
static int find_and_write(struct buf *out, const char *subject)
{
    const struct page_row *page = page_find(subject);
    const struct command_row *command = command_find(subject);

    if (page)
        return page_write(out, page);
    return command ? usage_write(out, command) : -ENOENT;
}

static int write_overview(struct buf *out)
{
    int r = buf_put(out, STR("tampu: one dependable model server out of many unlike machines\n\n"
                             "    tampu COMMAND [OPTIONS]\n\n"
                             "| command | what it does |\n|---|---|\n"));

    for (const struct command_row *row = command_rows; row->name && r == 0; row++)
        r = buf_printf(
            out, "| %s %s | %s |\n", row->name,
            str_index(str_from(row->operands), '|') < strlen(row->operands) ? "" : row->operands,
            row->what);
    if (r == 0)
        r = buf_put(out, STR("\nMore: `tampu help COMMAND`, or one of these pages:\n\n"
                             "| page | about |\n|---|---|\n"));
    for (const struct page_row *page = page_rows; page->name && r == 0; page++)
        r = buf_printf(out, "| %s | %.*s |\n", page->name, STR_ARG(first_sentence(page->intro)));
    return r;
}

static struct str first_sentence(const char *text)
{
    const char *end = strstr(text, ". ");
    struct str sentence = end ? str_slice(text, (size_t)(end - text)) : str_from(text);

    sentence.len -= str_ends(sentence, STR("."));
    return sentence;
}

static int refuse(const char *subject)
{
    const char *best = NULL;
    char suggestion[128];

    for (const struct command_row *row = command_rows; row->name; row++)
        best = usage_nearer(subject, best, row->name);
    for (const struct page_row *page = page_rows; page->name; page++)
        best = usage_nearer(subject, best, page->name);
    usage_suggest(suggestion, sizeof suggestion, subject, "", best);
    return usage_error(NULL, "there is no help page '%s'%s", subject, suggestion);
}

/* What `make docs` keeps in the repository. */
static int write_everything(const char *folder)
{
    struct buf page;
    int status = EXIT_done;

    buf_init(&page, PAGE_MAX);
    for (const struct page_row *row = page_rows; row->name && status == EXIT_done; row++) {
        buf_reset(&page);
        if (page_write(&page, row) < 0)
            status = command_no("help", "out of memory");
        else
            status = write_page_file(folder, row->name, &page);
    }
    buf_fini(&page);
    if (status == EXIT_done)
        status = save(folder, "docs/man/tampu.1", manual_write);
    if (status == EXIT_done)
        status = save(folder, "share/completions/tampu", completion_write_bash);
    if (status == EXIT_done)
        status = save(folder, "share/completions/_tampu", completion_write_zsh);
    if (status == EXIT_done)
        status = save(folder, "share/completions/tampu.fish", completion_write_fish);
    return status;
}

static int write_page_file(const char *folder, const char *name, struct buf *page)
{
    char path[128];

    snprintf(path, sizeof path, "docs/reference/%s.md", name);
    return save_text(folder, path, buf_str(page));
}

static int save(const char *folder, const char *name, page_fn *write_page)
{
    struct buf page;
    int status;

    buf_init(&page, PAGE_MAX);
    status = write_page(&page) < 0 ? command_no("help", "out of memory")
                                   : save_text(folder, name, buf_str(&page));
    buf_fini(&page);
    return status;
}

static int save_text(const char *folder, const char *name, struct str text)
{
    char path[4096];
    FILE *file;
    bool done;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (make_folders(path) < 0 || !(file = fopen(path, "we")))
        return command_no("help", "%s: cannot be written: %s", path, strerror(errno));
    done = fwrite(text.data, 1, text.len, file) == text.len;
    if (fclose(file) != 0 || !done)
        return command_no("help", "%s: cannot be written: %s", path, strerror(errno));
    return EXIT_done;
}

static int make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        int r;

        *slash = '\0';
        r = mkdir(path, 0777);
        *slash = '/';
        if (r < 0 && errno != EEXIST)
            return -errno;
    }
    return 0;
}
