/* SPDX-License-Identifier: Apache-2.0 */
/* Which pins and limits cannot hold together: the fewest of them, by leaving out one after another
 * what is not needed for the conflict. */
#include "plan/conflict.h"

#include <errno.h>

#include "base/buf.h"

enum { WORDS_MAX = ERR_TEXT_MAX };

static const double gib = 1 << 30;

static int check_alone(const struct problem *p, const struct room *room, struct err *err);
static const struct seat *seat_of_line(const struct problem *p, const struct room *room,
                                       const struct fleet_model *line);
static bool is_pin(const struct machine *m, const struct fleet_model *line);
static int check_together(struct placement *pl, uint32_t room, struct err *err);
static void reduce(struct placement *pl, uint32_t room);
static int say_together(const struct placement *pl, uint32_t room, struct err *err);
static int say_pins(struct buf *out, const struct placement *pl, uint32_t room, enum shortage what);
static struct place place_of_pin(const struct machine *m, const struct fleet_model *line);
static double bytes_of(const struct problem *p, const struct seat *s, enum shortage what);
static int say_limit(struct buf *out, const struct placement *pl, uint32_t room, enum shortage what,
                     uint32_t seat);

int conflict_check(const struct problem *p, struct err *err)
{
    AUTO(placement) pl = NULL;
    int r = placement_new(&pl, p);

    if (r < 0)
        return err_set(err, r, "out of memory");
    for (uint32_t i = 0; i < p->seats_count; i++)
        if (p->seats[i].is_pinned)
            placement_set(pl, i, p->seats[i].least);
    for (uint32_t i = 0; i < p->rooms_count && r == 0; i++) {
        r = check_alone(p, &p->rooms[i], err);
        if (r == 0)
            r = check_together(pl, i, err);
    }
    return r;
}

/* A pin of what the machine could not run even alone. What the catalog does not know is not judged.
 */
static int check_alone(const struct problem *p, const struct room *room, struct err *err)
{
    const struct machine *m = room->machine;

    for (uint32_t i = 0; i < m->models_count; i++) {
        const struct fleet_model *line = &m->models[i];
        const struct artifact *a = catalog_artifact(p->wish->catalog, line->pull);
        struct place at = place_of_pin(m, line);
        struct buf why;
        int r;

        if (!a || !is_pin(m, line) || seat_of_line(p, room, line))
            continue;
        buf_init(&why, WORDS_MAX);
        r = seat_say_impossible(&why, p, room, a);
        err_set(err, -ENOSPC,
                PLACE "'%.*s' is to stay on %.*s, but %.*s; take it off keep_loaded (or "
                      "pin), or choose another artifact",
                PLACE_ARG(at), STR_ARG(line->pull), STR_ARG(m->name), STR_ARG(buf_str(&why)));
        buf_fini(&why);
        return r < 0 ? r : -ENOSPC;
    }
    return 0;
}

static const struct seat *seat_of_line(const struct problem *p, const struct room *room,
                                       const struct fleet_model *line)
{
    for (uint32_t i = room->seats_first; i < room->seats_first + room->seats_count; i++)
        if (p->seats[i].line == line ||
            (p->seats[i].line && str_equal(p->seats[i].line->pull, line->pull)))
            return &p->seats[i];
    return NULL;
}

static bool is_pin(const struct machine *m, const struct fleet_model *line)
{
    return !line->is_optional && (line->is_pinned || problem_keeps_by_name(line, m));
}

static int check_together(struct placement *pl, uint32_t room, struct err *err)
{
    if (placement_fits(pl, room))
        return 0;
    reduce(pl, room);
    return say_together(pl, room, err);
}

/* What can go without ending the conflict, goes. What is left is all needed for it. */
static void reduce(struct placement *pl, uint32_t room)
{
    const struct room *r = &pl->problem->rooms[room];

    for (uint32_t i = r->seats_first; i < r->seats_first + r->seats_count; i++) {
        enum level was = pl->levels[i];

        placement_set(pl, i, LEVEL_none);
        if (placement_fits(pl, room))
            placement_set(pl, i, was);
    }
}

