/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as one page of HTML that needs nothing else: bars and matrix are drawings in it. */
#include <assert.h>

#include "base/embedded.h"
#include "base/text_out.h"
#include "cmd/plan_show.h"

enum { BAR_WIDTH = 420, BAR_HEIGHT = 14, CELL = 26, LABEL_WIDTH = 130, HEAD_HEIGHT = 120 };

static const double gib = 1 << 30;

static void write_name(struct text_out *t, const struct plan_shown *s);
static void write_summary(struct text_out *t, const struct plan_shown *s);
static void write_map(struct text_out *t, const struct plan_shown *s);
static void write_map_cell(struct text_out *t, const struct plan_shown *s, uint32_t column,
                           uint32_t category);
static void write_holes(struct text_out *t, const struct plan_shown *s);
static void write_machines(struct text_out *t, const struct plan_shown *s);
static void write_machine(struct text_out *t, const struct plan_shown *s, const struct machine *m);
static void write_bar(struct text_out *t, const struct memory_use *use);
static void write_copy(struct text_out *t, const struct plan_copy *copy);
static void write_changes(struct text_out *t, const struct plan_shown *s);

/* What stands in {{ }} in assets/plan.html. */
static const struct {
    const char *mark;
    void (*write)(struct text_out *t, const struct plan_shown *s);
} parts[] = {
    {"name", write_name},   {"summary", write_summary},   {"map", write_map},
    {"holes", write_holes}, {"machines", write_machines}, {"changes", write_changes},
};

static const char *const classes[COVER_COUNT] = {
    [COVER_same] = "same", [COVER_other] = "other", [COVER_cloud] = "cloud",
    [COVER_slow] = "slow", [COVER_none] = "none",
};

int plan_write_html(struct buf *out, const struct plan_shown *s)
{
    const struct embedded_file *page = embedded_find("src/cmd/assets/plan.html");
    struct text_out t = {.out = out};
    struct str rest;

    assert(page);
    rest = str_slice(page->data, page->size);
    while (rest.len) {
        const char *open = memmem(rest.data, rest.len, "{{", 2);
        size_t before = open ? (size_t)(open - rest.data) : rest.len;
        struct str mark;

        text_put(&t, str_slice(rest.data, before));
        if (!open)
            break;
        rest = str_slice(open + 2, rest.len - before - 2);
        mark = str_cut(rest, '}', &rest);
        rest = str_slice(rest.data + 1, rest.len - 1);
        for (size_t i = 0; i < COUNT_OF(parts); i++)
            if (str_is(mark, parts[i].mark))
                parts[i].write(&t, s);
    }
    return t.error;
}

static void write_name(struct text_out *t, const struct plan_shown *s)
{
    struct str name = s->plan->fleet->name;

    text_html(t, name.len ? name : STR("fleet"));
}

static void write_summary(struct text_out *t, const struct plan_shown *s)
{
    const struct plan *plan = s->plan;
    const struct bill *b = &s->diff->bill;

    text_printf(t, "%u copies; certificate: %u cases, %u holes; ", plan->copies_count,
                s->certificate->cases_count, s->certificate->holes);
    text_bytes(t, b->wan_bytes);
    text_put(t, STR(" over the internet and "));
    text_bytes(t, b->lan_bytes);
    text_put(t, STR(" between machines, "));
    text_seconds(t, b->seconds);
    text_printf(t, "; %u deleted. <span class=\"faint\">Objective %.1f s an hour", b->evictions,
                plan->objective);
    if (plan_has_bound(plan))
        text_printf(t, ", bound %.1f, gap %.2f %%", plan->bound, plan->gap * 100);
    text_printf(t, "; %s, %.2f s.</span>", plan->solver, plan->seconds);
}

/* One column for each case, one row for each category; each cell says who answers when pointed
 * at. Pairs are too many for a drawing. */
static void write_map(struct text_out *t, const struct plan_shown *s)
{
    const struct certificate *c = s->certificate;
    uint32_t columns = 0;

    while (columns < c->cases_count && c->cases[columns].kind != LOST_pair)
        columns++;
    text_printf(t, "<svg role=\"img\" width=\"%u\" height=\"%u\">\n",
                LABEL_WIDTH + columns * CELL + HEAD_HEIGHT, HEAD_HEIGHT + c->rows_count * CELL);
    for (uint32_t i = 0; i < columns; i++) {
        text_printf(t, "<text transform=\"translate(%u %u) rotate(-50)\">",
                    LABEL_WIDTH + i * CELL + CELL / 2, HEAD_HEIGHT - 8);
        text_html(t, c->cases[i].lost.data ? c->cases[i].lost : STR("nobody lost"));
        text_put(t, STR("</text>\n"));
    }
    for (uint32_t k = 0; k < c->rows_count; k++) {
        text_printf(t, "<text x=\"0\" y=\"%u\">", HEAD_HEIGHT + k * CELL + 17);
        text_html(t, s->plan->fleet->categories[k].name);
        text_put(t, STR("</text>\n"));
        for (uint32_t i = 0; i < columns; i++)
            write_map_cell(t, s, i, k);
    }
    text_put(t, STR("</svg>\n<p class=\"faint\">"));
    for (int i = 0; i < COVER_COUNT; i++)
        text_printf(t, "%s%c: %s", i ? ", " : "", cover_letter((enum cover)i),
                    cover_words((enum cover)i));
    text_put(t, STR("</p>\n"));
}

