/* SPDX-License-Identifier: Apache-2.0 */
/* Deployment names and selectors. */
#include "testing.h"

#include <stdio.h>

#include "fleet/name.h"
#include "model/kinds.h"

enum { ROUNDS = 20000 };

static uint32_t random_state = 1;

/* Small, fast, the same at every run. */
static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    return random_state ^= random_state << 5;
}

static struct str random_name(char out[static 64])
{
    static const char letters[] = "abcXYZ0123456789.-_:+XLLOCFREPAYANY";
    int len =
        snprintf(out, 64, "%s-%s-%s-", size_names[next_random() % SIZE_COUNT],
                 where_names[next_random() % WHERE_COUNT], cost_names[next_random() % COST_COUNT]);
    int tail = 1 + (int)(next_random() % 20);

    for (int i = 0; i < tail; i++)
        out[len++] = letters[next_random() % (sizeof letters - 1)];
    return str_slice(out, (size_t)len);
}

static void what_is_read_is_written_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        char text[64];
        struct str name_text = random_name(text);
        struct deployment_name name;
        struct buf out;

        assert_int_equal(name_read(&name, name_text), 0);
        buf_init(&out, 256);
        assert_int_equal(name_write(&name, &out), 0);
        assert_true(str_equal(buf_str(&out), name_text));
        buf_fini(&out);
    }
}

static void the_order_is_total(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        char texts[3][64];
        struct deployment_name n[3];

        for (int j = 0; j < 3; j++)
            assert_int_equal(name_read(&n[j], random_name(texts[j])), 0);
        assert_int_equal(name_compare(&n[0], &n[0]), 0);
        assert_true((name_compare(&n[0], &n[1]) > 0) == (name_compare(&n[1], &n[0]) < 0));
        if (name_compare(&n[0], &n[1]) <= 0 && name_compare(&n[1], &n[2]) <= 0)
            assert_true(name_compare(&n[0], &n[2]) <= 0);
        if (n[0].size < n[1].size)
            assert_true(name_compare(&n[0], &n[1]) < 0);
    }
}

static const char *const good[] = {
    "XL-LOC-FRE-qwen2.5-coder-32b",
    "S-CLD-PAY-gpt-4o-mini",
    "XS-LOC-FRE-x",
    "M-LOC-FRE--",
};
static const char *const bad[] = {
    "",
    "XL",
    "XL-LOC",
    "XL-LOC-FRE",
    "XL-LOC-FRE-",
    "xl-LOC-FRE-a",
    "XXL-LOC-FRE-a",
    "XL-LAN-FRE-a",
    "XL-LOC-FREE-a",
    "XL-LOC-FRE-a b",
    "XL-LOC-FRE-a\tb",
    "*-LOC-FRE-a",
    "M+-LOC-FRE-a",
    "M--LOC-FRE-a",
    "XS--LOC-FRE-a", /* one size, and a selector all the same */
    "XL+-LOC-FRE-a",
    "XL-*-FRE-a",
    "XL-LOC-FRE-a*",
    "XL-LOC-FRE-?",
    "qwen2.5:72b",
};

static void names_have_four_parts(void **state)
{
    struct deployment_name name;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++)
        if (name_read(&name, str_from(good[i])) < 0)
            fail_msg("'%s' is refused", good[i]);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (name_read(&name, str_from(bad[i])) == 0)
            fail_msg("'%s' is taken", bad[i]);
}

#define CODE   (1u << PURPOSE_code)
#define VISION (1u << CAPABILITY_vision)

