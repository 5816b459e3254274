/* SPDX-License-Identifier: Apache-2.0 */
/* Reasons in words: what is said holds the numbers, and what is not there is named. */
#include "testing.h"

#include <errno.h>

#include "fleets.h"
#include "plan/explain.h"

static const char text[] =
    "machines:\n"
    "  big: {hardware: {gpu: RTX 5090, cpu: i9-12900K, ram: 64 GB}, engines: [ollama],\n"
    "        models: [{pull: 'qwen2.5-coder:32b', name: L-LOC-FRE-coder, context: 8K}]}\n"
    "  tall: {hardware: {cpu: AI Max+ 395, ram: 128 GB}, engines: [ollama],\n"
    "        models: [{pull: 'qwen2.5-coder:32b', name: L-LOC-FRE-coder, context: 8K},\n"
    "                 {pull: nomic-embed-text}]}\n"
    "categories:\n"
    "  code: {needs: {task: code}, primary: big, backups: [tall]}\n";

static struct certificate *certificate;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    declare(text);
    buf_init(&out, 1 << 20);
    return certificate_make(&certificate, &declared->plan, &wish, NULL);
}

static int tear_down(void **state)
{
    certificate_free(certificate);
    buf_fini(&out);
    return forget(state);
}

static void has(const char *words)
{
    assert_int_equal(buf_put_char(&out, '\0'), 0);
    if (!strstr(out.data, words))
        fail_msg("'%s' is not in:\n%s", words, out.data);
}

static void a_copy_is_explained_with_who_stands_in_for_it(void **state)
{
    (void)state;
    assert_int_equal(explain_copy(&out, certificate, STR("big/qwen2.5-coder:32b"), NULL), 0);
    has("qwen2.5-coder:32b on big");
    has("code (choice 1 of 2)");
    has("without big, code is answered by qwen2.5-coder:32b on tall at ");
    has("1 slot of 8192 tokens");
}

static void a_deployment_name_explains_all_its_copies(void **state)
{
    (void)state;
    assert_int_equal(explain_copy(&out, certificate, STR("L-LOC-FRE-coder"), NULL), 0);
    has("on big");
    has("on tall");
    has("covers  code when big is lost");
}

static void what_serves_no_category_says_so(void **state)
{
    (void)state;
    assert_int_equal(explain_copy(&out, certificate, STR("tall/nomic-embed-text"), NULL), 0);
    has("serves  no category");
}

static void names_that_lead_nowhere_are_named(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(explain_copy(&out, certificate, STR("big/llama3.2:3b"), &err), -ENOENT);
    assert_non_null(strstr(err.text, "big/llama3.2:3b"));
    assert_int_equal(
        explain_why_not(&out, certificate, &wish, STR("llama3.2:3b"), STR("huge"), &err), -ENOENT);
    assert_non_null(strstr(err.text, "huge"));
    assert_int_equal(explain_why_not(&out, certificate, &wish, STR("lama3.2:3b"), STR("big"), &err),
                     -ENOENT);
    assert_non_null(strstr(err.text, "llama3.2:3b"));
}

static void what_is_there_is_not_missing(void **state)
{
    (void)state;
    assert_int_equal(
        explain_why_not(&out, certificate, &wish, STR("qwen2.5-coder-32b"), STR("tall"), NULL), 0);
    has("qwen2.5-coder:32b is on tall.");
}

static void a_copy_that_is_run_otherwise_is_a_difference(void **state)
{
    struct plan_copy copies[3];
    struct plan other = declared->plan;
    struct difference found[4];

    (void)state;
    assert_int_equal(other.copies_count, 3);
    memcpy(copies, other.copies, sizeof copies);
    other.copies = copies;
    copies[1].context *= 2;
    assert_int_equal(explain_difference(found, 4, &declared->plan, &other), 1);
    assert_ptr_equal(found[0].after, &copies[1]);
    copies[0].keep_loaded = true;
    assert_int_equal(explain_difference(found, 4, &declared->plan, &other), 2);
}

static void differences_are_copies_that_only_one_plan_has(void **state)
{
    struct difference found[4];
    struct plan less = declared->plan;

    (void)state;
    less.copies_count--;
    assert_int_equal(explain_difference(found, 4, &declared->plan, &declared->plan), 0);
    assert_int_equal(explain_difference(found, 4, &declared->plan, &less), 1);
    assert_null(found[0].after);
    assert_int_equal(explain_difference(found, 4, &less, &declared->plan), 1);
    assert_null(found[0].before);
    assert_true(str_is(found[0].after->artifact->tag, "nomic-embed-text"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_copy_is_explained_with_who_stands_in_for_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_deployment_name_explains_all_its_copies, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_serves_no_category_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_that_lead_nowhere_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_there_is_not_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_copy_that_is_run_otherwise_is_a_difference, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(differences_are_copies_that_only_one_plan_has, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, load_catalog, free_catalog);
}
