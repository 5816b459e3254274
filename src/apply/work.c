/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of an apply, in an order that may be carried out, and the bill. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/apply_inside.h"
#include "apply/files.h"
#include "apply/measure.h"

enum { STEPS_A_CHANGE = 5, STEPS_AN_ENGINE = 6 };

/* What a home gets where the file does not say; bits a second. */
static const double wan_usual_bits = 300e6, lan_usual_bits = 1e9;

static int find_presence(struct apply *a, struct presence *presence, struct err *err);
static int find_holdings(struct apply *a, const struct seen *seen, struct holding *holdings,
                         bool *loaded, uint32_t *count);
static int make_room(struct apply *a, struct err *err);
static struct apply_step *add(struct apply *a, enum work kind, const struct machine *machine,
                              const struct fleet_engine *engine, struct str name);
static int add_limits(struct apply *a, struct err *err);
static int add_settings(struct apply *a, struct err *err);
static int add_settings_of(struct apply *a, const struct seen *seen, struct err *err);
static void add_unknown(struct apply *a, const struct seen *seen, const char *words);
static void add_service(struct apply *a, const struct service *service);
static void add_measure(struct apply *a, const struct plan_copy *copy);
static bool has_step(const struct apply *a, const struct fleet_engine *engine);
static void add_unanswered(struct apply *a);
static void add_unplanned(struct apply *a);
static int add_left_over(void *ctx, const struct installed_name *name);
static int add_change(struct apply *a, const struct change *change);
static void add_arrival(struct apply *a, const struct change *change);
static int add_removal(struct apply *a, const struct change *change);
static bool is_ours(const struct apply *a, const struct change *change);
static bool is_by_hand(const struct apply *a, const struct fleet_engine *engine);
static void add_install(struct apply *a, const struct change *change);
static struct str name_of(const struct apply *a, const struct change *change);
static bool has_registry(struct str name);
static void make_bill(struct apply *a);
static double measuring_s(const struct apply *a, const struct machine *m);
static double at_most(double bits, uint64_t ceiling);
static void count_blobs(struct apply *a, const struct apply_step *s, struct map *brought,
                        struct map *given);

int apply_make_steps(struct apply *a, struct err *err)
{
    struct presence presence;
    int r = find_presence(a, &presence, err);

    if (r == 0)
        r = diff_make(&a->diff, &a->declared->plan, &a->wish, &presence, err);
    if (r == 0)
        r = make_room(a, err);
    if (r < 0)
        return r;
    r = add_limits(a, err);
    if (r == 0)
        r = add_settings(a, err);
    add_unanswered(a);
    add_unplanned(a);
    for (uint32_t i = 0; i < a->diff->changes_count && r == 0; i++)
        r = add_change(a, &a->diff->changes[i]);
    if (r == 0)
        r = installed_each(a->installed, add_left_over, a);
    make_bill(a);
    return r < 0 ? err_set(err, r, "out of memory") : 0;
}

/* What is planned and is there counts, under the registry's digest; and what the catalog knows of
 * the rest, since it takes room. */
static int find_presence(struct apply *a, struct presence *presence, struct err *err)
{
    uint32_t room = a->declared->plan.copies_count + 1, count = 0;
    struct holding *holdings;
    bool *loaded;

    for (uint32_t i = 0; i < a->seen_count; i++)
        room += a->seen[i].count;
    holdings = arena_alloc(&a->arena, room * sizeof *holdings);
    loaded = arena_alloc(&a->arena, room * sizeof *loaded);
    if (!holdings || !loaded)
        return err_set(err, -ENOMEM, "out of memory");
    for (uint32_t i = 0; i < a->seen_count; i++)
        if (find_holdings(a, &a->seen[i], holdings, loaded, &count) < 0)
            return err_set(err, -ENOMEM, "out of memory");
    *presence = (struct presence){.holdings = holdings, .loaded = loaded, .count = count};
    return 0;
}