static const struct {
    const char *selector, *name;
    uint32_t purposes, capabilities;
    bool matches;
} cases[] = {
    {"XL-LOC-*-code", "XL-LOC-FRE-gpt-oss-120b", CODE, 0, true},
    {"XL-LOC-*-code", "XL-LOC-FRE-gpt-oss-120b", 0, 0, false},
    {"XL-LOC-*-code", "L-LOC-FRE-qwen2.5-coder-32b", CODE, 0, false},
    {"XL-LOC-*-code", "XL-CLD-PAY-o1", CODE, 0, false},
    {"M+-ANY-FRE-vision", "L-LOC-FRE-qwen3-vl-32b", 0, VISION, true},
    {"M+-ANY-FRE-vision", "M-LOC-FRE-x", 0, VISION, true},
    {"M+-ANY-FRE-vision", "S-LOC-FRE-qwen3-vl-8b", 0, VISION, false},
    {"M+-ANY-FRE-vision", "XL-CLD-PAY-gpt-4o", 0, VISION, false},
    {"M+-ANY-*-vision", "XL-CLD-PAY-gpt-4o", 0, VISION, true},
    {"M--LOC-FRE-code", "S-LOC-FRE-x", CODE, 0, true},
    {"M--LOC-FRE-code", "M-LOC-FRE-x", CODE, 0, true},
    {"M--LOC-FRE-code", "L-LOC-FRE-x", CODE, 0, false},
    {"*-LOC-FRE-qwen*", "L-LOC-FRE-qwen2.5-coder-32b", 0, 0, true},
    {"*-LOC-FRE-qwen*", "L-LOC-FRE-llama-qwen", 0, 0, false},
    {"ANY-ANY-ANY-*", "S-CLD-PAY-gpt-4o-mini", 0, 0, true},
    {"*-*-*-*32b", "L-LOC-FRE-qwen2.5-coder-32b", 0, 0, true},
    {"*-*-*-q?en*r-32b", "L-LOC-FRE-qwen2.5-coder-32b", 0, 0, true},
    {"*-*-*-coder", "L-LOC-FRE-qwen2.5-coder-32b", 0, 0, true},
    {"*-*-*-code", "L-LOC-FRE-qwen2.5-coder-32b", 0, 0, false},
    {"*-*-*-gpt-4o", "S-CLD-PAY-gpt-4o-mini", 0, 0, true},
    {"*-*-*-embeddings", "XS-LOC-FRE-x", 1u << PURPOSE_embedding, 0, true},
};

static void selectors_match_by_value_word_and_pattern(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct selector selector;
        struct deployment_name name;

        assert_int_equal(selector_read(&selector, str_from(cases[i].selector)), 0);
        assert_int_equal(name_read(&name, str_from(cases[i].name)), 0);
        if (selector_matches(&selector, &name, cases[i].purposes, cases[i].capabilities) !=
            cases[i].matches)
            fail_msg("%s and %s: expected %d", cases[i].selector, cases[i].name, cases[i].matches);
    }
}

static void what_a_wider_selector_matches_includes_the_narrower(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        char text[64], wide_text[80];
        struct deployment_name name;
        struct selector exact, wide;
        struct str name_text = random_name(text);

        assert_int_equal(name_read(&name, name_text), 0);
        assert_int_equal(selector_read(&exact, name_text), 0);
        assert_true(selector_matches(&exact, &name, 0, 0));
        assert_true(selector_is_name(&exact));
        snprintf(wide_text, sizeof wide_text, "%s%c-ANY-*-%.*s", size_names[name.size],
                 i % 2 ? '+' : '-', STR_ARG(name.tail));
        assert_int_equal(selector_read(&wide, str_from(wide_text)), 0);
        assert_true(selector_matches(&wide, &name, 0, 0));
        assert_int_equal(exact.sizes & wide.sizes, exact.sizes);
        assert_false(selector_is_name(&wide) && name.size != SIZE_XL && name.size != SIZE_XS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_written_the_same),
        cmocka_unit_test(the_order_is_total),
        cmocka_unit_test(names_have_four_parts),
        cmocka_unit_test(selectors_match_by_value_word_and_pattern),
        cmocka_unit_test(what_a_wider_selector_matches_includes_the_narrower),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
