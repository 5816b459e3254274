/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with the fleet and the gateway, as far as the gateway knows. */
#include "notify/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/memory.h"
#include "fleet/box.h"
#include "gateway/budgets.h"
#include "gateway/drill.h"
#include "gateway/health.h"
#include "gateway/measured.h"
#include "net/clock.h"
#include "net/tls.h"
#include "web/standing.h"

enum { DRILLS_MISSED = 3, GPU_SHARE_PERCENT = 95 };

static void change_scene(struct look *l, struct scene *scene);
static bool note_engines(struct look *l);
static void note_categories(struct look *l);
static void see_machines(const struct look *l, struct alerts *a);
static bool is_down(const struct look *l, const struct machine *m);
static void see_categories(const struct look *l, struct alerts *a);
static void see_copies(const struct look *l, struct alerts *a);
static void see_copy(const struct look *l, struct alerts *a, uint32_t index,
                     const struct sighting *seen);
static bool should_fit(const struct look *l, const struct copy *c, uint64_t bytes);
static void see_ledger(const struct look *l, struct alerts *a, struct str part);
static void see_disk(const struct look *l, struct alerts *a);
static void see_certificate(const struct look *l, struct alerts *a, int64_t wall_us);
static void see_budgets(const struct look *l, struct alerts *a);
static budget_fn see_budget;
static void see_drills(const struct look *l, struct alerts *a, int64_t wall_us);
static void see_drill(void *ctx, struct str category, struct str machine, int64_t proven_us);

void look_around(struct look *l, struct alerts *a, int64_t wall_us)
{
    struct scene *scene = gateway_scene(l->gateway);
    bool is_new = scene != l->scene;

    if (is_new)
        change_scene(l, scene);
    if (note_engines(l) || is_new)
        note_categories(l);
    scene_unref(scene);
    see_categories(l, a);
    see_machines(l, a);
    see_copies(l, a);
    see_ledger(l, a, STR("store"));
    see_ledger(l, a, STR("journal"));
    see_disk(l, a);
    see_certificate(l, a, wall_us);
    see_budgets(l, a);
    see_drills(l, a, wall_us);
}

void look_fini(struct look *l)
{
    scene_unref(l->scene);
    free(l->up);
    free(l->uncovered);
    *l = (struct look){0};
}

/* Unknown is well: what is wrong shows in this very look. */
static void change_scene(struct look *l, struct scene *scene)
{
    scene_unref(l->scene);
    l->scene = scene_ref(scene);
    free(l->up);
    free(l->uncovered);
    l->up = memory_need(scene->view->engines_count + 1, sizeof *l->up);
    l->uncovered = memory_need(scene->fleet->categories_count + 1, sizeof *l->uncovered);
}

/* True when something changed. What was never probed counts as there. */
static bool note_engines(struct look *l)
{
    const struct view *v = l->scene->view;
    bool changed = false;

    for (uint32_t i = 0; i < v->engines_count; i++) {
        struct engine_sighting seen = health_engine(gateway_health(l->gateway), v->engines[i].name);
        bool up = l->scene->engines[i].is_reachable && (seen.up || !seen.probed);

        changed = changed || up != l->up[i];
        l->up[i] = up;
    }
    return changed;
}

/* Without memory the last answer stays. */
static void note_categories(struct look *l)
{
    const struct certificate *c;
    struct standing s;

    if (standing_make(&s, l->scene, l->up) < 0)
        return;
    c = s.certificate;
    for (uint32_t i = 0; i < c->rows_count; i++)
        l->uncovered[i] = certificate_cover(&c->cases[0].rows[i]) == COVER_none;
    standing_fini(&s);
}

static void see_categories(const struct look *l, struct alerts *a)
{
    const struct fleet *f = l->scene->fleet;

    for (uint32_t i = 0; i < f->categories_count; i++)
        if (l->uncovered[i])
            alerts_see(a, ALERT_category_uncovered, f->categories[i].name,
                       STR("every machine and cloud model that the redundancy map names is away"));
}

/* A machine is told of once, not each of its engines. */
static void see_machines(const struct look *l, struct alerts *a)
{
    const struct view *v = l->scene->view;
    const struct fleet *f = l->scene->fleet;

    for (uint32_t i = 0; i < f->machines_count; i++)
        if (is_down(l, &f->machines[i]))
            alerts_see(a, ALERT_machine_down, f->machines[i].name, f->machines[i].role);
    for (uint32_t i = 0; i < v->engines_count; i++)
        if (v->engines[i].machine && l->scene->engines[i].is_reachable && !l->up[i] &&
            !is_down(l, v->engines[i].machine))
            alerts_see(a, ALERT_engine_down, v->engines[i].name, STR(""));
}

/* None of its engines answers, and there is one with an address. */
static bool is_down(const struct look *l, const struct machine *m)
{
    const struct view *v = l->scene->view;
    bool any = false;

    for (uint32_t i = 0; i < v->engines_count; i++) {
        if (v->engines[i].machine != m || !l->scene->engines[i].is_reachable)
            continue;
        if (l->up[i])
            return false;
        any = true;
    }
    return any;
}

