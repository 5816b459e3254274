/* SPDX-License-Identifier: Apache-2.0 */
/* Spaces of vectors: what they are called, and who may answer in which. */
#include "testing.h"

#include "copies.h"
#include "route/space.h"

static int set_up(void **state)
{
    (void)state;
    see(FLEET, MODELS, CLOUD);
    return 0;
}

static void a_space_is_called_by_artifact_and_dimensions(void **state)
{
    static const struct {
        const char *place;
        uint64_t counted;
        const char *text;
    } cases[] = {
        {"c/ollama/vectors", 0, "vectors/768"},
        {"c/ollama/vectors", 256, "vectors/256"},
        {"b/ollama/coder:big", 0, "coder:32b"},
        {"a/ollama/own:1b", 0, "ollama/own:1b"},
        {"a/ollama/own:1b", 512, "ollama/own:1b/512"},
        {"cloud:anthropic/anthropic/haiku-1", 3, "anthropic/haiku-1/3"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[SPACE_SIZE];

        space_write(text, copy_at(cases[i].place), cases[i].counted);
        assert_string_equal(text, cases[i].text);
    }
}

static void what_is_no_number_belongs_to_the_name(void **state)
{
    static const struct {
        const char *text, *identity;
        uint64_t dimensions;
    } cases[] = {
        {"vectors/768", "vectors", 768},
        {"vectors", "vectors", 0},
        {"hf.co/maker/vectors:q8", "hf.co/maker/vectors:q8", 0},
        {"hf.co/maker/vectors:q8/32", "hf.co/maker/vectors:q8", 32},
        {"vectors/", "vectors/", 0},
        {"768", "768", 0},
        {"vectors/99999999999999999999", "vectors/99999999999999999999", 0},
        {"", "", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct space space = space_read(str_from(cases[i].text));

        assert_true(str_is(space.identity, cases[i].identity));
        assert_int_equal(space.dimensions, cases[i].dimensions);
    }
}

static void a_copy_answers_in_its_own_space_only(void **state)
{
    static const struct {
        const char *text, *place;
        bool has;
    } cases[] = {
        {"vectors/768", "c/ollama/vectors", true},
        {"vectors:latest/768", "c/ollama/vectors", true}, /* the same bytes by another tag */
        {"vectors", "c/ollama/vectors", true},
        {"vectors/256", "c/ollama/vectors", true}, /* shorter ones can be asked for */
        {"vectors/769", "c/ollama/vectors", false},
        {"arrows/768", "c/ollama/vectors", false},
        {"ollama/vectors/768", "c/ollama/vectors", false},
        {"arrows/1024", "c/llama-server/arrows", true},
        {"ollama/own:1b/512", "a/ollama/own:1b", true},
        {"own:1b/512", "a/ollama/own:1b", false},
        {"openai/own:1b/512", "a/ollama/own:1b", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct space space = space_read(str_from(cases[i].text));

        if (space_has(&space, catalog, copy_at(cases[i].place)) != cases[i].has)
            fail_msg("%s at %s", cases[i].text, cases[i].place);
    }
}

/* Whatever it says of itself, somebody may ask for. */
static void what_is_written_is_read_back(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < view->copies_count; i++) {
        char text[SPACE_SIZE];
        struct space space;

        space_write(text, &view->copies[i], 0);
        space = space_read(str_from(text));
        for (uint32_t j = 0; j < view->copies_count; j++)
            assert_int_equal(space_has(&space, catalog, &view->copies[j]),
                             copy_is_same_artifact(&view->copies[i], &view->copies[j]));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, forget_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_space_is_called_by_artifact_and_dimensions),
        TEST(what_is_no_number_belongs_to_the_name),
        TEST(a_copy_answers_in_its_own_space_only),
        TEST(what_is_written_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
