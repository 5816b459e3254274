/* SPDX-License-Identifier: Apache-2.0 */
/* What has to change so that machines are as the plan wants, in an order that can be carried out.
 */
#include "plan/diff.h"

#include <errno.h>
#include <stdlib.h>

#include "base/map.h"
#include "fleet/engine_rules.h"

/* A copy on a machine's disk. */
struct here {
    struct holding holding;
    const struct plan_copy *copy; /* the plan keeps it; NULL: it goes */
    bool loaded;
};

/* Who has an artifact, and who still waits for it. */
struct supply {
    const struct machine *holder; /* the last that got it: sources take turns */
    uint32_t holders, wanted;
};

struct differ {
    struct diff *d;
    const struct plan *plan;
    const struct plan_wish *wish;
    struct here *here;
    uint32_t here_count;
    const struct plan_copy **arrivals; /* NULL where it has arrived */
    uint32_t arrivals_count;
    int64_t *room;       /* bytes left on each machine's disk; INT64_MAX: not known */
    struct map supplies; /* by tag */
    struct arena scratch;
};

static int make(struct differ *df, const struct presence *presence);
static int alloc(struct differ *df, uint32_t here_max);
static int find_here(struct differ *df, const struct presence *presence);
static int find_declared(struct differ *df);
static bool is_kept_by_file(const struct machine *m, const struct fleet_model *line);
static int add_here(struct differ *df, struct here here);
static int find_arrivals(struct differ *df);
static struct supply *supply_of(struct differ *df, const struct artifact *a);
static int64_t *room_of(struct differ *df, const struct machine *m);
static void match_copies(struct differ *df);
static void move(struct differ *df);
static bool fetch(struct differ *df, bool has_source, bool by_force);
static void arrive(struct differ *df, uint32_t arrival, struct supply *supply);
static bool make_room(struct differ *df, bool by_force);
static bool is_waited_for(const struct differ *df, const struct machine *m);
static void leave(struct differ *df, struct here *here);
static void find_holder(const struct differ *df, const struct artifact *a, struct supply *supply);
static void settle(struct differ *df);
static bool is_changed(const struct plan_copy *copy);
static void add(struct differ *df, enum change_kind kind, const struct holding *what,
                const struct plan_copy *copy);

static const struct {
    const char *name, *words;
} kinds[CHANGE_COUNT] = {
#define CHANGE(name, what) [CHANGE_##name] = {#name, what},
#include "tables/changes.def"
};

int diff_make(struct diff **ret, const struct plan *plan, const struct plan_wish *wish,
              const struct presence *presence, struct err *err)
{
    struct diff *d = calloc(1, sizeof *d);
    struct differ df = {.d = d, .plan = plan, .wish = wish};
    int r = -ENOMEM;

    if (d) {
        d->plan = plan;
        arena_init(&d->arena, DIFF_BYTES_MAX);
        arena_init(&df.scratch, DIFF_BYTES_MAX);
        r = make(&df, presence);
        map_fini(&df.supplies);
        arena_fini(&df.scratch);
    }
    if (r < 0) {
        diff_free(d);
        return err_set(err, r, "no memory for what has to change");
    }
    *ret = d;
    return 0;
}

void diff_free(struct diff *d)
{
    if (!d)
        return;
    arena_fini(&d->arena);
    free(d);
}

const char *change_name(enum change_kind kind)
{
    return kinds[kind].name;
}

const char *change_words(enum change_kind kind)
{
    return kinds[kind].words;
}

static int make(struct differ *df, const struct presence *presence)
{
    uint32_t declared = 0;
    int r;

    for (uint32_t i = 0; i < df->plan->fleet->machines_count; i++)
        declared += df->plan->fleet->machines[i].models_count;
    r = alloc(df, presence ? presence->count : declared);
    if (r == 0)
        r = presence ? find_here(df, presence) : find_declared(df);
    if (r == 0)
        r = find_arrivals(df);
    if (r < 0)
        return r;
    match_copies(df);
    move(df);
    settle(df);
    return bill_fill(df->d);
}

/* Each copy that is there may be unloaded and deleted; each planned one fetched, set up, loaded. */
static int alloc(struct differ *df, uint32_t here_max)
{
    uint32_t machines = df->plan->fleet->machines_count, copies = df->plan->copies_count;

    df->here = arena_alloc(&df->scratch, (here_max + 1) * sizeof *df->here);
    df->arrivals = arena_alloc(&df->scratch, (copies + 1) * sizeof *df->arrivals);
    df->room = arena_alloc(&df->scratch, (machines + 1) * sizeof *df->room);
    df->d->changes = arena_alloc(&df->d->arena, (2 * (size_t)here_max + 3 * (size_t)copies + 1) *
                                                    sizeof *df->d->changes);
    if (!df->here || !df->arrivals || !df->room || !df->d->changes)
        return -ENOMEM;
    for (uint32_t i = 0; i < machines; i++) {
        uint64_t disk = machine_disk(&df->plan->fleet->machines[i]);

        df->room[i] = disk ? (int64_t)disk : INT64_MAX;
    }
    return 0;
}

