/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulation found. */
#include "sim/report.h"

#include "wire/json_out.h"

static void write_policy(struct json_out *o, const struct tally *t, bool tells_each);
static void write_told(struct json_out *o, const struct told *told);
static void write_quantiles(struct json_out *o, const char *key, const struct quantiles *q);

/* By enum estimate_kind. */
static const char *const estimates[] = {"decode", "prefill", "load"};

int report_write_json(struct buf *out, const struct report *r)
{
    struct json_out o = {.out = out};

    json_open(&o, '{');
    json_open(json_key(&o, "policies"), '[');
    for (unsigned i = 0; i < r->count; i++)
        write_policy(&o, &r->tallies[i], r->tells_each);
    json_close(&o, ']');
    json_open(json_key(&o, "bound"), '{');
    write_quantiles(&o, "ttft_s", &r->bound_s);
    json_close(&o, '}');
    json_text(json_key(&o, "trace"), str_from(r->trace));
    json_double(json_key(&o, "load"), r->load);
    json_double(json_key(&o, "capacity_per_s"), r->capacity_per_s);
    json_number(json_key(&o, "seed"), r->seed);
    json_close(&o, '}');
    return o.error ? o.error : buf_put_char(out, '\n');
}

int report_write_text(struct buf *out, const struct report *r)
{
    int e = buf_printf(out,
                       "%s, seed %llu: %u requests, %.0f %% of the %.2f a second that the machines "
                       "could serve\n\n"
                       "%-18s %8s %8s %8s %8s %8s %7s %8s %6s %6s %9s\n",
                       r->trace, (unsigned long long)r->seed, r->count ? r->tallies[0].requests : 0,
                       r->load * 100, r->capacity_per_s, "POLICY", "TTFT 50", "TTFT 95", "TTFT 99",
                       "SLOW 99", "TOKEN 50", "GOOD %", "LOADS/H", "EVICT", "LOST", "CLOUD $");

    for (unsigned i = 0; i < r->count && e == 0; i++) {
        const struct tally *t = &r->tallies[i];

        e = buf_printf(out, "%-18s %8.2f %8.2f %8.2f %8.1f %8.3f %7.2f %8.1f %6llu %6u %9.4f\n",
                       t->policy, t->first_s.p50, t->first_s.p95, t->first_s.p99, t->slowdown.p99,
                       t->token_s.p50, t->goodput * 100, t->loads_per_hour,
                       (unsigned long long)t->evictions, t->lost, t->money_micro / 1e6);
    }
    return e < 0 ? e
                 : buf_printf(out, "%-18s %8.2f %8.2f %8.2f\n", "(idle, loaded)", r->bound_s.p50,
                              r->bound_s.p95, r->bound_s.p99);
}

static void write_policy(struct json_out *o, const struct tally *t, bool tells_each)
{
    json_open(o, '{');
    json_text(json_key(o, "policy"), str_from(t->policy));
    json_number(json_key(o, "requests"), t->requests);
    json_number(json_key(o, "completed"), t->completed);
    json_number(json_key(o, "lost"), t->lost);
    json_number(json_key(o, "stranded"), t->stranded);
    write_quantiles(o, "ttft_s", &t->first_s);
    write_quantiles(o, "tpot_s", &t->token_s);
    write_quantiles(o, "slowdown", &t->slowdown);
    json_number(json_key(o, "loads"), t->loads);
    json_double(json_key(o, "loads_per_hour"), t->loads_per_hour);
    json_number(json_key(o, "evictions"), t->evictions);
    json_number(json_key(o, "retried"), t->retried);
    json_number(json_key(o, "continued"), t->continued);
    json_number(json_key(o, "cloud_requests"), t->cloud_requests);
    json_number(json_key(o, "money_micro"), (uint64_t)t->money_micro);
    json_double(json_key(o, "goodput"), t->goodput);
    json_open(json_key(o, "estimate_error"), '{');
    for (unsigned i = 0; i < ESTIMATE_KINDS; i++) {
        write_quantiles(o, estimates[i], &t->errors[i]);
    }
    json_close(o, '}');
    if (tells_each) {
        json_open(json_key(o, "each"), '[');
        for (uint32_t i = 0; i < t->told_count; i++)
            write_told(o, &t->told[i]);
        json_close(o, ']');
    }
    json_close(o, '}');
}

static void write_told(struct json_out *o, const struct told *told)
{
    json_open(o, '{');
    json_double(json_key(o, "at_s"), told->at_s);
    json_text(json_key(o, "name"), told->name);
    json_text(json_key(o, "machine"), told->machine);
    json_text(json_key(o, "tag"), told->tag);
    json_double(json_key(o, "sent_s"), told->sent_s);
    json_double(json_key(o, "load_s"), told->load_s);
    json_double(json_key(o, "first_s"), told->first_s);
    json_double(json_key(o, "end_s"), told->end_s);
    json_number(json_key(o, "attempts"), told->attempts);
    json_close(o, '}');
}

static void write_quantiles(struct json_out *o, const char *key, const struct quantiles *q)
{
    json_open(json_key(o, key), '{');
    json_double(json_key(o, "p50"), q->p50);
    json_double(json_key(o, "p95"), q->p95);
    json_double(json_key(o, "p99"), q->p99);
    json_close(o, '}');
}
