/* SPDX-License-Identifier: Apache-2.0 */
/* Forms: what comes in, which parts must come out, whatever the cut; and what is refused. */
#include "testing.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/form.h"

#define PART(name) "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n"
#define END        "\r\n--b--\r\n"
#define ONE(data)  PART("f") "\r\n" data END

/* Written as NAME[<FILENAME][:TYPE]=DATA; for each part. A new case is a new row. */
static const struct {
    const char *what;
    struct str in, out;
} cases[] = {
    {"one field", STR(ONE("a")), STR("f=a;")},
    {"an empty field", STR(ONE("")), STR("f=;")},
    {"two fields", STR(PART("a") "\r\n1\r\n" PART("b") "\r\n2" END), STR("a=1;b=2;")},
    {"a file", STR(PART("f\"; filename=\"a.wav") "\r\nRIFF" END), STR("f<a.wav=RIFF;")},
    {"a file with a type",
     STR(PART("f\"; filename=\"a.wav") "Content-Type: audio/wav\r\n\r\nRIFF" END),
     STR("f<a.wav:audio/wav=RIFF;")},
    {"a file without a name", STR(PART("f\"; filename=\"") "\r\nRIFF" END), STR("f<=RIFF;")},
    {"lines stay", STR(ONE("a\r\nb\nc\rd\r\n")), STR("f=a\r\nb\nc\rd\r\n;")},
    {"what looks like a boundary stays", STR(ONE("--b\r\n-b\r\n--a--")),
     STR("f=--b\r\n-b\r\n--a--;")},
    {"half a boundary stays", STR(ONE("\r\n--\r\n-\r\n\r\r\n\r")),
     STR("f=\r\n--\r\n-\r\n\r\r\n\r;")},
    {"zeros stay", STR(ONE("\0\0")), STR("f=\0\0;")},
    {"a preamble is skipped", STR("hello\r\n" ONE("a")), STR("f=a;")},
    {"an empty line before is skipped", STR("\r\n" ONE("a")), STR("f=a;")},
    {"an epilogue is skipped", STR(ONE("a") "bye\r\n--b\r\n"), STR("f=a;")},
    {"nothing behind the last boundary", STR(PART("f") "\r\na\r\n--b--"), STR("f=a;")},
    {"names of headers know no case",
     STR("--b\r\ncontent-DISPOSITION: FORM-DATA; NAME=f\r\n\r\na" END), STR("f=a;")},
    {"values need no quotes", STR("--b\r\nContent-Disposition:form-data;name=f\r\n\r\na" END),
     STR("f=a;")},
    {"a semicolon at the end", STR("--b\r\nContent-Disposition: form-data; name=f;\r\n\r\na" END),
     STR("f=a;")},
    {"other headers are skipped", STR(PART("f") "X-Y: z\r\n\r\na" END), STR("f=a;")},
    {"an encoding that is none", STR(PART("f") "Content-Transfer-Encoding: Binary\r\n\r\na" END),
     STR("f=a;")},
    {"a quote is escaped", STR(PART("f\"; filename=\"a\\\"b") "\r\na" END), STR("f<a\"b=a;")},
    {"a backslash is escaped", STR(PART("f\"; filename=\"a\\\\b") "\r\na" END), STR("f<a\\b=a;")},
    {"a folder of Windows", STR(PART("f\"; filename=\"C:\\x.wav") "\r\na" END),
     STR("f<C:\\x.wav=a;")},
    {"a semicolon in quotes", STR(PART("f\"; filename=\"a;b=c") "\r\na" END), STR("f<a;b=c=a;")},
    {"a name in UTF-8", STR(PART("f\"; filename=\"\xc3\xbc.wav") "\r\na" END),
     STR("f<\xc3\xbc.wav=a;")},
    {"filename* counts more",
     STR("--b\r\nContent-Disposition: form-data; name=f; filename=x; "
         "filename*=UTF-8'de'%c3%bc.wav\r\n\r\na" END),
     STR("f<\xc3\xbc.wav=a;")},
    {"filename* alone makes a file",
     STR("--b\r\nContent-Disposition: form-data; name=f; filename*=utf-8''x\r\n\r\na" END),
     STR("f<x=a;")},
};

