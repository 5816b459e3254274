/* SPDX-License-Identifier: Apache-2.0 */
/* The strict reader against what every JSON parser must accept and must reject. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "json_suite.h"
#include "wire/json.h"

/* Both ways of reading must agree; on disagreement the case says its name. */
static int read_it(struct str text, const char *name)
{
    struct json json;
    struct json_pool pool = {0};
    yyjson_val *root;
    int alone = json_read(&json, text, JSON_MEMORY(text.len), NULL);
    int pooled = json_pool_read(&pool, text, &root);

    if (alone == 0)
        json_fini(&json);
    json_pool_fini(&pool);
    if ((alone == 0) != (pooled == 0))
        fail_msg("%s: json_read() says %d, json_pool_read() %d", name, alone, pooled);
    return alone;
}

static void what_must_be_accepted_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(must_accept), 95);
    for (size_t i = 0; i < COUNT_OF(must_accept); i++)
        if (read_it(must_accept[i].text, must_accept[i].name) < 0)
            fail_msg("%s was rejected", must_accept[i].name);
}

static void what_must_be_rejected_is_rejected(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(must_reject) + 2, 188);
    for (size_t i = 0; i < COUNT_OF(must_reject); i++)
        if (read_it(must_reject[i].text, must_reject[i].name) == 0)
            fail_msg("%s was accepted", must_reject[i].name);
}

static char *repeat(const char *what, size_t times)
{
    size_t length = strlen(what);
    char *text = malloc(times * length);

    assert_non_null(text);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * length, what, length);
    return text;
}

static void nesting_of_any_depth_costs_no_stack(void **state)
{
    char *arrays = repeat("[", 100000), *both = repeat("[{\"\":", 50000);

    (void)state;
    assert_true(read_it(str_slice(arrays, 100000), "n_structure_100000_opening_arrays") < 0);
    assert_true(read_it(str_slice(both, 250000), "n_structure_open_array_object") < 0);
    free(arrays);
    free(both);
}

/* The table has no use for closing brackets; a tree that deep must be read, written and freed. */
static void a_deep_tree_is_read_and_written(void **state)
{
    enum { DEPTH = 100000 };
    char *opening = repeat("[", 2 * DEPTH);
    struct json json;
    struct buf out;

    (void)state;
    memset(opening + DEPTH, ']', DEPTH);
    buf_init(&out, 1 << 20);
    assert_int_equal(json_read(&json, str_slice(opening, 2 * DEPTH), JSON_MEMORY(2 * DEPTH), NULL),
                     0);
    assert_int_equal(json_put_value(&out, json.root), 0);
    assert_int_equal(out.len, 2 * DEPTH);
    json_fini(&json);
    buf_fini(&out);
    free(opening);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_must_be_accepted_is_accepted),
        cmocka_unit_test(what_must_be_rejected_is_rejected),
        cmocka_unit_test(nesting_of_any_depth_costs_no_stack),
        cmocka_unit_test(a_deep_tree_is_read_and_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