static int say_together(const struct placement *pl, uint32_t room, struct err *err)
{
    uint32_t seat = 0;
    enum shortage what = placement_shortage(pl, room, &seat);
    const struct machine *m = pl->problem->rooms[room].machine;
    struct buf words;
    int r;

    buf_init(&words, WORDS_MAX);
    r = say_pins(&words, pl, room, what);
    if (r == 0)
        r = say_limit(&words, pl, room, what, seat);
    err_set(err, -ENOSPC,
            "%.*s cannot have all of this, though it could without any one of it: %.*s",
            STR_ARG(m->name), STR_ARG(buf_str(&words)));
    buf_fini(&words);
    return r == -ENOMEM ? r : -ENOSPC;
}

static int say_pins(struct buf *out, const struct placement *pl, uint32_t room, enum shortage what)
{
    const struct problem *p = pl->problem;
    const struct room *r = &p->rooms[room];
    int error = 0;

    for (uint32_t i = r->seats_first; i < r->seats_first + r->seats_count && error == 0; i++) {
        const struct seat *s = &p->seats[i];
        struct place at;

        if (!pl->levels[i])
            continue;
        at = place_of_pin(r->machine, s->line);
        error = buf_printf(out, "%s" PLACE "'%.*s' %s (%.1f GiB)", out->len ? "; " : "",
                           PLACE_ARG(at), STR_ARG(s->line->pull),
                           pl->levels[i] == LEVEL_kept ? "kept loaded" : "pinned",
                           bytes_of(p, s, what) / gib);
    }
    return error;
}

static struct place place_of_pin(const struct machine *m, const struct fleet_model *line)
{
    if (!line->is_pinned && m->keep_loaded.at.line)
        return m->keep_loaded.at;
    return line->pull_at.line ? line->pull_at : line->at;
}

/* What a seat takes of what there is too little of. */
static double bytes_of(const struct problem *p, const struct seat *s, enum shortage what)
{
    switch (what) {
    case SHORTAGE_disk:
        return (double)p->wares[s->ware].artifact->bytes;
    case SHORTAGE_gpu:
        return (double)s->gpu_bytes;
    case SHORTAGE_ram:
        return (double)s->ram_bytes;
    default:
        return (double)(s->fit.gpu_bytes + s->fit.ram_bytes);
    }
}

static int say_limit(struct buf *out, const struct placement *pl, uint32_t room, enum shortage what,
                     uint32_t seat)
{
    const struct problem *p = pl->problem;
    const struct room *r = &p->rooms[room];
    const struct stall *stall = &r->stalls[p->seats[seat].stall];
    struct place hardware = r->machine->hardware.at, engine = stall->engine->at;

    switch (what) {
    case SHORTAGE_disk:
        return buf_printf(out, "; against " PLACE "disk of which models may fill %.1f GiB",
                          PLACE_ARG(hardware), (double)r->disk_bytes / gib);
    case SHORTAGE_gpu:
        return buf_printf(out, "; against " PLACE "%.1f GiB of GPU memory that engines may use",
                          PLACE_ARG(hardware), (double)r->gpu_bytes / gib);
    case SHORTAGE_ram:
        return buf_printf(out, "; against " PLACE "%.1f GiB of RAM that engines may use",
                          PLACE_ARG(hardware), (double)r->ram_bytes / gib);
    case SHORTAGE_kept:
        return buf_printf(out, "; against " PLACE "%u models that %.*s keeps at once",
                          PLACE_ARG(engine), stall->kept_max, STR_ARG(stall->engine->name));
    case SHORTAGE_process:
        return buf_printf(out,
                          "; against " PLACE "%.*s, which serves the one model it is started with",
                          PLACE_ARG(engine), STR_ARG(stall->engine->name));
    case SHORTAGE_rule:
        return buf_printf(out,
                          "; against Ollama's rule: beside others it loads only into %d %% of "
                          "the %.1f GiB of GPU memory that they leave (" PLACE "hardware)",
                          RULE_PERCENT, (double)r->gpu_bytes / gib, PLACE_ARG(hardware));
    default:
        return buf_printf(out, "; against what other engines of " PLACE "%.*s never unload",
                          PLACE_ARG(hardware), STR_ARG(r->machine->name));
    }
}