static const struct {
    const char *what;
    struct str in;
    int why;
} refused[] = {
    {"nothing", STR(""), -EBADMSG},
    {"no boundary", STR("hello"), -EBADMSG},
    {"another boundary", STR("--c\r\nContent-Disposition: form-data; name=f\r\n\r\na\r\n--c--\r\n"),
     -EBADMSG},
    {"no last boundary", STR(PART("f") "\r\na"), -EBADMSG},
    {"half a last boundary", STR(PART("f") "\r\na\r\n--b-"), -EBADMSG},
    {"a boundary, but not the last", STR(PART("f") "\r\na\r\n--b\r\n"), -EBADMSG},
    {"a CR behind the last boundary", STR(PART("f") "\r\na\r\n--b--\r"), -EBADMSG},
    {"text behind the last boundary", STR(PART("f") "\r\na\r\n--b--x"), -EBADMSG},
    {"no part", STR("--b--\r\n"), -EBADMSG},
    {"a boundary that goes on", STR(PART("f") "\r\na\r\n--bc\r\nx" END), -EBADMSG},
    {"a boundary with a space", STR(PART("f") "\r\na\r\n--b \r\nx" END), -EBADMSG},
    {"a boundary with LF only", STR("--b\nContent-Disposition: form-data; name=f\n\na\n--b--\n"),
     -EBADMSG},
    {"a headerless part", STR("--b\r\n\r\na" END), -EBADMSG},
    {"headers with LF only", STR("--b\r\nContent-Disposition: form-data; name=f\n\na" END),
     -EBADMSG},
    {"a header without colon", STR(PART("f") "X\r\n\r\na" END), -EBADMSG},
    {"a folded header", STR(PART("f") " folded: x\r\n\r\na" END), -EBADMSG},
    {"a space before the colon", STR("--b\r\nContent-Disposition : form-data; name=f\r\n\r\n" END),
     -EBADMSG},
    {"a zero in a header", STR(PART("f") "X: \0\r\n\r\na" END), -EBADMSG},
    {"a bare CR in a header", STR(PART("f") "X: a\rb\r\n\r\na" END), -EBADMSG},
    {"no name", STR("--b\r\nContent-Disposition: form-data\r\n\r\na" END), -EBADMSG},
    {"two names", STR("--b\r\nContent-Disposition: form-data; name=f; name=g\r\n\r\na" END),
     -EBADMSG},
    {"two filenames", STR(PART("f\"; filename=\"a\"; filename=\"b") "\r\na" END), -EBADMSG},
    {"two dispositions", STR(PART("f") "Content-Disposition: form-data; name=g\r\n\r\na" END),
     -EBADMSG},
    {"two types", STR(PART("f") "Content-Type: a/b\r\nContent-Type: a/c\r\n\r\na" END), -EBADMSG},
    {"an attachment", STR("--b\r\nContent-Disposition: attachment; name=f\r\n\r\na" END), -EBADMSG},
    {"quotes without end", STR("--b\r\nContent-Disposition: form-data; name=\"f\r\n\r\na" END),
     -EBADMSG},
    {"text behind the quotes",
     STR("--b\r\nContent-Disposition: form-data; name=\"f\"g\r\n\r\n" END), -EBADMSG},
    {"a parameter without value", STR("--b\r\nContent-Disposition: form-data; name\r\n\r\na" END),
     -EBADMSG},
    {"a name that is not UTF-8", STR(PART("\xff") "\r\na" END), -EBADMSG},
    {"a name in overlong UTF-8", STR(PART("f\"; filename=\"\xc0\xaf") "\r\na" END), -EBADMSG},
    {"a half character", STR(PART("f\"; filename=\"\xc3") "\r\na" END), -EBADMSG},
    {"filename* in Latin-1",
     STR("--b\r\nContent-Disposition: form-data; name=f; filename*=iso-8859-1''%fc\r\n\r\na" END),
     -EBADMSG},
    {"filename* that is not encoded",
     STR("--b\r\nContent-Disposition: form-data; name=f; filename*=utf-8''%zz\r\n\r\na" END),
     -EBADMSG},
    {"filename* with a zero",
     STR("--b\r\nContent-Disposition: form-data; name=f; filename*=utf-8''%00\r\n\r\na" END),
     -EBADMSG},
    {"a form within the form",
     STR(PART("f") "Content-Type: multipart/mixed; boundary=c\r\n\r\n" END), -EBADMSG},
    {"base64", STR(PART("f") "Content-Transfer-Encoding: base64\r\n\r\nYQ==" END), -EBADMSG},
};

