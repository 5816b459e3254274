/* SPDX-License-Identifier: Apache-2.0 */
/* tampu import: another program's configuration becomes a fleet file, with a verdict per line. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/command.h"
#include "cmd/option.h"
#include "cmd/state.h"
#include "cmd/terminal.h"
#include "cmd/today.h"
#include "cmd/usage.h"
#include "fleet/fleet.h"
#include "litellm/import.h"
#include "net/clock.h"
#include "store/litellm_books.h"
#include "wire/json_out.h"

enum { OUTPUT_MAX = 64 << 20 };

static int import_file(const struct options *o, const char *path, struct err *err);
static int prove(const struct litellm_import *in, struct err *err);
static int deliver(const struct options *o, const char *path, const struct litellm_import *in,
                   struct err *err);
static int save(const char *to, struct str fleet, struct err *err);
static int write_json(struct buf *out, const struct litellm_import *in);
static void write_line(struct json_out *o, const struct judged_line *line);
static int write_text(struct buf *out, const char *path, const struct litellm_import *in,
                      bool colors);
static int import_books(const struct options *o, const char *database, struct err *err);
static void tell_key(void *ctx, struct str key, bool is_exact, const char *words);

int cmd_import(int argc, char **argv)
{
    struct options o = {0};
    struct err err = {0};
    int status, r;

    if (!options_read(&o, argc, argv, &status))
        return status;
    if (strcmp(o.operands[0], "litellm") != 0)
        return usage_error("import", "expected litellm, found '%s'", o.operands[0]);
    r = import_file(&o, o.operands[1], &err);
    if (r == EXIT_done && option_given(&o, "database"))
        r = import_books(&o, option_value(&o, "database"), &err);
    if (r >= 0)
        return r;
    return r == -EINVAL ? usage_error("import", "%s", err.text)
                        : command_no("import", "%s", err.text);
}

/* An exit status, or a negative errno with words. */
static int import_file(const struct options *o, const char *path, struct err *err)
{
    AUTO(catalog) catalog = NULL;
    struct litellm_import in;
    char day[DAY_ROOM];
    struct buf text;
    int r;

    buf_init(&text, YAML_BYTES_MAX);
    write_today(day);
    if ((r = file_read(&text, path, err)) == 0 &&
        (r = catalog_load(&catalog, option_value(o, "catalog"), err)) == 0 &&
        (r = litellm_import(&in, buf_str(&text), path, catalog, str_from(day), err)) == 0) {
        r = prove(&in, err);
        if (r == 0)
            r = deliver(o, path, &in, err);
        litellm_import_fini(&in);
    }
    buf_fini(&text);
    return r;
}

/* What is handed out must read back: else the fault is ours, and better said than hidden. */
static int prove(const struct litellm_import *in, struct err *err)
{
    AUTO(fleet) fleet = NULL;
    struct err wrong = {0};

    if (fleet_parse(&fleet, buf_str(&in->fleet), "imported fleet", &wrong) == 0)
        return 0;
    return err_set(err, -EBADMSG,
                   "what was made of it does not read back (%s); nothing was written", wrong.text);
}

/* The fleet into its file, or to standard output with the verdicts on the other one. */
static int deliver(const struct options *o, const char *path, const struct litellm_import *in,
                   struct err *err)
{
    const char *to = option_value(o, "to");
    bool as_json = option_given(o, "json");
    struct buf out;
    int r = to ? save(to, buf_str(&in->fleet), err) : 0;

    if (r < 0)
        return r;
    buf_init(&out, OUTPUT_MAX);
    r = as_json ? write_json(&out, in) : write_text(&out, path, in, to && terminal_takes_colors());
    if (r < 0) {
        r = err_set(err, r, "out of memory");
    } else if (as_json || to) {
        r = terminal_print(buf_str(&out));
    } else {
        fprintf(stderr, "%.*s", STR_ARG(buf_str(&out)));
        r = terminal_print(buf_str(&in->fleet));
    }
    buf_fini(&out);
    return r;
}

static int save(const char *to, struct str fleet, struct err *err)
{
    if (access(to, F_OK) == 0)
        return err_set(err, -EEXIST, "%s is there already: name another file with --to", to);
    return file_write(to, fleet, err);
}

static int write_json(struct buf *out, const struct litellm_import *in)
{
    const struct judgement *j = &in->judgement;
    struct json_out o = {.out = out};

    json_open(&o, '{');
    json_text(json_key(&o, "fleet"), buf_str(&in->fleet));
    json_open(json_key(&o, "findings"), '[');
    for (size_t i = 0; i < j->count; i++)
        write_line(&o, &j->items[i]);
    json_close(&o, ']');
    json_open(json_key(&o, "counts"), '{');
    for (int v = 0; v < VERDICT_COUNT; v++)
        json_number(json_key(&o, verdict_name((enum verdict)v)), j->counts[v]);
    json_close(&o, '}');
    json_close(&o, '}');
    return o.error ? o.error : buf_put_char(out, '\n');
}

static void write_line(struct json_out *o, const struct judged_line *line)
{
    json_open(o, '{');
    json_number(json_key(o, "line"), line->at.line);
    json_number(json_key(o, "column"), line->at.column);
    json_text(json_key(o, "path"), str_from(line->path));
    json_text(json_key(o, "verdict"), str_from(verdict_name(line->verdict)));
    json_text(json_key(o, "words"), str_from(line->words));
    json_close(o, '}');
}

static int write_text(struct buf *out, const char *path, const struct litellm_import *in,
                      bool colors)
{
    static const char *const paints[VERDICT_COUNT] = {"\033[32m", "\033[33m", "\033[31m"};
    const struct judgement *j = &in->judgement;
    int r = 0;

    for (size_t i = 0; i < j->count && r == 0; i++) {
        const struct judged_line *line = &j->items[i];

        r = buf_printf(out, PLACE "%s%s%s: %s: %s\n", PLACE_ARG(line->at),
                       colors ? paints[line->verdict] : "", verdict_name(line->verdict),
                       colors ? "\033[0m" : "", line->path, line->words);
    }
    return r < 0 ? r
                 : buf_printf(out, "%s: %zu exact, %zu approximate, %zu unsupported\n", path,
                              j->counts[VERDICT_exact], j->counts[VERDICT_approximate],
                              j->counts[VERDICT_unsupported]);
}

/* Whatever the configuration became, the books go into the store. A URL with a password is better
 * left in the environment: env:NAME. */
static int import_books(const struct options *o, const char *database, struct err *err)
{
    AUTO(store) s = NULL;
    struct litellm_books_sum sum = {0};
    const char *url = strncmp(database, "env:", 4) == 0 ? getenv(database + 4) : database;
    int r;

    if (!url)
        return err_set(err, -ENOENT, "%s is not set", database + 4);
    if ((r = state_open(&s, option_value(o, "state"), err)) < 0 ||
        (r = litellm_books_import(s, str_from(url), clock_wall_us(), tell_key, NULL, &sum, err)) <
            0)
        return r;
    fprintf(stderr,
            "database: %" PRIu64 " keys, %" PRIu64 " there already, %" PRIu64 " requests, $%" PRIu64
            ".%06" PRIu64 "\n",
            sum.keys, sum.keys_known, sum.requests, sum.money_micro / 1000000,
            sum.money_micro % 1000000);
    return EXIT_done;
}

static void tell_key(void *ctx, struct str key, bool is_exact, const char *words)
{
    (void)ctx;
    fprintf(stderr, "database: key '%.*s': %s%s%s\n", STR_ARG(key),
            is_exact ? "exact" : "approximate", is_exact ? "" : ": ", is_exact ? "" : words);
}
