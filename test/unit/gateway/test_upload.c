/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads: what an engine gets of a form, and what a spool keeps, and where. */
#include "testing.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dialect/ways.h"
#include "gateway/upload.h"

#define FORM(model) \
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nRIFF\r\n" \
    "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n" model "\r\n--b--"

static char folder[64];
static uint64_t all_bytes;

static struct spool_limits limits(size_t memory_max, uint64_t bytes_max, uint64_t all_max)
{
    return (struct spool_limits){folder, memory_max, bytes_max, all_max, &all_bytes};
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tampu-upload-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder); /* which fails when anything is left in it */
}

static void read_all(struct buf *out, const struct spool *s, size_t room)
{
    char piece[64];

    buf_reset(out);
    while (out->len < s->length) {
        int64_t n = spool_read(s, out->len, piece, room);

        assert_true(n > 0 && (size_t)n <= room);
        assert_int_equal(buf_put(out, str_slice(piece, (size_t)n)), 0);
    }
    assert_true(spool_read(s, s->length, piece, room) < 0);
}

static void what_was_put_can_be_read_any_number_of_times(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 16);
    for (size_t memory = 0; memory <= 300; memory += 20) {
        struct spool_limits l = limits(memory, 1000, 1000);
        struct spool s;

        spool_init(&s, &l);
        for (char c = 'a'; c <= 'z'; c++)
            assert_int_equal(spool_put(&s, str_slice((char[]){c, c, c, c, c, c, c, c, c, c}, 10)),
                             0);
        for (size_t room = 1; room <= 64; room += 21) {
            read_all(&out, &s, room);
            assert_int_equal(out.len, 260);
            for (size_t i = 0; i < out.len; i++)
                assert_int_equal(out.data[i], 'a' + (int)i / 10);
        }
        assert_int_equal(all_bytes, memory < 260 ? 260 : 0);
        spool_fini(&s);
        assert_int_equal(all_bytes, 0);
    }
    buf_fini(&out);
}

static void a_spool_has_ceilings(void **state)
{
    struct spool_limits one = limits(4, 10, 100), all = limits(4, 100, 10);
    struct spool s, other;

    (void)state;
    spool_init(&s, &one);
    assert_int_equal(spool_put(&s, STR("0123456789")), 0);
    assert_int_equal(spool_put(&s, STR("x")), -EMSGSIZE);
    spool_init(&other, &all);
    assert_int_equal(spool_put(&other, STR("abc")), 0); /* in memory: it counts for nothing */
    assert_int_equal(spool_put(&other, STR("defg")), -ENOSPC);
    spool_fini(&s);
    spool_fini(&other);
    assert_int_equal(all_bytes, 0);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
    struct spool_limits l = limits(0, 10, 10);
    struct spool s;

    (void)state;
    l.folder = "/nowhere/at/all";
    spool_init(&s, &l);
    assert_int_equal(spool_put(&s, STR("x")), -ENOENT);
    spool_fini(&s);
}

/* The body that an engine gets, read in pieces of `room` bytes. */
static void body_is(struct upload *u, const char *expected)
{
    char piece[32];

    assert_int_equal(u->source.length, strlen(expected));
    for (size_t room = 1; room <= sizeof piece; room += 7)
        for (uint64_t at = 0; at < u->source.length;) {
            int64_t n = u->source.read(u->source.ctx, at, piece, room);

            assert_true(n > 0 && (size_t)n <= room);
            assert_memory_equal(piece, expected + at, (size_t)n);
            at += (uint64_t)n;
        }
    assert_true(u->source.read(u->source.ctx, u->source.length, piece, 1) < 0);
}

