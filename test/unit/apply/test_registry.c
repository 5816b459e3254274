/* SPDX-License-Identifier: Apache-2.0 */
/* The LAN registry: what pullers get, and what that brings over the WAN. */
#include "apply/registry.h"

#include "../testing.h"

#include "pull.h"

static void a_puller_finds_what_ollama_expects(void **state)
{
    struct pull p;

    (void)state;
    p = pull(METHOD_GET, "/v2/", NULL);
    assert_int_equal(p.status, 200);
    buf_fini(&p.body);
    learn_manifest();
    p = pull(METHOD_HEAD, blob_path, NULL);
    assert_int_equal(p.status, 200);
    assert_int_equal(p.length, SIZE);
    buf_fini(&p.body);
    p = pull(METHOD_GET, blob_path, NULL);
    assert_int_equal(p.status, 200);
    assert_string_equal(p.location, blob_path);
    assert_int_equal(p.body.len, 0);
    buf_fini(&p.body);
    assert_int_equal(wan.blobs, 0); /* nothing was brought for that */
    p = pull(METHOD_GET, blob_path, "bytes=100-1099");
    assert_part(&p, 100, 1099);
    assert_string_equal(p.content_range, "bytes 100-1099/3000000");
    buf_fini(&p.body);
}

static void many_pull_parts_and_each_byte_comes_once(void **state)
{
    static struct pull pulls[PULLERS * 2];
    char ranges[PULLERS][48];

    (void)state;
    learn_manifest();
    for (unsigned i = 0; i < PULLERS * 2; i++) {
        unsigned part = i % PULLERS;

        snprintf(ranges[part], sizeof ranges[part], "bytes=%d-%d", part * (SIZE / PULLERS),
                 (part + 1) * (SIZE / PULLERS) - 1);
        begin_pull(&pulls[i], METHOD_GET, blob_path, ranges[part]);
    }
    for (unsigned i = 0; i < PULLERS * 2; i++) {
        unsigned part = i % PULLERS;

        UNTIL(lan.loop, pulls[i].is_over);
        assert_part(&pulls[i], part * (SIZE / PULLERS), (part + 1) * (SIZE / PULLERS) - 1);
        buf_fini(&pulls[i].body);
    }
    assert_int_equal(wan.bytes, SIZE);
    assert_int_equal(wan.blobs, 1);
    assert_int_equal(registry_sum(lan.registry).wan_bytes, SIZE);
    assert_int_equal(registry_sum(lan.registry).lan_bytes, 2 * SIZE);
}

static void what_comes_over_the_wan_waits_for_no_loop(void **state)
{
    uint64_t late_us = clock_monotonic_us() + PATIENCE_US;
    struct pull p;

    (void)state;
    learn_manifest();
    begin_pull(&p, METHOD_GET, blob_path, "bytes=0-");
    UNTIL(lan.loop, wan.blobs == 1); /* who pulls and who gives stand still from here on */
    while (!shelf_has(lan.shelf, str_from(digest)))
        assert_true(clock_monotonic_us() < late_us);
    UNTIL(lan.loop, p.is_over);
    assert_part(&p, 0, SIZE - 1);
    buf_fini(&p.body);
}

static void a_broken_connection_goes_on_where_it_ended(void **state)
{
    struct pull p;

    (void)state;
    learn_manifest();
    wan.cut_after = 1000000;
    p = pull(METHOD_GET, blob_path, "bytes=0-");
    assert_part(&p, 0, SIZE - 1);
    buf_fini(&p.body);
    assert_int_equal(wan.blobs, 2);
    assert_true(wan.bytes >= SIZE);
    assert_int_equal(registry_sum(lan.registry).wan_bytes, SIZE);
}

static void a_redirect_is_followed(void **state)
{
    struct pull p;

    (void)state;
    learn_manifest();
    wan.redirects = true;
    p = pull(METHOD_GET, blob_path, "bytes=5-9");
    assert_part(&p, 5, 9);
    buf_fini(&p.body);
}

static void a_lie_reaches_nobody_twice(void **state)
{
    struct pull p;

    (void)state;
    learn_manifest();
    wan.lies = true;
    p = pull(METHOD_GET, blob_path, "bytes=0-");
    buf_fini(&p.body); /* whoever pulled checks the digest, too */
    wan.lies = false;
    UNTIL(lan.loop, shelf_has(lan.shelf, str_from(digest)) == 0);
    p = pull(METHOD_GET, blob_path, "bytes=0-");
    assert_part(&p, 0, SIZE - 1);
    buf_fini(&p.body);
    assert_int_equal(wan.blobs, 2);
}

