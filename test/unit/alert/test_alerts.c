/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts: when they fire, when they are over, and what a channel is told. */
#include "testing.h"

#include <stdio.h>

#include "alert/alerts.h"
#include "wire/json_out.h"

enum { HOLD_MS = 1000, GROUP_MS = 500, REPEAT_MS = 100000 };

static const struct alert_rules rules = {HOLD_MS, GROUP_MS, REPEAT_MS};

/* One look at that time: these machines are down. */
static void look(struct alerts *a, uint64_t now_ms, const char *const *down)
{
    alerts_begin(a, now_ms, (int64_t)now_ms * 1000);
    for (; *down; down++)
        alerts_see(a, ALERT_machine_down, str_from(*down), STR("it is off"));
    alerts_end(a);
}

#define LOOK(a, now_ms, ...) look(a, now_ms, (const char *const[]){__VA_ARGS__, NULL})

static void nothing_is_down(struct alerts *a, uint64_t now_ms)
{
    look(a, now_ms, (const char *const[]){NULL});
}

/* What the channel is told, "+pi -mac"; taken by it. */
static const char *told(struct alerts *a, unsigned channel, uint64_t now_ms)
{
    static char text[1024];
    struct alert_row rows[ALERT_ROWS_MAX];
    size_t count = alerts_due(a, channel, now_ms, rows), length = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%c%s", i ? " " : "",
                                   rows[i].is_over ? '-' : '+', rows[i].subject);
    if (count)
        alerts_told(a, channel, true, now_ms);
    return text;
}

static void what_is_wrong_for_a_moment_is_not_told(void **state)
{
    struct alerts *a = alerts_new(&rules, 1);

    (void)state;
    LOOK(a, 1000, "pi");
    LOOK(a, 1900, "pi");
    nothing_is_down(a, 2000);
    LOOK(a, 2100, "pi");
    assert_int_equal(alerts_firing(a, ALERT_COUNT), 0);
    assert_string_equal(told(a, 0, 60000), "");
    alerts_free(a);
}

static void what_fails_together_is_told_together_and_once(void **state)
{
    struct alerts *a = alerts_new(&rules, 1);

    (void)state;
    LOOK(a, 1000, "pi", "mac");
    LOOK(a, 2000, "pi", "mac", "desk");
    assert_int_equal(alerts_firing(a, ALERT_machine_down), 2);
    assert_string_equal(told(a, 0, 2000), "");
    LOOK(a, 2400, "pi", "mac", "desk");
    assert_string_equal(told(a, 0, 2499), "");
    assert_string_equal(told(a, 0, 2500), "+pi +mac");
    LOOK(a, 3000, "pi", "mac", "desk");
    assert_string_equal(told(a, 0, 3000), "");
    assert_string_equal(told(a, 0, 3500), "+desk");
    LOOK(a, 60000, "pi", "mac", "desk");
    assert_string_equal(told(a, 0, 60000), "");
    alerts_free(a);
}

static void the_end_is_told_when_it_has_held(void **state)
{
    struct alerts *a = alerts_new(&rules, 1);

    (void)state;
    LOOK(a, 1000, "pi");
    LOOK(a, 2000, "pi");
    (void)told(a, 0, 2000);
    assert_string_equal(told(a, 0, 2500), "+pi");
    nothing_is_down(a, 3000);
    LOOK(a, 3500, "pi"); /* back too early: still the same alert */
    nothing_is_down(a, 4000);
    nothing_is_down(a, 4900);
    assert_string_equal(told(a, 0, 9000), "");
    nothing_is_down(a, 5000);
    (void)told(a, 0, 5000);
    assert_string_equal(told(a, 0, 5500), "-pi");
    assert_int_equal(alerts_firing(a, ALERT_COUNT), 0);
    alerts_free(a);
}

