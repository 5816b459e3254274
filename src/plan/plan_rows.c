/* SPDX-License-Identifier: Apache-2.0 */
/* From a placement to copies and rows, each with its reason. */
#include <errno.h>
#include <stdlib.h>

#include "plan/check_inside.h"
#include "plan/plan_inside.h"

enum { WHY_MAX = 4096 };

static int add_copies(struct plan_owner *o, const struct placement *pl, uint32_t *copy_of);
static int add_copy(struct plan_owner *o, const struct placement *pl, uint32_t seat);
static int add_lenders(struct plan_owner *o, const struct problem *p, const struct span *span,
                       struct plan_copy *c);
static struct str name_of(struct plan_owner *o, const struct problem *p, const struct seat *s);
static struct str made_name(struct plan_owner *o, const struct artifact *a);
static int compare_seats(const void *a, const void *b, void *ctx);
static int add_rows(struct plan_owner *o, const struct placement *pl, const uint32_t *copy_of);
static int add_row(struct plan_owner *o, const struct placement *pl, uint32_t index,
                   const uint32_t *copy_of);
static void add_once(struct plan_row *row, uint32_t copy);
static double cloud_share(const struct placement *pl, const struct want *w);
static int add_categories(struct plan_owner *o);
static int add_reasons(struct plan_owner *o, const struct placement *pl, const uint32_t *copy_of);
static int say_why(struct buf *out, const struct placement *pl, uint32_t seat);
static int say_span(struct buf *out, const struct problem *p, const struct seat *s);
static int say_turn(struct buf *out, const struct placement *pl, const struct want *w,
                    uint32_t seat);

int plan_fill(struct plan_owner *o, const struct placement *pl)
{
    uint32_t *copy_of = calloc(pl->problem->seats_count + 1, sizeof *copy_of);
    int r = copy_of ? add_copies(o, pl, copy_of) : -ENOMEM;

    if (r == 0)
        r = add_rows(o, pl, copy_of);
    if (r == 0)
        r = add_categories(o);
    if (r == 0)
        r = add_reasons(o, pl, copy_of);
    free(copy_of);
    return r;
}

/* By machine; there the file's lines in its order, then what is new. */
static int add_copies(struct plan_owner *o, const struct placement *pl, uint32_t *copy_of)
{
    const struct problem *p = pl->problem;
    uint32_t *order, count = 0;
    int r = 0;

    for (uint32_t i = 0; i < p->rooms_count; i++)
        count += pl->present_count[i];
    if (count > PLAN_COPIES_MAX)
        return -E2BIG;
    o->plan.copies = arena_alloc(&o->arena, (count + 1) * sizeof *o->plan.copies);
    order = arena_alloc(&o->arena, (count + 1) * sizeof *order);
    if (!o->plan.copies || !order)
        return -ENOMEM;
    count = 0;
    for (uint32_t i = 0; i < p->seats_count; i++)
        if (pl->levels[i])
            order[count++] = i;
    qsort_r(order, count, sizeof *order, compare_seats, &p);
    for (uint32_t i = 0; i < count && r == 0; i++) {
        copy_of[order[i]] = i;
        r = add_copy(o, pl, order[i]);
    }
    return r;
}

static int add_copy(struct plan_owner *o, const struct placement *pl, uint32_t seat)
{
    const struct problem *p = pl->problem;
    const struct seat *s = &p->seats[seat];
    const struct artifact *a = p->wares[s->ware].artifact;
    struct plan_copy *c = &o->plan.copies[o->plan.copies_count++];

    *c = (struct plan_copy){
        .machine = p->rooms[s->room].machine,
        .engine = p->rooms[s->room].stalls[s->stall].engine,
        .artifact = a,
        .name = name_of(o, p, s),
        .line = s->line,
        .disk_bytes = a->bytes,
        .memory_bytes = s->fit.gpu_bytes + s->fit.ram_bytes,
        .gpu_bytes = s->fit.gpu_bytes,
        .context =
            a->model->capabilities & (1u << CAPABILITY_completion | 1u << CAPABILITY_embedding)
                ? s->run.context
                : 0,
        .slots = s->run.slots,
        .keep_loaded = pl->levels[seat] == LEVEL_kept,
        .is_pinned = s->is_pinned,
        .fit = s->fit,
        .load_s = s->load_s,
        .prefill_tps = s->prefill_tps,
        .decode_tps = s->decode_tps,
    };
    if (!c->name.data)
        return -ENOMEM;
    return s->span ? add_lenders(o, p, s->span, c) : 0;
}

