/* SPDX-License-Identifier: Apache-2.0 */
/* Which models may come through the LAN registry, as somebody asks who should not. */
#include "apply/expected.h"

#include "../testing.h"

#include <errno.h>
#include <stdio.h>

#define A      "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B      "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define TARGET "/v2/library/tiny/manifests/1b"

static const char manifest[] = "{\"config\":{\"digest\":\"" A "\",\"size\":3},\"layers\":[]}";

static int ask(struct expected *e, const char *target, uint64_t now_ms)
{
    struct buf text;
    int r;

    buf_init(&text, MANIFEST_MAX);
    r = expected_manifest(e, str_from(target), now_ms, &text);
    if (r == 0)
        assert_true(str_equal(buf_str(&text), str_from(manifest)));
    buf_fini(&text);
    return r;
}

static int open_one(void **state)
{
    struct expected *e;
    const struct str names[] = {STR("tiny:1b"), STR("someone/model"), STR("tiny:100%")};

    assert_int_equal(expected_new(&e), 0);
    assert_int_equal(expected_set(e, names, COUNT_OF(names)), 0);
    *state = e;
    return 0;
}

static int close_one(void **state)
{
    expected_free(*state);
    return 0;
}

static void learn(struct expected *e, uint64_t now_ms)
{
    assert_int_equal(ask(e, TARGET, now_ms), -EINPROGRESS);
    assert_int_equal(expected_answer(e, STR(TARGET), 200, str_from(manifest), now_ms), 0);
}

static void what_nobody_expects_is_refused_however_it_is_spelled(void **state)
{
    static const char *const targets[] = {
        "/v2/library/other/manifests/1b",
        "/v2/library/tiny/manifests/70b",
        "/v2/library/tiny/manifests/1B",
        "/v2/library/TINY/manifests/1b",
        "/v2/library//tiny/manifests/1b",
        "/v2/library/../library/tiny/manifests/1b",
        "/v2/library/%74iny/manifests/1b",
        "/v2/./library/tiny/manifests/1b",
        "/v2/library/tiny/manifests/1b/",
        "/v2/library/tiny/manifests/1b/manifests/1b",
        "/v2/library/tiny/manifests/100%",
        "/v2/registry.invalid/library/tiny/manifests/1b",
        TARGET " ",
        "",
    };

    for (size_t i = 0; i < COUNT_OF(targets); i++)
        assert_int_equal(ask(*state, targets[i], 0), -ENOENT);
    assert_int_equal(ask(*state, "/v2/someone/model/manifests/latest", 0), -EINPROGRESS);
}

static void a_flood_asks_once(void **state)
{
    struct expected *e = *state;

    assert_int_equal(ask(e, TARGET, 1000), -EINPROGRESS);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(ask(e, TARGET, 1000 + i), -EAGAIN);
    assert_int_equal(expected_answer(e, STR(TARGET), 404, STR(""), 2000), 0);
    assert_int_equal(ask(e, TARGET, 2000 + EXPECTED_ABSENT_MS - 1), -ENODATA);
    learn(e, 2000 + EXPECTED_ABSENT_MS);
    assert_int_equal(ask(e, TARGET, 2000 + EXPECTED_ABSENT_MS + EXPECTED_FRESH_MS - 1), 0);
    assert_int_equal(ask(e, TARGET, 2000 + EXPECTED_ABSENT_MS + EXPECTED_FRESH_MS), -EINPROGRESS);
}

static void who_asks_and_does_not_come_back_is_not_waited_for(void **state)
{
    struct expected *e = *state;

    assert_int_equal(ask(e, TARGET, 0), -EINPROGRESS);
    assert_int_equal(ask(e, TARGET, EXPECTED_ASK_MS), -EINPROGRESS);
    assert_int_equal(expected_answer(e, STR(TARGET), 503, STR(""), EXPECTED_ASK_MS), 0);
    assert_int_equal(ask(e, TARGET, EXPECTED_ASK_MS), -EINPROGRESS);
}

static void blobs_are_those_of_a_manifest_under_its_own_path(void **state)
{
    struct expected *e = *state;
    struct manifest_blob blob;
    struct manifest m;

    assert_false(expected_blob(e, STR("library/tiny"), STR(A), &blob));
    assert_int_equal(expected_copy(e, STR("tiny:1b"), &m), -ENOENT);
    learn(e, 0);
    assert_true(expected_blob(e, STR("library/tiny"), STR(A), &blob));
    assert_int_equal(blob.size, 3);
    assert_false(expected_blob(e, STR("library/tiny"), STR(B), &blob));
    assert_false(expected_blob(e, STR("library/other"), STR(A), &blob));
    assert_false(expected_blob(e, STR("library/tin"), STR(A), &blob));
    assert_false(expected_blob(e, STR("library/tiny/manifests"), STR(A), &blob));
    assert_false(expected_blob(e, STR(""), STR(A), &blob));
    assert_int_equal(expected_copy(e, STR("tiny:1b"), &m), 0);
    assert_int_equal(m.count, 1);
    manifest_fini(&m);
}

static void what_leaves_the_plan_is_forgotten_and_what_stays_is_known(void **state)
{
    const struct str stays[] = {STR("tiny:1b")}, other[] = {STR("other")};
    struct expected *e = *state;
    struct manifest_blob blob;

    learn(e, 0);
    assert_int_equal(expected_set(e, stays, 1), 0);
    assert_int_equal(ask(e, TARGET, 1), 0);
    assert_int_equal(expected_set(e, other, 1), 0);
    assert_int_equal(ask(e, TARGET, 1), -ENOENT);
    assert_false(expected_blob(e, STR("library/tiny"), STR(A), &blob));
    assert_int_equal(expected_set(e, stays, (size_t)EXPECTED_MAX + 1), -E2BIG);
}

static void what_is_no_manifest_is_not_kept(void **state)
{
    struct expected *e = *state;

    learn(e, 0);
    assert_int_equal(ask(e, TARGET, EXPECTED_FRESH_MS), -EINPROGRESS);
    assert_int_equal(expected_answer(e, STR(TARGET), 200, STR("<html>"), EXPECTED_FRESH_MS),
                     -EBADMSG);
    assert_int_equal(ask(e, TARGET, EXPECTED_FRESH_MS), -EINPROGRESS);
}

#define WITH_ONE(test) cmocka_unit_test_setup_teardown(test, open_one, close_one)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ONE(what_nobody_expects_is_refused_however_it_is_spelled),
        WITH_ONE(a_flood_asks_once),
        WITH_ONE(who_asks_and_does_not_come_back_is_not_waited_for),
        WITH_ONE(blobs_are_those_of_a_manifest_under_its_own_path),
        WITH_ONE(what_leaves_the_plan_is_forgotten_and_what_stays_is_known),
        WITH_ONE(what_is_no_manifest_is_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