static void what_flaps_must_be_right_for_longer_each_time(void **state)
{
    struct alerts *a = alerts_new(&rules, 1);
    uint64_t now_ms = 0;
    unsigned ends = 0, fires = 0;

    (void)state;
    /* Two seconds down, two up, for half an hour. */
    for (; now_ms < 1800000; now_ms += 100) {
        const char *words;

        if (now_ms / 2000 % 2)
            nothing_is_down(a, now_ms);
        else
            LOOK(a, now_ms, "pi");
        words = told(a, 0, now_ms);
        fires += words[0] == '+';
        ends += words[0] == '-';
    }
    assert_in_range(ends, 1, 2);
    assert_in_range(fires, 1, 20); /* with the reminders */
    alerts_free(a);
}

static void a_reminder_comes_after_its_time(void **state)
{
    struct alerts *a = alerts_new(&rules, 1);

    (void)state;
    LOOK(a, 0, "pi");
    LOOK(a, 1000, "pi");
    (void)told(a, 0, 1000);
    assert_string_equal(told(a, 0, 1500), "+pi");
    LOOK(a, 100000, "pi");
    assert_string_equal(told(a, 0, 101499), "");
    (void)told(a, 0, 101500);
    assert_string_equal(told(a, 0, 102000), "+pi");
    alerts_free(a);
}

/* Channel 1 is out for a long time; channel 0 hears everything as it happens. */
static void an_outage_of_the_receiver_loses_nothing(void **state)
{
    struct alerts *a = alerts_new(&rules, 2);
    struct alert_row rows[ALERT_ROWS_MAX];
    uint64_t now_ms = 0, tries = 0;

    (void)state;
    for (; now_ms < 600000; now_ms += 1000) {
        if (now_ms < 100000)
            LOOK(a, now_ms, "pi");
        else
            LOOK(a, now_ms, "mac");
        (void)told(a, 0, now_ms);
        if (alerts_due(a, 1, now_ms, rows)) {
            alerts_told(a, 1, false, now_ms);
            tries++;
        }
    }
    assert_in_range(tries, 6, 10);
    LOOK(a, 2000000, "mac");
    assert_string_equal(told(a, 1, 2000000), "-pi +mac");
    LOOK(a, 2000001, "mac");
    assert_string_equal(told(a, 1, 2099000), "");
    alerts_free(a);
}

static void one_notice_is_under_way_at_a_time(void **state)
{
    struct alerts *a = alerts_new(&rules, 1);
    struct alert_row rows[ALERT_ROWS_MAX];

    (void)state;
    LOOK(a, 0, "pi");
    LOOK(a, 1000, "pi", "mac");
    assert_int_equal(alerts_due(a, 0, 1000, rows), 0);
    assert_int_equal(alerts_due(a, 0, 1500, rows), 1);
    LOOK(a, 2000, "pi", "mac");
    assert_int_equal(alerts_due(a, 0, 5000, rows), 0);
    alerts_told(a, 0, true, 5000);
    (void)told(a, 0, 5000);
    assert_string_equal(told(a, 0, 5500), "+mac");
    alerts_free(a);
}

static void more_than_fits_a_notice_follows_in_the_next(void **state)
{
    struct alerts *a = alerts_new(&rules, 1);
    struct alert_row rows[ALERT_ROWS_MAX];
    char name[32];

    (void)state;
    for (uint64_t now_ms = 0; now_ms <= 1000; now_ms += 1000) {
        alerts_begin(a, now_ms, 0);
        for (int i = 0; i < ALERTS_MAX + 3; i++) {
            snprintf(name, sizeof name, "machine %d", i);
            alerts_see(a, ALERT_machine_down, str_from(name), STR(""));
        }
        alerts_end(a);
    }
    assert_int_equal(alerts_firing(a, ALERT_COUNT), ALERTS_MAX);
    assert_int_equal(alerts_left_out(a), 6);
    assert_int_equal(alerts_due(a, 0, 1000, rows), 0);
    assert_int_equal(alerts_due(a, 0, 1500, rows), ALERT_ROWS_MAX);
    assert_string_equal(rows[0].subject, "machine 0");
    alerts_told(a, 0, true, 1500);
    assert_int_equal(alerts_due(a, 0, 1500, rows), 0);
    assert_int_equal(alerts_due(a, 0, 2000, rows), ALERT_ROWS_MAX);
    assert_string_equal(rows[0].subject, "machine 40");
    alerts_free(a);
}

