/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events: what comes in, what must come out, whatever the cut. */
#include "testing.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/sse.h"

enum { EVENT_MAX = 64 };

/* Written as NAME|DATA; for each event. A new case is a new row. */
static const struct {
    const char *what;
    struct str in, out;
} cases[] = {
    {"one event", STR("data: a\n\n"), STR("|a;")},
    {"two events", STR("data: a\n\ndata: b\n\n"), STR("|a;|b;")},
    {"two data lines join with LF", STR("data: a\ndata: b\n\n"), STR("|a\nb;")},
    {"three data lines", STR("data:a\ndata:\ndata:c\n\n"), STR("|a\n\nc;")},
    {"comments are keep-alives", STR(": ping\n\ndata: a\n\n"), STR("|a;")},
    {"a comment within an event", STR("data: a\n:x\ndata: b\n\n"), STR("|a\nb;")},
    {"an empty comment", STR(":\ndata: a\n\n"), STR("|a;")},
    {"an unfinished event is dropped", STR("data: a\n"), STR("")},
    {"an unfinished line is dropped", STR("data: a\n\ndata: b"), STR("|a;")},
    {"only one space is taken off", STR("data:  a\n\n"), STR("| a;")},
    {"no space is needed", STR("data:a\n\n"), STR("|a;")},
    {"a tab is no space", STR("data:\ta\n\n"), STR("|\ta;")},
    {"a space before the colon is another field", STR("data : a\n\n"), STR("")},
    {"field names know no other case", STR("Data: a\nDATA: b\n\n"), STR("")},
    {"colons in the value stay", STR("data: a:b: c\n\n"), STR("|a:b: c;")},
    {"a line without colon is a field without value", STR("data\n\n"), STR("|;")},
    {"two of them", STR("data\ndata\n\n"), STR("|\n;")},
    {"empty data is an event", STR("data:\n\n"), STR("|;")},
    {"a name", STR("event: e\ndata: a\n\n"), STR("e|a;")},
    {"a name behind the data", STR("data: a\nevent: e\n\n"), STR("e|a;")},
    {"the last name counts", STR("event: e\nevent: f\ndata: a\n\n"), STR("f|a;")},
    {"a name is not kept for the next", STR("event: e\ndata: a\n\ndata: b\n\n"), STR("e|a;|b;")},
    {"a name without data is no event", STR("event: e\n\ndata: b\n\n"), STR("|b;")},
    {"an empty name", STR("event:\ndata: a\n\n"), STR("|a;")},
    {"id and retry are skipped", STR("id: 1\nretry: 10\ndata: a\n\n"), STR("|a;")},
    {"unknown fields are skipped", STR("x: y\ndata: a\nz\n\n"), STR("|a;")},
    {"CRLF", STR("data: a\r\ndata: b\r\n\r\n"), STR("|a\nb;")},
    {"CR", STR("data: a\rdata: b\r\r"), STR("|a\nb;")},
    {"all line ends mixed", STR("data: a\rdata: b\ndata: c\r\n\rdata: d\n\r"), STR("|a\nb\nc;|d;")},
    {"CR LF CR is two ends", STR("data: a\r\n\r"), STR("|a;")},
    {"many blank lines", STR("\n\n\r\n\rdata: a\n\n\n\n"), STR("|a;")},
    {"a byte order mark comes first",
     STR("\xef\xbb\xbf"
         "data: a\n\n"),
     STR("|a;")},
    {"two marks are one too many",
     STR("\xef\xbb\xbf\xef\xbb\xbf"
         "data: a\n\n"),
     STR("")},
    {"a mark later is part of the line",
     STR("data: a\n\n\xef\xbb\xbf"
         "data: b\n\n"),
     STR("|a;")},
    {"half a mark is part of the line",
     STR("\xef\xbb"
         "data: a\n\ndata: b\n\n"),
     STR("|b;")},
    {"zero bytes are bytes", STR("data: a\0b\n\n"), STR("|a\0b;")},
    {"UTF-8 is not looked at", STR("data: \xc3\xbc\xff\n\n"), STR("|\xc3\xbc\xff;")},
    {"nothing", STR(""), STR("")},
};

static int write_event(void *ctx, struct str name, struct str data)
{
    struct buf *out = ctx;

    assert_int_equal(buf_put(out, name), 0);
    assert_int_equal(buf_put_char(out, '|'), 0);
    assert_int_equal(buf_put(out, data), 0);
    return buf_put_char(out, ';');
}

/* Fed from a copy of its own, so that a slice kept too long is found out. */
static int feed(struct sse *s, struct str part)
{
    char *copy = malloc(part.len + 1);
    int r;

    assert_non_null(copy);
    memcpy(copy, part.data, part.len);
    copy[part.len] = '\n';
    r = sse_feed(s, str_slice(copy, part.len));
    free(copy);
    return r;
}