static int hear(struct form *f, struct str in, size_t cut)
{
    int r = form_feed(f, str_slice(in.data, cut));

    if (r == 0)
        r = form_feed(f, str_slice(in.data + cut, in.len - cut));
    return r == 0 ? form_end(f) : r;
}

static int read_it(struct buf *out, struct str in, size_t cut)
{
    struct arena arena;
    struct form f;
    int r;

    arena_init(&arena, 8 << 20);
    buf_reset(out);
    assert_int_equal(form_init(&f, STR("multipart/form-data; boundary=b"), &arena), 0);
    r = hear(&f, in, cut);
    for (const struct form_field *field = f.first; field && r == 0; field = field->next) {
        assert_int_equal(buf_put(out, field->name), 0);
        if (field->is_file)
            assert_int_equal(buf_printf(out, "<%.*s", STR_ARG(field->filename)), 0);
        if (field->type.len)
            assert_int_equal(buf_printf(out, ":%.*s", STR_ARG(field->type)), 0);
        assert_true(field->at + field->size <= in.len);
        if (!field->is_file && field->size)
            assert_memory_equal(field->value.data, in.data + field->at, field->size);
        assert_int_equal(buf_put_char(out, '='), 0);
        assert_int_equal(buf_put(out, str_slice(in.data + field->at, field->size)), 0);
        assert_int_equal(buf_put_char(out, ';'), 0);
    }
    if (r == 0)
        assert_memory_equal(in.data + f.reader.first_at, "--b", 3);
    if (r == 0)
        assert_memory_equal(in.data + f.reader.end_at - 2, "--", 2);
    if (r < 0)
        assert_true(*f.reader.words);
    form_fini(&f);
    arena_fini(&arena);
    return r;
}

static void any_cut_gives_the_same_parts(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t cut = 0; cut <= cases[i].in.len; cut++) {
            int r = read_it(&out, cases[i].in, cut);

            if (r < 0 || !str_equal(buf_str(&out), cases[i].out))
                fail_msg("%s, cut at %zu: %d, %.*s", cases[i].what, cut, r, STR_ARG(buf_str(&out)));
        }
    buf_fini(&out);
}

static void what_is_not_a_form_is_refused_at_every_cut(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        for (size_t cut = 0; cut <= refused[i].in.len; cut++)
            if (read_it(&out, refused[i].in, cut) != refused[i].why)
                fail_msg("%s, cut at %zu, is taken", refused[i].what, cut);
    buf_fini(&out);
}