static int add_lenders(struct plan_owner *o, const struct problem *p, const struct span *span,
                       struct plan_copy *c)
{
    const struct machine **machines = arena_alloc(&o->arena, span->count * sizeof(void *));
    uint64_t *bytes = arena_alloc(&o->arena, span->count * sizeof *bytes);

    if (!machines || !bytes)
        return -ENOMEM;
    for (uint32_t i = 1; i < span->count; i++) {
        machines[i - 1] = p->rooms[span->rooms[i]].machine;
        bytes[i - 1] = span->parts[i].fit.gpu_bytes + span->parts[i].fit.ram_bytes;
    }
    c->span = machines;
    c->span_bytes = bytes;
    c->span_count = span->count - 1;
    return 0;
}

/* As the line says, or as another line says of the same artifact; else one is made. */
static struct str name_of(struct plan_owner *o, const struct problem *p, const struct seat *s)
{
    const struct artifact *a = p->wares[s->ware].artifact;

    if (s->line && s->line->name.len)
        return s->line->name;
    for (uint32_t i = 0; i < p->lines_count; i++)
        if (p->lines[i].artifact == a && p->lines[i].line->name.len)
            return p->lines[i].line->name;
    return made_name(o, a);
}

static struct str made_name(struct plan_owner *o, const struct artifact *a)
{
    struct str tag = artifact_short_tag(a);
    char *text = arena_printf(&o->arena, "%s-LOC-FRE-%.*s",
                              size_names[check_size(a->model->params)], STR_ARG(tag));

    for (char *at = text; at && *at; at++)
        if (*at == ':' || *at == '/')
            *at = '-';
    return str_from(text);
}

