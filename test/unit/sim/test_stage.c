/* SPDX-License-Identifier: Apache-2.0 */
/* The stage: policies on the fleets that ship, what they promise and what they cannot. */
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/policy.h"

static struct fleet *fleet;
static struct catalog *catalog;
static struct view *view;

static int up(void **state)
{
    struct err err = {0};

    (void)state;
    if (fleet_load(&fleet, "fleets/homelab.yaml", &err) < 0 ||
        catalog_load(&catalog, NULL, &err) < 0 ||
        view_new(&view, fleet, catalog, catalog->day, &err) < 0)
        fail_msg("%s", err.text);
    return 0;
}

static int down(void **state)
{
    (void)state;
    view_free(view);
    fleet_free(fleet);
    catalog_free(catalog);
    return 0;
}

/* An hour at that load by that policy. */
static struct tally play(const char *policy, double load, struct stage_options options)
{
    struct tally tally;
    struct trace t;
    struct stage *s;

    options.seed = 3;
    options.unknown = 0.2;
    assert_true(trace_make(&t, STR("poisson"), 3));
    s = stage_new(view, &options, NULL);
    assert_non_null(s);
    stage_cut(s, &t);
    trace_scale(&t, load * stage_capacity_per_s(s, &t) * t.span_s / t.count, 3);
    stage_play(s, &t, policy_find(str_from(policy)), &tally);
    assert_int_equal(tally.requests, t.count);
    assert_int_equal(tally.completed + tally.lost, tally.requests);
    trace_free(&t);
    stage_free(s);
    return tally;
}

static void every_policy_answers_or_loses_each_request(void **state)
{
    (void)state;
    for (unsigned i = 0; policy_at(i); i++) {
        struct tally t = play(policy_at(i)->name, 0.2, (struct stage_options){0});

        assert_true(t.completed > t.requests / 2);
        assert_true(t.first_s.p50 > 0 && t.first_s.p50 <= t.first_s.p99);
        tally_free(&t);
    }
}

static void the_same_seed_gives_the_same_figures(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct tally a = play(policy_at(i)->name, 0.3, (struct stage_options){0});
        struct tally b = play(policy_at(i)->name, 0.3, (struct stage_options){0});

        assert_true(a.first_s.p99 == b.first_s.p99 && a.loads == b.loads && a.good == b.good);
        tally_free(&a);
        tally_free(&b);
    }
}

static void tampu_is_far_ahead_of_the_default_of_others(void **state)
{
    struct tally own = play("tampu", 0.3, (struct stage_options){0});
    struct tally shuffle = play("shuffle", 0.3, (struct stage_options){0});

    (void)state;
    assert_true(own.first_s.p99 * 2 < shuffle.first_s.p99);
    assert_true(own.loads * 2 < shuffle.loads);
    assert_true(own.good > shuffle.good);
    assert_int_equal(own.lost, 0);
    tally_free(&own);
    tally_free(&shuffle);
}

static void each_answer_is_told(void **state)
{
    struct tally t = play("tampu", 0.3, (struct stage_options){.tells_each = true});
    double waited_s = 0, loading_s = 0;

    (void)state;
    assert_int_equal(t.told_count, t.completed);
    for (uint32_t i = 0; i < t.told_count; i++) {
        const struct told *told = &t.told[i];

        assert_true(told->at_s <= told->sent_s && told->sent_s < told->first_s &&
                    told->first_s <= told->end_s);
        assert_true(told->name.len && told->machine.len && told->tag.len && told->attempts == 1);
        waited_s += told->sent_s - told->at_s;
        loading_s += told->load_s;
    }
    assert_true(waited_s > 0 && loading_s > 0);
    tally_free(&t);
}

/* Deadlines are a part of the costs: without them others are taken. */
static void what_is_promised_is_a_choice(void **state)
{
    struct tally with = play("tampu", 0.3, (struct stage_options){0});
    struct tally without = play("tampu", 0.3, (struct stage_options){.no_slo = true});

    (void)state;
    assert_int_equal(without.lost, 0);
    assert_true(with.first_s.p99 != without.first_s.p99);
    assert_true(with.good >= without.good);
    tally_free(&with);
    tally_free(&without);
}

