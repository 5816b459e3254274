/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as JSON. Members may be added, never renamed. */
#include <math.h>

#include "cmd/plan_show.h"
#include "plan/explain.h"
#include "wire/json_out.h"

enum { DIFFERENCES_MAX = 1000 };

static void write_measured(struct json_out *o, const struct fleet *f);
static void write_copy(struct json_out *o, const struct plan_shown *s, const struct plan_copy *c);
static void write_change(struct json_out *o, const struct change *c);
static void write_bill(struct json_out *o, const struct plan_shown *s);
static void write_case(struct json_out *o, const struct plan_shown *s,
                       const struct certificate_case *c);
static void write_row(struct json_out *o, const struct plan_shown *s,
                      const struct certificate_row *row, uint32_t category);
static void write_holes(struct json_out *o, const struct certificate *c);
static void write_numbers(struct json_out *o, const struct plan *plan);
static void write_difference(struct json_out *o, const struct plan_shown *s);
static void write_real(struct json_out *o, const char *key, double value);

/* Machines that are planned as slow as they were measured. */
static void write_measured(struct json_out *o, const struct fleet *f)
{
    json_open(json_key(o, "measured"), '[');
    for (uint32_t i = 0; i < f->machines_count; i++) {
        if (f->machines[i].slowness <= 1)
            continue;
        json_open(o, '{');
        json_text(json_key(o, "machine"), f->machines[i].name);
        json_double(json_key(o, "slowness"), f->machines[i].slowness);
        json_text(json_key(o, "found"), f->machines[i].slow_words);
        json_close(o, '}');
    }
    json_close(o, ']');
}

int plan_write_json(struct buf *out, const struct plan_shown *s)
{
    struct json_out o = {.out = out};

    json_open(&o, '{');
    json_open(json_key(&o, "copies"), '[');
    for (uint32_t i = 0; i < s->plan->copies_count; i++)
        write_copy(&o, s, &s->plan->copies[i]);
    json_close(&o, ']');
    write_measured(&o, s->plan->fleet);
    json_open(json_key(&o, "changes"), '[');
    for (uint32_t i = 0; i < s->diff->changes_count; i++)
        write_change(&o, &s->diff->changes[i]);
    json_close(&o, ']');
    write_bill(&o, s);
    json_open(json_key(&o, "certificate"), '[');
    for (uint32_t i = 0; i < s->certificate->cases_count; i++)
        write_case(&o, s, &s->certificate->cases[i]);
    json_close(&o, ']');
    write_holes(&o, s->certificate);
    if (s->before)
        write_difference(&o, s);
    write_numbers(&o, s->plan);
    json_close(&o, '}');
    return o.error ? o.error : buf_put_char(out, '\n');
}

static void write_copy(struct json_out *o, const struct plan_shown *s, const struct plan_copy *c)
{
    json_open(o, '{');
    json_text(json_key(o, "machine"), c->machine->name);
    json_text(json_key(o, "engine"), c->engine->name);
    json_text(json_key(o, "artifact"), shown_tag(c, c->artifact));
    json_text(json_key(o, "name"), c->name);
    json_open(json_key(o, "categories"), '[');
    for (uint32_t i = 0; i < c->categories_count; i++)
        json_text(o, s->plan->fleet->categories[c->categories[i]].name);
    json_close(o, ']');
    json_number(json_key(o, "disk_bytes"), c->disk_bytes);
    json_number(json_key(o, "memory_bytes"), c->memory_bytes);
    json_number(json_key(o, "gpu_bytes"), c->gpu_bytes);
    json_number(json_key(o, "context"), c->context);
    json_number(json_key(o, "slots"), c->slots);
    json_bool(json_key(o, "keep_loaded"), c->keep_loaded);
    json_open(json_key(o, "span"), '[');
    for (uint32_t i = 0; i < c->span_count; i++)
        json_text(o, c->span[i]->name);
    json_close(o, ']');
    json_open(json_key(o, "expected"), '{');
    write_real(o, "load_s", c->load_s);
    write_real(o, "prefill_tps", c->prefill_tps);
    write_real(o, "decode_tps", c->decode_tps);
    json_close(o, '}');
    json_text(json_key(o, "why"), c->why);
    json_close(o, '}');
}

static void write_change(struct json_out *o, const struct change *c)
{
    json_open(o, '{');
    json_text(json_key(o, "do"), str_from(change_name(c->kind)));
    json_text(json_key(o, "machine"), c->machine->name);
    json_text(json_key(o, "engine"), c->engine->name);
    json_text(json_key(o, "artifact"), shown_tag(c->copy, c->artifact));
    json_number(json_key(o, "bytes"), c->bytes);
    write_real(o, "seconds", c->seconds);
    write_real(o, "starts_s", c->starts_s);
    if (c->kind == CHANGE_seed)
        json_text(json_key(o, "from"), c->from->name);
    json_close(o, '}');
}

