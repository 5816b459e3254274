/* SPDX-License-Identifier: Apache-2.0 */
/* A plan for people: machines with their memory, who answers when one is lost, steps, bill. */
#include "base/text_out.h"
#include "cmd/plan_show.h"

enum { BAR_WIDTH = 20, STEPS_SHOWN = 40, HOLES_SHOWN = 20, DIFFERENCES_MAX = 1000 };

static const double gib = 1 << 30;

/* What is being written, and how wide names are. */
struct printer {
    struct text_out t;
    const struct plan_shown *s;
    size_t width;
    bool colors;
    int machine_width, tag_width, category_width;
};

static void measure(struct printer *p);
static void write_machine(struct printer *p, uint32_t index);
static void write_bar(struct printer *p, const struct memory_use *use);
static void write_copy(struct printer *p, const struct plan_copy *copy, uint32_t index);
static void write_span(struct printer *p, const struct plan_copy *copy);
static void write_serves(struct printer *p, uint32_t copy);
static void write_measured(struct printer *p);
static void write_map(struct printer *p);
static unsigned number_of(const struct printer *p, const struct machine *m);
static void write_map_row(struct printer *p, uint32_t category);
static void write_who(struct printer *p, const struct certificate_row *row);
static const struct certificate_row *row_without_first(const struct certificate *c,
                                                       uint32_t category);
static void write_letter(struct printer *p, const struct certificate_row *row);
static void write_legend(struct printer *p);
static void write_holes(struct printer *p);
static void write_changes(struct printer *p);
static void write_bill(struct printer *p);
static void write_difference(struct printer *p);
static void write_different(struct printer *p, const struct difference *d);
static void write_summary(struct printer *p);
static void title(struct printer *p, const char *text);
static void paint(struct printer *p, const char *code);

static const char *const paints[COVER_COUNT] = {
    [COVER_same] = "32", [COVER_other] = "33", [COVER_cloud] = "33",
    [COVER_slow] = "31", [COVER_none] = "31",
};

static void write_measured(struct printer *p)
{
    const struct fleet *f = p->s->plan->fleet;

    for (uint32_t i = 0; i < f->machines_count; i++)
        if (f->machines[i].slowness > 1)
            text_printf(&p->t, "\nmeasured: %.*s is %.1f times slower than expected (%.*s)\n",
                        STR_ARG(f->machines[i].name), f->machines[i].slowness,
                        STR_ARG(f->machines[i].slow_words));
}

int plan_write_text(struct buf *out, const struct plan_shown *s, size_t width, bool colors)
{
    struct printer p = {.t = {.out = out}, .s = s, .width = width, .colors = colors};

    measure(&p);
    paint(&p, "2");
    text_put(&p.t,
             STR("* stays loaded; context in K tokens × slots; tokens a second of one request "
                 "alone; category:choice\n"));
    paint(&p, "0");
    for (uint32_t i = 0; i < s->plan->fleet->machines_count; i++)
        if (machine_serves(&s->plan->fleet->machines[i]))
            write_machine(&p, i);
    write_measured(&p);
    write_map(&p);
    write_holes(&p);
    if (s->before)
        write_difference(&p);
    write_changes(&p);
    write_bill(&p);
    write_summary(&p);
    return p.t.error;
}

static void measure(struct printer *p)
{
    const struct plan *plan = p->s->plan;

    for (uint32_t i = 0; i < plan->fleet->machines_count; i++)
        if ((int)plan->fleet->machines[i].name.len > p->machine_width)
            p->machine_width = (int)plan->fleet->machines[i].name.len;
    for (uint32_t i = 0; i < plan->copies_count; i++)
        if ((int)shown_tag(&plan->copies[i], plan->copies[i].artifact).len > p->tag_width)
            p->tag_width = (int)shown_tag(&plan->copies[i], plan->copies[i].artifact).len;
    for (uint32_t i = 0; i < plan->fleet->categories_count; i++)
        if ((int)plan->fleet->categories[i].name.len > p->category_width)
            p->category_width = (int)plan->fleet->categories[i].name.len;
}

