/* SPDX-License-Identifier: Apache-2.0 */
/* tampu sim: a trace on an imagined fleet under a virtual clock, by one policy or several. Opens no
 * socket. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cmd/command.h"
#include "cmd/option.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"
#include "sim/policy.h"
#include "sim/report.h"

enum { OUTPUT_MAX = 512 << 20, POLICIES_MAX = 32, NAME_ROOM = 40 };

/* What was asked for on the command line. */
struct plan_of_sim {
    struct stage_options stage;
    const struct policy *policies[POLICIES_MAX];
    char names[POLICIES_MAX][NAME_ROOM]; /* as they were asked for */
    bool keeps[POLICIES_MAX];
    unsigned count;
    const char *trace;
    double load, per_hour; /* per_hour 0: by load */
    char lose[128];
    bool as_json, tells_each;
};

static bool read_options(struct plan_of_sim *p, const struct options *o);
static bool read_policies(struct plan_of_sim *p, struct str list);
static bool read_policy(struct plan_of_sim *p, struct str name);
static bool read_lose(struct plan_of_sim *p, const char *text);
static bool read_number(double *ret, const char *text, const char *option);
static bool get_trace(struct trace *ret, const struct plan_of_sim *p);
static int play(struct plan_of_sim *p, const struct view *view);
static void play_one(const struct plan_of_sim *p, unsigned i, const struct view *view,
                     const struct trace *t, struct tally *ret);
static struct quantiles bound_of(const struct stage *s, const struct trace *t);
static int print(const struct report *r, bool as_json);

