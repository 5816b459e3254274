/* SPDX-License-Identifier: Apache-2.0 */
/* tampu check: what is wrong with a plan, line by line, each with its fix. Opens no socket. */
#include <stdio.h>

#include "cmd/command.h"
#include "cmd/option.h"
#include "cmd/terminal.h"
#include "cmd/today.h"
#include "cmd/usage.h"
#include "plan/check.h"
#include "wire/json_out.h"

enum { OUTPUT_MAX = 64 << 20 };

/* For "%zu error%s". */
#define COUNTED(f, severity) (f)->counts[severity], (f)->counts[severity] == 1 ? "" : "s"

static int print_findings(const struct findings *f, const char *path, bool as_json);
static int write_json(struct buf *out, const struct findings *f);
static void write_finding(struct json_out *o, const struct finding *finding);
static int write_text(struct buf *out, const struct findings *f, const char *path, bool colors);
static int write_line(struct buf *out, const struct finding *finding, bool colors);

int cmd_check(int argc, char **argv)
{
    struct options o = {0};
    struct findings findings = {0};
    struct err err = {0};
    AUTO(fleet) fleet = NULL;
    AUTO(catalog) catalog = NULL;
    char day[DAY_ROOM];
    int status;

    if (!options_read(&o, argc, argv, &status))
        return status;
    if (fleet_load(&fleet, o.operands[0], &err) < 0 ||
        catalog_load(&catalog, option_value(&o, "catalog"), &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return EXIT_usage;
    }
    write_today(day);
    if (check_fleet(&findings, fleet, catalog, str_from(day)) < 0)
        return command_no("check", "out of memory");
    status = print_findings(&findings, o.operands[0], option_given(&o, "json"));
    if (status == EXIT_done && findings.counts[SEVERITY_error])
        status = EXIT_no;
    findings_fini(&findings);
    return status;
}

static int print_findings(const struct findings *f, const char *path, bool as_json)
{
    struct buf out;
    int r, status;

    buf_init(&out, OUTPUT_MAX);
    r = as_json ? write_json(&out, f) : write_text(&out, f, path, terminal_takes_colors());
    status = r < 0 ? command_no("check", "out of memory") : terminal_print(buf_str(&out));
    buf_fini(&out);
    return status;
}

static int write_json(struct buf *out, const struct findings *f)
{
    struct json_out o = {.out = out};

    json_open(&o, '{');
    json_open(json_key(&o, "findings"), '[');
    for (size_t i = 0; i < f->count; i++)
        write_finding(&o, &f->items[i]);
    json_close(&o, ']');
    json_open(json_key(&o, "counts"), '{');
    for (int s = SEVERITY_error; s < SEVERITY_COUNT; s++)
        json_number(json_key(&o, severity_name((enum severity)s)), f->counts[s]);
    json_close(&o, '}');
    if (f->left_out)
        json_number(json_key(&o, "left_out"), f->left_out);
    json_close(&o, '}');
    return o.error ? o.error : buf_put_char(out, '\n');
}

static void write_finding(struct json_out *o, const struct finding *finding)
{
    char where[4200];

    snprintf(where, sizeof where, "%s:%u:%u", PLACE_ARG(finding->where));
    json_open(o, '{');
    json_text(json_key(o, "code"), str_from(finding_row(finding->code)->code));
    json_text(json_key(o, "severity"), str_from(severity_name(finding->severity)));
    json_text(json_key(o, "where"), str_from(where));
    json_text(json_key(o, "machine"), finding->machine);
    json_text(json_key(o, "subject"), finding->subject);
    json_text(json_key(o, "message"), str_from(finding->message));
    json_text(json_key(o, "fix"), str_from(finding->fix));
    json_close(o, '}');
}

static int write_text(struct buf *out, const struct findings *f, const char *path, bool colors)
{
    int r = 0;

    for (size_t i = 0; i < f->count && r == 0; i++)
        r = write_line(out, &f->items[i], colors);
    if (r == 0 && f->left_out)
        r = buf_printf(out, "and %zu more\n", f->left_out);
    if (r == 0 && !f->count)
        return buf_printf(out, "%s: nothing to say against it\n", path);
    return r < 0 ? r
                 : buf_printf(out, "%s: %zu error%s, %zu warning%s, %zu note%s\n", path,
                              COUNTED(f, SEVERITY_error), COUNTED(f, SEVERITY_warning),
                              COUNTED(f, SEVERITY_note));
}

static int write_line(struct buf *out, const struct finding *finding, bool colors)
{
    static const char *const paints[] = {"", "\033[31m", "\033[33m", "\033[36m"};

    return buf_printf(out, PLACE "%s%s%s: %s [%s]\n    fix: %s\n", PLACE_ARG(finding->where),
                      colors ? paints[finding->severity] : "", severity_name(finding->severity),
                      colors ? "\033[0m" : "", finding->message, finding_row(finding->code)->code,
                      finding->fix);
}