static int find_holdings(struct apply *a, const struct seen *seen, struct holding *holdings,
                         bool *loaded, uint32_t *count)
{
    const struct plan *plan = &a->declared->plan;
    uint32_t first = *count;

    for (uint32_t i = 0; i < plan->copies_count; i++) {
        const struct plan_copy *copy = &plan->copies[i];
        bool is_there = !is_by_hand(a, copy->engine) && copy->engine->kind != ENGINE_ollama;
        const struct seen_model *model = apply_has(a, copy->engine, copy->line->pull);

        if (copy->engine != seen->engine || (!model && !is_there))
            continue;
        loaded[*count] = !model || model->is_loaded;
        holdings[(*count)++] = (struct holding){copy->machine, copy->engine, copy->artifact};
    }
    for (uint32_t i = 0; i < seen->count && seen->engine->kind == ENGINE_ollama; i++) {
        const struct artifact *artifact =
            catalog_artifact(a->options.catalog, str_from(seen->models[i].name));
        bool is_known = !artifact;

        for (uint32_t k = 0; k < plan->copies_count && !is_known; k++)
            is_known =
                plan->copies[k].engine == seen->engine && plan->copies[k].artifact == artifact;
        if (is_known)
            continue;
        loaded[*count] = seen->models[i].is_loaded;
        holdings[(*count)++] = (struct holding){seen->machine, seen->engine, artifact};
    }
    return *count >= first ? 0 : -ENOMEM;
}

static int left_over_count(void *ctx, const struct installed_name *name)
{
    (void)name;
    ++*(uint32_t *)ctx;
    return 0;
}

