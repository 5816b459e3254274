/* SPDX-License-Identifier: Apache-2.0 */
/* Permit: what a key's rules leave of the copies that a name means. */
#include "testing.h"

#include "../route/copies.h"
#include "base/buf.h"
#include "gateway/permit.h"

static int set_up(void **state)
{
    (void)state;
    see(FLEET, MODELS, CLOUD);
    return 0;
}

static const struct {
    const char *title, *models, *asked, *left;
} cases[] = {
    {"no rule", "", "*-LOC-ANY-*",
     "a/ollama/coder:32b, b/ollama/coder:big, b/ollama/chat:7b, c/ollama/chat:7b"},
    {"a wildcard that matches the text of a wider selector", "L-*", "L--ANY-ANY-*",
     "a/ollama/coder:32b, b/ollama/coder:big"},
    {"or of one that means nothing else", "L-*", "L--LOC-FRE-chat*", ""},
    {"that selector itself", "X*, L--LOC-FRE-chat*", "L--LOC-FRE-chat*",
     "b/ollama/chat:7b, c/ollama/chat:7b"},
    {"a selector within that of the key", "S+-LOC-FRE-*", "S+-LOC-FRE-coder",
     "a/ollama/coder:32b, b/ollama/coder:big"},
    {"a category", "any-*", "any-chat", "b/ollama/chat:7b, c/ollama/chat:7b"},
    {"a name, and its equals elsewhere", "S-LOC-FRE-chat", "S-LOC-FRE-chat",
     "b/ollama/chat:7b, c/ollama/chat:7b"},
    {"another name", "S-*", "L-LOC-FRE-coder", ""},
};

static void a_key_reaches_what_its_list_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rules rules = {.models = str_from(cases[i].models)};
        struct str asked = str_from(cases[i].asked);
        struct candidates found;
        struct err err = {0};
        struct buf text;

        buf_init(&text, 4096);
        if (candidates_find(&found, view, asked, 1u << CAPABILITY_completion, &err) < 0)
            fail_msg("%s: %s", cases[i].title, err.text);
        assert_int_equal(permit(&found, &rules, asked, &err),
                         *cases[i].left ? FAILURE_none : FAILURE_forbidden);
        for (uint32_t j = 0; j < found.count; j++)
            assert_int_equal(
                buf_printf(&text, "%s%s", j ? ", " : "", found.rows[j].copy->place.data), 0);
        if (!str_is(buf_str(&text), cases[i].left))
            fail_msg("%s: %.*s", cases[i].title, STR_ARG(buf_str(&text)));
        buf_fini(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_reaches_what_its_list_names),
    };

    return cmocka_run_group_tests(tests, set_up, forget_all);
}
