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

/* The tree as text: {k=v,[a,b]}. */
static void put_tree(char *out, size_t room, const struct yaml *y)
{
    static const char open[] = {[YAML_list] = '[', [YAML_map] = '{'};
    size_t used = strlen(out);

    if (y->kind == YAML_text) {
        snprintf(out + used, room - used, "%s", y->text.data);
        return;
    }
    snprintf(out + used, room - used, "%c", open[y->kind]);
    for (const struct yaml *at = y->first; at; at = at->next) {
        used = strlen(out);
        snprintf(out + used, room - used, "%s%s%s", at == y->first ? "" : ",",
                 at->key.data ? at->key.data : "", at->key.data ? "=" : "");
        put_tree(out, room, at);
        assert_ptr_equal(at->parent, y);
    }
    used = strlen(out);
    snprintf(out + used, room - used, "%c", y->kind == YAML_list ? ']' : '}');
}

static const struct {
    const char *text, *wanted; /* wanted: the tree, or what the error says, after '!' */
} aliased[] = {
    {"a: &x 1\nb: *x\n", "{a=1,b=1}"},
    {"a: &x [1, 2]\nb: [*x, *x]\n", "{a=[1,2],b=[[1,2],[1,2]]}"},
    {"a: &x 1\nb: &x 2\nc: *x\n", "{a=1,b=2,c=2}"},
    {"a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n", "{a={p=1,q=2},b={q=3,p=1}}"},
    {"a: &x {p: 1}\nb: &y {p: 2, q: 3}\nc: {<<: [*x, *y]}\n", "{a={p=1},b={p=2,q=3},c={p=1,q=3}}"},
    {"a: &x {p: 1}\nb: &y {<<: *x, q: 2}\nc: {<<: *y}\n", "{a={p=1},b={q=2,p=1},c={q=2,p=1}}"},
    {"a: {<<: {p: 1}}\n", "{a={p=1}}"},
    {"a: *x\n", "!f:1:4: found the alias 'x'"},
    {"a: &x [*x]\n", "!f:1:8: found the alias 'x'"},
    {"a: &x 1\n*x : 2\n", "!an alias as a key"},
    {"&x a: 1\n", "!an anchor"},
    {"a: {<<: 1}\n", "!f:1:4: found <<"},
    {"a: {<<: [1]}\n", "!f:1:4: found <<"},
    {"a: !t 1\n", "!a tag"},
};

static void an_alias_is_what_it_stands_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(aliased); i++) {
        const char *wanted = aliased[i].wanted;
        struct yaml *root = NULL;
        struct err err = {0};
        char tree[512] = "";

        if (yaml_read_aliases(&root, &arena, str_from(aliased[i].text), "f", &err) < 0) {
            if (*wanted != '!' || !strstr(err.text, wanted + 1))
                fail_msg("%s: %s", aliased[i].text, err.text);
            continue;
        }
        put_tree(tree, sizeof tree, root);
        assert_string_equal(tree, wanted);
    }
}

/* What is copied keeps the place of its text; the alias has its own. */
static void a_copy_says_where_it_was_written(void **state)
{
    const char *text = "a: &x {p: 1}\nb: *x\nc: 2\n";
    struct yaml *root = NULL;

    (void)state;
    assert_int_equal(yaml_read_aliases(&root, &arena, str_from(text), "f", NULL), 0);
    assert_int_equal(yaml_find(root, "b")->at.line, 2);
    assert_int_equal(yaml_find(yaml_find(root, "b"), "p")->at.line, 1);
    assert_true(yaml_find(root, "a")->is_aliased);
    assert_false(yaml_find(root, "c")->is_aliased);
}

/* Ten names of ten names of ... : refused before memory is, and so is what nests in itself. */
static void what_is_too_much_written_out_is_refused(void **state)
{
    char text[4096] = "a0: &a0 [x]\n";
    struct yaml *root = NULL;
    struct err err = {0};

    (void)state;
    for (int i = 1; i < 10; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_int_equal(yaml_read_aliases(&root, &arena, str_from(text), "f", &err), -EMSGSIZE);
    snprintf(text, sizeof text, "a0: &a0 [x]\n");
    for (int i = 1; i < YAML_DEPTH_MAX + 2; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "a%d: &a%d [*a%d]\n", i, i,
                 i - 1);
    assert_int_equal(yaml_read_aliases(&root, &arena, str_from(text), "f", &err), -EMSGSIZE);
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
        cmocka_unit_test(an_alias_is_what_it_stands_for),
        cmocka_unit_test(a_copy_says_where_it_was_written),
        cmocka_unit_test(what_is_too_much_written_out_is_refused),
        cmocka_unit_test(any_beginning_is_read_or_refused),
    };

    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