static void what_is_not_there_is_refused(void **state)
{
    static const struct {
        enum method method;
        const char *path, *range;
        int status;
    } cases[] = {
        {METHOD_GET, MODEL "/manifests/none", NULL, 404},
        {METHOD_GET, MODEL "/tags/list", NULL, 404},
        {METHOD_GET, "/v2/library/tiny/blobs/sha256:12", NULL, 404},
        {METHOD_GET, "/v2//manifests/1b", NULL, 404},
        {METHOD_DELETE, MANIFEST, NULL, 405},
        {METHOD_GET, blob_path, "bytes=3000000-", 416},
        {METHOD_GET, blob_path, "bytes=9-5", 416},
        {METHOD_GET, blob_path, "bytes=-5", 416},
        {METHOD_GET, blob_path, "bytes=0-0,5-9", 416},
        {METHOD_POST, MODEL "/blobs/uploads/", NULL, 405},
        {METHOD_PUT, "/v2/00000000000000000000000000000000/tiny/blobs/uploads/1", NULL, 405},
        {METHOD_GET, blob_path, "lines=1-2", 416},
    };

    (void)state;
    learn_manifest();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pull p = pull(cases[i].method, cases[i].path, cases[i].range);

        assert_int_equal(p.status, cases[i].status);
        assert_true(contains(&p.body, "\"errors\":[{\"code\":"));
        buf_fini(&p.body);
    }
    wan.is_away = true;
    {
        struct pull p = pull(METHOD_GET, MODEL "/manifests/away", NULL);

        assert_int_equal(p.status, 502);
        buf_fini(&p.body);
    }
}

static void who_leaves_leaves_nothing(void **state)
{
    struct pull p;

    (void)state;
    learn_manifest();
    begin_pull(&p, METHOD_GET, blob_path, "bytes=0-");
    UNTIL(lan.loop, p.status);
    call_cancel(p.call);
    buf_fini(&p.body);
    begin_pull(&p, METHOD_GET, MANIFEST, NULL);
    turn(lan.loop, -1);
    call_cancel(p.call);
    buf_fini(&p.body);
    UNTIL(lan.loop,
          server_connections(lan.server) == 0 || registry_sum(lan.registry).wan_bytes == SIZE);
}

static void what_each_machine_is_given_of_files_is_counted(void **state)
{
    char url[TARGET_ROOM + 32], path[TARGET_ROOM];
    struct pull p;

    (void)state;
    snprintf(url, sizeof url, "http://%s%s", server_address(wan.server), blob_path);
    assert_int_equal(expected_file(lan.expected, str_from(digest), SIZE, url), 0);
    snprintf(path, sizeof path, "/v2/tampu/files/7/blobs/%s", digest);
    p = pull(METHOD_GET, path, "bytes=1000-");
    assert_part(&p, 1000, SIZE - 1);
    buf_fini(&p.body);
    snprintf(path, sizeof path, "/v2/tampu/files/8/blobs/%s", digest);
    p = pull(METHOD_GET, path, "bytes=0-9");
    assert_part(&p, 0, 9);
    buf_fini(&p.body);
    assert_int_equal(registry_given(lan.registry, 7), SIZE - 1000);
    assert_int_equal(registry_given(lan.registry, 8), 10);
    assert_int_equal(registry_given(lan.registry, REGISTRY_PLACES), 0);
    assert_int_equal(wan.bytes, SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ALL(a_puller_finds_what_ollama_expects),
        WITH_ALL(many_pull_parts_and_each_byte_comes_once),
        WITH_ALL(what_comes_over_the_wan_waits_for_no_loop),
        WITH_ALL(a_broken_connection_goes_on_where_it_ended),
        WITH_ALL(a_redirect_is_followed),
        WITH_ALL(a_lie_reaches_nobody_twice),
        WITH_ALL(what_is_not_there_is_refused),
        WITH_ALL(who_leaves_leaves_nothing),
        WITH_ALL(what_each_machine_is_given_of_files_is_counted),
    };

    door_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