static void write_machine(struct printer *p, uint32_t index)
{
    const struct machine *m = &p->s->plan->fleet->machines[index];
    struct memory_use use;
    double left;

    memory_use_of(&use, p->s->plan, m);
    paint(p, "1");
    text_printf(&p->t, "%2u %-*.*s", number_of(p, m), p->machine_width, STR_ARG(m->name));
    paint(p, "0");
    text_put(&p->t, STR("  "));
    write_bar(p, &use);
    text_printf(&p->t, "  %s %5.1f of %5.1f GiB", use.is_gpu ? "GPU" : "RAM",
                (double)use.kept / gib, (double)use.all / gib);
    if (bill_disk_left(p->s->plan, m, &left))
        text_printf(&p->t, ", disk %.0f of %.0f GB", (double)machine_disk(m) / 1e9 - left / 1e9,
                    (double)machine_disk(m) / 1e9);
    for (uint32_t i = 0; i < p->s->wish->lost_count; i++)
        if (p->s->wish->lost[i] == m)
            text_put(&p->t, STR(", lost"));
    text_put(&p->t, STR("\n"));
    for (uint32_t i = 0; i < p->s->plan->copies_count; i++)
        if (p->s->plan->copies[i].machine == m)
            write_copy(p, &p->s->plan->copies[i], i);
}

/* What stays loaded; what the largest of the others takes when it comes; what is free. */
static void write_bar(struct printer *p, const struct memory_use *use)
{
    double all = use->all ? (double)use->all : 1;
    size_t kept = (size_t)((double)use->kept / all * BAR_WIDTH + 0.5), more;

    kept = kept > BAR_WIDTH ? BAR_WIDTH : kept;
    more = (size_t)((double)use->on_demand / all * BAR_WIDTH + 0.5);
    more = more > BAR_WIDTH - kept ? BAR_WIDTH - kept : more;
    text_repeat(&p->t, "█", kept);
    text_repeat(&p->t, "▒", more);
    text_repeat(&p->t, "░", BAR_WIDTH - kept - more);
}

static void write_copy(struct printer *p, const struct plan_copy *copy, uint32_t index)
{
    text_printf(&p->t, "   %s %-*.*s", copy->keep_loaded ? "*" : " ", p->tag_width,
                STR_ARG(shown_tag(copy, copy->artifact)));
    text_printf(&p->t, "  %6.1f GiB", (double)copy->memory_bytes / gib);
    if (copy->context)
        text_printf(&p->t, "  %4llu×%-2u", (unsigned long long)(copy->context + 1023) / 1024,
                    copy->slots);
    else
        text_put(&p->t, STR("         "));
    if (copy->decode_tps > 0)
        text_printf(&p->t, " %6.1f/s", copy->decode_tps);
    else
        text_put(&p->t, STR("         "));
    write_serves(p, index);
    text_put(&p->t, STR("\n"));
    if (copy->span_count)
        write_span(p, copy);
}

/* Its own memory is in its line; here is what the others lend. */
static void write_span(struct printer *p, const struct plan_copy *copy)
{
    text_printf(&p->t, "     over %.*s", STR_ARG(copy->machine->name));
    for (uint32_t i = 0; i < copy->span_count; i++)
        text_printf(&p->t, ", %.*s (%.1f GiB)", STR_ARG(copy->span[i]->name),
                    (double)copy->span_bytes[i] / gib);
    text_put(&p->t, STR("\n"));
}

/* Which categories, and as which choice. */
static void write_serves(struct printer *p, uint32_t copy)
{
    const struct plan *plan = p->s->plan;
    size_t indent = (size_t)p->tag_width + 36, column = indent;

    text_put(&p->t, STR(" "));
    for (uint32_t i = 0; i < plan->rows_count; i++)
        for (uint32_t k = 0; k < plan->rows[i].copies_count; k++) {
            struct str name = plan->fleet->categories[plan->rows[i].category].name;

            if (plan->rows[i].copies[k] != copy)
                continue;
            if (p->width && column > indent && column + name.len + 5 > p->width) {
                text_printf(&p->t, "\n%*s", (int)indent, "");
                column = indent;
            }
            text_printf(&p->t, " %.*s:%u", STR_ARG(name), k + 1);
            column += name.len + 3 + (k >= 9);
        }
}

static void write_map(struct printer *p)
{
    const struct certificate *c = p->s->certificate;
    title(p, "Who answers when a machine is lost");
    text_printf(&p->t, "%-*s  %-*s tokens/s  %-*s tokens/s  ", p->category_width, "category",
                p->machine_width, "answers", p->machine_width, "then");
    for (uint32_t i = 0; i < c->cases_count && c->cases[i].kind != LOST_pair; i++)
        if (c->cases[i].kind == LOST_nobody)
            text_put(&p->t, STR("  -"));
        else if (c->cases[i].kind == LOST_machine)
            text_printf(&p->t, " %2u", number_of(p, c->cases[i].machines[0]));
        else
            text_printf(&p->t, " %.*s", STR_ARG(c->cases[i].lost));
    text_put(&p->t, STR("\n"));
    for (uint32_t i = 0; i < c->rows_count; i++)
        write_map_row(p, i);
    write_legend(p);
}