/* count times `piece` between `before` and `behind`. */
static int read_many(const char *before, const char *piece, size_t count, const char *behind)
{
    struct buf in, out;
    int r;

    buf_init(&in, 8 << 20);
    buf_init(&out, 8 << 20);
    assert_int_equal(buf_put(&in, str_from(before)), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(buf_put(&in, str_from(piece)), 0);
    assert_int_equal(buf_put(&in, str_from(behind)), 0);
    r = read_it(&out, buf_str(&in), in.len / 2);
    buf_fini(&in);
    buf_fini(&out);
    return r;
}

static void everything_has_a_ceiling(void **state)
{
    (void)state;
    assert_int_equal(read_many("", PART("f") "\r\na\r\n", MULTIPART_PARTS_MAX, "--b--"), 0);
    assert_int_equal(
        read_many("", PART("f") "\r\na\r\n", MULTIPART_PARTS_MAX - 1, PART("f") "\r\na" END), 0);
    assert_int_equal(
        read_many("", PART("f") "\r\na\r\n", MULTIPART_PARTS_MAX, PART("f") "\r\na" END),
        -EMSGSIZE);
    assert_int_equal(read_many(PART("f") "X: ", "y", MULTIPART_HEAD_MAX, "\r\n\r\na" END),
                     -EMSGSIZE);
    assert_int_equal(read_many(PART("f"), "X: y\r\n", MULTIPART_HEADERS_MAX - 1, "\r\na" END), 0);
    assert_int_equal(read_many(PART("f"), "X: y\r\n", MULTIPART_HEADERS_MAX, "\r\na" END),
                     -EBADMSG);
    assert_int_equal(read_many("", "x", MULTIPART_OUTSIDE_MAX + 1, "\r\n" ONE("a")), -EMSGSIZE);
    assert_int_equal(read_many(ONE("a"), "x", MULTIPART_OUTSIDE_MAX, ""), 0);
    assert_int_equal(read_many(ONE("a"), "x", MULTIPART_OUTSIDE_MAX + 1, ""), -EMSGSIZE);
    assert_int_equal(read_many(PART("f") "\r\n", "x", FORM_TEXT_MAX, END), 0);
    assert_int_equal(read_many(PART("f") "\r\n", "x", FORM_TEXT_MAX + 1, END), -EMSGSIZE);
    assert_int_equal(read_many(PART("f\"; filename=\"a") "\r\n", "\r\n--", 4 * FORM_TEXT_MAX, END),
                     0);
}

static void the_boundary_is_what_the_header_names(void **state)
{
    static const struct {
        const char *type, *boundary;
    } types[] = {
        {"multipart/form-data; boundary=abc", "abc"},
        {"Multipart/Form-Data;boundary=\"a:b\"", "a:b"},
        {"multipart/form-data; charset=utf-8; boundary=----WebKitFormBoundary7MA",
         "----WebKitFormBoundary7MA"},
        {"multipart/form-data", NULL},
        {"multipart/form-data; boundary=", NULL},
        {"multipart/form-data; boundary=\"\"", NULL},
        {"multipart/form-data; boundary=\"a b\"", NULL},
        {"multipart/form-data; boundary=\"a\\\"b\"", NULL},
        {"multipart/form-data; boundary=a; boundary=b", NULL},
        {"multipart/form-data; boundary=a\xc3\xbc", NULL},
        {"multipart/form-data; "
         "boundary=0123456789012345678901234567890123456789012345678901234567890123456789x",
         NULL},
        {"multipart/mixed; boundary=abc", NULL},
        {"application/json", NULL},
        {"", NULL},
    };
    struct str boundary;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        int r = multipart_boundary(&boundary, str_from(types[i].type));

        if (!types[i].boundary && r != -EINVAL)
            fail_msg("%s is taken", types[i].type);
        if (types[i].boundary)
            assert_true(r == 0 && str_is(boundary, types[i].boundary));
    }
}

static void fields_are_found_by_name(void **state)
{
    struct str in = STR(PART("model") "\r\nm\r\n" PART("image[]\"; filename=\"a") "\r\n1\r\n" PART(
        "image[]\"; filename=\"b") "\r\n2" END);
    const struct form_field *field;
    struct arena arena;
    struct form f;

    (void)state;
    arena_init(&arena, 1 << 20);
    assert_int_equal(form_init(&f, STR("multipart/form-data; boundary=b"), &arena), 0);
    assert_int_equal(hear(&f, in, 0), 0);
    assert_true(str_is(form_text(&f, "model"), "m"));
    assert_true(str_is(form_text(&f, "image"), ""));
    assert_true(str_is(form_find(&f, "image")->filename, "a"));
    assert_int_equal(form_find_once(&f, "image", &field), -EEXIST);
    assert_int_equal(form_find_once(&f, "nothing", &field), 0);
    assert_null(field);
    assert_true(str_is(form_mark(&f), "--b"));
    form_fini(&f);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_cut_gives_the_same_parts),
        cmocka_unit_test(what_is_not_a_form_is_refused_at_every_cut),
        cmocka_unit_test(everything_has_a_ceiling),
        cmocka_unit_test(the_boundary_is_what_the_header_names),
        cmocka_unit_test(fields_are_found_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