static void the_most_urgent_comes_first(void **state)
{
    struct alerts *a = alerts_new(&rules, 1);
    struct alert_row rows[ALERT_ROWS_MAX];

    (void)state;
    for (uint64_t now_ms = 0; now_ms <= 4000; now_ms += 4000) {
        alerts_begin(a, now_ms, 0);
        alerts_see(a, ALERT_copy_on_cpu, STR("pi/ollama/x"), STR(""));
        alerts_see(a, ALERT_category_uncovered, STR("xl-code"), STR(""));
        alerts_end(a);
    }
    assert_int_equal(alerts_list(a, rows, ALERT_ROWS_MAX), 2);
    assert_int_equal(rows[0].kind, ALERT_category_uncovered);
    assert_int_equal(rows[1].kind, ALERT_copy_on_cpu);
    alerts_free(a);
}

/* As the next process would begin: another clock, ten seconds later on the wall. */
static struct alerts *restarted(const struct alerts *a, const char *const *channels, unsigned count)
{
    static const char *const before[] = {"webhook", "ntfy"};
    struct alerts *next = alerts_new(&rules, count);
    struct buf text;
    struct json_out o = {.out = &text};

    buf_init(&text, 1 << 16);
    alerts_write(a, before, &o);
    assert_int_equal(o.error, 0);
    alerts_recall(next, channels, buf_str(&text), 50, 12500 * 1000);
    buf_fini(&text);
    return next;
}

static void a_restart_tells_nobody_twice_and_everybody_the_end(void **state)
{
    static const char *const channels[] = {"ntfy", "mail"};
    struct alerts *a = alerts_new(&rules, 2), *b;

    (void)state;
    LOOK(a, 1000, "pi", "mac");
    LOOK(a, 2000, "pi", "mac");
    (void)told(a, 1, 2000);
    assert_string_equal(told(a, 1, 2500), "+pi +mac");
    b = restarted(a, channels, 2);
    assert_int_equal(alerts_firing(b, ALERT_machine_down), 2);
    LOOK(b, 60, "pi");
    (void)told(b, 1, 60);
    LOOK(b, 560, "pi");
    assert_string_equal(told(b, 0, 560), "");
    assert_string_equal(told(b, 1, 560), "+pi +mac"); /* mail is new: it is told what there is */
    LOOK(b, 1070, "pi");                              /* the mac was well for long enough */
    (void)told(b, 0, 1070);
    assert_string_equal(told(b, 0, 1570), "-mac");
    assert_int_equal(alerts_firing(b, ALERT_machine_down), 1);
    alerts_free(a);
    alerts_free(b);
}

static void what_is_no_memory_of_alerts_is_passed_over(void **state)
{
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "{\"alerts\":3}",
                                        "{\"alerts\":[1,{}]}",
                                        "{\"alerts\":[{\"alert\":\"unheard_of\",\"version\":1}]}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct alerts *a = alerts_new(&rules, 0);

        alerts_recall(a, NULL, str_from(texts[i]), 50, 1);
        assert_int_equal(alerts_firing(a, ALERT_COUNT), 0);
        alerts_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_for_a_moment_is_not_told),
        cmocka_unit_test(what_fails_together_is_told_together_and_once),
        cmocka_unit_test(the_end_is_told_when_it_has_held),
        cmocka_unit_test(what_flaps_must_be_right_for_longer_each_time),
        cmocka_unit_test(a_reminder_comes_after_its_time),
        cmocka_unit_test(an_outage_of_the_receiver_loses_nothing),
        cmocka_unit_test(one_notice_is_under_way_at_a_time),
        cmocka_unit_test(more_than_fits_a_notice_follows_in_the_next),
        cmocka_unit_test(the_most_urgent_comes_first),
        cmocka_unit_test(a_restart_tells_nobody_twice_and_everybody_the_end),
        cmocka_unit_test(what_is_no_memory_of_alerts_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
