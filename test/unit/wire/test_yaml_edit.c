/* SPDX-License-Identifier: Apache-2.0 */
/* Changing a YAML text: what is changed, and everything else as it was. */
#include "testing.h"

#include "wire/yaml_edit.h"

static struct arena arena;

static int open_arena(void **state)
{
    (void)state;
    arena_init(&arena, 256 << 20);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

/* One change: "set KEY VALUE", "remove KEY INDEX", "append KEY ITEM", "texts KEY a b c". The map is
 * the one under "m", the lists are in it. */
static const struct {
    const char *title, *text, *verb, *key, *value, *expected;
} cases[] = {
    {"a value in lines", "m:\n  a: 1 # one\n  b: 2\n", "set", "a", "10",
     "m:\n  a: 10 # one\n  b: 2\n"},
    {"a value in brackets", "m: {a: 1, b: 'two'} # both\n", "set", "b", "three",
     "m: {a: 1, b: three} # both\n"},
    {"a quoted value", "m: {a: \"x\"}\n", "set", "a", "y", "m: {a: y}\n"},
    {"a value behind letters of two bytes", "m: {ü: ñ, a: 1} # é\n", "set", "a", "2",
     "m: {ü: ñ, a: 2} # é\n"},
    {"a key that is not there, in lines", "m:\n  a: 1 # one\n\nn: 3\n", "set", "b", "2",
     "m:\n  a: 1 # one\n  b: 2\n\nn: 3\n"},
    {"a key that is not there, at the end without a newline", "m:\n  a: 1", "set", "b", "2",
     "m:\n  a: 1\n  b: 2\n"},
    {"a key that is not there, in brackets", "m: {a: [1, 2] } # x\n", "set", "b", "2",
     "m: {a: [1, 2], b: 2 } # x\n"},
    {"a key of an empty map", "m: {}\n", "set", "b", "2", "m: {b: 2}\n"},
    {"a key that is not plain, in lines", "m:\n  a: 1\n", "set", "x: {}\ny", "2",
     "m:\n  a: 1\n  \"x: {}\\x0ay\": 2\n"},
    {"a key that is not plain, in brackets", "m: {a: 1}\n", "set", "b}", "2",
     "m: {a: 1, \"b}\": 2}\n"},
    {"a key without a value", "m:\n  a:\n  b: 2\n", "set", "a", "1", "m:\n  a: 1\n  b: 2\n"},
    {"a list gives way to another", "m:\n  a: [1, # one\n     2]\n  b: 1\n", "set", "a", "[]",
     "m:\n  a: []\n  b: 1\n"},
    {"an item with its line", "m:\n  a:\n    # first\n    - {x: 1} # gone\n    - {x: 2}\n  b: 1\n",
     "remove", "a", "0", "m:\n  a:\n    # first\n    - {x: 2}\n  b: 1\n"},
    {"an item of several lines", "m:\n  a:\n    - x: 1\n      y: 2\n    - x: 2\n", "remove", "a",
     "0", "m:\n  a:\n    - x: 2\n"},
    {"an item of brackets over lines", "m:\n  a:\n    - {x: 1,\n       y: 2}\n    - x\n", "remove",
     "a", "0", "m:\n  a:\n    - x\n"},
    {"the first of a list in brackets", "m: {a: [x, y, z]}\n", "remove", "a", "0",
     "m: {a: [y, z]}\n"},
    {"the last of a list in brackets", "m: {a: [x, y, z ]}\n", "remove", "a", "2",
     "m: {a: [x, y ]}\n"},
    {"a further item in lines", "m:\n  a:\n  - x # one\n  b: 1\n", "append", "a", "{y: 1}",
     "m:\n  a:\n  - x # one\n  - {y: 1}\n  b: 1\n"},
    {"a further item in brackets", "m: {a: [x] , b: 1}\n", "append", "a", "y",
     "m: {a: [x, y] , b: 1}\n"},
    {"texts that are the same", "m: {a: [x, \"y:1\"]}\n", "texts", "a", "x y:1",
     "m: {a: [x, \"y:1\"]}\n"},
    {"texts one by one", "m:\n  a: # these\n    - x # one\n    - y # two\n", "texts", "a",
     "x z:2 w", "m:\n  a: # these\n    - x # one\n    - \"z:2\" # two\n    - w\n"},
    {"fewer texts", "m: {a: [x, y, z]}\n", "texts", "a", "y", "m: {a: [y, ]}\n"},
    {"texts in place of a number", "m: {a: 3}\n", "texts", "a", "x y", "m: {a: [x, y]}\n"},
    {"texts that are not there", "m:\n  b: 1\n", "texts", "a", "x y", "m:\n  b: 1\n  a: [x, y]\n"},
};

static void change(struct yaml_edit *e, const struct yaml *map, size_t index)
{
    const char *verb = cases[index].verb, *key = cases[index].key;
    struct str value = str_from(cases[index].value), items[8];
    const struct yaml *list = yaml_find(map, key), *item;
    size_t count = 0;

    if (strcmp(verb, "set") == 0) {
        yaml_edit_set(e, map, key, value);
    } else if (strcmp(verb, "append") == 0) {
        yaml_edit_append(e, list, value);
    } else if (strcmp(verb, "remove") == 0) {
        item = list->first;
        for (int i = value.data[0] - '0'; i > 0; i--)
            item = item->next;
        yaml_edit_remove(e, list, item);
    } else {
        while (value.len)
            items[count++] = str_cut(value, ' ', &value);
        yaml_edit_set_texts(e, map, key, items, count);
    }
}

static void one_change_and_the_rest_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct yaml *root = NULL, *again = NULL;
        struct yaml_edit e;
        struct buf out;

        assert_int_equal(yaml_read(&root, &arena, str_from(cases[i].text), "f", NULL), 0);
        yaml_edit_init(&e, str_from(cases[i].text), &arena);
        change(&e, yaml_find(root, "m"), i);
        buf_init(&out, 1 << 20);
        assert_int_equal(yaml_edit_finish(&e, &out), 0);
        if (!str_is(buf_str(&out), cases[i].expected))
            fail_msg("%s:\n%.*s\ninstead of\n%s", cases[i].title, STR_ARG(buf_str(&out)),
                     cases[i].expected);
        if (yaml_read(&again, &arena, buf_str(&out), "f", NULL) < 0)
            fail_msg("%s: what was written does not read back", cases[i].title);
        buf_fini(&out);
    }
}