/* As in the list of machines. */
static unsigned number_of(const struct printer *p, const struct machine *m)
{
    unsigned number = 0;

    for (const struct machine *at = p->s->plan->fleet->machines; at <= m; at++)
        number += machine_serves(at);
    return number;
}

static void write_map_row(struct printer *p, uint32_t category)
{
    const struct certificate *c = p->s->certificate;
    struct str name = p->s->plan->fleet->categories[category].name;

    text_printf(&p->t, "%-*.*s  ", p->category_width, STR_ARG(name));
    write_who(p, &c->cases[0].rows[category]);
    write_who(p, row_without_first(c, category));
    for (uint32_t i = 0; i < c->cases_count && c->cases[i].kind != LOST_pair; i++) {
        int width = c->cases[i].kind == LOST_domain ? (int)c->cases[i].lost.len : 2;

        text_printf(&p->t, " %*s", width - 1, "");
        write_letter(p, &c->cases[i].rows[category]);
    }
    text_put(&p->t, STR("\n"));
}

static void write_who(struct printer *p, const struct certificate_row *row)
{
    struct str who = !row         ? STR("")
                     : row->copy  ? row->copy->machine->name
                     : row->cloud ? row->cloud->machine_name
                                  : STR("nobody");

    text_printf(&p->t, "%-*.*s ", p->machine_width, STR_ARG(who));
    if (row && row->decode_tps > 0)
        text_printf(&p->t, "%8.1f  ", row->decode_tps);
    else
        text_put(&p->t, STR("          "));
}

/* Who answers when the one that usually does is lost; NULL when that is no machine. */
static const struct certificate_row *row_without_first(const struct certificate *c,
                                                       uint32_t category)
{
    const struct plan_copy *first = c->cases[0].rows[category].copy;

    for (uint32_t i = 1; i < c->cases_count && first; i++)
        if (c->cases[i].kind == LOST_machine && c->cases[i].machines[0] == first->machine)
            return &c->cases[i].rows[category];
    return NULL;
}

static void write_letter(struct printer *p, const struct certificate_row *row)
{
    enum cover cover = certificate_cover(row);

    paint(p, paints[cover]);
    text_printf(&p->t, "%c", cover_letter(cover));
    paint(p, "0");
}

static void write_legend(struct printer *p)
{
    text_put(&p->t, STR("Answered by "));
    for (int i = 0; i < COVER_COUNT; i++)
        text_printf(&p->t, "%s%c %s", i ? ", " : "", cover_letter((enum cover)i),
                    cover_words((enum cover)i));
    text_put(&p->t, STR(".\n"));
}

static void write_holes(struct printer *p)
{
    const struct certificate *c = p->s->certificate;
    uint32_t shown = 0;

    for (uint32_t i = 0; i < c->faults_count; i++)
        text_printf(&p->t, "fault: %.*s\n", STR_ARG(c->faults[i]));
    for (uint32_t i = 0; i < c->cases_count; i++)
        for (uint32_t k = 0; k < c->rows_count; k++) {
            const struct certificate_case *lost = &c->cases[i];
            const char *what = lost->rows[k].copy ? "is answered too slowly" : "is not answered";

            if (lost->rows[k].covered || shown++ >= HOLES_SHOWN)
                continue;
            paint(p, "31");
            text_put(&p->t, STR("hole:"));
            paint(p, "0");
            text_printf(&p->t, " %.*s %s", STR_ARG(p->s->plan->fleet->categories[k].name), what);
            if (lost->lost.data)
                text_printf(&p->t, " when %.*s is lost", STR_ARG(lost->lost));
            text_put(&p->t, STR("\n"));
        }
    if (shown > HOLES_SHOWN)
        text_printf(&p->t, "and %u more\n", shown - HOLES_SHOWN);
    for (uint32_t k = 0; k < c->rows_count; k++)
        if (c->closers[k].data)
            text_printf(&p->t, "to close the hole of %.*s: %.*s\n",
                        STR_ARG(p->s->plan->fleet->categories[k].name), STR_ARG(c->closers[k]));
}

static void write_difference(struct printer *p)
{
    struct difference all[DIFFERENCES_MAX];
    size_t count = explain_difference(all, DIFFERENCES_MAX, p->s->before, p->s->plan);

    title(p, "What that changes");
    for (size_t i = 0; i < count && i < DIFFERENCES_MAX; i++)
        write_different(p, &all[i]);
    text_printf(&p->t, "%zu differ; holes %u, before %u; objective %.1f, before %.1f\n", count,
                p->s->certificate->holes, p->s->before_certificate->holes, p->s->plan->objective,
                p->s->before->objective);
}

