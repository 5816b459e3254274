/* SPDX-License-Identifier: Apache-2.0 */
/* The help pages, written from the tables. */
#include "cmd/pages.h"

#include "base/failure.h"
#include "cmd/usage.h"
#include "config/settings.h"
#include "fleet/fleet.h"
#include "plan/check.h"

#define HELP_PAGE(name, title, intro) static page_fn page_##name;
#include "tables/pages.def"

static int write_aliases(struct buf *out);
static int write_labels(struct buf *out, const char *labels);
static int write_targets(struct buf *out, uint64_t mask);

const struct page_row page_rows[] = {
#define HELP_PAGE(name, title, intro) {#name, title, intro, page_##name},
#include "tables/pages.def"
    {0},
};

const struct page_row *page_find(const char *name)
{
    for (const struct page_row *page = page_rows; page->name; page++)
        if (str_is(str_from(name), page->name))
            return page;
    return NULL;
}

int page_write(struct buf *out, const struct page_row *page)
{
    int r = buf_printf(out, "# %s\n\n%s\n\n", page->title, page->intro);

    return r == 0 ? page->write_rest(out) : r;
}

static int page_commands(struct buf *out)
{
    int r = 0;

    for (const struct command_row *row = command_rows; row->name && r == 0; row++) {
        r = buf_printf(out, "%s## %s\n\n", row == command_rows ? "" : "\n", row->name);
        if (r == 0)
            r = usage_write(out, row);
    }
    return r;
}

static int page_settings(struct buf *out)
{
    return settings_write_reference(out);
}

static int page_fleet(struct buf *out)
{
    return fleet_write_reference(out);
}

static int page_findings(struct buf *out)
{
    int r = buf_put(out, STR("| finding | severity | meaning |\n|---|---|---|\n"));

    for (int i = 0; i < FINDING_COUNT && r == 0; i++) {
        const struct finding_row *row = finding_row((enum finding_code)i);

        r = buf_printf(out, "| `%s` | %s | %s |\n", row->code, severity_name(row->severity),
                       row->words);
    }
    return r;
}

static int page_endpoints(struct buf *out)
{
    static const struct {
        const char *method, *path, *who, *words;
    } rows[] = {
#define CALL(method, path, name, dialect, task, words)  {#method, path, "caller", words},
#define PAGE(method, path, name, dialect, who, words)   {#method, path, #who, words},
#define STREAM(method, path, name, dialect, who, words) {#method, path, #who, words},
#include "tables/endpoints.def"
    };
    int r = buf_put(out, STR("| endpoint | who may | what it is |\n|---|---|---|\n"));

    for (size_t i = 0; i < COUNT_OF(rows) && r == 0; i++)
        r = buf_printf(out, "| `%s %s` | %s | %s |\n", rows[i].method, rows[i].path, rows[i].who,
                       rows[i].words);
    return r;
}

/* The table's own numbering: nothing of the gateway is needed to print it. */
enum {
#define STEP(name, what, next) AT_##name,
#include "tables/exchange_steps.def"
};

static const struct {
    const char *name, *what;
    uint64_t next;
} step_rows[] = {
#define TO(name)               (1ull << AT_##name)
#define STEP(name, what, next) {#name, what, next},
#include "tables/exchange_steps.def"
#undef TO
};

static int page_steps(struct buf *out)
{
    int r = buf_put(out, STR("| step | what happens | then |\n|---|---|---|\n"));

    for (size_t i = 0; i < COUNT_OF(step_rows) && r == 0; i++) {
        r = buf_printf(out, "| `%s` | %s | ", step_rows[i].name, step_rows[i].what);
        if (r == 0)
            r = write_targets(out, step_rows[i].next);
        if (r == 0)
            r = buf_put(out, STR(" |\n"));
    }
    return r;
}

static int write_targets(struct buf *out, uint64_t mask)
{
    const char *comma = "";
    int r = mask ? 0 : buf_put(out, STR("the end"));

    for (size_t i = 0; i < COUNT_OF(step_rows) && r == 0; i++) {
        if (!(mask & (1ull << i)))
            continue;
        r = buf_printf(out, "%s`%s`", comma, step_rows[i].name);
        comma = ", ";
    }
    return r;
}

static int page_failures(struct buf *out)
{
    static const char *const blames[] = {
        [BLAME_caller] = "the caller",
        [BLAME_gateway] = "the gateway",
        [BLAME_copy] = "the copy",
        [BLAME_machine] = "the machine",
        [BLAME_credential] = "the credential",
    };
    int r = buf_put(out, STR("| failure | status | another machine | held responsible | meaning |\n"
                             "|---|---|---|---|---|\n"));

    for (int i = FAILURE_none + 1; i < FAILURE_COUNT && r == 0; i++) {
        const struct failure_row *row = failure_row((enum failure)i);

        r = buf_printf(out, "| `%s` | %d | %s | %s | %s |\n", row->name, row->status,
                       row->again ? "yes" : "no", blames[row->blame], row->words);
    }
    return r;
}

static int page_metrics(struct buf *out)
{
    static const struct {
        const char *name, *kind, *labels, *words;
    } rows[] = {
#define COUNTER(name, kind, labels, words) {#name, #kind, labels, words},
#include "tables/counters.def"
    };
    int r = buf_put(out, STR("| metric | kind | labels | meaning |\n|---|---|---|---|\n"));

    for (size_t i = 0; i < COUNT_OF(rows) && r == 0; i++) {
        r = buf_printf(out, "| `tampu_%s` | %s | ", rows[i].name, rows[i].kind);
        if (r == 0)
            r = write_labels(out, rows[i].labels);
        if (r == 0)
            r = buf_printf(out, " | %s |\n", rows[i].words);
    }
    return r < 0 ? r : write_aliases(out);
}

static int write_aliases(struct buf *out)
{
    static const struct {
        const char *set, *name, *counter, *labels, *words;
    } rows[] = {
#define ALIAS(set, name, counter, labels, divisor, words) {#set, name, #counter, labels, words},
#include "tables/aliases.def"
    };
    int r = buf_put(
        out,
        STR("\nOther people's names for them, by `gateway.metrics_also`. Of the labels, `a<b` is "
            "tampu's label b, `a~b` too, in their words; `a=b` is always b, and `a:b` means that "
            "only "
            "series whose label a is b are there.\n\n"
            "| metric | set | of | labels | meaning |\n|---|---|---|---|---|\n"));

    for (size_t i = 0; i < COUNT_OF(rows) && r == 0; i++) {
        r = buf_printf(out, "| `%s` | %s | `tampu_%s` | ", rows[i].name, rows[i].set,
                       rows[i].counter);
        if (r == 0)
            r = write_labels(out, rows[i].labels);
        if (r == 0)
            r = buf_printf(out, " | %s |\n", rows[i].words);
    }
    return r;
}

static int write_labels(struct buf *out, const char *labels)
{
    struct str rest = str_from(labels);
    const char *comma = "";
    int r = 0;

    while (rest.len && r == 0) {
        struct str label = str_cut(rest, ',', &rest);

        r = buf_printf(out, "%s`%.*s`", comma, STR_ARG(label));
        comma = ", ";
    }
    return r;
}
