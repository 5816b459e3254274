/* SPDX-License-Identifier: Apache-2.0 */
/* Newline-delimited JSON: lines out, whatever the cut. */
#include "testing.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/ndjson.h"

enum { LINE_MAX_HERE = 32 };

/* Lines are written with a bar behind each. */
static const struct {
    const char *what;
    struct str in, out;
    uint64_t whole; /* before the end is told */
} cases[] = {
    {"one line", STR("{}\n"), STR("{}|"), 3},
    {"two lines", STR("{}\n[]\n"), STR("{}|[]|"), 6},
    {"CRLF", STR("{}\r\n[]\r\n"), STR("{}|[]|"), 8},
    {"a CR within a line stays", STR("a\rb\n"), STR("a\rb|"), 4},
    {"blank lines are skipped", STR("\n\r\n \t\n{}\n\n"), STR("{}|"), 10},
    {"a last line without its newline", STR("{}\n[]"), STR("{}|[]|"), 3},
    {"a last CR is no content", STR("{}\r"), STR("{}|"), 0},
    {"zero bytes are bytes", STR("a\0b\n"), STR("a\0b|"), 4},
    {"spaces stay", STR(" {} \n"), STR(" {} |"), 5},
    {"nothing", STR(""), STR(""), 0},
};

static int write_line(void *ctx, struct str line)
{
    struct buf *out = ctx;

    assert_int_equal(buf_put(out, line), 0);
    return buf_put_char(out, '|');
}

static int feed(struct ndjson *n, struct str part)
{
    char *copy = malloc(part.len + 1);
    int r;

    assert_non_null(copy);
    memcpy(copy, part.data, part.len);
    copy[part.len] = '\n';
    r = ndjson_feed(n, str_slice(copy, part.len));
    free(copy);
    return r;
}

static void lines_come_out_as_the_table_says_at_any_cut(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str in = cases[i].in;

        for (size_t cut = 0; cut <= in.len; cut++) {
            struct ndjson n;

            buf_reset(&out);
            ndjson_init(&n, LINE_MAX_HERE, write_line, &out);
            assert_int_equal(feed(&n, str_slice(in.data, cut)), 0);
            assert_int_equal(feed(&n, str_slice(in.data + cut, in.len - cut)), 0);
            assert_int_equal(ndjson_whole(&n), cases[i].whole);
            assert_int_equal(ndjson_end(&n), 0);
            if (!str_equal(buf_str(&out), cases[i].out))
                fail_msg("%s: cut at %zu: got %.*s", cases[i].what, cut, (int)out.len, out.data);
            ndjson_fini(&n);
        }
    }
    buf_fini(&out);
}

static void a_line_beyond_the_ceiling_is_refused_at_any_cut(void **state)
{
    char text[LINE_MAX_HERE + 2];
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    memset(text, 'x', sizeof text);
    text[LINE_MAX_HERE + 1] = '\n';
    for (size_t cut = 0; cut <= sizeof text; cut++) {
        struct ndjson n;
        int r;

        ndjson_init(&n, LINE_MAX_HERE, write_line, &out);
        r = feed(&n, str_slice(text, cut));
        if (r == 0)
            r = feed(&n, str_slice(text + cut, sizeof text - cut));
        assert_int_equal(r, -EMSGSIZE);
        assert_int_equal(ndjson_whole(&n), 0);
        ndjson_fini(&n);
    }
    buf_fini(&out);
}

static int refuse(void *ctx, struct str line)
{
    (void)ctx;
    (void)line;
    return -ECANCELED;
}

static void a_refusal_stops_the_stream(void **state)
{
    struct ndjson n;

    (void)state;
    ndjson_init(&n, LINE_MAX_HERE, refuse, NULL);
    assert_int_equal(ndjson_feed(&n, STR("{}\n{}\n")), -ECANCELED);
    assert_int_equal(ndjson_whole(&n), 0);
    ndjson_fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_out_as_the_table_says_at_any_cut),
        cmocka_unit_test(a_line_beyond_the_ceiling_is_refused_at_any_cut),
        cmocka_unit_test(a_refusal_stops_the_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
