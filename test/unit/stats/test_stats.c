/* SPDX-License-Identifier: Apache-2.0 */
/* Counters, gauges, histograms and what Prometheus reads of them. */
#include "testing.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "stats/stats.h"

static char text[1 << 20];
static struct stats_form form; /* what is asked for */

static const char *written(struct stats *s)
{
    struct buf out;

    buf_init(&out, sizeof text - 1);
    assert_int_equal(stats_write(s, &form, &out), 0);
    memcpy(text, out.data ? out.data : "", out.len);
    text[out.len] = '\0';
    buf_fini(&out);
    return text;
}

static void the_same_labels_are_the_same_series(void **state)
{
    struct stats *s = stats_new();
    struct str one[] = {STR("a"), STR("m")}, same[] = {STR("a"), STR("m")},
               swapped[] = {STR("m"), STR("a")};

    (void)state;
    assert_ptr_equal(stats_series(s, COUNTER_attempts_total, one),
                     stats_series(s, COUNTER_attempts_total, same));
    assert_ptr_not_equal(stats_series(s, COUNTER_attempts_total, one),
                         stats_series(s, COUNTER_attempts_total, swapped));
    stats_free(s);
}

static void series_are_written_sorted_with_help_and_type(void **state)
{
    struct stats *s = stats_new();

    (void)state;
    series_set(stats_series(s, COUNTER_connections, NULL), 3);
    series_add(stats_series(s, COUNTER_attempts_total, (struct str[]){STR("b"), STR("m")}), 2);
    series_add(stats_series(s, COUNTER_attempts_total, (struct str[]){STR("a"), STR("m")}), 1);
    assert_string_equal(written(s),
                        "# HELP tampu_attempts_total Tries sent to a machine or provider\n"
                        "# TYPE tampu_attempts_total counter\n"
                        "tampu_attempts_total{machine=\"a\",model=\"m\"} 1\n"
                        "tampu_attempts_total{machine=\"b\",model=\"m\"} 2\n"
                        "# HELP tampu_connections Open connections of callers\n"
                        "# TYPE tampu_connections gauge\n"
                        "tampu_connections 3\n");
    stats_free(s);
}

static void nothing_touched_writes_nothing(void **state)
{
    struct stats *s = stats_new();

    (void)state;
    assert_string_equal(written(s), "");
    stats_free(s);
}

static void what_is_not_known_any_more_is_not_written(void **state)
{
    struct stats *s = stats_new();
    struct series *real =
        stats_series(s, COUNTER_machine_temperature_celsius, (struct str[]){STR("x")});

    (void)state;
    series_set_real(real, 41.5);
    assert_non_null(strstr(written(s), "tampu_machine_temperature_celsius{machine=\"x\"} 41.5"));
    series_forget(real);
    assert_null(strstr(written(s), "{machine=\"x\"}"));
    series_set_real(real, 0);
    assert_non_null(strstr(written(s), "{machine=\"x\"} 0.0"));
    stats_free(s);
}

static void gauges_go_up_and_down(void **state)
{
    struct stats *s = stats_new();
    struct series *gauge = stats_series(s, COUNTER_waiting, (struct str[]){STR("x")});

    (void)state;
    series_shift(gauge, 2);
    series_shift(gauge, -3);
    assert_int_equal(series_value(gauge), -1);
    assert_non_null(strstr(written(s), "tampu_waiting{name=\"x\"} -1\n"));
    stats_free(s);
}

static void label_values_are_escaped(void **state)
{
    struct stats *s = stats_new();

    (void)state;
    series_add(stats_series(s, COUNTER_waiting, (struct str[]){STR("a\"b\\c\nd\0e")}), 0);
    assert_non_null(strstr(written(s), "tampu_waiting{name=\"a\\\"b\\\\c\\nd e\"} 0\n"));
    stats_free(s);
}

