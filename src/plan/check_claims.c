/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody reckoned: tokens a second, disk, time to set up; against sizes and bandwidths. */
#include <math.h>

#include "fleet/box.h"
#include "plan/check_inside.h"

/* One request with a short conversation behind it. */
enum { CLAIM_CONTEXT = 1024, CLAIM_CONTEXT_MAX = 8192 };

/* What a home gets where the file does not say; bits a second. */
static const double wan_usual_bits = 300e6;

/* How far a claim may be off before it is called wrong. */
static const double slack = 1.1;

struct range_of_speed {
    double low, high;
    const struct artifact *slowest;
    struct str where;
};

static void check_speed(struct check *c, const struct expectation *e);
static bool is_meant(const struct check *c, const struct expectation *e, const struct machine *m);
static bool has_word(struct str text, const char *word);
static struct box box_for(const struct check *c, const struct expectation *e,
                          const struct machine *m, bool *is_known);
static void from_lines(const struct check *c, const struct expectation *e,
                       struct range_of_speed *range);
static void from_catalog(const struct check *c, const struct expectation *e,
                         struct range_of_speed *range);
static bool is_of_size(const struct expectation *e, const struct artifact *a);
static void try_speed(struct range_of_speed *range, const struct box *box, const struct artifact *a,
                      uint64_t context, struct str where);
static uint64_t sum_of_disk(const struct check *c, bool distinct, bool *is_whole);
static void check_size_claim(struct check *c);
static void check_duration_claim(struct check *c);
static const char *setup_time(struct check *c, double seconds);

void check_claims(struct check *c)
{
    for (uint32_t i = 0; i < c->fleet->expectations_count; i++)
        if (c->fleet->expectations[i].tps.high)
            check_speed(c, &c->fleet->expectations[i]);
    check_size_claim(c);
    check_duration_claim(c);
}

/* A claim of 20 to 30 for 3 to 14B must hold for the 14B, too: the slowest model it speaks of
 * decides. A claim that is too modest harms nobody. */
static void check_speed(struct check *c, const struct expectation *e)
{
    struct range_of_speed range = {.low = INFINITY};
    double low = (double)e->tps.low / 1e6, high = (double)e->tps.high / 1e6;

    from_lines(c, e, &range);
    if (!range.slowest)
        from_catalog(c, e, &range);
    if (!range.slowest || range.low * slack >= low)
        return;
    check_say(c,
              (struct finding){
                  .code = FINDING_implausible_speed,
                  .where = check_place(e->tps_at, e->at),
                  .machine = range.where,
                  .subject = e->hardware.len ? e->hardware : e->machine,
                  .fix = range.high > range.low * slack
                             ? check_text(c, "tps: %.3g-%.3g", range.low, range.high)
                             : check_text(c, "tps: %.3g-%.3g", range.low * 0.9, range.low * 1.1)},
              "%g to %g tokens a second are claimed; '%.*s' on %.*s reaches about %.2g, since each "
              "token reads all its active weights",
              low, high, STR_ARG(range.slowest->tag), STR_ARG(range.where), range.low);
}

/* By machine, by hardware where the words name one, else by tier. */
static bool is_meant(const struct check *c, const struct expectation *e, const struct machine *m)
{
    const struct hardware_facts *facts =
        e->hardware.len ? catalog_hardware(c->catalog, e->hardware) : NULL;
    const struct hardware *h = &m->hardware;
    bool is_tier = !e->tier || e->tier == m->tier;

    if (!machine_serves(m))
        return false;
    if (e->machine.len)
        return str_equal(e->machine, m->name);
    if (facts)
        return is_tier && ((h->gpu.len && catalog_hardware(c->catalog, h->gpu) == facts) ||
                           (h->cpu.len && catalog_hardware(c->catalog, h->cpu) == facts) ||
                           (h->npu.len && catalog_hardware(c->catalog, h->npu) == facts));
    return e->tier && is_tier;
}

static bool has_word(struct str text, const char *word)
{
    struct str rest = text, want = str_from(word);

    while (rest.len)
        if (str_equal_nocase(str_cut(rest, ' ', &rest), want))
            return true;
    return false;
}

/* A claim about NPUs is judged by the NPU, others by the best the machine has. */
static struct box box_for(const struct check *c, const struct expectation *e,
                          const struct machine *m, bool *is_known)
{
    const struct hardware_facts *npu =
        m->hardware.npu.len ? catalog_hardware(c->catalog, m->hardware.npu) : NULL;
    struct box box;

    *is_known = machine_box(&box, c->catalog, m, NULL);
    if (npu && (has_word(e->hardware, "NPU") ||
                (e->hardware.len && catalog_hardware(c->catalog, e->hardware) == npu)))
        return box_on_npu(&box, npu);
    return box;
}

/* The models that the file puts on the machines in question. */
static void from_lines(const struct check *c, const struct expectation *e,
                       struct range_of_speed *range)
{
    for (size_t i = 0; i < c->lines_count; i++) {
        const struct judged *line = &c->lines[i];
        uint64_t context = line->model->context ? line->model->context : CLAIM_CONTEXT_MAX;
        struct box box;
        bool is_known;

        if (!line->artifact || line->model->is_optional || !is_meant(c, e, line->machine) ||
            !is_of_size(e, line->artifact))
            continue;
        box = box_for(c, e, line->machine, &is_known);
        if (is_known)
            try_speed(range, &box, line->artifact, context, line->machine->name);
    }
}

