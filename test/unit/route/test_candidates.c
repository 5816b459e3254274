/* SPDX-License-Identifier: Apache-2.0 */
/* Candidates: which copies a name stands for, in which order. */
#include "testing.h"

#include <errno.h>

#include "base/buf.h"
#include "copies.h"
#include "route/candidates.h"

#define DOES(capability) (1u << CAPABILITY_##capability)

static int set_up(void **state)
{
    (void)state;
    see(FLEET, MODELS, CLOUD);
    return 0;
}

static const struct {
    const char *title, *name;
    uint32_t capabilities;
    const char *line, *found;
} cases[] = {
    {"a deployment name: its own copies, then the same bytes elsewhere", "S-LOC-FRE-chat",
     DOES(completion), "S-LOC-FRE-chat", "b/ollama/chat:7b identical, c/ollama/chat:7b identical"},
    {"a deployment name on two machines, in the order of the file", "L-LOC-FRE-coder", DOES(tools),
     "L-LOC-FRE-coder", "a/ollama/coder:32b identical, b/ollama/coder:big equivalent"},
    {"an artifact", "eyes:11b", DOES(completion) | DOES(vision), "eyes:11b",
     "c/ollama/eyes:11b identical"},
    {"an artifact by another of its tags", "coder:32b", DOES(completion), "coder:32b",
     "a/ollama/coder:32b identical, b/ollama/coder:big equivalent"},
    {"a tag that no catalog knows", "own:1b", DOES(vision), "own:1b", "a/ollama/own:1b identical"},
    {"a category: primary, backups, cloud", "code", DOES(completion), "code",
     "b/ollama/coder:big identical, a/ollama/coder:32b equivalent, "
     "c/ollama/coder:32b-q8 equivalent, cloud:anthropic/anthropic/haiku-1 degraded"},
    {"a category on any machine", "any-chat", DOES(completion), "any-chat",
     "b/ollama/chat:7b identical, c/ollama/chat:7b identical"},
    {"a category with models of its own order", "picked", DOES(completion), "picked",
     "b/ollama/chat:7b identical, b/ollama/coder:big degraded"},
    {"what cannot do it is left out", "picked", DOES(tools), "picked",
     "b/ollama/coder:big identical"},
    {"vectors are of one model", "search", DOES(embedding), "search", "c/ollama/vectors identical"},
    {"an alias of a category", "gpt-4", DOES(tools), "code",
     "b/ollama/coder:big identical, a/ollama/coder:32b equivalent, "
     "c/ollama/coder:32b-q8 equivalent, cloud:anthropic/anthropic/haiku-1 degraded"},
    {"an alias of a tag", "mine", DOES(completion), "own:1b", "a/ollama/own:1b identical"},
    {"an alias of a selector", "best", DOES(completion), "selector",
     "a/ollama/coder:32b identical, b/ollama/coder:big equivalent"},
    {"a selector by size and place", "M+-LOC-ANY-*", DOES(completion), "selector",
     "a/ollama/coder:32b identical, b/ollama/coder:big equivalent"},
    {"a selector of the cloud", "*-CLD-*-haiku", DOES(completion), "selector",
     "cloud:anthropic/anthropic/haiku-1 identical"},
};

static void a_name_means_its_copies_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct candidates found;
        struct err err = {0};
        struct buf text;

        buf_init(&text, 4096);
        if (candidates_find(&found, view, str_from(cases[i].name), cases[i].capabilities, &err) < 0)
            fail_msg("%s: %s", cases[i].title, err.text);
        for (uint32_t j = 0; j < found.count; j++)
            assert_int_equal(buf_printf(&text, "%s%s %s", j ? ", " : "",
                                        found.rows[j].copy->place.data,
                                        parity_name(found.rows[j].parity)),
                             0);
        if (!str_is(buf_str(&text), cases[i].found) || !str_is(found.line, cases[i].line))
            fail_msg("%s: %.*s in line %.*s", cases[i].title, STR_ARG(buf_str(&text)),
                     STR_ARG(found.line));
        buf_fini(&text);
    }
}

