/* SPDX-License-Identifier: Apache-2.0 */
/* Parity: what may stand in for what. */
#include "testing.h"

#include "../route/copies.h"
#include "fleet/parity.h"

static int set_up(void **state)
{
    (void)state;
    see(FLEET, MODELS, CLOUD);
    return 0;
}

static const struct {
    const char *title, *asked, *stand_in;
    enum parity parity;
} cases[] = {
    {"a copy is itself", "a/ollama/coder:32b", "a/ollama/coder:32b", PARITY_identical},
    {"another tag of the same bytes, other context", "a/ollama/coder:32b", "b/ollama/coder:big",
     PARITY_equivalent},
    {"the same artifact elsewhere, same context", "b/ollama/chat:7b", "c/ollama/chat:7b",
     PARITY_identical},
    {"another quantisation", "a/ollama/coder:32b", "c/ollama/coder:32b-q8", PARITY_equivalent},
    {"another model", "a/ollama/coder:32b", "b/ollama/chat:7b", PARITY_degraded},
    {"a cloud model", "a/ollama/coder:32b", "cloud:anthropic/anthropic/haiku-1", PARITY_degraded},
    {"vectors of another model", "c/ollama/vectors", "c/llama-server/arrows", PARITY_incompatible},
    {"talk for vectors", "c/ollama/vectors", "b/ollama/chat:7b", PARITY_incompatible},
    {"vectors for talk", "b/ollama/chat:7b", "c/ollama/vectors", PARITY_incompatible},
    {"what nobody knows", "a/ollama/own:1b", "b/ollama/chat:7b", PARITY_degraded},
};

static void parity_is_by_artifact_then_model_then_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum parity found = parity_of(copy_at(cases[i].asked), copy_at(cases[i].stand_in));

        if (found != cases[i].parity)
            fail_msg("%s: %s, not %s", cases[i].title, parity_name(found),
                     parity_name(cases[i].parity));
    }
}

static void what_is_incompatible_is_so_both_ways(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < view->copies_count; i++)
        for (uint32_t j = 0; j < view->copies_count; j++)
            assert_int_equal(parity_of(&view->copies[i], &view->copies[j]),
                             parity_of(&view->copies[j], &view->copies[i]));
}

static void every_parity_has_a_name(void **state)
{
    (void)state;
    for (int p = 0; p < PARITY_COUNT; p++)
        assert_non_null(parity_name((enum parity)p));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, forget_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(parity_is_by_artifact_then_model_then_kind),
        TEST(what_is_incompatible_is_so_both_ways),
        TEST(every_parity_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
