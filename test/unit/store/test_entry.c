/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as bytes. */
#include "testing.h"

#include <errno.h>

#include "store/entry.h"

static struct exchange_row sample(void)
{
    return (struct exchange_row){
        .id = STR("t1"),
        .started_us = -5,
        .endpoint = STR("openai_chat"),
        .asked = STR("xl-code"),
        .machine = STR("gtr9-pro"),
        .model = STR(""),
        .parity = STR("identical"),
        .key_id = STR("k1"),
        .failure = STR("none"),
        .status = 200,
        .attempts = 2,
        .prompt_tokens = UINT64_MAX,
        .completion_tokens = 34,
        .cached_tokens = 3,
        .money_micro = 4,
        .avoided_micro = 5,
        .energy_mj = 6,
        .first_token_us = -1,
        .total_us = 78,
    };
}

static void a_row_comes_back_as_it_was_written(void **state)
{
    struct exchange_row row = sample();
    struct entry entry;
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(entry_write(&out, ENTRY_open, &row), 0);
    assert_int_equal(entry_read(&entry, buf_str(&out)), 0);
    assert_int_equal(entry.kind, ENTRY_open);
    assert_true(str_equal(entry.row.id, row.id));
    assert_true(str_equal(entry.row.endpoint, row.endpoint));
    assert_true(str_equal(entry.row.machine, row.machine));
    assert_true(str_equal(entry.row.model, row.model));
    assert_true(str_equal(entry.row.failure, row.failure));
    assert_int_equal(entry.row.started_us, row.started_us);
    assert_int_equal(entry.row.status, 200);
    assert_int_equal(entry.row.attempts, 2);
    assert_true(entry.row.prompt_tokens == UINT64_MAX);
    assert_int_equal(entry.row.cached_tokens, 3);
    assert_int_equal(entry.row.energy_mj, 6);
    assert_int_equal(entry.row.first_token_us, -1);
    assert_int_equal(entry.row.total_us, 78);
    buf_fini(&out);
}

static void what_is_cut_or_foreign_is_no_entry(void **state)
{
    struct exchange_row row = sample();
    struct entry entry;
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(entry_write(&out, ENTRY_end, &row), 0);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(entry_read(&entry, str_slice(out.data, len)), -EBADMSG);
    assert_int_equal(buf_put_char(&out, 'x'), 0);
    assert_int_equal(entry_read(&entry, buf_str(&out)), -EBADMSG);
    out.len--;
    out.data[1]++; /* of a later version */
    assert_int_equal(entry_read(&entry, buf_str(&out)), -EBADMSG);
    buf_fini(&out);
}

static void long_texts_are_cut(void **state)
{
    static char longest[70000];
    struct exchange_row row = sample();
    struct entry entry;
    struct buf out;

    (void)state;
    memset(longest, 'x', sizeof longest);
    row.asked = str_slice(longest, sizeof longest);
    buf_init(&out, 4096);
    assert_int_equal(entry_write(&out, ENTRY_end, &row), 0);
    assert_int_equal(entry_read(&entry, buf_str(&out)), 0);
    assert_int_equal(entry.row.asked.len, ENTRY_TEXT_MAX);
    assert_true(str_is(entry.row.machine, "gtr9-pro"));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_comes_back_as_it_was_written),
        cmocka_unit_test(what_is_cut_or_foreign_is_no_entry),
        cmocka_unit_test(long_texts_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