int cmd_sim(int argc, char **argv)
{
    struct options o = {0};
    struct plan_of_sim p = {.trace = "office", .load = 0.6, .stage = {.seed = 1, .unknown = 0.2}};
    struct err err = {0};
    AUTO(fleet) fleet = NULL;
    AUTO(catalog) catalog = NULL;
    struct view *view = NULL;
    int status;

    if (!options_read(&o, argc, argv, &status))
        return status;
    if (!read_options(&p, &o))
        return EXIT_usage;
    if (fleet_load(&fleet, o.operands[0], &err) < 0 ||
        catalog_load(&catalog, option_value(&o, "catalog"), &err) < 0 ||
        view_new(&view, fleet, catalog, catalog->day, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return EXIT_usage;
    }
    if (p.stage.lose && !fleet_machine(fleet, str_from(p.stage.lose)))
        status = command_no("sim", "--lose: there is no machine '%s'", p.stage.lose);
    else
        status = play(&p, view);
    view_free(view);
    return status;
}

static bool read_options(struct plan_of_sim *p, const struct options *o)
{
    const char *seed = option_value(o, "seed"), *policy = option_value(o, "policy");

    if (option_value(o, "trace"))
        p->trace = option_value(o, "trace");
    p->as_json = option_given(o, "json");
    p->stage.no_slo = option_given(o, "no-slo");
    p->tells_each = p->stage.tells_each = option_given(o, "each");
    if (p->tells_each && !p->as_json) {
        command_no("sim", "--each: requests are listed in JSON alone: say --json, too");
        return false;
    }
    if (seed && str_to_u64(&p->stage.seed, str_from(seed)) < 0) {
        command_no("sim", "--seed: found '%s', expected a whole number", seed);
        return false;
    }
    return read_policies(p, policy ? str_from(policy) : STR("tampu,shuffle,least-busy,latency")) &&
           read_number(&p->load, option_value(o, "load"), "load") &&
           read_number(&p->per_hour, option_value(o, "per-hour"), "per-hour") &&
           read_number(&p->stage.cloud_share, option_value(o, "cloud"), "cloud") &&
           read_number(&p->stage.unknown, option_value(o, "unknown"), "unknown") &&
           read_lose(p, option_value(o, "lose"));
}

static bool read_policies(struct plan_of_sim *p, struct str list)
{
    if (str_is(list, "all")) {
        for (unsigned i = 0; policy_at(i); i++)
            read_policy(p, str_from(policy_at(i)->name));
        return true;
    }
    while (list.len)
        if (p->count == POLICIES_MAX || !read_policy(p, str_cut(list, ',', &list)))
            return false;
    return p->count > 0;
}

/* "latency", or "latency+keep". */
static bool read_policy(struct plan_of_sim *p, struct str name)
{
    struct str keep, bare = str_cut(name, '+', &keep);

    p->keeps[p->count] = str_is(keep, "keep");
    p->policies[p->count] = keep.len && !p->keeps[p->count] ? NULL : policy_find(bare);
    snprintf(p->names[p->count], NAME_ROOM, "%.*s", STR_ARG(name));
    if (p->policies[p->count++])
        return true;
    fprintf(stderr,
            "tampu sim: --policy: there is no policy '%.*s'; there are, each also with "
            "+keep:\n",
            STR_ARG(name));
    for (unsigned i = 0; policy_at(i); i++)
        fprintf(stderr, "    %-18s %s\n", policy_at(i)->name, policy_at(i)->what);
    return false;
}

/* MACHINE@SECONDS */
static bool read_lose(struct plan_of_sim *p, const char *text)
{
    struct str at, machine = str_cut(str_from(text), '@', &at);

    if (!text)
        return true;
    if (!machine.len || machine.len >= sizeof p->lose ||
        units_read_real(&p->stage.lose_s, at) < 0) {
        command_no("sim", "--lose: found '%s', expected MACHINE@SECONDS", text);
        return false;
    }
    memcpy(p->lose, machine.data, machine.len);
    p->stage.lose = p->lose;
    return true;
}

static bool read_number(double *ret, const char *text, const char *option)
{
    if (!text || units_read_real(ret, str_from(text)) == 0)
        return true;
    command_no("sim", "--%s: found '%s', expected a number such as 0.6", option, text);
    return false;
}

static bool get_trace(struct trace *ret, const struct plan_of_sim *p)
{
    struct err err = {0};

    if (trace_make(ret, str_from(p->trace), p->stage.seed))
        return true;
    if (trace_read(ret, p->trace, &err) == 0)
        return true;
    command_no("sim", "--trace: %s; made-up traces are poisson, bursts, diurnal, office, week",
               err.text);
    return false;
}

/* All policies play the same requests on the same machines. */
static int play(struct plan_of_sim *p, const struct view *view)
{
    struct trace t = {0};
    struct tally tallies[POLICIES_MAX] = {0};
    struct report r = {.tallies = tallies,
                       .count = p->count,
                       .trace = p->trace,
                       .load = p->load,
                       .tells_each = p->tells_each};
    struct err err = {0};
    struct stage *s;
    int status;

    if (!get_trace(&t, p))
        return EXIT_usage;
    s = stage_new(view, &p->stage, &err);
    if (!s)
        return command_no("sim", "%s", err.text);
    stage_cut(s, &t);
    r.seed = p->stage.seed;
    r.capacity_per_s = stage_capacity_per_s(s, &t);
    if (p->per_hour > 0)
        r.load = p->per_hour / 3600 / r.capacity_per_s;
    trace_scale(&t, r.load * r.capacity_per_s * t.span_s / t.count, p->stage.seed);
    r.bound_s = bound_of(s, &t);
    stage_free(s);
    for (unsigned i = 0; i < p->count; i++)
        play_one(p, i, view, &t, &tallies[i]);
    status = print(&r, p->as_json);
    for (unsigned i = 0; i < p->count; i++)
        tally_free(&tallies[i]);
    trace_free(&t);
    return status;
}

static void play_one(const struct plan_of_sim *p, unsigned i, const struct view *view,
                     const struct trace *t, struct tally *ret)
{
    struct stage_options options = p->stage;
    struct stage *s;

    options.keeps = p->keeps[i];
    s = stage_new(view, &options, NULL);
    if (s)
        stage_play(s, t, p->policies[i], ret);
    ret->policy = p->names[i];
    stage_free(s);
}

static struct quantiles bound_of(const struct stage *s, const struct trace *t)
{
    struct tally bound;
    struct quantiles q;

    tally_init(&bound, t->count);
    for (uint32_t i = 0; i < t->count; i++) {
        double first_s = stage_first_s(s, &t->rows[i]);

        if (isfinite(first_s))
            tally_add(&bound, &t->rows[i], first_s, first_s, 1);
    }
    tally_end(&bound);
    q = bound.first_s;
    tally_free(&bound);
    return q;
}

static int print(const struct report *r, bool as_json)
{
    struct buf out;
    int e, status;

    buf_init(&out, OUTPUT_MAX);
    e = as_json ? report_write_json(&out, r) : report_write_text(&out, r);
    status = e < 0 ? command_no("sim", "out of memory") : terminal_print(buf_str(&out));
    buf_fini(&out);
    return status;
}