/* True speeds differ from the model's by a fifth; after twenty answers of a copy that is known. */
static void speeds_are_learned(void **state)
{
    struct tally t = play("tampu", 0.3, (struct stage_options){0});

    (void)state;
    assert_true(t.errors_count[ESTIMATE_decode] > 50 && t.errors_count[ESTIMATE_prompt] > 50);
    assert_true(t.errors[ESTIMATE_decode].p50 <= 0.10);
    assert_true(t.errors[ESTIMATE_prompt].p50 <= 0.15);
    tally_free(&t);
}

static void what_a_relaxed_fleet_can_do_is_out_of_reach(void **state)
{
    struct tally own = play("tampu", 0.3, (struct stage_options){0});
    struct tally relaxed = play("relaxed", 0.3, (struct stage_options){0});

    (void)state;
    assert_int_equal(relaxed.loads, 0);
    assert_true(relaxed.first_s.p99 < own.first_s.p99);
    tally_free(&own);
    tally_free(&relaxed);
}

/* Every machine in turn: whoever was answered half is answered whole, and nobody is lost. */
static void no_machine_is_missed_when_it_dies(void **state)
{
    uint32_t continued = 0, retried = 0;

    (void)state;
    for (uint32_t i = 0; i < fleet->machines_count; i++) {
        struct tally t;

        if (!machine_serves(&fleet->machines[i]))
            continue;
        t = play("tampu", 0.4,
                 (struct stage_options){.lose = fleet->machines[i].name.data, .lose_s = 1801.5});
        if (t.lost > t.stranded)
            fail_msg("%u lost with %s", t.lost - t.stranded, fleet->machines[i].name.data);
        continued += t.continued;
        retried += t.retried;
        tally_free(&t);
    }
    assert_true(continued > 0 && retried >= continued);
}

static void the_cloud_takes_no_more_than_its_share(void **state)
{
    struct tally t = play("tampu", 0.9, (struct stage_options){.cloud_share = 0.05});

    (void)state;
    assert_true(t.cloud_requests > 0 && t.cloud_requests <= 0.05 * t.requests + 1);
    assert_true(t.money_micro > 0);
    tally_free(&t);
}

static void a_trace_asks_for_no_more_than_a_copy_can_hold(void **state)
{
    struct stage *s = stage_new(view, &(struct stage_options){.seed = 1}, NULL);
    struct trace t = {0};
    struct trace_row *row;

    (void)state;
    row = trace_add(
        &t, &(struct trace_row){.demand = 7, .prompt_tokens = 500000, .output_tokens = 300});
    trace_add_piece(&t, row, 1, 500000);
    stage_cut(s, &t);
    assert_true(t.rows[0].prompt_tokens < 20000);
    assert_int_equal(t.pieces[0].tokens, t.rows[0].prompt_tokens);
    assert_true(isfinite(stage_first_s(s, &t.rows[0])));
    trace_free(&t);
    stage_free(s);
}

static void policies_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(policy_find(STR("tampu")), &policy_tampu);
    assert_string_equal(policy_find(STR("latency"))->name, "latency");
    assert_null(policy_find(STR("wisdom")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_answers_or_loses_each_request),
        cmocka_unit_test(the_same_seed_gives_the_same_figures),
        cmocka_unit_test(tampu_is_far_ahead_of_the_default_of_others),
        cmocka_unit_test(each_answer_is_told),
        cmocka_unit_test(what_is_promised_is_a_choice),
        cmocka_unit_test(speeds_are_learned),
        cmocka_unit_test(what_a_relaxed_fleet_can_do_is_out_of_reach),
        cmocka_unit_test(no_machine_is_missed_when_it_dies),
        cmocka_unit_test(the_cloud_takes_no_more_than_its_share),
        cmocka_unit_test(a_trace_asks_for_no_more_than_a_copy_can_hold),
        cmocka_unit_test(policies_are_found_by_name),
    };

    return cmocka_run_group_tests(tests, up, down);
}