/* Dense models of that size as their makers publish them. */
static void from_catalog(const struct check *c, const struct expectation *e,
                         struct range_of_speed *range)
{
    for (uint32_t i = 0; i < c->fleet->machines_count; i++) {
        const struct machine *m = &c->fleet->machines[i];
        struct box box;
        bool is_known;

        if (!is_meant(c, e, m))
            continue;
        box = box_for(c, e, m, &is_known);
        for (uint32_t j = 0; is_known && j < c->catalog->models_count; j++) {
            const struct model *model = &c->catalog->models[j];

            if (model->artifacts_count && !model->geometry.experts &&
                is_of_size(e, &model->artifacts[0]))
                try_speed(range, &box, &model->artifacts[0], CLAIM_CONTEXT_MAX, m->name);
        }
    }
}

static bool is_of_size(const struct expectation *e, const struct artifact *a)
{
    uint64_t low = e->params.low - e->params.low / 10, high = e->params.high;

    high = high && high < UINT64_MAX / 2 ? high + high / 10 : UINT64_MAX;
    if (a->model->dimensions || !(a->model->capabilities & 1u << CAPABILITY_completion) ||
        (e->purposes && !(e->purposes & a->model->purposes)))
        return false;
    if (e->quant.len && (a->quant.len < e->quant.len ||
                         !str_equal_nocase(str_slice(a->quant.data, e->quant.len), e->quant)))
        return false;
    return a->model->params >= low && a->model->params <= high;
}

static void try_speed(struct range_of_speed *range, const struct box *box, const struct artifact *a,
                      uint64_t context, struct str where)
{
    struct run run = {.context = context, .slots = 1};
    struct footprint need = memory_need_of_artifact(a, &run);
    struct fit fit = memory_fit(box, &need);
    struct load load = speed_load_of(a);
    double tps;

    if (fit.kind == FIT_no)
        return;
    tps = speed_decode_tps(box, &load, &fit, CLAIM_CONTEXT, 1);
    if (tps < range->low) {
        range->low = tps;
        range->slowest = a;
        range->where = where;
    }
    if (tps > range->high)
        range->high = tps;
}

/* Of every line that is not optional; distinct: each artifact once. */
static uint64_t sum_of_disk(const struct check *c, bool distinct, bool *is_whole)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < c->lines_count; i++) {
        const struct judged *line = &c->lines[i];
        bool is_new = true;

        if (line->model->is_optional)
            continue;
        if (!line->artifact) {
            *is_whole = false;
            continue;
        }
        for (size_t j = 0; distinct && j < i; j++)
            is_new &= c->lines[j].artifact != line->artifact || c->lines[j].model->is_optional;
        if (is_new)
            sum += line->artifact->bytes;
    }
    return sum;
}

static void check_size_claim(struct check *c)
{
    const struct estimates *e = &c->fleet->estimates;
    bool is_whole = true;
    uint64_t sum = sum_of_disk(c, false, &is_whole), distinct = sum_of_disk(c, true, &is_whole);
    double low = (double)e->storage.low, high = (double)e->storage.high;

    if (!e->storage.high || !is_whole ||
        ((double)sum * slack >= low && (double)sum <= high * slack))
        return;
    check_say(c,
              (struct finding){.code = FINDING_implausible_size,
                               .where = check_place(e->storage_at, e->at),
                               .subject = STR("storage"),
                               .fix = check_text(c, "storage: %.0f-%.0f GB", (double)sum * 0.95e-9,
                                                 (double)sum * 1.05e-9)},
              "all copies together take %.0f GB (%.0f GB when each is counted once), and %.0f to "
              "%.0f GB are claimed",
              (double)sum / 1e9, (double)distinct / 1e9, low / 1e9, high / 1e9);
}

/* Every copy from the internet, unless the file says how fast the LAN is: then each artifact comes
 * once and is seeded from there. */
static void check_duration_claim(struct check *c)
{
    const struct estimates *e = &c->fleet->estimates;
    const struct network *n = &c->fleet->network;
    double wan = n->wan_bits ? (double)n->wan_bits : wan_usual_bits, seconds;
    bool is_whole = true;
    uint64_t sum = sum_of_disk(c, false, &is_whole), distinct = sum_of_disk(c, true, &is_whole);
    double low = (double)e->setup_ms.low / 1e3, high = (double)e->setup_ms.high / 1e3;

    seconds = n->lan_bits
                  ? (double)distinct * 8 / wan + (double)(sum - distinct) * 8 / (double)n->lan_bits
                  : (double)sum * 8 / wan;
    if (!e->setup_ms.high || !is_whole || (seconds * slack >= low && seconds <= high * slack))
        return;
    check_say(c,
              (struct finding){.code = FINDING_implausible_duration,
                               .where = check_place(e->setup_at, e->at),
                               .subject = STR("setup_time"),
                               .fix = setup_time(c, seconds)},
              "%.0f GB at %.0f Mbit/s%s take %.1f hours, and %.1f to %.1f are claimed",
              (double)(n->lan_bits ? distinct : sum) / 1e9, wan / 1e6,
              n->wan_bits ? "" : " (the file does not say how fast the internet is)",
              seconds / 3600, low / 3600, high / 3600);
}

static const char *setup_time(struct check *c, double seconds)
{
    bool is_long = seconds > 2 * 3600;
    double unit = is_long ? 3600 : 60;

    return check_text(c, "setup_time: %.0f-%.0f %s", floor(seconds * 0.95 / unit),
                      ceil(seconds * 1.2 / unit), is_long ? "h" : "m");
}
