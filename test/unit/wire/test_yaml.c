/* SPDX-License-Identifier: Apache-2.0 */
/* YAML text to a tree. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>

#include "wire/yaml.h"

static struct arena arena;

static int open_arena(void **state)
{
    (void)state;
    arena_init(&arena, 64 << 20);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static const struct yaml *read_good(const char *text)
{
    struct yaml *root = NULL;
    struct err err = {0};

    if (yaml_read(&root, &arena, str_from(text), "f", &err) < 0)
        fail_msg("%s", err.text);
    return root;
}

static void values_keep_their_places(void **state)
{
    const char *text = "a: 1\nb:\n  - x\n  - 'y z'\nc: {d: \"e\"}\n";
    const struct yaml *root = read_good(text), *b, *d;

    (void)state;
    assert_int_equal(root->kind, YAML_map);
    assert_int_equal(root->count, 3);
    assert_int_equal(yaml_find(root, "a")->at.line, 1);
    assert_int_equal(yaml_find(root, "a")->at.column, 4);
    b = yaml_find(root, "b");
    assert_int_equal(b->kind, YAML_list);
    assert_int_equal(b->key_at.line, 2);
    assert_int_equal(b->last->at.line, 4);
    assert_int_equal(b->last->at.column, 5);
    assert_true(str_is(b->last->text, "y z"));
    assert_true(b->last->quoted);
    assert_false(b->first->quoted);
    d = yaml_find(yaml_find(root, "c"), "d");
    assert_true(str_is(d->text, "e"));
    assert_null(yaml_find(root, "d"));
}

/* What plan --write relies on when it changes one value and keeps the rest. */
static void texts_know_their_bytes(void **state)
{
    const char *text = "key: value # why\nlist: [one, two]\n'q': \"x y\"\n";
    const struct yaml *root = read_good(text), *value = yaml_find(root, "key");
    const struct yaml *two = yaml_find(root, "list")->last, *q = yaml_find(root, "q");

    (void)state;
    assert_true(str_is(str_slice(text + value->start, value->end - value->start), "value"));
    assert_true(str_is(str_slice(text + two->start, two->end - two->start), "two"));
    assert_true(str_is(str_slice(text + q->start, q->end - q->start), "\"x y\""));
    assert_int_equal(q->key_at.column, 1);
}

static void nothing_written_is_null(void **state)
{
    const struct yaml *root = read_good("a:\nb: ~\nc: null\nd: ''\ne: 'null'\n");

    (void)state;
    assert_true(yaml_is_null(yaml_find(root, "a")));
    assert_true(yaml_is_null(yaml_find(root, "b")));
    assert_true(yaml_is_null(yaml_find(root, "c")));
    assert_false(yaml_is_null(yaml_find(root, "d")));
    assert_false(yaml_is_null(yaml_find(root, "e")));
    assert_true(yaml_is_null(read_good("")));
    assert_true(yaml_is_null(read_good("# only words\n")));
}

static void numbers_stay_as_written(void **state)
{
    const struct yaml *root = read_good("a: 007\nb: 1e3\nc: yes\n");

    (void)state;
    assert_true(str_is(yaml_find(root, "a")->text, "007"));
    assert_true(str_is(yaml_find(root, "b")->text, "1e3"));
    assert_true(str_is(yaml_find(root, "c")->text, "yes"));
}

static void the_text_may_go_away(void **state)
{
    char text[] = "a: hello\n";
    struct yaml *root = NULL;

    (void)state;
    assert_int_equal(yaml_read(&root, &arena, str_from(text), "f", NULL), 0);
    memset(text, 'x', sizeof text);
    assert_true(str_is(yaml_find(root, "a")->text, "hello"));
}

static void a_bomb_does_not_go_off(void **state)
{
    const char *bomb = "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\n";
    struct yaml *root = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(yaml_read(&root, &arena, str_from(bomb), "f", &err), -EINVAL);
    assert_null(root);
}

/* Cutting a file anywhere gives an answer, not a crash. */
static void any_beginning_is_read_or_refused(void **state)
{
    const char *text = "a: {b: [1, 'two', \"three\"], c: |\n  block\n  more\n}\nd:\n - {e: f}\n";

    (void)state;
    for (size_t len = 0; len <= strlen(text); len++) {
        struct yaml *root = NULL;
        struct err err = {0};
        int r = yaml_read(&root, &arena, str_slice(text, len), "f", &err);

        assert_true(r == 0 || r == -EINVAL);
        assert_true((r == 0) == (root != NULL));
        assert_true((r < 0) == (err.text[0] != '\0'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_keep_their_places),
        cmocka_unit_test(texts_know_their_bytes),
        cmocka_unit_test(nothing_written_is_null),
        cmocka_unit_test(numbers_stay_as_written),
        cmocka_unit_test(the_text_may_go_away),
        cmocka_unit_test(a_bomb_does_not_go_off),
        cmocka_unit_test(any_beginning_is_read_or_refused),
    };

    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
