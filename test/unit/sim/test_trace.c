/* SPDX-License-Identifier: Apache-2.0 */
/* Traces: made up, read, and scaled. */
#include "testing.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/trace.h"

static char path[] = "/tmp/trace-code-XXXXXX";

static struct trace read_text(const char *text)
{
    struct trace t = {0};
    struct err err = {0};
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    if (trace_read(&t, path, &err) < 0)
        fail_msg("%s", err.text);
    return t;
}

static void azures_columns_are_read(void **state)
{
    struct trace t = read_text("TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
                               "2023-11-16 23:59:58.5000000,4808,10\r\n"
                               "2023-11-17 00:00:01.0000000,9000,8\r\n");

    (void)state;
    assert_int_equal(t.count, 2);
    assert_true(fabs(t.rows[1].at_s - 2.5) < 1e-6);
    assert_int_equal(t.rows[0].prompt_tokens, 4808);
    assert_string_equal(demands[t.rows[0].demand].name, "l-code"); /* its path says code */
    assert_string_equal(demands[t.rows[1].demand].name, "xl-code");
    trace_free(&t);
}

static void mooncakes_blocks_are_shared_beginnings(void **state)
{
    struct trace t = read_text("{\"timestamp\": 0, \"input_length\": 1100, \"output_length\": 5, "
                               "\"hash_ids\": [0, 1, 2]}\n"
                               "{\"timestamp\": 3000, \"input_length\": 1500, \"output_length\": "
                               "9000, \"hash_ids\": [0, 1, "
                               "7]}\n");
    const struct prompt_piece *a = t.pieces + t.rows[0].pieces, *b = t.pieces + t.rows[1].pieces;

    (void)state;
    assert_int_equal(t.count, 2);
    assert_int_equal(t.rows[0].pieces_count, 3);
    assert_true(a[0].chain == b[0].chain && a[1].chain == b[1].chain && a[2].chain != b[2].chain);
    assert_int_equal(a[1].tokens, 1024);
    assert_int_equal(a[2].tokens, 1100);
    assert_true(t.rows[0].session == t.rows[1].session);
    assert_int_equal(t.rows[1].output_tokens, 2000); /* nobody writes more */
    trace_free(&t);
}

static void tampus_own_columns_are_read(void **state)
{
    struct trace t = read_text("# a word about it\nms,name,prompt,output,beginnings\n"
                               "1500,s-fast,300,20\n200,general,900,30,aa:512 bb:900\n");

    (void)state;
    assert_int_equal(t.count, 2);
    assert_string_equal(demands[t.rows[0].demand].name, "general");
    assert_int_equal(t.rows[0].pieces_count, 2);
    assert_string_equal(demands[t.rows[1].demand].name, "s-fast");
    assert_true(fabs(t.span_s - 1.5) < 1e-6);
    trace_free(&t);
}

static void what_is_no_trace_is_said_so(void **state)
{
    static const char *const texts[] = {"", "TIMESTAMP,x\nnonsense\n", "{\"timestamp\": \n",
                                        "ms,name\n1,2,none,4\n"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct trace t = {0};
        struct err err = {0};
        FILE *f = fopen(path, "w");

        fputs(texts[i], f);
        fclose(f);
        assert_int_equal(trace_read(&t, path, &err), -EINVAL);
        assert_non_null(strstr(err.text, path));
    }
}

static void made_up_ones_repeat_and_differ_by_seed(void **state)
{
    (void)state;
    for (unsigned i = 0; trace_names[i]; i++) {
        struct trace a, b, c;

        assert_true(trace_make(&a, str_from(trace_names[i]), 1));
        assert_true(trace_make(&b, str_from(trace_names[i]), 1));
        assert_true(trace_make(&c, str_from(trace_names[i]), 2));
        assert_true(a.count == b.count && a.count > 1500);
        assert_true(a.rows[7].at_s == b.rows[7].at_s && a.rows[7].at_s != c.rows[7].at_s);
        for (uint32_t k = 1; k < a.count; k++)
            assert_true(a.rows[k - 1].at_s <= a.rows[k].at_s && a.rows[k].at_s < a.span_s);
        trace_free(&a);
        trace_free(&b);
        trace_free(&c);
    }
    assert_false(trace_make(&(struct trace){0}, STR("nonsense"), 1));
}

/* The last request of a file comes at the end of its span, not at its beginning. */
static void once_each_is_as_it_was(void **state)
{
    struct trace t = {.span_s = 90};

    (void)state;
    trace_add(&t, &(struct trace_row){.at_s = 30, .session = 1});
    trace_add(&t, &(struct trace_row){.at_s = 90, .session = 2});
    trace_scale(&t, 1, 9);
    assert_int_equal(t.count, 2);
    assert_true(t.rows[0].at_s == 30 && t.rows[1].at_s == 90);
    trace_free(&t);
}

/* Turns of a conversation come and go together. */
static void scaling_keeps_conversations_whole(void **state)
{
    static const double times[] = {0.25, 1, 2.5};

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct trace whole, t;
        uint32_t turns[2] = {0};

        trace_make(&whole, STR("poisson"), 5);
        trace_make(&t, STR("poisson"), 5);
        trace_scale(&t, times[i], 9);
        assert_true(fabs(t.count / (times[i] * whole.count) - 1) < 0.2);
        for (uint32_t k = 0; k < whole.count; k++)
            turns[0] += whole.rows[k].session == t.rows[0].session;
        for (uint32_t k = 0; k < t.count; k++)
            turns[1] += t.rows[k].session == t.rows[0].session;
        assert_true(turns[0] == 0 || turns[0] == turns[1]);
        trace_free(&whole);
        trace_free(&t);
    }
}

static void names_follow_the_rule(void **state)
{
    (void)state;
    assert_string_equal(demands[trace_name(9000, 10, false, 3)].name, "xl-code");
    assert_string_equal(demands[trace_name(5000, 10, false, 3)].name, "l-code");
    assert_string_equal(demands[trace_name(100, 10, true, 3)].name, "l-code");
    assert_string_equal(demands[trace_name(100, 600, false, 3)].name, "reasoning");
}

static int forget_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(azures_columns_are_read),
        cmocka_unit_test(mooncakes_blocks_are_shared_beginnings),
        cmocka_unit_test(tampus_own_columns_are_read),
        cmocka_unit_test(what_is_no_trace_is_said_so),
        cmocka_unit_test(made_up_ones_repeat_and_differ_by_seed),
        cmocka_unit_test(once_each_is_as_it_was),
        cmocka_unit_test(scaling_keeps_conversations_whole),
        cmocka_unit_test(names_follow_the_rule),
    };
    int file = mkstemp(path);

    if (file < 0)
        return 1;
    close(file);
    return cmocka_run_group_tests(tests, NULL, forget_file);
}
