/* SPDX-License-Identifier: Apache-2.0 */
/* The lint of a plan: subjects in order, and findings in the order of the file. */
#include "plan/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "plan/check_inside.h"

enum { TEXT_MAX = 1024 };

static int begin(struct check *c);
static int gather(struct check *c);
static void check_addresses(struct check *c);
static int compare(const void *a, const void *b, void *ctx);
static uint32_t file_rank(const struct fleet *f, const char *file);

static const struct finding_row rows[] = {
#define FINDING(id, code, severity, words) {code, SEVERITY_##severity, words},
#include "tables/findings.def"
};

const struct finding_row *finding_row(enum finding_code code)
{
    return &rows[code];
}

const char *severity_name(enum severity severity)
{
    static const char *const names[] = {"usual", "error", "warning", "note"};

    return names[severity];
}

int check_fleet(struct findings *ret, const struct fleet *fleet, const struct catalog *catalog,
                struct str day)
{
    static void (*const subjects[])(struct check *) = {
        check_addresses, check_hardware, check_pulls, check_settings, check_fit,
        check_map,       check_names,    check_cloud, check_claims,
    };
    struct check c = {.fleet = fleet, .catalog = catalog, .day = day, .findings = ret};

    c.error = begin(&c);
    for (size_t i = 0; i < COUNT_OF(subjects) && c.error == 0; i++)
        subjects[i](&c);
    arena_fini(&c.scratch);
    if (c.error < 0)
        findings_fini(ret);
    else
        qsort_r(ret->items, ret->count, sizeof *ret->items, compare, (void *)(uintptr_t)fleet);
    return c.error;
}

int check_judge(struct check *c)
{
    c->error = begin(c);
    if (c->error == 0)
        check_pulls(c);
    if (c->error == 0)
        check_fit(c);
    return c->error;
}

void findings_fini(struct findings *f)
{
    arena_fini(&f->arena);
    *f = (struct findings){0};
}

void check_say(struct check *c, struct finding finding, const char *format, ...)
{
    struct findings *f = c->findings;
    char text[TEXT_MAX];
    va_list args;

    if (finding.severity == SEVERITY_usual)
        finding.severity = rows[finding.code].severity;
    f->counts[finding.severity]++;
    if (f->count == FINDINGS_MAX) {
        f->left_out++;
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    finding.message = check_text(c, "%s", text);
    f->items[f->count++] = finding;
}

const char *check_text(struct check *c, const char *format, ...)
{
    char text[TEXT_MAX];
    struct str kept;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    kept = arena_str(&c->findings->arena, str_from(text));
    if (!kept.data)
        c->error = -ENOMEM;
    return kept.data ? kept.data : "";
}

struct place check_place(struct place key, struct place around)
{
    return key.line ? key : around;
}

enum severity check_severity(const struct fleet_model *model, enum finding_code code)
{
    if (model->is_optional && rows[code].severity == SEVERITY_error)
        return SEVERITY_warning;
    return rows[code].severity;
}

static int begin(struct check *c)
{
    struct findings *f = c->findings;

    if (c->catalog->day.len == c->day.len &&
        memcmp(c->catalog->day.data, c->day.data, c->day.len) > 0)
        c->day = c->catalog->day;
    *f = (struct findings){0};
    arena_init(&f->arena, FINDINGS_BYTES_MAX);
    arena_init(&c->scratch, FINDINGS_BYTES_MAX);
    f->items = arena_alloc(&f->arena, FINDINGS_MAX * sizeof *f->items);
    return f->items ? gather(c) : -ENOMEM;
}

static int gather(struct check *c)
{
    const struct fleet *f = c->fleet;
    size_t count = 0;

    for (uint32_t i = 0; i < f->machines_count; i++)
        count += f->machines[i].models_count;
    c->lines = arena_alloc(&c->scratch, (count ? count : 1) * sizeof *c->lines);
    if (!c->lines)
        return -ENOMEM;
    for (uint32_t i = 0; i < f->machines_count; i++)
        for (uint32_t j = 0; machine_serves(&f->machines[i]) && j < f->machines[i].models_count;
             j++)
            c->lines[c->lines_count++] =
                (struct judged){.machine = &f->machines[i], .model = &f->machines[i].models[j]};
    return 0;
}

static void check_addresses(struct check *c)
{
    for (uint32_t i = 0; i < c->fleet->machines_count; i++) {
        const struct machine *m = &c->fleet->machines[i];
        const struct addresses *a = &m->addresses;
        bool is_known = a->lan.len || a->tailscale.len || a->hostname.len;

        for (uint32_t j = 0; j < m->engines_count; j++)
            is_known |= m->engines[j].url.len > 0;
        if (!machine_serves(m) || is_known)
            continue;
        check_say(c,
                  (struct finding){
                      .code = FINDING_address_unknown,
                      .where = check_place(a->at, m->at),
                      .machine = m->name,
                      .subject = m->name,
                      .fix = check_text(c, "addresses: {hostname: %.*s.local}", STR_ARG(m->name))},
                  "%.*s has no address yet, and nothing can be sent to it", STR_ARG(m->name));
    }
}

/* By place; findings about one place stay in the order of the table. */
static int compare(const void *a, const void *b, void *ctx)
{
    const struct finding *x = a, *y = b;
    uint32_t rank_x = file_rank(ctx, x->where.file), rank_y = file_rank(ctx, y->where.file);

    if (rank_x != rank_y)
        return rank_x < rank_y ? -1 : 1;
    if (x->where.line != y->where.line)
        return x->where.line < y->where.line ? -1 : 1;
    if (x->where.column != y->where.column)
        return x->where.column < y->where.column ? -1 : 1;
    return (int)x->code - (int)y->code;
}

static uint32_t file_rank(const struct fleet *f, const char *file)
{
    uint32_t i = 0;

    while (file && i < f->files_count && !str_is(f->files[i], file))
        i++;
    return i;
}
