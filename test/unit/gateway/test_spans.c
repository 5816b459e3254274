/* SPDX-License-Identifier: Apache-2.0 */
/* Spans: what is kept of a request, whose trace it is of, and what finds no room. */
#include "testing.h"

#include <stdlib.h>

#include "gateway/spans.h"

#define TRACE  "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

static const struct exchange_row row = {.id = {"t0123456789abcdef01234567", 25}, .asked = {"m", 1}};

static struct span put(const char *traceparent)
{
    struct spans *s = spans_new();
    struct span span;

    spans_put(s, &row, str_from(traceparent));
    assert_int_equal(spans_take(s, &span, 1), 1);
    spans_free(s);
    return span;
}

static void a_caller_may_have_a_trace_already(void **state)
{
    struct span span = put("00-" TRACE "-" PARENT "-01");

    (void)state;
    assert_string_equal(span.trace_id, TRACE);
    assert_string_equal(span.parent_id, PARENT);
    assert_string_equal(span.id, "89abcdef01234567");
}

static void what_is_no_trace_begins_one_of_its_own(void **state)
{
    static const char *const wrong[] = {"",
                                        "00-" TRACE "-" PARENT,
                                        "00-" TRACE "-" PARENT "-01-more",
                                        "ff-" TRACE "-" PARENT "-01",
                                        "00-0AF7651916cd43dd8448eb211c80319c-" PARENT "-01",
                                        "00-00000000000000000000000000000000-" PARENT "-01",
                                        "00-" TRACE "-0000000000000000-01"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct span span = put(wrong[i]);

        assert_string_equal(span.trace_id, "74616d700123456789abcdef01234567");
        assert_string_equal(span.parent_id, "");
    }
}

static void what_finds_no_room_is_counted(void **state)
{
    struct spans *s = spans_new();
    struct span *all = calloc(SPANS_ROOM, sizeof *all);

    (void)state;
    for (int i = 0; i < SPANS_ROOM + 3; i++)
        spans_put(s, &row, STR(""));
    assert_int_equal(spans_lost(s), 3);
    assert_int_equal(spans_take(s, all, SPANS_ROOM), SPANS_ROOM);
    assert_int_equal(spans_take(s, all, SPANS_ROOM), 0);
    spans_put(s, &row, STR(""));
    assert_int_equal(spans_take(s, all, SPANS_ROOM), 1);
    assert_string_equal(all[0].asked, "m");
    free(all);
    spans_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_caller_may_have_a_trace_already),
        cmocka_unit_test(what_is_no_trace_begins_one_of_its_own),
        cmocka_unit_test(what_finds_no_room_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