static void run(struct str in, size_t first, size_t second, struct buf *out, uint64_t *whole)
{
    struct sse s;

    buf_reset(out);
    sse_init(&s, EVENT_MAX, write_event, out);
    assert_int_equal(feed(&s, str_slice(in.data, first)), 0);
    assert_int_equal(feed(&s, str_slice(in.data + first, second - first)), 0);
    *whole = sse_whole(&s);
    assert_int_equal(feed(&s, str_slice(in.data + second, in.len - second)), 0);
    sse_fini(&s);
}

static void events_come_out_as_the_table_says(void **state)
{
    struct buf out;
    uint64_t whole;

    (void)state;
    buf_init(&out, 1000);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        run(cases[i].in, 0, 0, &out, &whole);
        if (!str_equal(buf_str(&out), cases[i].out))
            fail_msg("%s: got %.*s", cases[i].what, (int)out.len, out.data);
    }
    buf_fini(&out);
}

/* The property that matters most for a stream. */
static void any_two_cuts_give_the_same_events(void **state)
{
    struct buf expected, out;
    uint64_t whole, alone;

    (void)state;
    buf_init(&expected, 1000);
    buf_init(&out, 1000);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str in = cases[i].in;

        run(in, 0, 0, &expected, &whole);
        for (size_t first = 0; first <= in.len; first++) {
            for (size_t second = first; second <= in.len; second++) {
                run(in, 0, second, &out, &alone);
                run(in, first, second, &out, &whole);
                if (!str_equal(buf_str(&out), buf_str(&expected)) || whole != alone)
                    fail_msg("%s: cut at %zu and %zu", cases[i].what, first, second);
            }
        }
    }
    buf_fini(&expected);
    buf_fini(&out);
}

static void frames_end_after_a_blank_line(void **state)
{
    static const struct {
        struct str in;
        uint64_t whole;
    } ends[] = {
        {STR("data: a"), 0},         {STR("data: a\n"), 0},        {STR("data: a\n\n"), 9},
        {STR("data: a\n\ndata"), 9}, {STR("data: a\r\n\r\n"), 11}, {STR("data: a\r\n\r"), 10},
        {STR("data: a\r\rd"), 9},    {STR(": ping\n\n"), 8},       {STR("\n"), 1},
    };
    struct buf out;
    uint64_t whole;

    (void)state;
    buf_init(&out, 1000);
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        run(ends[i].in, 0, ends[i].in.len, &out, &whole);
        assert_int_equal(whole, ends[i].whole);
    }
    buf_fini(&out);
}

/* A peer can make grow: one line, one event of many lines, a comment, a name. */
static void what_outgrows_the_ceiling_is_refused_at_any_cut(void **state)
{
    static const char *const begins[] = {"data: ", ":", "event: ", ""};
    char text[EVENT_MAX + 20];
    struct buf out;
    struct sse s;
    int r;

    (void)state;
    buf_init(&out, 1000);
    for (size_t i = 0; i < COUNT_OF(begins); i++) {
        memset(text, 'x', sizeof text);
        memcpy(text, begins[i], strlen(begins[i]));
        text[EVENT_MAX + 1] = '\n';
        for (size_t cut = 0; cut <= EVENT_MAX + 2; cut++) {
            sse_init(&s, EVENT_MAX, write_event, &out);
            r = feed(&s, str_slice(text, cut));
            if (r == 0)
                r = feed(&s, str_slice(text + cut, EVENT_MAX + 2 - cut));
            assert_int_equal(r, -EMSGSIZE);
            sse_fini(&s);
        }
    }
    sse_init(&s, EVENT_MAX, write_event, &out);
    for (r = 0; r == 0;)
        r = feed(&s, STR("data: abcdefg\n"));
    assert_int_equal(r, -EMSGSIZE);
    sse_fini(&s);
    buf_fini(&out);
}

static int refuse(void *ctx, struct str name, struct str data)
{
    (void)name;
    (void)data;
    ++*(int *)ctx;
    return -ECANCELED;
}

static void a_refusal_stops_the_stream(void **state)
{
    int calls = 0;
    struct sse s;

    (void)state;
    sse_init(&s, EVENT_MAX, refuse, &calls);
    assert_int_equal(sse_feed(&s, STR("data: a\n\ndata: b\n\n")), -ECANCELED);
    assert_int_equal(calls, 1);
    assert_int_equal(sse_whole(&s), 0);
    sse_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_out_as_the_table_says),
        cmocka_unit_test(any_two_cuts_give_the_same_events),
        cmocka_unit_test(frames_end_after_a_blank_line),
        cmocka_unit_test(what_outgrows_the_ceiling_is_refused_at_any_cut),
        cmocka_unit_test(a_refusal_stops_the_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