static const struct {
    const char *title, *name;
    uint32_t capabilities;
    const char *out;
} ruled_out[] = {
    {"nobody", "S-LOC-FRE-chat", DOES(completion), ""},
    {"who lacks a capability, which is named", "picked", DOES(tools),
     "b/ollama/chat:7b unable tools"},
    {"also when nobody is left", "S-LOC-FRE-chat", DOES(vision) | DOES(completion),
     "b/ollama/chat:7b unable vision, c/ollama/chat:7b unable vision"},
    {"vectors of another model", "search", DOES(embedding), "c/llama-server/arrows space -"},
};

static void whoever_is_out_of_the_question_is_named_with_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ruled_out / sizeof *ruled_out; i++) {
        struct candidates found;
        struct buf text;

        buf_init(&text, 4096);
        (void)!candidates_find(&found, view, str_from(ruled_out[i].name), ruled_out[i].capabilities,
                               NULL);
        for (uint32_t j = 0; j < found.ruled_out_count; j++) {
            const struct ruled_out *out = &found.ruled_out[j];

            assert_int_equal(buf_printf(&text, "%s%s %s %s", j ? ", " : "", out->copy->place.data,
                                        rejection_name(out->why), out->what ? out->what : "-"),
                             0);
        }
        if (!str_is(buf_str(&text), ruled_out[i].out))
            fail_msg("%s: %.*s", ruled_out[i].title, STR_ARG(buf_str(&text)));
        buf_fini(&text);
    }
}

static const struct {
    const char *title, *asked;
    uint32_t capabilities;
    const char *found;
} steps[] = {
    {"its equals first, then its category, the cloud last", "a/ollama/coder:32b", DOES(completion),
     "c/ollama/coder:32b-q8 equivalent 0, "
     "cloud:anthropic/anthropic/haiku-1 degraded 1"},
    {"the first category that has another, size by size", "b/ollama/chat:7b", DOES(completion),
     "b/ollama/coder:big degraded 2"},
    {"never what lacks a capability", "b/ollama/chat:7b", DOES(completion) | DOES(vision), ""},
    {"what is of no category has nobody", "a/ollama/own:1b", DOES(completion), ""},
    {"vectors have nobody", "c/ollama/vectors", DOES(embedding), ""},
};

static void who_stands_in_for_a_model_comes_nearest_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct candidates found;
        struct buf text;

        buf_init(&text, 4096);
        candidates_step_down(&found, view, copy_at(steps[i].asked), steps[i].capabilities);
        for (uint32_t j = 0; j < found.count; j++)
            assert_int_equal(buf_printf(&text, "%s%s %s %d", j ? ", " : "",
                                        found.rows[j].copy->place.data,
                                        parity_name(found.rows[j].parity), found.rows[j].sizes),
                             0);
        if (!str_is(buf_str(&text), steps[i].found))
            fail_msg("%s: %.*s", steps[i].title, STR_ARG(buf_str(&text)));
        buf_fini(&text);
    }
}

static const struct {
    const char *name;
    uint32_t capabilities;
    int r;
    const char *words;
} refused[] = {
    {"nothing-like-it", DOES(completion), -ENOENT,
     "there is no model 'nothing-like-it'; GET /v1/models lists what there is"},
    {"chat:7", DOES(completion), -ENOENT, "there is no model 'chat:7'"},
    {"S-LOC-FRE-chet", DOES(completion), -ENOENT,
     "there is no model 'S-LOC-FRE-chet'; did you mean 'S-LOC-FRE-chat'?"},
    {"S-LOC-FRE-chat", DOES(vision), -ENOTSUP, "vision"},
    {"vectors", DOES(completion), -ENOTSUP, "completion"},
    {"draw", DOES(image), -ENOTSUP, "no machine of 'draw' holds a model that qualifies"},
    {"M-CLD-PAY-old", DOES(completion), -ENOENT, "there is no model 'M-CLD-PAY-old'"},
    {"", DOES(completion), -ENOENT, "there is no model ''"},
};

static void a_name_that_means_nothing_or_cannot_do_it_is_refused_in_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct candidates found;
        struct err err = {0};
        int r =
            candidates_find(&found, view, str_from(refused[i].name), refused[i].capabilities, &err);

        if (r != refused[i].r || !strstr(err.text, refused[i].words))
            fail_msg("%s: %d, %s", refused[i].name, r, err.text);
    }
}