static void long_values_are_cut_between_characters(void **state)
{
    struct stats *s = stats_new();
    char value[200];

    (void)state;
    for (size_t i = 0; i < sizeof value; i += 2)
        memcpy(value + i, "\xc3\xa9", 2); /* é, and one byte in front shifts it */
    value[0] = 'x';
    value[1] = 'y';
    series_add(stats_series(s, COUNTER_waiting, (struct str[]){str_slice(value + 1, 199)}), 0);
    assert_non_null(strstr(written(s), "\xc3\xa9\"} 0\n"));
    stats_free(s);
}

static void durations_fall_into_buckets(void **state)
{
    struct stats *s = stats_new();
    struct series *times = stats_series(s, COUNTER_request_seconds, (struct str[]){STR("chat")});

    (void)state;
    series_observe_us(times, 0);
    series_observe_us(times, 1000); /* a bound belongs to its bucket */
    series_observe_us(times, 1001);
    series_observe_us(times, 1800000001);
    assert_int_equal(series_value(times), 4);
    written(s);
    assert_non_null(strstr(text, "# TYPE tampu_request_seconds histogram\n"));
    assert_non_null(strstr(text, "_bucket{endpoint=\"chat\",le=\"0.001\"} 2\n"));
    assert_non_null(strstr(text, "_bucket{endpoint=\"chat\",le=\"0.005\"} 3\n"));
    assert_non_null(strstr(text, "_bucket{endpoint=\"chat\",le=\"1800\"} 3\n"));
    assert_non_null(strstr(text, "_bucket{endpoint=\"chat\",le=\"+Inf\"} 4\n"));
    assert_non_null(strstr(text, "tampu_request_seconds_sum{endpoint=\"chat\"} 1800.002002\n"));
    assert_non_null(strstr(text, "tampu_request_seconds_count{endpoint=\"chat\"} 4\n"));
    stats_free(s);
}

/* The ceiling is 20000 series. */
static void beyond_the_ceiling_values_become_other(void **state)
{
    struct stats *s = stats_new();
    char name[16];
    struct series *last = NULL;

    (void)state;
    for (int i = 0; i < 20002; i++) {
        snprintf(name, sizeof name, "n%d", i);
        last = stats_series(s, COUNTER_waiting, (struct str[]){str_from(name)});
    }
    assert_ptr_equal(last, stats_series(s, COUNTER_waiting, (struct str[]){STR("other")}));
    assert_ptr_not_equal(last, stats_series(s, COUNTER_waiting, (struct str[]){STR("n7")}));
    assert_ptr_not_equal(
        last, stats_series(s, COUNTER_engine_up, (struct str[]){STR("new"), STR("new")}));
    stats_free(s);
}

static void a_full_buffer_is_reported(void **state)
{
    struct stats *s = stats_new();
    struct buf out;

    (void)state;
    series_set(stats_series(s, COUNTER_connections, NULL), 1);
    buf_init(&out, 40);
    assert_int_equal(stats_write(s, &form, &out), -EMSGSIZE);
    buf_fini(&out);
    stats_free(s);
}

static void other_names_are_the_same_counts(void **state)
{
    struct stats *s = stats_new();
    struct str odd[] = {STR("a\"b"), STR("m\\"), STR("prompt")},
               cached[] = {STR("a"), STR("m"), STR("cached")};

    (void)state;
    series_add(stats_series(s, COUNTER_tokens_total, odd), 7);
    series_add(stats_series(s, COUNTER_tokens_total, cached), 5);
    series_add(stats_series(s, COUNTER_ledger_money_micro_total, NULL), 1500000);
    series_observe_us(stats_series(s, COUNTER_request_seconds, (struct str[]){STR("ollama_chat")}),
                      900);
    assert_null(strstr(written(s), "litellm_"));
    form.also = STATS_genai | STATS_litellm;
    written(s);
    form.also = 0;
    assert_non_null(
        strstr(text, "litellm_input_tokens_metric_total{model=\"m\\\\\",api_base=\"a\\\"b\"} 7\n"));
    assert_non_null(strstr(text, "litellm_total_tokens_metric_total{model=\"m\\\\\",api_base="
                                 "\"a\\\"b\",token_type=\"input\"} 7\n"));
    assert_null(strstr(text, "litellm_output_tokens_metric_total"));
    assert_non_null(strstr(
        text, "# TYPE litellm_spend_metric_total counter\nlitellm_spend_metric_total 1.500000\n"));
    assert_non_null(
        strstr(text, "gen_ai_server_request_duration_seconds_bucket{gen_ai_operation_name=\"chat\","
                     "endpoint=\"ollama_chat\",le=\"0.001\"} 1\n"));
    stats_free(s);
}