static void write_map_cell(struct text_out *t, const struct plan_shown *s, uint32_t column,
                           uint32_t category)
{
    const struct certificate_row *row = &s->certificate->cases[column].rows[category];
    enum cover cover = certificate_cover(row);
    unsigned x = LABEL_WIDTH + column * CELL, y = HEAD_HEIGHT + category * CELL;

    text_printf(t,
                "<g><rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"3\"/>"
                "<text class=\"in\" x=\"%u\" y=\"%u\">%c</text><title>",
                classes[cover], x, y, CELL - 3, CELL - 3, x + CELL / 2 - 1, y + 16,
                cover_letter(cover));
    if (row->copy) {
        text_html(t, row->copy->machine->name);
        text_put(t, STR(": "));
        text_html(t, shown_tag(row->copy, row->copy->artifact));
    } else if (row->cloud) {
        text_html(t, row->cloud->name);
    } else {
        text_put(t, STR("nobody"));
    }
    if (row->copy && row->decode_tps > 0)
        text_printf(t, ", %.1f tokens/s", row->decode_tps);
    text_put(t, STR("</title></g>\n"));
}

static void write_holes(struct text_out *t, const struct plan_shown *s)
{
    const struct certificate *c = s->certificate;

    for (uint32_t i = 0; i < c->faults_count; i++) {
        text_put(t, STR("<p>Fault: "));
        text_html(t, c->faults[i]);
        text_put(t, STR("</p>\n"));
    }
    for (uint32_t k = 0; k < c->rows_count; k++) {
        if (!c->closers[k].data)
            continue;
        text_put(t, STR("<p>Hole: <b>"));
        text_html(t, s->plan->fleet->categories[k].name);
        text_put(t, STR("</b>. To close it: "));
        text_html(t, c->closers[k]);
        text_put(t, STR("</p>\n"));
    }
}

static void write_machines(struct text_out *t, const struct plan_shown *s)
{
    for (uint32_t i = 0; i < s->plan->fleet->machines_count; i++)
        if (machine_serves(&s->plan->fleet->machines[i]))
            write_machine(t, s, &s->plan->fleet->machines[i]);
}

static void write_machine(struct text_out *t, const struct plan_shown *s, const struct machine *m)
{
    struct memory_use use;
    double left;

    memory_use_of(&use, s->plan, m);
    text_put(t, STR("<section><h3>"));
    text_html(t, m->name);
    text_put(t, STR("</h3>\n"));
    write_bar(t, &use);
    text_printf(t, " <span class=\"faint\">%s %.1f of %.1f GiB", use.is_gpu ? "GPU" : "RAM",
                (double)use.kept / gib, (double)use.all / gib);
    if (bill_disk_left(s->plan, m, &left))
        text_printf(t, ", %.0f GB of disk left", left / 1e9);
    text_put(t, STR("</span>\n<table><tr><th>artifact<th>stays loaded<th>memory<th>context<th>"
                    "tokens/s<th>why</tr>\n"));
    for (uint32_t i = 0; i < s->plan->copies_count; i++)
        if (s->plan->copies[i].machine == m)
            write_copy(t, &s->plan->copies[i]);
    text_put(t, STR("</table></section>\n"));
}

static void write_bar(struct text_out *t, const struct memory_use *use)
{
    double all = use->all ? (double)use->all : 1;
    double kept = (double)use->kept / all, more = (double)use->on_demand / all;

    kept = kept > 1 ? 1 : kept;
    more = more > 1 - kept ? 1 - kept : more;
    text_printf(t,
                "<svg role=\"img\" width=\"%d\" height=\"%d\"><rect class=\"free\" width=\"%d\" "
                "height=\"%d\" rx=\"2\"/><rect class=\"kept\" width=\"%.1f\" height=\"%d\" "
                "rx=\"2\"/><rect class=\"more\" x=\"%.1f\" width=\"%.1f\" height=\"%d\"/></svg>",
                BAR_WIDTH, BAR_HEIGHT, BAR_WIDTH, BAR_HEIGHT, kept * BAR_WIDTH, BAR_HEIGHT,
                kept * BAR_WIDTH, more * BAR_WIDTH, BAR_HEIGHT);
}

static void write_copy(struct text_out *t, const struct plan_copy *copy)
{
    text_put(t, STR("<tr><td>"));
    text_html(t, shown_tag(copy, copy->artifact));
    text_printf(t, "<td>%s<td class=\"number\">%.1f GiB<td class=\"number\">",
                copy->keep_loaded ? "yes" : "", (double)copy->memory_bytes / gib);
    if (copy->context)
        text_printf(t, "%u × %llu", copy->slots, (unsigned long long)copy->context);
    text_put(t, STR("<td class=\"number\">"));
    if (copy->decode_tps > 0)
        text_printf(t, "%.1f", copy->decode_tps);
    text_put(t, STR("<td>"));
    text_html(t, copy->why);
    text_put(t, STR("</tr>\n"));
}

static void write_changes(struct text_out *t, const struct plan_shown *s)
{
    text_put(t, STR("<table><tr><th>do<th>machine<th>artifact<th>GB<th>begins<th>takes</tr>\n"));
    for (uint32_t i = 0; i < s->diff->changes_count; i++) {
        const struct change *c = &s->diff->changes[i];

        text_printf(t, "<tr><td>%s<td>", change_name(c->kind));
        text_html(t, c->machine->name);
        text_put(t, STR("<td>"));
        text_html(t, shown_tag(c->copy, c->artifact));
        text_printf(t, "<td class=\"number\">%.1f<td class=\"number\">", (double)c->bytes / 1e9);
        text_seconds(t, c->starts_s);
        text_put(t, STR("<td class=\"number\">"));
        text_seconds(t, c->seconds);
        text_put(t, STR("</tr>\n"));
    }
    text_put(t, STR("</table>\n"));
}