static void write_different(struct printer *p, const struct difference *d)
{
    const struct plan_copy *copy = d->after ? d->after : d->before;

    text_printf(&p->t, "%-7s %-*.*s  %-*.*s", difference_name(d), p->machine_width,
                STR_ARG(copy->machine->name), p->tag_width,
                STR_ARG(shown_tag(copy, copy->artifact)));
    if (d->before && d->after && d->before->context != d->after->context)
        text_printf(&p->t, "  context %llu, before %llu", (unsigned long long)d->after->context,
                    (unsigned long long)d->before->context);
    if (d->before && d->after && d->before->slots != d->after->slots)
        text_printf(&p->t, "  slots %u, before %u", d->after->slots, d->before->slots);
    if (d->before && d->after && d->before->keep_loaded != d->after->keep_loaded)
        text_put(&p->t, d->after->keep_loaded ? STR("  stays loaded") : STR("  stays no more"));
    text_put(&p->t, STR("\n"));
}

static void write_changes(struct printer *p)
{
    const struct diff *d = p->s->diff;

    title(p,
          p->s->is_there_known ? "Steps from what is there" : "Steps from what the file declares");
    for (uint32_t i = 0; i < d->changes_count && i < STEPS_SHOWN; i++) {
        const struct change *c = &d->changes[i];

        text_printf(&p->t, "%-9s %-*.*s  %-*.*s", change_name(c->kind), p->machine_width,
                    STR_ARG(c->machine->name), p->tag_width,
                    STR_ARG(shown_tag(c->copy, c->artifact)));
        if (c->bytes)
            text_printf(&p->t, "  %7.1f GB  ", (double)c->bytes / 1e9);
        else
            text_printf(&p->t, "%14s", "");
        if (c->seconds > 0)
            text_seconds(&p->t, c->seconds);
        if (c->kind == CHANGE_seed)
            text_printf(&p->t, " from %.*s", STR_ARG(c->from->name));
        text_put(&p->t, STR("\n"));
    }
    if (d->changes_count > STEPS_SHOWN)
        text_printf(&p->t, "and %u more; --json has all\n", d->changes_count - STEPS_SHOWN);
    if (!d->changes_count)
        text_put(&p->t, STR("none\n"));
}

static void write_bill(struct printer *p)
{
    const struct bill *b = &p->s->diff->bill;

    text_put(&p->t, STR("\nbill         "));
    text_bytes(&p->t, b->wan_bytes);
    text_printf(&p->t, " over the internet (%.0f Mbit/s), ", (double)b->wan_bits / 1e6);
    text_bytes(&p->t, b->lan_bytes);
    text_printf(&p->t, " between machines (%.0f Mbit/s%s), ", (double)b->lan_bits / 1e6,
                b->is_assumed ? "; assumed" : "");
    text_seconds(&p->t, b->seconds);
    text_printf(&p->t, "; %u deleted; ", b->evictions);
    text_bytes(&p->t, b->disk_bytes);
    text_put(&p->t, STR(" of disk in all\n"));
}

static void write_summary(struct printer *p)
{
    const struct plan *plan = p->s->plan;
    const struct certificate *c = p->s->certificate;

    text_printf(&p->t, "certificate  %u case%s, %u hole%s", c->cases_count,
                c->cases_count == 1 ? "" : "s", c->holes, c->holes == 1 ? "" : "s");
    if (c->faults_count)
        text_printf(&p->t, ", %u fault%s", c->faults_count, c->faults_count == 1 ? "" : "s");
    text_printf(&p->t, "\nplan         %u copies", plan->copies_count);
    if (plan->objective > 0)
        text_printf(&p->t, ", %.1f s of waiting and work an hour", plan->objective);
    if (plan_has_bound(plan))
        text_printf(&p->t, ", at least %.1f for any plan, gap %.2f %%%s", plan->bound,
                    plan->gap * 100, plan->is_proven ? "" : " (not proven closer)");
    text_printf(&p->t, "; %s", plan->solver);
    if (plan->seconds > 0)
        text_printf(&p->t, ", %.2f s", plan->seconds);
    text_put(&p->t, STR("\n"));
}

static void title(struct printer *p, const char *text)
{
    text_put(&p->t, STR("\n"));
    paint(p, "1");
    text_put(&p->t, str_from(text));
    paint(p, "0");
    text_put(&p->t, STR("\n"));
}

static void paint(struct printer *p, const char *code)
{
    if (p->colors)
        text_printf(&p->t, "\033[%sm", code);
}