static const struct {
    const char *name, *space;
    int r;
    const char *found; /* its first copy, or words */
    uint32_t fenced;
} spaces[] = {
    {"search", "", 0, "c/ollama/vectors", 1},
    {"search", "vectors/768", 0, "c/ollama/vectors", 1},
    {"search", "arrows/1024", 0, "c/llama-server/arrows", 1},
    {"search:latest", "arrows", 0, "c/llama-server/arrows", 1},
    {"search", "other/768", -EXDEV, "'search' is of vectors/768, and other/768 was asked for", 2},
    {"vectors", "arrows/1024", -EXDEV, "'vectors' is of vectors/768", 1},
    {"own:1b", "ollama/own:1b/512", 0, "a/ollama/own:1b", 0},
    {"chat:7b", "vectors/768", -ENOTSUP, "embedding", 0},
};

static void vectors_are_of_the_space_that_is_wanted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        struct candidates found;
        struct err err = {0};
        int r = candidates_find_space(&found, view, str_from(spaces[i].name), DOES(embedding),
                                      str_from(spaces[i].space), &err);
        const char *text = r < 0 ? err.text : found.rows[0].copy->place.data;

        if (r != spaces[i].r || !strstr(text, spaces[i].found) ||
            found.fenced_count != spaces[i].fenced || (r == 0 && found.count != 1))
            fail_msg("%s in %s: %d, %s", spaces[i].name, spaces[i].space, r, text);
    }
}

static int write_name(void *ctx, struct str name, const char *what)
{
    return buf_printf(ctx, "%c:%.*s ", *what, STR_ARG(name));
}

static void the_names_are_listed_once_each_categories_first(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, 4096);
    assert_int_equal(candidates_each_name(view, write_name, &text), 0);
    assert_int_equal(buf_put(&text, STR("\0")), 0);
    assert_string_equal(text.data,
                        "c:code c:look c:draw c:any-chat c:picked c:search d:L-LOC-FRE-coder "
                        "d:own:1b d:S-LOC-FRE-chat d:S-LOC-FRE-chat-c d:eyes:11b d:vectors "
                        "d:arrows d:coder:32b-q8 d:M-CLD-PAY-haiku d:M-CLD-PAY-other "
                        "a:gpt-4 a:mine a:best ");
    buf_fini(&text);
}

/* Whatever is listed can be asked for, by anyone who needs nothing special. */
static int find_name(void *ctx, struct str name, const char *what)
{
    struct candidates found;
    struct err err = {0};
    int r = candidates_find(&found, view, name, 0, &err);

    (void)ctx;
    (void)what;
    if (r < 0 && !str_is(name, "draw"))
        fail_msg("%.*s: %s", STR_ARG(name), err.text);
    return 0;
}

static void every_listed_name_is_found(void **state)
{
    (void)state;
    assert_int_equal(candidates_each_name(view, find_name, NULL), 0);
}

static void no_more_candidates_are_taken_than_there_is_room_for(void **state)
{
    struct candidates found;
    struct err err = {0};
    struct buf text;

    forget_all(state);
    buf_init(&text, 64 << 10);
    assert_int_equal(buf_put(&text, STR("machines:\n")), 0);
    for (int i = 0; i < CANDIDATES_MAX + 10; i++)
        assert_int_equal(buf_printf(&text, "  m%d: {engines: [ollama], models: ['chat:7b']}\n", i),
                         0);
    assert_int_equal(buf_put(&text, STR("\0")), 0);
    see(text.data, MODELS, CLOUD);
    assert_int_equal(candidates_find(&found, view, STR("chat:7b"), 0, &err), 0);
    assert_int_equal(found.count, CANDIDATES_MAX);
    assert_string_equal(found.rows[0].copy->place.data, "m0/ollama/chat:7b");
    buf_fini(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, forget_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_means_its_copies_in_order),
        TEST(who_stands_in_for_a_model_comes_nearest_first),
        TEST(whoever_is_out_of_the_question_is_named_with_the_reason),
        TEST(a_name_that_means_nothing_or_cannot_do_it_is_refused_in_words),
        TEST(vectors_are_of_the_space_that_is_wanted),
        TEST(the_names_are_listed_once_each_categories_first),
        TEST(every_listed_name_is_found),
        TEST(no_more_candidates_are_taken_than_there_is_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