static int find_here(struct differ *df, const struct presence *presence)
{
    int r = 0;

    for (uint32_t i = 0; i < presence->count && r == 0; i++)
        r = add_here(df, (struct here){.holding = presence->holdings[i],
                                       .loaded = presence->loaded && presence->loaded[i]});
    return r;
}

/* What the file declares counts as done. */
static int find_declared(struct differ *df)
{
    const struct fleet *f = df->plan->fleet;
    int r = 0;

    for (uint32_t i = 0; i < f->machines_count; i++)
        for (uint32_t k = 0; k < f->machines[i].models_count && r == 0; k++) {
            const struct machine *m = &f->machines[i];
            const struct fleet_model *line = &m->models[k];
            const struct artifact *a = catalog_artifact(df->plan->catalog, line->pull);

            if (a && line->engine && !line->is_optional && machine_serves(m))
                r = add_here(df, (struct here){.holding = {m, line->engine, a},
                                               .loaded = is_kept_by_file(m, line)});
        }
    return r;
}

/* What an engine was started with stays loaded. */
static bool is_kept_by_file(const struct machine *m, const struct fleet_model *line)
{
    struct engine_rules rules;

    engine_rules_read(&rules, line->engine);
    if (!rules.on_demand)
        return true;
    for (uint32_t i = 0; i < m->keep_loaded.names_count; i++)
        if (str_equal(m->keep_loaded.names[i], line->pull) ||
            str_equal(m->keep_loaded.names[i], line->name))
            return true;
    return false;
}

static int add_here(struct differ *df, struct here here)
{
    struct supply *supply = supply_of(df, here.holding.artifact);
    int64_t *room = room_of(df, here.holding.machine);

    if (!supply)
        return -ENOMEM;
    for (uint32_t i = 0; i < df->wish->lost_count; i++)
        if (df->wish->lost[i] == here.holding.machine)
            return 0;
    if (*room != INT64_MAX)
        *room -= (int64_t)here.holding.artifact->bytes;
    supply->holders++;
    supply->holder = here.holding.machine;
    df->here[df->here_count++] = here;
    return 0;
}

static int find_arrivals(struct differ *df)
{
    for (uint32_t i = 0; i < df->plan->copies_count; i++) {
        struct supply *supply = supply_of(df, df->plan->copies[i].artifact);

        if (!supply)
            return -ENOMEM;
        supply->wanted++;
        df->arrivals[i] = &df->plan->copies[i];
    }
    df->arrivals_count = df->plan->copies_count;
    return 0;
}

static struct supply *supply_of(struct differ *df, const struct artifact *a)
{
    struct supply *supply = map_find(&df->supplies, a->tag);

    if (supply)
        return supply;
    supply = arena_alloc(&df->scratch, sizeof *supply);
    return supply && map_put(&df->supplies, a->tag, supply) == 0 ? supply : NULL;
}

static int64_t *room_of(struct differ *df, const struct machine *m)
{
    return &df->room[m - df->plan->fleet->machines];
}

/* O(there × planned on one machine): plans stand together by machine. */
static void match_copies(struct differ *df)
{
    for (uint32_t i = 0; i < df->here_count; i++)
        for (uint32_t k = 0; k < df->arrivals_count && !df->here[i].copy; k++) {
            const struct plan_copy *copy = df->arrivals[k];
            const struct holding *h = &df->here[i].holding;

            if (!copy || copy->machine != h->machine || copy->engine != h->engine ||
                copy->artifact != h->artifact)
                continue;
            df->here[i].copy = copy;
            df->arrivals[k] = NULL;
            supply_of(df, copy->artifact)->wanted--;
        }
}

/* What is nowhere comes first, since the internet is the slow road; then what can be seeded; room
 * is made when nothing else moves, by force when even that does not help. */
static void move(struct differ *df)
{
    bool moved = true;

    while (moved)
        moved = fetch(df, false, false) || fetch(df, true, false) || make_room(df, false) ||
                make_room(df, true) || fetch(df, false, true) || fetch(df, true, true);
    for (uint32_t i = 0; i < df->here_count; i++)
        if (!df->here[i].copy && df->here[i].holding.artifact)
            leave(df, &df->here[i]);
}

