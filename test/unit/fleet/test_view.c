/* SPDX-License-Identifier: Apache-2.0 */
/* The view: which copies a fleet file declares, and what is known of each. */
#include "testing.h"

#include "../route/copies.h"

static int set_up(void **state)
{
    (void)state;
    see(FLEET, MODELS, CLOUD);
    return 0;
}

static void copies_stand_in_the_order_of_the_file_and_cloud_comes_last(void **state)
{
    static const char *const places[] = {
        "a/ollama/coder:32b",
        "a/ollama/own:1b",
        "b/ollama/coder:big",
        "b/ollama/chat:7b",
        "c/ollama/chat:7b",
        "c/ollama/eyes:11b",
        "c/ollama/vectors",
        "c/llama-server/arrows",
        "c/ollama/coder:32b-q8",
        "cloud:anthropic/anthropic/haiku-1",
        "cloud:anthropic/anthropic/new-1",
    };

    (void)state;
    for (uint32_t i = 0; i < view->copies_count && i < sizeof places / sizeof *places; i++) {
        assert_string_equal(view->copies[i].place.data, places[i]);
        assert_int_equal(view->copies[i].index, i);
    }
    assert_int_equal(view->copies_count, sizeof places / sizeof *places);
}

static void the_name_is_the_deployment_name_or_else_the_tag(void **state)
{
    (void)state;
    assert_string_equal(copy_at("b/ollama/coder:big")->name.data, "L-LOC-FRE-coder");
    assert_true(copy_at("b/ollama/coder:big")->has_parts);
    assert_string_equal(copy_at("c/ollama/eyes:11b")->name.data, "eyes:11b");
    assert_false(copy_at("c/ollama/eyes:11b")->has_parts);
}

static void slots_are_the_models_own_or_its_engines_or_what_the_kind_has(void **state)
{
    (void)state;
    assert_int_equal(copy_at("a/ollama/coder:32b")->slots, 2);
    assert_int_equal(copy_at("a/ollama/own:1b")->slots, 4);
    assert_int_equal(copy_at("b/ollama/chat:7b")->slots, engine_kind_row(ENGINE_ollama)->slots);
    assert_int_equal(copy_at("c/llama-server/arrows")->slots,
                     engine_kind_row(ENGINE_llama_server)->slots);
    assert_int_equal(copy_at("c/ollama/vectors")->slots, 1); /* whatever the file says */
}

static void the_context_is_what_the_file_says_or_what_the_model_was_made_for(void **state)
{
    (void)state;
    assert_int_equal(copy_at("b/ollama/coder:big")->context, 8192);
    assert_int_equal(copy_at("b/ollama/chat:7b")->context, 8192);
    assert_int_equal(copy_at("c/ollama/coder:32b-q8")->context, 32768);
    assert_int_equal(copy_at("a/ollama/own:1b")->context, 0);
    assert_int_equal(copy_at("cloud:anthropic/anthropic/haiku-1")->context, 200000);
}

static void what_nobody_knows_may_do_everything(void **state)
{
    const struct copy *own = copy_at("a/ollama/own:1b");
    const struct needs needs = {.purpose = PURPOSE_general};

    (void)state;
    assert_false(own->is_known);
    assert_int_equal(own->capabilities, ~0u);
    assert_false(copy_meets(own, &needs)); /* but is nobody's choice for a category */
    assert_true(copy_at("cloud:anthropic/anthropic/haiku-1")->is_known);
    assert_false(copy_at("cloud:anthropic/anthropic/new-1")->is_known);
}

static void one_provider_with_one_credential_is_one_engine(void **state)
{
    const struct copy *haiku = copy_at("cloud:anthropic/anthropic/haiku-1");
    const struct copy *other = copy_at("cloud:anthropic/anthropic/new-1");

    (void)state;
    assert_int_equal(view->engines_count, 4 + 2);
    assert_string_equal(view->engines[haiku->engine_index].name.data, "cloud:anthropic/env:K");
    assert_string_equal(view->engines[other->engine_index].name.data, "cloud:anthropic/env:OTHER");
    for (uint32_t i = 0; i < view->copies_count; i++)
        assert_ptr_equal(view->engines[view->copies[i].engine_index].engine,
                         view->copies[i].engine);
}

static void a_category_is_met_by_purpose_size_and_context(void **state)
{
    const struct needs small = {.purpose = PURPOSE_general, .params = {3000000000, 8000000000}};
    const struct needs longer = {.purpose = PURPOSE_code, .context = 16384};
    const struct needs looking = {.purpose = PURPOSE_vision};

    (void)state;
    assert_true(copy_meets(copy_at("b/ollama/chat:7b"), &small));
    assert_false(copy_meets(copy_at("a/ollama/coder:32b"), &small));
    assert_true(copy_meets(copy_at("a/ollama/coder:32b"), &longer));
    assert_false(copy_meets(copy_at("b/ollama/coder:big"), &longer));
    assert_true(copy_meets(copy_at("c/ollama/eyes:11b"), &looking));
    assert_false(copy_meets(copy_at("c/ollama/chat:7b"), &looking));
}

static void a_machine_that_does_not_serve_and_an_empty_fleet_have_no_copies(void **state)
{
    (void)state;
    see("machines: {}\n", "", "");
    assert_int_equal(view->copies_count, 0);
    assert_int_equal(view->engines_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, forget_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(copies_stand_in_the_order_of_the_file_and_cloud_comes_last),
        TEST(the_name_is_the_deployment_name_or_else_the_tag),
        TEST(slots_are_the_models_own_or_its_engines_or_what_the_kind_has),
        TEST(the_context_is_what_the_file_says_or_what_the_model_was_made_for),
        TEST(what_nobody_knows_may_do_everything),
        TEST(one_provider_with_one_credential_is_one_engine),
        TEST(a_category_is_met_by_purpose_size_and_context),
        cmocka_unit_test_teardown(a_machine_that_does_not_serve_and_an_empty_fleet_have_no_copies,
                                  forget_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
