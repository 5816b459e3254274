/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner against two baselines on the machines of fleets/seed.yaml, as Markdown:
 * docs/bench/plan.md.
 *
 * All three are judged by the certificate and by the same arithmetic: nothing of what a plan says
 * of itself is counted.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "fleet/engine_rules.h"
#include "net/clock.h"
#include "plan/declared.h"
#include "plan/demand.h"
#include "plan/diff.h"

#include "report.h"

enum { TEXT_MAX = 1 << 20, DAYS = 100, PLANS = 4 };

/* The slowest that the document itself counts as a backup: "70B Q4: ~5-10 tokens/sec". */
static const double usable_tps = 5;

/* One column of the table. */
struct column {
    const char *name;
    const struct plan *plan;
    struct certificate *certificate;
    struct diff *diff;
    double loads_a_day;
};

static void fail(const char *what, const char *why);
static struct fleet *read_fleet(void);
static void forget_models(struct fleet *fleet);
static uint64_t now_ms(void);
static void judge(struct column *c, const struct plan_wish *wish);
static void print(const struct column *columns, const struct fleet *fleet);
static void print_covered(const struct column *columns, const char *what, bool when_lost,
                          double floor_tps);
static unsigned covered(const struct certificate *c, bool when_lost, double floor_tps);
static void print_speed(const struct column *c, uint32_t category);

int main(void)
{
    struct fleet *fleet = read_fleet(), *hardware = read_fleet();
    struct catalog *catalog = NULL;
    struct declared *document = NULL, *greedy = NULL;
    struct plan *ours = NULL, *kept = NULL;
    struct err err = {0};
    struct plan_wish wish = {.fleet = fleet,
                             .day = STR("2026-11-23"),
                             .survive = 1,
                             .has_holdings = true,
                             .gap = 0.005,
                             .time_limit_ms = 60000,
                             .now_ms = now_ms};
    struct plan_wish free_wish = wish;

    forget_models(hardware);
    free_wish.fleet = hardware;
    if (catalog_load(&catalog, NULL, &err) < 0)
        fail("catalog", err.text);
    wish.catalog = free_wish.catalog = catalog;
    if (declared_make(&document, &wish, &err) < 0 || greedy_make(&greedy, &free_wish) < 0 ||
        plan_make(&ours, &free_wish, &err) < 0 || plan_make(&kept, &wish, &err) < 0)
        fail("plan", err.text);
    struct column columns[PLANS] = {{.name = "the document", .plan = &document->plan},
                                    {.name = "greedy", .plan = &greedy->plan},
                                    {.name = "tampu plan", .plan = ours},
                                    {.name = "... with the document's models", .plan = kept}};
    judge(&columns[0], &wish);
    judge(&columns[1], &free_wish);
    judge(&columns[2], &free_wish);
    judge(&columns[3], &wish);
    print(columns, fleet);
    for (int i = 0; i < PLANS; i++) {
        certificate_free(columns[i].certificate);
        diff_free(columns[i].diff);
    }
    plan_free(kept);
    plan_free(ours);
    declared_free(greedy);
    declared_free(document);
    catalog_free(catalog);
    fleet_free(hardware);
    fleet_free(fleet);
    return 0;
}

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "plan_report: %s: %s\n", what, why);
    exit(1);
}

/* The document's eleven-billion row asks for one model only, which no current engine loads: it is
 * read as that class of size. */
static struct fleet *read_fleet(void)
{
    static const char from[] = "{task: vision, params: 11B}",
                      to[] = "{task: vision, params: 7-14B}";
    struct fleet *fleet = NULL;
    struct err err = {0};
    struct buf text, changed;
    char *at;

    buf_init(&text, TEXT_MAX);
    buf_init(&changed, TEXT_MAX);
    if (file_read(&text, "fleets/seed.yaml", &err) < 0 || buf_put_char(&text, '\0') < 0)
        fail("fleets/seed.yaml", err.text);
    at = strstr(text.data, from);
    if (!at || buf_printf(&changed, "%.*s%s%s", (int)(at - text.data), text.data, to,
                          at + strlen(from)) < 0)
        fail("fleets/seed.yaml", "its row of middle vision is not what it was");
    if (fleet_parse(&fleet, buf_str(&changed), "seed.yaml", &err) < 0)
        fail("fleets/seed.yaml", err.text);
    buf_fini(&text);
    buf_fini(&changed);
    return fleet;
}