static void exemplars_name_the_last_request_of_a_bucket(void **state)
{
    struct stats *s = stats_new();
    struct series *times;

    (void)state;
    assert_false(series_wants_exemplar(
        stats_series(s, COUNTER_request_seconds, (struct str[]){STR("early")})));
    stats_keep_exemplars(s);
    times = stats_series(s, COUNTER_request_seconds, (struct str[]){STR("chat")});
    assert_true(series_wants_exemplar(times));
    for (uint64_t us = 900; us <= 1100; us += 100) {
        char id[16];

        series_observe_us(times, us);
        snprintf(id, sizeof id, "t%d", (int)us);
        series_exemplar(times, us, str_from(id), 1700000000250000);
    }
    series_exemplar(times, 1100, STR("not \"one"), 1);
    assert_null(strstr(written(s), "request_id"));
    form.is_openmetrics = true;
    written(s);
    form.is_openmetrics = false;
    assert_non_null(
        strstr(text, "le=\"0.001\"} 2 # {request_id=\"t1000\"} 0.001000 1700000000.250000\n"));
    assert_non_null(
        strstr(text, "le=\"0.005\"} 3 # {request_id=\"t1100\"} 0.001100 1700000000.250000\n"));
    assert_non_null(strstr(text, "le=\"0.01\"} 3\n"));
    assert_string_equal(text + strlen(text) - 6, "# EOF\n");
    stats_free(s);
}

static void openmetrics_names_counters_without_their_suffix(void **state)
{
    struct stats *s = stats_new();

    (void)state;
    series_add(stats_series(s, COUNTER_refusals_total, (struct str[]){STR("x")}), 1);
    form.is_openmetrics = true;
    written(s);
    form.is_openmetrics = false;
    assert_non_null(strstr(
        text, "# TYPE tampu_refusals counter\ntampu_refusals_total{failure=\"x\"} 1\n# EOF\n"));
    stats_free(s);
}

static void *count_a_lot(void *arg)
{
    for (int i = 0; i < 5000; i++)
        series_add(stats_series(arg, COUNTER_refusals_total, (struct str[]){STR("x")}), 1);
    return NULL;
}

static void many_threads_count_every_one(void **state)
{
    struct stats *s = stats_new();
    pthread_t threads[4];
    struct series *x;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_a_lot, s), 0);
    written(s); /* while they count */
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    x = stats_series(s, COUNTER_refusals_total, (struct str[]){STR("x")});
    assert_int_equal(series_value(x), 20000);
    stats_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_labels_are_the_same_series),
        cmocka_unit_test(series_are_written_sorted_with_help_and_type),
        cmocka_unit_test(nothing_touched_writes_nothing),
        cmocka_unit_test(what_is_not_known_any_more_is_not_written),
        cmocka_unit_test(gauges_go_up_and_down),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(long_values_are_cut_between_characters),
        cmocka_unit_test(durations_fall_into_buckets),
        cmocka_unit_test(beyond_the_ceiling_values_become_other),
        cmocka_unit_test(a_full_buffer_is_reported),
        cmocka_unit_test(other_names_are_the_same_counts),
        cmocka_unit_test(exemplars_name_the_last_request_of_a_bucket),
        cmocka_unit_test(openmetrics_names_counters_without_their_suffix),
        cmocka_unit_test(many_threads_count_every_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