static void removing_and_adding_in_one_list(void **state)
{
    static const char *const texts[] = {"m: {a: [x, y, z]}\n",
                                        "m:\n  a:\n    - x\n    - y\n    - z\n"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        for (unsigned gone = 0; gone < 8; gone++) {
            struct yaml *root = NULL, *again = NULL;
            const struct yaml *list, *item;
            struct yaml_edit e;
            struct buf out;
            unsigned bit = 1;

            assert_int_equal(yaml_read(&root, &arena, str_from(texts[i]), "f", NULL), 0);
            list = yaml_find(yaml_find(root, "m"), "a");
            yaml_edit_init(&e, str_from(texts[i]), &arena);
            for (item = list->first; item; item = item->next, bit <<= 1)
                if (gone & bit)
                    yaml_edit_remove(&e, list, item);
            yaml_edit_append(&e, list, STR("new"));
            buf_init(&out, 1 << 20);
            assert_int_equal(yaml_edit_finish(&e, &out), 0);
            if (yaml_read(&again, &arena, buf_str(&out), "f", NULL) < 0)
                fail_msg("does not read back: %.*s", STR_ARG(buf_str(&out)));
            assert_int_equal(yaml_find(yaml_find(again, "m"), "a")->count,
                             4u - (unsigned)__builtin_popcount(gone));
            buf_fini(&out);
        }
}

static void texts_are_quoted_where_they_must_be(void **state)
{
    static const char *const texts[] = {"plain",  "qwen2.5:7b", "null", "7",      "a \"b\" \\",
                                        "- dash", "",           "#x",   "x/y-z_1"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct str quoted = yaml_quote(&arena, str_from(texts[i]));
        struct yaml *root = NULL;
        struct buf text;

        buf_init(&text, 1000);
        assert_int_equal(buf_printf(&text, "a: %.*s\n", STR_ARG(quoted)), 0);
        assert_int_equal(yaml_read(&root, &arena, buf_str(&text), "f", NULL), 0);
        assert_true(str_is(yaml_find(root, "a")->text, texts[i]));
        buf_fini(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_change_and_the_rest_as_it_was),
        cmocka_unit_test(removing_and_adding_in_one_list),
        cmocka_unit_test(texts_are_quoted_where_they_must_be),
    };

    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