static void write_bill(struct json_out *o, const struct plan_shown *s)
{
    const struct bill *b = &s->diff->bill;

    json_open(json_key(o, "bill"), '{');
    json_number(json_key(o, "wan_bytes"), b->wan_bytes);
    json_number(json_key(o, "lan_bytes"), b->lan_bytes);
    json_number(json_key(o, "disk_bytes"), b->disk_bytes);
    write_real(o, "seconds", b->seconds);
    json_number(json_key(o, "evictions"), b->evictions);
    json_number(json_key(o, "wan_bits"), b->wan_bits);
    json_number(json_key(o, "lan_bits"), b->lan_bits);
    json_bool(json_key(o, "assumed_links"), b->is_assumed);
    json_open(json_key(o, "disk_left"), '{');
    for (uint32_t i = 0; i < s->plan->fleet->machines_count; i++) {
        const struct machine *m = &s->plan->fleet->machines[i];
        double left;

        if (machine_serves(m) && bill_disk_left(s->plan, m, &left))
            json_double(json_key_str(o, m->name), left);
    }
    json_close(o, '}');
    json_close(o, '}');
}

static void write_case(struct json_out *o, const struct plan_shown *s,
                       const struct certificate_case *c)
{
    static const char *const kinds[] = {"nobody", "machine", "domain", "pair"};

    json_open(o, '{');
    if (c->lost.data)
        json_text(json_key(o, "lost"), c->lost);
    else
        json_raw(json_key(o, "lost"), STR("null"));
    json_text(json_key(o, "kind"), str_from(kinds[c->kind]));
    json_open(json_key(o, "rows"), '[');
    for (uint32_t i = 0; i < s->certificate->rows_count; i++)
        write_row(o, s, &c->rows[i], i);
    json_close(o, ']');
    json_close(o, '}');
}

/* Who answers is a machine, "cloud:PROVIDER", or empty. */
static void write_row(struct json_out *o, const struct plan_shown *s,
                      const struct certificate_row *row, uint32_t category)
{
    const struct copy *cloud = row->cloud;
    bool is_answered = row->copy || cloud;

    json_open(o, '{');
    json_text(json_key(o, "category"), s->plan->fleet->categories[category].name);
    json_text(json_key(o, "machine"), row->copy ? row->copy->machine->name
                                      : cloud   ? cloud->machine_name
                                                : STR(""));
    json_text(json_key(o, "name"), row->copy ? row->copy->name : cloud ? cloud->name : STR(""));
    json_text(json_key(o, "parity"), is_answered ? str_from(parity_name(row->parity)) : STR(""));
    write_real(o, "decode_tps", row->decode_tps);
    json_bool(json_key(o, "covered"), row->covered);
    json_close(o, '}');
}

static void write_holes(struct json_out *o, const struct certificate *c)
{
    json_number(json_key(o, "holes"), c->holes);
    json_open(json_key(o, "closers"), '{');
    for (uint32_t i = 0; i < c->rows_count; i++)
        if (c->closers[i].data)
            json_text(json_key_str(o, c->plan->fleet->categories[i].name), c->closers[i]);
    json_close(o, '}');
    json_open(json_key(o, "faults"), '[');
    for (uint32_t i = 0; i < c->faults_count; i++)
        json_text(o, c->faults[i]);
    json_close(o, ']');
}

static void write_numbers(struct json_out *o, const struct plan *plan)
{
    write_real(o, "objective", plan->objective);
    if (plan_has_bound(plan)) {
        write_real(o, "bound", plan->bound);
        write_real(o, "gap", plan->gap);
    } else {
        json_raw(json_key(o, "bound"), STR("null"));
        json_raw(json_key(o, "gap"), STR("null"));
    }
    json_bool(json_key(o, "proven"), plan->is_proven);
    json_text(json_key(o, "solver"), str_from(plan->solver));
    write_real(o, "seconds", plan->seconds);
}

/* What the questions change. */
static void write_difference(struct json_out *o, const struct plan_shown *s)
{
    struct difference all[DIFFERENCES_MAX];
    size_t count = explain_difference(all, DIFFERENCES_MAX, s->before, s->plan);

    count = count < DIFFERENCES_MAX ? count : DIFFERENCES_MAX;
    json_open(json_key(o, "difference"), '{');
    json_open(json_key(o, "copies"), '[');
    for (size_t i = 0; i < count; i++) {
        const struct plan_copy *copy = all[i].after ? all[i].after : all[i].before;

        json_open(o, '{');
        json_text(json_key(o, "do"), str_from(difference_name(&all[i])));
        json_text(json_key(o, "machine"), copy->machine->name);
        json_text(json_key(o, "artifact"), shown_tag(copy, copy->artifact));
        json_close(o, '}');
    }
    json_close(o, ']');
    write_real(o, "objective_before", s->before->objective);
    json_number(json_key(o, "holes_before"), s->before_certificate->holes);
    json_close(o, '}');
}

/* To the thousandth: what is reckoned is not known better. */
static void write_real(struct json_out *o, const char *key, double value)
{
    json_double(json_key(o, key), round(value * 1000) / 1000);
}