static int compare_seats(const void *a, const void *b, void *ctx)
{
    const struct problem *p = *(const struct problem *const *)ctx;
    const struct seat *x = &p->seats[*(const uint32_t *)a], *y = &p->seats[*(const uint32_t *)b];

    if (x->room != y->room)
        return x->room < y->room ? -1 : 1;
    if (!x->line != !y->line)
        return x->line ? -1 : 1;
    if (x->line && x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x < y ? -1 : 1;
}

static int add_rows(struct plan_owner *o, const struct placement *pl, const uint32_t *copy_of)
{
    int r = 0;

    o->plan.rows = arena_alloc(&o->arena, (pl->problem->wants_count + 1) * sizeof *o->plan.rows);
    if (!o->plan.rows)
        return -ENOMEM;
    for (uint32_t i = 0; i < pl->problem->wants_count && r == 0; i++)
        r = add_row(o, pl, i, copy_of);
    return r;
}

/* Its turns first, since each of them is in another failure domain; then whoever else could. */
static int add_row(struct plan_owner *o, const struct placement *pl, uint32_t index,
                   const uint32_t *copy_of)
{
    const struct want *w = &pl->problem->wants[index];
    struct plan_row *row = &o->plan.rows[o->plan.rows_count++];
    const struct offer *turns[TURNS_MAX];
    uint32_t count = placement_turns(pl, w, turns);

    *row = (struct plan_row){.category = index, .per_hour = w->demand.per_hour};
    row->copies = arena_alloc(&o->arena, (w->offers_count + 1) * sizeof *row->copies);
    if (!row->copies)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        add_once(row, copy_of[turns[i]->seat]);
    for (uint32_t i = 0; i < w->offers_count; i++)
        if (pl->levels[w->offers[i].seat])
            add_once(row, copy_of[w->offers[i].seat]);
    row->cloud_per_hour = w->demand.per_hour * cloud_share(pl, w);
    return 0;
}

static void add_once(struct plan_row *row, uint32_t copy)
{
    for (uint32_t i = 0; i < row->copies_count; i++)
        if (row->copies[i] == copy)
            return;
    row->copies[row->copies_count++] = copy;
}

/* Of its requests, those that go to the cloud although every machine is up. */
static double cloud_share(const struct placement *pl, const struct want *w)
{
    const struct offer *turns[TURNS_MAX];
    uint32_t count = placement_turns(pl, w, turns), away = 0;

    if (!w->cloud)
        return 0;
    for (uint32_t i = 0; i < w->streams; i++)
        away += i >= count || turns[i]->cost_s > w->cloud_s;
    return w->streams ? (double)away / w->streams : 1;
}

/* Which rows a copy stands in: the rows the other way round. */
static int add_categories(struct plan_owner *o)
{
    struct plan *plan = &o->plan;

    for (uint32_t i = 0; i < plan->rows_count; i++)
        for (uint32_t j = 0; j < plan->rows[i].copies_count; j++)
            plan->copies[plan->rows[i].copies[j]].categories_count++;
    for (uint32_t i = 0; i < plan->copies_count; i++) {
        struct plan_copy *c = &plan->copies[i];

        c->categories = arena_alloc(&o->arena, (c->categories_count + 1) * sizeof *c->categories);
        if (!c->categories)
            return -ENOMEM;
        c->categories_count = 0;
    }
    for (uint32_t i = 0; i < plan->rows_count; i++)
        for (uint32_t j = 0; j < plan->rows[i].copies_count; j++) {
            struct plan_copy *c = &plan->copies[plan->rows[i].copies[j]];

            c->categories[c->categories_count++] = plan->rows[i].category;
        }
    return 0;
}

static int add_reasons(struct plan_owner *o, const struct placement *pl, const uint32_t *copy_of)
{
    struct buf text;
    int r = 0;

    buf_init(&text, WHY_MAX);
    for (uint32_t i = 0; i < pl->problem->seats_count && r == 0; i++) {
        struct plan_copy *c = &o->plan.copies[copy_of[i]];

        if (!pl->levels[i])
            continue;
        buf_reset(&text);
        r = say_why(&text, pl, i);
        if (r == -EMSGSIZE)
            r = 0; /* it has reasons enough */
        c->why = arena_str(&o->arena, buf_str(&text));
        if (!c->why.data)
            r = -ENOMEM;
    }
    buf_fini(&text);
    return r;
}

static int say_why(struct buf *out, const struct placement *pl, uint32_t seat)
{
    const struct problem *p = pl->problem;
    const struct seat *s = &p->seats[seat];
    int r = 0;

    for (uint32_t k = 0; k < p->wants_count && r == 0; k++)
        r = say_turn(out, pl, &p->wants[k], seat);
    if (r == 0 && s->is_pinned)
        r = buf_printf(out, "%sthe file %s", out->len ? "; " : "",
                       s->line->is_pinned ? "pins it" : "keeps it loaded");
    if (r == 0 && s->span)
        r = say_span(out, p, s);
    if (r == 0 && !out->len && s->is_held)
        r = buf_printf(out, "it is there, and its room is not needed");
    else if (r == 0 && !out->len)
        r = buf_printf(out, "all machines are to have one");
    return r;
}

static int say_span(struct buf *out, const struct problem *p, const struct seat *s)
{
    int r = buf_printf(out, "%sno machine alone holds its %.1f GiB: over %.*s",
                       out->len ? "; " : "", (double)footprint_total(&s->need) / (1 << 30),
                       STR_ARG(p->rooms[s->room].machine->name));

    for (uint32_t i = 1; i < s->span->count && r == 0; i++)
        r = buf_printf(out, ", %.*s", STR_ARG(p->rooms[s->span->rooms[i]].machine->name));
    return r;
}

static int say_turn(struct buf *out, const struct placement *pl, const struct want *w,
                    uint32_t seat)
{
    const struct offer *turns[TURNS_MAX];
    uint32_t count = placement_turns(pl, w, turns), turn = 0;
    const struct problem *p = pl->problem;

    while (turn < count && turns[turn]->seat != seat)
        turn++;
    if (turn == count)
        return 0;
    return buf_printf(
        out, "%s%s %.*s in %.1f s a request%s%.*s%s", out->len ? "; " : "",
        turn < w->streams ? "serves" : "stands in for", STR_ARG(w->category->name),
        turns[turn]->service_s, turn < w->streams ? "" : " when ",
        turn < w->streams ? 0
                          : (int)p->rooms[p->seats[turns[turn - 1]->seat].room].machine->name.len,
        turn < w->streams ? "" : p->rooms[p->seats[turns[turn - 1]->seat].room].machine->name.data,
        turn < w->streams ? "" : " is lost");
}