/* by_force: also where the disk is too small, which is the plan's fault and said elsewhere. */
static bool fetch(struct differ *df, bool has_source, bool by_force)
{
    bool moved = false;

    for (uint32_t i = 0; i < df->arrivals_count; i++) {
        const struct plan_copy *copy = df->arrivals[i];
        struct supply *supply = copy ? supply_of(df, copy->artifact) : NULL;

        if (!copy || (supply->holders > 0) != has_source ||
            (!by_force && *room_of(df, copy->machine) < (int64_t)copy->artifact->bytes))
            continue;
        arrive(df, i, supply);
        moved = true;
    }
    return moved;
}

static void arrive(struct differ *df, uint32_t arrival, struct supply *supply)
{
    const struct plan_copy *copy = df->arrivals[arrival];
    struct holding what = {copy->machine, copy->engine, copy->artifact};
    int64_t *room = room_of(df, copy->machine);

    add(df, supply->holders ? CHANGE_seed : CHANGE_pull, &what, copy);
    df->d->changes[df->d->changes_count - 1].from = supply->holder;
    if (*room != INT64_MAX)
        *room -= (int64_t)copy->artifact->bytes;
    supply->holder = copy->machine;
    supply->holders++;
    supply->wanted--;
    df->arrivals[arrival] = NULL;
}

/* Deletes one copy where somebody waits for room: not the last of what is still wanted, unless by
 * force. */
static bool make_room(struct differ *df, bool by_force)
{
    for (uint32_t i = 0; i < df->here_count; i++) {
        struct here *here = &df->here[i];
        const struct supply *supply;

        if (here->copy || !here->holding.artifact || !is_waited_for(df, here->holding.machine))
            continue;
        supply = supply_of(df, here->holding.artifact);
        if (supply->wanted && supply->holders == 1 && !by_force)
            continue;
        leave(df, here);
        return true;
    }
    return false;
}

static bool is_waited_for(const struct differ *df, const struct machine *m)
{
    for (uint32_t i = 0; i < df->arrivals_count; i++)
        if (df->arrivals[i] && df->arrivals[i]->machine == m)
            return true;
    return false;
}

static void leave(struct differ *df, struct here *here)
{
    struct holding what = here->holding;
    struct supply *supply = supply_of(df, what.artifact);
    int64_t *room = room_of(df, what.machine);

    if (here->loaded)
        add(df, CHANGE_unload, &what, NULL);
    add(df, CHANGE_delete, &what, NULL);
    if (*room != INT64_MAX)
        *room += (int64_t)what.artifact->bytes;
    supply->holders--;
    here->holding.artifact = NULL;
    if (supply->holder == what.machine)
        find_holder(df, what.artifact, supply);
}

/* Somebody else who has it: what was there from the start, else what has arrived. */
static void find_holder(const struct differ *df, const struct artifact *a, struct supply *supply)
{
    supply->holder = NULL;
    for (uint32_t i = 0; i < df->here_count; i++)
        if (df->here[i].holding.artifact == a)
            supply->holder = df->here[i].holding.machine;
    for (uint32_t i = 0; i < df->d->changes_count; i++) {
        const struct change *c = &df->d->changes[i];

        if (c->artifact == a && (c->kind == CHANGE_pull || c->kind == CHANGE_seed))
            supply->holder = c->machine;
    }
}

/* Settings and memory, once every copy is where it should be. */
static void settle(struct differ *df)
{
    const struct plan *plan = df->plan;
    struct here **here_of = arena_alloc(&df->scratch, (plan->copies_count + 1) * sizeof *here_of);

    for (uint32_t i = 0; here_of && i < df->here_count; i++) {
        struct here *here = &df->here[i];

        if (!here->copy)
            continue;
        here_of[here->copy - plan->copies] = here;
        if (here->loaded && !here->copy->keep_loaded)
            add(df, CHANGE_unload, &here->holding, here->copy);
    }
    for (uint32_t i = 0; here_of && i < plan->copies_count; i++) {
        const struct plan_copy *copy = &plan->copies[i];
        struct holding what = {copy->machine, copy->engine, copy->artifact};

        if (here_of[i] ? is_changed(copy) : copy->engine->kind != ENGINE_ollama)
            add(df, CHANGE_configure, &what, copy);
        if (copy->keep_loaded && !(here_of[i] && here_of[i]->loaded))
            add(df, CHANGE_load, &what, copy);
    }
}

/* Ollama is told context and slots with each request or load; all the same it is a change. */
static bool is_changed(const struct plan_copy *copy)
{
    const struct fleet_model *line = copy->line;

    return line && ((line->context && copy->context && line->context != copy->context) ||
                    (line->slots && copy->slots && line->slots != copy->slots));
}

static void add(struct differ *df, enum change_kind kind, const struct holding *what,
                const struct plan_copy *copy)
{
    df->d->changes[df->d->changes_count++] = (struct change){
        .kind = kind,
        .machine = what->machine,
        .engine = what->engine,
        .artifact = what->artifact,
        .copy = copy,
    };
}
