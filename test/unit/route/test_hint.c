/* SPDX-License-Identifier: Apache-2.0 */
/* Hints: what another gateway says ends by its silence, by own eyes, or by itself. */
#include "testing.h"

#include <stdio.h>

#include "route/hint.h"

enum { TELLS_MS = 500 };

/* Told again and again from then on, for so long. */
static uint64_t keep_telling(struct hint *h, uint64_t from_ms, uint64_t for_ms)
{
    uint64_t now_ms = from_ms;

    for (; now_ms <= from_ms + for_ms; now_ms += TELLS_MS)
        assert_int_equal(hint_hear(h, now_ms), now_ms == from_ms);
    return now_ms - TELLS_MS;
}

static void zeroed_memory_is_a_hint_that_nobody_told(void **state)
{
    struct hint h = {0};

    (void)state;
    assert_false(hint_holds(&h, 0));
    hint_disprove(&h);
    assert_true(hint_hear(&h, 0));
    assert_true(hint_holds(&h, 0));
}

static void it_ends_when_it_is_not_told_any_more(void **state)
{
    struct hint h = {0};
    uint64_t last_ms = keep_telling(&h, 1000, 5000);

    (void)state;
    assert_true(hint_holds(&h, last_ms + HINT_SILENCE_MS));
    assert_false(hint_holds(&h, last_ms + HINT_SILENCE_MS + 1));
    assert_true(hint_hear(&h, last_ms + HINT_SILENCE_MS + 1)); /* and is news then */
}

static void it_ends_in_any_case_however_often_it_is_told(void **state)
{
    struct hint h = {0};
    uint64_t last_ms = keep_telling(&h, 1000, HINT_LIFE_MS - TELLS_MS);

    (void)state;
    assert_true(hint_holds(&h, last_ms));
    assert_false(hint_hear(&h, last_ms + TELLS_MS));
    assert_false(hint_holds(&h, last_ms + TELLS_MS));
}

static void own_eyes_end_it_until_it_is_told_anew(void **state)
{
    struct hint h = {0};
    uint64_t last_ms = keep_telling(&h, 1000, 1000);

    (void)state;
    hint_disprove(&h);
    assert_false(hint_holds(&h, last_ms));
    assert_false(hint_hear(&h, last_ms + TELLS_MS)); /* the same word */
    assert_false(hint_holds(&h, last_ms + TELLS_MS));
    last_ms += TELLS_MS + HINT_SILENCE_MS + 1;
    assert_true(hint_hear(&h, last_ms)); /* another one */
    assert_true(hint_holds(&h, last_ms));
}

/* "kind name;" for each that is read. */
static const char *read_all(struct str text)
{
    static char all[800];
    enum hint_kind kind;
    struct str name;

    all[0] = '\0';
    while (hint_read(&text, &kind, &name))
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s %.*s;", hint_name(kind),
                 STR_ARG(name));
    return all;
}

static void what_is_written_is_read_and_anything_else_is_passed_over(void **state)
{
    static const struct {
        const char *text, *read;
    } cases[] = {
        {"", ""},
        {"\n\n \ndown\ndown \nup a/b\nDOWN a/b", ""},
        {"down a/b", "down a/b;"},
        {"rubbish\ncopy_benched a/b/c d:1\nengine_benched x\n",
         "copy_benched a/b/c d:1;engine_benched x;"},
    };
    char longest[HINT_NAME_MAX + 2];
    struct buf out;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(read_all(str_from(cases[i].text)), cases[i].read);
    memset(longest, 'x', sizeof longest);
    buf_init(&out, 4096);
    assert_int_equal(hint_write(&out, HINT_copy, str_slice(longest, HINT_NAME_MAX + 1)), 0);
    assert_int_equal(out.len, 0);
    assert_int_equal(hint_write(&out, HINT_copy, str_slice(longest, HINT_NAME_MAX)), 0);
    assert_int_equal(hint_write(&out, HINT_down, STR("a/ollama")), 0);
    assert_int_equal(strlen(read_all(buf_str(&out))),
                     strlen("copy_benched ;down a/ollama;") + HINT_NAME_MAX);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_memory_is_a_hint_that_nobody_told),
        cmocka_unit_test(it_ends_when_it_is_not_told_any_more),
        cmocka_unit_test(it_ends_in_any_case_however_often_it_is_told),
        cmocka_unit_test(own_eyes_end_it_until_it_is_told_anew),
        cmocka_unit_test(what_is_written_is_read_and_anything_else_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