static int make_room(struct apply *a, struct err *err)
{
    uint32_t left_over = 0, lines = 0;

    for (uint32_t i = 0; i < a->options.fleet->machines_count; i++)
        lines += a->options.fleet->machines[i].models_count;
    installed_each(a->installed, left_over_count, &left_over);
    a->steps_room = STEPS_A_CHANGE * a->diff->changes_count + STEPS_AN_ENGINE * a->seen_count +
                    left_over + lines + a->hands_count + 1;
    a->steps = arena_alloc(&a->arena, a->steps_room * sizeof *a->steps);
    return a->steps ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static struct apply_step *add(struct apply *a, enum work kind, const struct machine *machine,
                              const struct fleet_engine *engine, struct str name)
{
    struct apply_step *s = &a->steps[a->steps_count++];

    *s = (struct apply_step){.kind = kind, .machine = machine, .engine = engine, .name = name};
    return s;
}

/* Before anything is loaded there. */
static int add_limits(struct apply *a, struct err *err)
{
    for (uint32_t i = 0; i < a->hands_count; i++) {
        const struct machine *m = a->hands[i].machine;
        const char *name;

        if (gpu_memory_suffices(&a->hands[i].gpu_memory, m))
            continue;
        name = arena_printf(&a->arena, "GPU memory, %.0f GiB",
                            (double)m->hardware.gpu_memory_bytes / (1 << 30));
        if (!name)
            return err_set(err, -ENOMEM, "out of memory");
        add(a, WORK_limit, m, NULL, str_from(name));
    }
    return 0;
}

/* Over SSH: engines that are missing, and those whose settings are not the file's. */
static int add_settings(struct apply *a, struct err *err)
{
    int r = 0;

    for (uint32_t i = 0; i < a->seen_count && r == 0; i++)
        if (remote_knows(a->seen[i].machine, a->seen[i].engine))
            r = add_settings_of(a, &a->seen[i], err);
    return r;
}

static int add_settings_of(struct apply *a, const struct seen *seen, struct err *err)
{
    struct remote_what what = {.machine = seen->machine, .engine = seen->engine};
    const struct program *program = program_of(seen->engine);
    struct service service = {0};
    struct err why = {0};
    struct buf wanted;
    int r = program ? files_service(a, seen->engine, &service, &why) : 0;

    if (program && !files_copy(a, seen->engine))
        return 0; /* nothing to be started with */
    if (r < 0 || !seen->knows_settings) {
        add_unknown(a, seen, r < 0 ? why.text : seen->remote_words);
        return 0;
    }
    what.service = &service;
    buf_init(&wanted, SCRIPT_MAX);
    r = remote_write_wanted(&wanted, &what, err);
    if (r == 0 && seen->is_missing)
        add(a, WORK_install, seen->machine, seen->engine, STR(""));
    if (r == 0 && program &&
        (!seen->is_up || !str_equal(buf_str(&wanted), buf_str(&seen->settings))))
        add_service(a, &service);
    else if (r == 0 && !program && seen->engine->env_count &&
             !str_equal(buf_str(&wanted), buf_str(&seen->settings)))
        add(a, WORK_configure, seen->machine, seen->engine, STR(""));
    buf_fini(&wanted);
    return r;
}

static void add_unknown(struct apply *a, const struct seen *seen, const char *words)
{
    struct apply_step *s = add(a, WORK_configure, seen->machine, seen->engine, STR(""));

    s->state = STEP_IS_failed;
    snprintf(s->words, sizeof s->words, "%.*s", STEP_WORDS - 1, words);
}

static void add_service(struct apply *a, const struct service *service)
{
    static const enum work works[] = {WORK_fetch, WORK_configure, WORK_verify};
    uint64_t lacking = files_lacking(a, service);

    for (size_t i = lacking ? 0 : 1; i < COUNT_OF(works); i++) {
        struct apply_step *s =
            add(a, works[i], service->machine, service->engine, service->copy->line->pull);

        s->copy = service->copy;
        s->manifest = service->files;
        s->bytes = works[i] == WORK_fetch ? lacking : 0;
    }
    add_measure(a, service->copy);
}

/* Of what should come to an end soon. */
static void add_measure(struct apply *a, const struct plan_copy *copy)
{
    if (a->options.measures && measure_brief_s(copy) > 0)
        add(a, WORK_measure, copy->machine, copy->engine, copy->line->pull)->copy = copy;
}

static bool has_step(const struct apply *a, const struct fleet_engine *engine)
{
    for (uint32_t i = 0; i < a->steps_count; i++)
        if (a->steps[i].engine == engine && a->steps[i].state == STEP_IS_waiting)
            return true;
    return false;
}

static void add_unanswered(struct apply *a)
{
    for (uint32_t i = 0; i < a->seen_count; i++) {
        const struct seen *seen = &a->seen[i];
        struct apply_step *s;

        if (seen->is_up || seen->engine->kind != ENGINE_ollama || has_step(a, seen->engine))
            continue;
        s = add(a, WORK_observe, seen->machine, seen->engine, STR(""));
        s->state = STEP_IS_failed;
        snprintf(s->words, sizeof s->words, "%s", seen->words);
    }
}

/* Lines of the file that stand for nothing: `tampu check` says why. */
static void add_unplanned(struct apply *a)
{
    const struct plan *plan = &a->declared->plan;

    for (uint32_t i = 0; i < a->hands_count; i++)
        for (uint32_t k = 0; k < a->hands[i].machine->models_count; k++) {
            const struct machine *m = a->hands[i].machine;
            const struct fleet_model *line = &m->models[k];
            struct apply_step *s;
            uint32_t at = 0;

            while (at < plan->copies_count && plan->copies[at].line != line)
                at++;
            if (at < plan->copies_count || line->is_optional || !line->engine)
                continue;
            s = add(a, WORK_observe, m, line->engine, line->pull);
            s->state = STEP_IS_failed;
            snprintf(s->words, sizeof s->words,
                     "this line cannot be carried out: the catalog does not know it, its engine "
                     "does not serve it, or it fits nowhere there; `tampu check` says which");
        }
}

static int add_change(struct apply *a, const struct change *change)
{
    struct str name = name_of(a, change);

    if (change->engine->kind != ENGINE_ollama) {
        if (change->kind != CHANGE_delete && change->kind != CHANGE_unload &&
            !remote_knows(change->machine, change->engine))
            add_install(a, change);
        return 0;
    }
    switch (change->kind) {
    case CHANGE_pull:
    case CHANGE_seed:
        add_arrival(a, change);
        return 0;
    case CHANGE_delete:
        return add_removal(a, change);
    case CHANGE_unload: /* what stays on the disk is loaded and unloaded as it is asked for */
        if (!change->copy && is_ours(a, change))
            add(a, WORK_unload, change->machine, change->engine, name);
        return 0;
    case CHANGE_load:
        add(a, WORK_load, change->machine, change->engine, name)->copy = change->copy;
        return 0;
    case CHANGE_configure: /* Ollama is told context and slots when it loads */
    case CHANGE_COUNT:
        return 0;
    }
    return 0;
}

static void add_arrival(struct apply *a, const struct change *change)
{
    static const enum work works[] = {WORK_pull, WORK_alias, WORK_tidy, WORK_verify};
    struct str name = name_of(a, change);
    const struct known_manifest *known = apply_manifest(a, name);

    for (size_t i = 0; i < COUNT_OF(works); i++) {
        struct apply_step *s = add(a, works[i], change->machine, change->engine, name);

        s->copy = change->copy;
        s->manifest = known && known->r == 0 ? &known->manifest : NULL;
        if (works[i] == WORK_pull)
            s->bytes = s->manifest ? s->manifest->bytes : change->bytes;
    }
    add_measure(a, change->copy);
}

/* Nobody but whoever put it there, or who says --prune, takes it away. */
static bool is_ours(const struct apply *a, const struct change *change)
{
    const struct installed_name installed = {change->machine->name, change->engine->name,
                                             name_of(a, change)};

    return a->options.prune || installed_has(a->installed, &installed);
}

static int add_removal(struct apply *a, const struct change *change)
{
    struct str name = name_of(a, change);

    if (is_ours(a, change)) {
        add(a, WORK_remove, change->machine, change->engine, name)->bytes = change->bytes;
        return 0;
    }
    return buf_printf(&a->kept, "%.*s: %.*s is not in the file, but tampu did not put it there\n",
                      STR_ARG(change->machine->name), STR_ARG(name));
}

/* Engines that are started with a model: one step for each, however many changes. */
static void add_install(struct apply *a, const struct change *change)
{
    struct apply_step *s;

    for (uint32_t i = 0; i < a->steps_count; i++)
        if (a->steps[i].kind == WORK_install && a->steps[i].engine == change->engine)
            return;
    s = add(a, WORK_install, change->machine, change->engine, name_of(a, change));
    s->copy = change->copy;
}

static bool is_by_hand(const struct apply *a, const struct fleet_engine *engine)
{
    const struct seen *seen = apply_seen(a, engine);

    return !seen || !seen->is_up;
}

/* As the file writes it, else as the engine lists it. */
static struct str name_of(const struct apply *a, const struct change *change)
{
    const struct seen *seen = apply_seen(a, change->engine);

    if (change->copy)
        return change->copy->line->pull;
    for (uint32_t i = 0; seen && i < seen->count; i++)
        if (catalog_artifact(a->options.catalog, str_from(seen->models[i].name)) ==
            change->artifact)
            return str_from(seen->models[i].name);
    return change->artifact->tag;
}

/* Long names that a killed apply left behind: those with a registry in front. */
static int add_left_over(void *ctx, const struct installed_name *name)
{
    struct apply *a = ctx;

    for (uint32_t i = 0; i < a->seen_count; i++) {
        const struct seen *seen = &a->seen[i];
        char *copy;

        if (!str_equal(seen->machine->name, name->machine) ||
            !str_equal(seen->engine->name, name->engine) || !seen_model(seen, name->name) ||
            !has_registry(name->name))
            continue;
        copy = arena_alloc(&a->arena, name->name.len + 1);
        if (!copy)
            return -ENOMEM;
        memcpy(copy, name->name.data, name->name.len);
        add(a, WORK_tidy, seen->machine, seen->engine, str_slice(copy, name->name.len));
    }
    return 0;
}

/* "192.0.2.7:4000/library/qwen2.5:14b" */
static bool has_registry(struct str name)
{
    const char *slash = memchr(name.data, '/', name.len);

    return slash && memchr(slash + 1, '/', name.len - (size_t)(slash + 1 - name.data));
}

/* Blobs, each once: over the WAN what is not on the shelf, over the LAN what an engine lacks. */
static void make_bill(struct apply *a)
{
    const struct network *n = &a->options.fleet->network;
    const struct settings *settings = a->options.settings;
    double wan_bits =
        at_most(n->wan_bits ? (double)n->wan_bits : wan_usual_bits, settings->registry_wan_rate);
    double lan_bits =
        at_most(n->lan_bits ? (double)n->lan_bits : lan_usual_bits, settings->registry_lan_rate);
    struct map brought = {0};

    for (uint32_t i = 0; i < a->seen_count; i++) {
        struct map given = {0};
        uint64_t before = a->bill.lan_bytes;

        for (uint32_t k = 0; k < a->declared->plan.copies_count; k++) {
            const struct plan_copy *copy = &a->declared->plan.copies[k];
            const struct known_manifest *known = apply_manifest(a, copy->line->pull);

            if (copy->engine != a->seen[i].engine || !known || known->r < 0 ||
                !apply_has(a, copy->engine, copy->line->pull))
                continue;
            for (uint32_t b = 0; b < known->manifest.count; b++)
                if (map_put(&given, str_from(known->manifest.blobs[b].digest), a) < 0)
                    continue;
        }
        for (uint32_t k = 0; k < a->steps_count; k++)
            if (step_brings(a->steps[k].kind) && a->steps[k].engine == a->seen[i].engine)
                count_blobs(a, &a->steps[k], &brought, &given);
        map_fini(&given);
        a->bill.seconds = (double)(a->bill.lan_bytes - before) * 8 / lan_bits > a->bill.seconds
                              ? (double)(a->bill.lan_bytes - before) * 8 / lan_bits
                              : a->bill.seconds;
    }
    map_fini(&brought);
    if ((double)a->bill.wan_bytes * 8 / wan_bits > a->bill.seconds)
        a->bill.seconds = (double)a->bill.wan_bytes * 8 / wan_bits;
    for (uint32_t i = 0; i < a->hands_count; i++)
        if (measuring_s(a, a->hands[i].machine) > a->bill.measure_s)
            a->bill.measure_s = measuring_s(a, a->hands[i].machine);
    a->bill.seconds += a->bill.measure_s;
}

static double measuring_s(const struct apply *a, const struct machine *m)
{
    double seconds = 0;

    for (uint32_t i = 0; i < a->steps_count; i++)
        if (a->steps[i].kind == WORK_measure && a->steps[i].machine == m)
            seconds += measure_brief_s(a->steps[i].copy);
    return seconds;
}

/* A ceiling of bytes a second, where there is one. */
static double at_most(double bits, uint64_t ceiling)
{
    return ceiling && (double)ceiling * 8 < bits ? (double)ceiling * 8 : bits;
}

static void count_blobs(struct apply *a, const struct apply_step *s, struct map *brought,
                        struct map *given)
{
    for (uint32_t i = 0; s->manifest && i < s->manifest->count; i++) {
        const struct manifest_blob *blob = &s->manifest->blobs[i];
        struct str digest = str_from(blob->digest);
        uint64_t have = a->depot ? shelf_has(depot_shelf(a->depot), digest) : 0;

        if (s->kind == WORK_fetch && !files_lacks(a, s->engine, blob))
            continue;
        if (map_put(given, digest, a) == 0)
            a->bill.lan_bytes += blob->size;
        if (have >= blob->size || map_put(brought, digest, a) < 0)
            continue;
        if (a->depot && apply_holder(a, s->engine, s->name))
            a->bill.lan_bytes += blob->size; /* pushed here first */
        else
            a->bill.wan_bytes += blob->size - have;
    }
}