static void an_engine_gets_the_callers_bytes_but_for_the_models_name(void **state)
{
    static const struct str body = STR("hello\r\n" FORM("large") "\r\nbye");
    struct spool_limits l = limits(16, 1000, 1000);
    const char *words;
    struct arena arena;
    struct upload *u;

    (void)state;
    for (size_t cut = 0; cut <= body.len; cut++) {
        arena_init(&arena, 1 << 20);
        assert_int_equal(upload_new(&u, STR("multipart/form-data; boundary=\"b\""), &l, &arena), 0);
        assert_int_equal(upload_feed(u, str_slice(body.data, cut), &words), FAILURE_none);
        assert_int_equal(upload_feed(u, str_slice(body.data + cut, body.len - cut), &words),
                         FAILURE_none);
        assert_int_equal(upload_end(u, &words), FAILURE_none);
        assert_true(str_is(buf_str(&u->type), "multipart/form-data; boundary=b"));
        assert_int_equal(upload_aim(u, STR("x:1"), STR("")), 0);
        body_is(u, FORM("x:1") "\r\n");
        assert_int_equal(upload_aim(u, STR("a longer name"), STR("translate=true")), 0);
        body_is(u, "--b\r\nContent-Disposition: form-data; name=\"translate\"\r\n\r\ntrue\r\n" FORM(
                       "a longer name") "\r\n");
        upload_free(u);
        arena_fini(&arena);
    }
}

static void what_is_wrong_with_a_form_is_said(void **state)
{
    struct spool_limits l = limits(16, 20, 1000);
    const char *words = "";
    struct arena arena;
    struct upload *u;

    (void)state;
    arena_init(&arena, 1 << 20);
    assert_int_equal(upload_new(&u, STR("multipart/form-data"), &l, &arena), -EINVAL);
    assert_int_equal(upload_new(&u, STR("multipart/form-data; boundary=b"), &l, &arena), 0);
    assert_int_equal(upload_feed(u, STR("--b-x"), &words), FAILURE_bad_form);
    assert_string_equal(words, "there is text behind a boundary");
    upload_free(u);
    assert_int_equal(upload_new(&u, STR("multipart/form-data; boundary=b"), &l, &arena), 0);
    assert_int_equal(upload_feed(u, STR(FORM("m")), &words), FAILURE_upload_too_large);
    upload_free(u);
    arena_fini(&arena);
}

static void whisper_is_asked_where_its_options_say(void **state)
{
    static const struct {
        const char *args[3], *path;
    } cases[] = {
        {{NULL}, "/inference"},
        {{"--convert"}, "/inference"},
        {{"--inference-path", "/v1/hear"}, "/v1/hear"},
        {{"--inference-path=/v1/hear", "--request-path=/x"}, "/x/v1/hear"},
        {{"--inference-path"}, "/inference"},
    };
    struct buf path;
    struct str extra;

    (void)state;
    buf_init(&path, 256);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str args[3];
        struct fleet_engine engine = {.kind = ENGINE_whisper_server, .args = args};

        for (; engine.args_count < 3 && cases[i].args[engine.args_count]; engine.args_count++)
            args[engine.args_count] = str_from(cases[i].args[engine.args_count]);
        assert_int_equal(way_find(&path, &extra, &engine, TASK_transcribe), 0);
        assert_true(str_is(buf_str(&path), cases[i].path) && extra.len == 0);
        assert_int_equal(way_find(&path, &extra, &engine, TASK_translate), 0);
        assert_true(str_is(buf_str(&path), cases[i].path) && str_is(extra, "translate=true"));
        assert_int_equal(way_find(&path, &extra, &engine, TASK_chat), -ENOENT);
    }
    assert_int_equal(way_find(&path, &extra, NULL, TASK_transcribe), -ENOENT);
    buf_fini(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_can_be_read_any_number_of_times),
        cmocka_unit_test(a_spool_has_ceilings),
        cmocka_unit_test(a_folder_that_is_not_there_is_said),
        cmocka_unit_test(an_engine_gets_the_callers_bytes_but_for_the_models_name),
        cmocka_unit_test(what_is_wrong_with_a_form_is_said),
        cmocka_unit_test(whisper_is_asked_where_its_options_say),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