static void see_copies(const struct look *l, struct alerts *a)
{
    const struct view *v = l->scene->view;

    for (uint32_t i = 0; i < v->copies_count; i++) {
        struct sighting seen = health_copy(gateway_health(l->gateway), v->copies[i].place);

        if (v->copies[i].machine)
            see_copy(l, a, i, &seen);
    }
}

static void see_copy(const struct look *l, struct alerts *a, uint32_t index,
                     const struct sighting *seen)
{
    const struct scene_copy *at = &l->scene->copies[index];
    const struct copy *c = &l->scene->view->copies[index];
    struct copy_look now =
        traffic_look(gateway_traffic(l->gateway), at->place, clock_monotonic_us() / 1000);
    char words[ALERT_WORDS_MAX];

    snprintf(words, sizeof words, "%.1f of its %.1f GB are on the graphics card",
             (double)seen->gpu_bytes / 1e9, (double)seen->memory_bytes / 1e9);
    if (seen->loaded && seen->gpu_bytes < seen->memory_bytes / 100 * GPU_SHARE_PERCENT &&
        should_fit(l, c, seen->memory_bytes))
        alerts_see(a, ALERT_copy_on_cpu, c->place, str_from(words));
    snprintf(words, sizeof words, "a token takes %.1f times as long, a prompt %.1f times; %s",
             now.decode_slowness, now.prompt_slowness, measured_reason(at, seen));
    if (now.is_slow)
        alerts_see(a, ALERT_copy_slow, c->place, str_from(words));
}

/* Alone it has room on the graphics card: where it never had, nobody is woken. */
static bool should_fit(const struct look *l, const struct copy *c, uint64_t bytes)
{
    struct box box;

    return machine_box(&box, l->scene->catalog, c->machine, c->engine) &&
           box.gpu_bytes >= box.base_bytes + bytes;
}

static void see_ledger(const struct look *l, struct alerts *a, struct str part)
{
    struct stats *stats = gateway_stats(l->gateway);

    if (series_value(stats_series(stats, COUNTER_ledger_trouble, &part)))
        alerts_see(a, ALERT_store_lags, part, STR("it cannot be written"));
}

static void see_disk(const struct look *l, struct alerts *a)
{
    struct statvfs disk;
    char words[ALERT_WORDS_MAX];
    uint64_t free_bytes;

    if (!l->state_folder[0] || statvfs(l->state_folder, &disk) < 0)
        return;
    free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (free_bytes >= l->settings->alert_disk_bytes)
        return;
    snprintf(words, sizeof words, "%.1f GB are free", (double)free_bytes / 1e9);
    alerts_see(a, ALERT_disk_low, str_from(l->state_folder), str_from(words));
}

static void see_certificate(const struct look *l, struct alerts *a, int64_t wall_us)
{
    struct str path = l->settings->tls_certificate;
    int64_t left_us, ends_us;
    char words[ALERT_WORDS_MAX];

    if (!path.len || tls_certificate_end(&ends_us, path.data) < 0)
        return;
    left_us = ends_us - wall_us;
    if (left_us / 1000 >= (int64_t)l->settings->alert_certificate_ms)
        return;
    snprintf(words, sizeof words, "%lld days are left", (long long)(left_us / 86400000000ll));
    alerts_see(a, ALERT_certificate_ends, path, str_from(words));
}

static void see_budgets(const struct look *l, struct alerts *a)
{
    if (l->settings->alert_budget_percent)
        budgets_each_near(l->gateway, (unsigned)l->settings->alert_budget_percent, see_budget, a);
}

static void see_budget(void *ctx, const struct budget_use *use)
{
    char subject[ALERT_SUBJECT_MAX], words[ALERT_WORDS_MAX];
    double percent = 100 * (double)use->used / (double)use->budget;

    snprintf(subject, sizeof subject, "%.*s%s%.*s", STR_ARG(use->key_name),
             use->key_name.len ? " " : "", STR_ARG(use->key_id));
    if (use->is_money)
        snprintf(words, sizeof words, "%.0f %% of the $%.2f of this %s are used", percent,
                 (double)use->budget / 1e6, period_name(use->period));
    else
        snprintf(words, sizeof words, "%.0f %% of the %llu tokens of this %s are used", percent,
                 (unsigned long long)use->budget, period_name(use->period));
    alerts_see(ctx, ALERT_budget_near, str_from(subject), str_from(words));
}

static void see_drills(const struct look *l, struct alerts *a, int64_t wall_us)
{
    struct drill *drills = gateway_drills(l->gateway);
    int64_t every_us = (int64_t)l->settings->drill_every_ms * 1000;

    if (drills && every_us)
        drill_each_stale(drills, wall_us - DRILLS_MISSED * every_us, see_drill, a);
}

static void see_drill(void *ctx, struct str category, struct str machine, int64_t proven_us)
{
    char name[ALERT_SUBJECT_MAX];

    snprintf(name, sizeof name, "%.*s on %.*s", STR_ARG(category), STR_ARG(machine));
    alerts_see(ctx, ALERT_drill_stale, str_from(name),
               proven_us ? STR("") : STR("it was never proven"));
}
