/* SPDX-License-Identifier: Apache-2.0 */
/* An answer on a tape is the same answer again. */
#include "testing.h"

#include <errno.h>

#include "dialect/tape.h"

static const double vector[] = {0.5, -1, 1e-9};

static const struct delta deltas[] = {
    {.kind = DELTA_thinking, .text = {"hm", 2}},
    {.kind = DELTA_text, .text = {"Hello", 5}},
    {.kind = DELTA_text, .index = 3, .text = {"", 0}},
    {.kind = DELTA_text, .index = 300, .text = {"far", 3}},
    {.kind = DELTA_call,
     .call = {.index = 1, .id = {"c1", 2}, .name = {"f", 1}, .arguments = {"{\"a\":", 5}}},
    {.kind = DELTA_embedding, .index = 2, .vector = vector, .dimensions = 3},
    {.kind = DELTA_finish, .finish = FINISH_stop, .text = {"END", 3}},
    {.kind = DELTA_usage,
     .usage = {.known = true, .prompt_tokens = 9, .completion_tokens = 2},
     .times = {.decode_us = 5}},
};

static unsigned played;

static int check_next(void *ctx, const struct delta *d)
{
    const struct delta *wanted = &deltas[played++];

    (void)ctx;
    assert_int_equal(d->kind, wanted->kind);
    assert_int_equal(d->index, wanted->index);
    assert_true(str_equal(d->text, wanted->text));
    assert_int_equal(d->call.index, wanted->call.index);
    assert_true(str_equal(d->call.id, wanted->call.id));
    assert_true(str_equal(d->call.name, wanted->call.name));
    assert_true(str_equal(d->call.arguments, wanted->call.arguments));
    assert_int_equal(d->finish, wanted->finish);
    assert_int_equal(d->dimensions, wanted->dimensions);
    if (wanted->dimensions)
        assert_memory_equal(d->vector, wanted->vector, sizeof vector);
    assert_memory_equal(&d->usage, &wanted->usage, sizeof d->usage);
    assert_int_equal(d->times.decode_us, wanted->times.decode_us);
    return 0;
}

static int count_only(void *ctx, const struct delta *d)
{
    (void)ctx;
    (void)d;
    return 0;
}

static void put_all(struct buf *tape)
{
    static const struct delta end = {.kind = DELTA_end};

    for (size_t i = 0; i < COUNT_OF(deltas); i++)
        assert_int_equal(tape_put(tape, &deltas[i]), 0);
    assert_int_equal(tape_put(tape, &end), 0);
}

static void what_is_put_is_played(void **state)
{
    struct buf tape;

    (void)state;
    buf_init(&tape, 1 << 20);
    put_all(&tape);
    played = 0;
    assert_int_equal(tape_play(buf_str(&tape), (struct sink){check_next, NULL}), 0);
    assert_int_equal(played, COUNT_OF(deltas));
    buf_fini(&tape);
}

/* A tape that ends anywhere is played as far as it goes, or refused; nothing behind it is read. */
static void any_beginning_is_played_or_refused(void **state)
{
    struct buf tape;

    (void)state;
    buf_init(&tape, 1 << 20);
    put_all(&tape);
    for (size_t len = 0; len < tape.len; len++) {
        char *copy = test_malloc(len + 1);
        int r;

        memcpy(copy, tape.data, len);
        r = tape_play(str_slice(copy, len), (struct sink){count_only, NULL});
        assert_true(r == 0 || r == -EBADMSG);
        test_free(copy);
    }
    buf_fini(&tape);
}

static void a_tape_that_is_full_stays_as_it_is(void **state)
{
    struct buf tape;

    (void)state;
    buf_init(&tape, 20);
    assert_int_equal(tape_put(&tape, &deltas[1]), 0);
    assert_int_equal(tape_put(&tape, &deltas[7]), -EMSGSIZE);
    assert_int_equal(tape.len, 9);
    buf_fini(&tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_played),
        cmocka_unit_test(any_beginning_is_played_or_refused),
        cmocka_unit_test(a_tape_that_is_full_stays_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
