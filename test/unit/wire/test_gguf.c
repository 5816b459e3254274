/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a GGUF file: what is in it is told, and what is broken is refused. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "wire/gguf.h"

static struct buf head, told;

static int setup(void **state)
{
    (void)state;
    buf_init(&head, 1 << 20);
    buf_init(&told, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_fini(&head);
    buf_fini(&told);
    return 0;
}

static void put_number(uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        assert_int_equal(buf_put_char(&head, (char)(value >> 8 * i)), 0);
}

static void put_text(const char *text)
{
    put_number(strlen(text), 8);
    assert_int_equal(buf_put(&head, str_from(text)), 0);
}

static void begin(uint64_t tensors, uint64_t settings)
{
    assert_int_equal(buf_put(&head, STR("GGUF")), 0);
    put_number(3, 4);
    put_number(tensors, 8);
    put_number(settings, 8);
}

static void put_setting(const char *key, unsigned type)
{
    put_text(key);
    put_number(type, 4);
}

static void on_setting(void *ctx, struct str key, const struct gguf_value *v)
{
    (void)ctx;
    (void)!buf_printf(&told, "%.*s=", STR_ARG(key));
    if (v->kind == GGUF_number)
        (void)!buf_put_u64(&told, v->number);
    if (v->kind == GGUF_text)
        (void)!buf_put(&told, v->text);
    if (v->kind == GGUF_list)
        (void)!buf_printf(&told, "%llu:%llu,%llu", (unsigned long long)v->count,
                          (unsigned long long)gguf_item(v, 0),
                          (unsigned long long)gguf_item(v, v->count - 1));
    (void)!buf_put_char(&told, ';');
}

static void on_tensor(void *ctx, struct str name, uint64_t elements)
{
    (void)ctx;
    (void)!buf_printf(&told, "[%.*s %llu]", STR_ARG(name), (unsigned long long)elements);
}

static const struct gguf_events events = {on_setting, on_tensor};

static int read_head(size_t len)
{
    struct err err;

    buf_reset(&told);
    return gguf_read(str_slice(head.data, len), &events, NULL, &err);
}

/* One of each type that somebody uses. */
static void put_everything(void)
{
    begin(2, 9);
    put_setting("general.architecture", 8);
    put_text("llama");
    put_setting("llama.block_count", 4);
    put_number(32, 4);
    put_setting("byte", 0);
    put_number(255, 1);
    put_setting("short", 3);
    put_number(0xffff, 2); /* -1 */
    put_setting("real", 6);
    put_number(0x3f800000, 4);
    put_setting("flag", 7);
    put_number(1, 1);
    put_setting("long", 10);
    put_number(1ull << 40, 8);
    put_setting("heads", 9);
    put_number(5, 4);
    put_number(3, 8);
    put_number(8, 4);
    put_number(0, 4);
    put_number(4, 4);
    put_setting("tokens", 9);
    put_number(8, 4);
    put_number(2, 8);
    put_text("<s>");
    put_text("</s>");
    put_text("token_embd.weight");
    put_number(2, 4);
    put_number(4096, 8);
    put_number(128, 8);
    put_number(12, 4);
    put_number(0, 8);
    put_text("output_norm.weight");
    put_number(1, 4);
    put_number(4096, 8);
    put_number(0, 4);
    put_number(0, 8);
}

static void settings_and_tensors_are_told(void **state)
{
    (void)state;
    put_everything();
    assert_int_equal(read_head(head.len), 0);
    assert_int_equal(buf_put_char(&told, '\0'), 0);
    assert_string_equal(told.data,
                        "general.architecture=llama;llama.block_count=32;byte=255;short=;real=;"
                        "flag=1;long=1099511627776;heads=3:8,4;tokens=2:0,0;"
                        "[token_embd.weight 524288][output_norm.weight 4096]");
}

static void a_header_that_is_cut_anywhere_is_too_short(void **state)
{
    (void)state;
    put_everything();
    for (size_t len = 0; len < head.len; len++)
        if (read_head(len) != -EMSGSIZE)
            fail_msg("cut at %zu of %zu: expected -EMSGSIZE", len, head.len);
}

static void what_is_broken_is_refused(void **state)
{
    (void)state;
    assert_int_equal(buf_put(&head, STR("GGML0000000000000000000000")), 0);
    assert_int_equal(read_head(head.len), -EINVAL);
    buf_reset(&head);
    begin(0, 0);
    head.data[4] = 1; /* the first version had other lengths */
    assert_int_equal(read_head(head.len), -EINVAL);
    buf_reset(&head);
    begin(0, 1);
    put_setting("of no type", 13);
    assert_int_equal(read_head(head.len), -EINVAL);
    buf_reset(&head);
    begin(0, 1);
    put_setting("a list of lists", 9);
    put_number(9, 4);
    put_number(1, 8);
    assert_int_equal(read_head(head.len), -EINVAL);
}

static void amounts_beyond_every_ceiling_are_refused(void **state)
{
    (void)state;
    begin(GGUF_TENSORS_MAX + 1ull, 0);
    assert_int_equal(read_head(head.len), -EINVAL);
    buf_reset(&head);
    begin(0, GGUF_SETTINGS_MAX + 1ull);
    assert_int_equal(read_head(head.len), -EINVAL);
    buf_reset(&head);
    begin(0, 1);
    put_number(GGUF_KEY_MAX + 1, 8);
    assert_int_equal(read_head(head.len), -EINVAL);
    buf_reset(&head);
    begin(0, 1);
    put_setting("a list longer than numbers go", 9);
    put_number(10, 4);
    put_number(UINT64_MAX / 4, 8);
    assert_int_equal(read_head(head.len), -EINVAL);
    buf_reset(&head);
    begin(1, 0);
    put_text("too many dimensions");
    put_number(GGUF_DIMENSIONS_MAX + 1, 4);
    assert_int_equal(read_head(head.len), -EINVAL);
    buf_reset(&head);
    begin(1, 0);
    put_text("more elements than numbers go");
    put_number(2, 4);
    put_number(1ull << 40, 8);
    put_number(1ull << 40, 8);
    assert_int_equal(read_head(head.len), -EINVAL);
}

static void quantisations_have_their_names(void **state)
{
    (void)state;
    assert_string_equal(gguf_quantisation(15), "Q4_K_M");
    assert_null(gguf_quantisation(5));
    assert_null(gguf_quantisation(UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(settings_and_tensors_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_header_that_is_cut_anywhere_is_too_short, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_broken_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(amounts_beyond_every_ceiling_are_refused, setup, teardown),
        cmocka_unit_test(quantisations_have_their_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