/* What greedy is given, and the plan beside it: machines and categories, nobody's choice of models.
 */
static void forget_models(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->machines_count; i++) {
        fleet->machines[i].models_count = 0;
        fleet->machines[i].keep_loaded = (struct keep_loaded){0};
    }
}

static uint64_t now_ms(void)
{
    return clock_monotonic_us() / 1000;
}

static void judge(struct column *c, const struct plan_wish *wish)
{
    struct presence nothing = {0};
    struct err err = {0};

    if (certificate_make(&c->certificate, c->plan, wish, &err) < 0 ||
        diff_make(&c->diff, c->plan, wish, &nothing, &err) < 0)
        fail(c->name, err.text);
    c->loads_a_day = loads_a_day(c->plan, c->certificate, DAYS);
}

static void print(const struct column *columns, const struct fleet *fleet)
{
    printf("# The planner against baselines\n\n"
           "Made by `make plan-report` on the eleven machines of `fleets/seed.yaml` and the six "
           "categories of its redundancy map\n(\"11B\" vision read as 7 to 14B). All figures are "
           "reckoned, none is measured on a machine; all columns are judged by\nthe "
           "certificate and the same arithmetic.\n\n| |");
    for (int i = 0; i < PLANS; i++)
        printf(" %s |", columns[i].name);
    printf("\n|---|--:|--:|--:|--:|");
    print_covered(columns, "nobody lost", false, 0);
    print_covered(columns, "whichever machine is lost", true, 0);
    print_covered(columns, "the same, at 5 tokens a second or more", true, usable_tps);
    for (uint32_t k = 0; k < fleet->categories_count; k++) {
        if (fleet->categories[k].needs.purpose == PURPOSE_embedding)
            continue;
        printf("\n| %.*s: tokens a second; at worst |", STR_ARG(fleet->categories[k].name));
        for (int i = 0; i < PLANS; i++)
            print_speed(&columns[i], k);
    }
    printf("\n| over the internet, from nothing |");
    for (int i = 0; i < PLANS; i++)
        printf(" %.0f GB |", (double)columns[i].diff->bill.wan_bytes / 1e9);
    printf("\n| on all disks |");
    for (int i = 0; i < PLANS; i++)
        printf(" %.0f GB |", (double)columns[i].diff->bill.disk_bytes / 1e9);
    printf("\n| model loads a day |");
    for (int i = 0; i < PLANS; i++)
        printf(" %.0f |", columns[i].loads_a_day);
    printf("\n\n%s", report_notes);
    printf("* `tampu plan` here: %s, gap %.2f %%.\n", columns[2].plan->solver,
           columns[2].plan->gap * 100);
}

static void print_covered(const struct column *columns, const char *what, bool when_lost,
                          double floor_tps)
{
    printf("\n| categories covered, %s |", what);
    for (int i = 0; i < PLANS; i++)
        printf(" %u of %u |", covered(columns[i].certificate, when_lost, floor_tps),
               columns[i].certificate->rows_count);
}

/* In all cases with somebody lost, or in the one with nobody. Embeddings have no pace. */
static unsigned covered(const struct certificate *c, bool when_lost, double floor_tps)
{
    unsigned count = 0;

    for (uint32_t k = 0; k < c->rows_count; k++) {
        bool is_covered = true;

        for (uint32_t i = 0; i < c->cases_count; i++) {
            const struct certificate_row *row = &c->cases[i].rows[k];

            if ((c->cases[i].kind != LOST_nobody) == when_lost)
                is_covered &= row->covered && !row->cloud &&
                              (row->decode_tps <= 0 || row->decode_tps >= floor_tps);
        }
        count += is_covered;
    }
    return count;
}

static void print_speed(const struct column *c, uint32_t category)
{
    double worst = INFINITY, now = c->certificate->cases[0].rows[category].decode_tps;

    for (uint32_t i = 0; i < c->certificate->cases_count; i++)
        worst = fmin(worst, c->certificate->cases[i].rows[category].decode_tps);
    printf(" %.1f; %.1f |", now, worst);
}
