/* SPDX-License-Identifier: Apache-2.0 */
/* How often models are loaded: requests by chance, memory as it is, eviction as Ollama does. */
#include <math.h>
#include <stdlib.h>

#include "fleet/engine_rules.h"
#include "plan/demand.h"
#include "report.h"

const char report_notes[] =
    "How each figure is got:\n\n"
    "* *The document*: the lines of `fleets/seed.yaml`; a tag that does not exist counts as what "
    "it "
    "was mistaken for, and lines\n  that fit nowhere, that no engine there serves or loads, and "
    "optional ones count as not there. It asks machines in the\n  order of its redundancy map.\n"
    "* *Greedy*: each machine takes, for each category, the largest model of the catalog that fits "
    "whole with 8192 tokens, and\n  keeps loaded what fits together; the fastest machine is asked "
    "first.\n"
    "* *tampu plan* is given what greedy is given: machines and categories, nobody's choice of "
    "models. The last column plans\n  with the models that the document names, and keeps to "
    "them: what it does not name has to be much better to be taken,\n  so its row of middle vision "
    "makes way for the text model that the document wants beside it.\n"
    "* *Covered*: by the certificate (`src/plan/certificate.h`), without any cloud. Five tokens a "
    "second is the "
    "slowest that the\n  document counts as a backup.\n"
    "* *Tokens a second*: of one request alone behind 1024 tokens, by the roofline of "
    "`src/model/speed.h`; at worst: when the\n  machine whose loss costs most is lost; 0 where "
    "nobody answers.\n"
    "* *Over the internet*: each artifact once, as `plan` bills it from empty disks.\n"
    "* *Loads a day*: one hundred days of requests by chance, as often as `usual_demand.def` says, "
    "each to who serves its\n  category. A machine loads what is asked for and is not in memory, "
    "drives out what was asked longest ago when it does not\n  fit (what is kept goes last), and "
    "forgets what is not kept after five minutes, as Ollama does; where the file keeps a\n  number "
    "of models, nothing is forgotten.\n";

static const double hours_a_day = 24, forgets_hours = 5.0 / 60;

/* A copy in memory or not. */
struct state {
    const struct plan_copy *copy;
    double per_hour, used; /* when last, in hours */
    bool is_loaded;
};

static double loads_on(const struct plan *plan, const struct certificate *certificate,
                       const struct machine *m, unsigned days);
static uint32_t gather(const struct plan *plan, const struct certificate *certificate,
                       const struct machine *m, struct state *states);
static void forget(struct state *states, uint32_t count, double now);
static bool stays(const struct plan_copy *copy);
static void make_room(const struct plan *plan, struct state *states, uint32_t count,
                      struct state *wanted);
static bool fits(const struct plan *plan, const struct state *states, uint32_t count,
                 const struct state *wanted);
static double chance(uint64_t *seed);

double loads_a_day(const struct plan *plan, const struct certificate *certificate, unsigned days)
{
    double sum = 0;

    for (uint32_t i = 0; i < plan->fleet->machines_count; i++)
        if (machine_serves(&plan->fleet->machines[i]))
            sum += loads_on(plan, certificate, &plan->fleet->machines[i], days);
    return sum / days;
}

static double loads_on(const struct plan *plan, const struct certificate *certificate,
                       const struct machine *m, unsigned days)
{
    struct state *states = calloc(plan->copies_count + 1, sizeof *states);
    uint32_t count = states ? gather(plan, certificate, m, states) : 0;
    double all = 0, now = 0, loads = 0;
    uint64_t seed = 1;

    for (uint32_t i = 0; i < count; i++)
        all += states[i].per_hour;
    while (all > 0 && (now += -log(chance(&seed)) / all) < days * hours_a_day) {
        double pick = chance(&seed) * all;
        uint32_t at = 0;

        while (at + 1 < count && (pick -= states[at].per_hour) > 0)
            at++;
        forget(states, count, now);
        if (!states[at].is_loaded) {
            make_room(plan, states, count, &states[at]);
            loads++;
        }
        states[at].used = now;
    }
    free(states);
    return loads;
}

/* What this machine holds, and how often each is asked while nobody is lost. */
static uint32_t gather(const struct plan *plan, const struct certificate *certificate,
                       const struct machine *m, struct state *states)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < plan->copies_count; i++) {
        const struct plan_copy *copy = &plan->copies[i];

        if (copy->machine != m)
            continue;
        states[count] = (struct state){.copy = copy, .is_loaded = copy->keep_loaded};
        for (uint32_t k = 0; k < certificate->rows_count; k++)
            if (certificate->cases[0].rows[k].copy == copy)
                states[count].per_hour += demand_of(&plan->fleet->categories[k], NULL).per_hour;
        count++;
    }
    return count;
}

static void forget(struct state *states, uint32_t count, double now)
{
    for (uint32_t i = 0; i < count; i++)
        if (!stays(states[i].copy) && now - states[i].used > forgets_hours)
            states[i].is_loaded = false;
}

static bool stays(const struct plan_copy *copy)
{
    return copy->keep_loaded || (copy->line && copy->machine->keep_loaded.count &&
                                 !copy->machine->keep_loaded.names_count);
}

static void make_room(const struct plan *plan, struct state *states, uint32_t count,
                      struct state *wanted)
{
    while (!fits(plan, states, count, wanted)) {
        struct state *victim = NULL;

        for (uint32_t i = 0; i < count; i++)
            if (states[i].is_loaded &&
                (!victim || states[i].copy->keep_loaded < victim->copy->keep_loaded ||
                 (states[i].copy->keep_loaded == victim->copy->keep_loaded &&
                  states[i].used < victim->used)))
                victim = &states[i];
        if (!victim)
            break;
        victim->is_loaded = false;
    }
    wanted->is_loaded = true;
}

/* Whole beside the others, or as well as it would alone; no more models than the engine is set to.
 */
static bool fits(const struct plan *plan, const struct state *states, uint32_t count,
                 const struct state *wanted)
{
    struct engine_rules rules;
    struct box whole, room;
    uint32_t loaded = 1;
    struct fit fit, alone;

    engine_rules_read(&rules, wanted->copy->engine);
    machine_box(&whole, plan->catalog, wanted->copy->machine, NULL);
    room = whole;
    for (uint32_t i = 0; i <= count; i++) {
        const struct plan_copy *copy = i < count ? states[i].copy : wanted->copy;
        struct run run = {.context = copy->context, .slots = copy->slots, .kv = rules.kv};
        struct footprint need = memory_need_of_artifact(copy->artifact, &run);

        if (i < count && (!states[i].is_loaded || copy == wanted->copy))
            continue;
        fit = engine_rules_fit(&rules, &room, &need);
        alone = engine_rules_fit(&rules, &whole, &need);
        room = memory_take(&room, &fit);
        loaded += i < count;
    }
    return loaded <= rules.max_loaded && fit.kind == alone.kind && fit.gpu_share >= alone.gpu_share;
}

static double chance(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return ((double)(*seed >> 11) + 1) / 9007199254740993.0;
}
