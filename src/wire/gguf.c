/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a GGUF file. */
#include "wire/gguf.h"

#include <errno.h>

/* The types of settings, as the format numbers them. */
enum { TYPE_bool = 7, TYPE_text = 8, TYPE_list = 9, TYPE_COUNT = 13 };

static const struct {
    uint8_t size; /* bytes; 0: says so itself */
    bool is_signed, is_real;
} types[TYPE_COUNT] = {
    [0] = {1, false, false}, [1] = {1, true, false},   [2] = {2, false, false},
    [3] = {2, true, false},  [4] = {4, false, false},  [5] = {4, true, false},
    [6] = {4, true, true},   [7] = {1, false, false},  [8] = {0, false, false},
    [9] = {0, false, false}, [10] = {8, false, false}, [11] = {8, true, false},
    [12] = {8, true, true},
};

static const char *const quantisations[] = {
    [0] = "F32",      [1] = "F16",      [2] = "Q4_0",    [3] = "Q4_1",    [7] = "Q8_0",
    [8] = "Q5_0",     [9] = "Q5_1",     [10] = "Q2_K",   [11] = "Q3_K_S", [12] = "Q3_K_M",
    [13] = "Q3_K_L",  [14] = "Q4_K_S",  [15] = "Q4_K_M", [16] = "Q5_K_S", [17] = "Q5_K_M",
    [18] = "Q6_K",    [19] = "IQ2_XXS", [20] = "IQ2_XS", [21] = "Q2_K_S", [22] = "IQ3_XS",
    [23] = "IQ3_XXS", [24] = "IQ1_S",   [25] = "IQ4_NL", [26] = "IQ3_S",  [27] = "IQ3_M",
    [28] = "IQ2_S",   [29] = "IQ2_M",   [30] = "IQ4_XS", [31] = "IQ1_M",  [32] = "BF16",
    [36] = "TQ1_0",   [37] = "TQ2_0",   [38] = "MXFP4",
};

/* What is left of the header, and whether it ended too soon or is broken. */
struct cursor {
    struct str left;
    int error;
};

static int read_settings(struct cursor *c, uint64_t count, const struct gguf_events *events,
                         void *ctx);
static int read_tensors(struct cursor *c, uint64_t count, const struct gguf_events *events,
                        void *ctx);
static struct gguf_value read_value(struct cursor *c, uint64_t type);
static struct gguf_value read_list(struct cursor *c);
static struct gguf_value number_of(struct str bytes, uint64_t type);
static struct str take(struct cursor *c, uint64_t size);
static uint64_t take_number(struct cursor *c, unsigned size);
static struct str take_text(struct cursor *c, uint64_t max);
static uint64_t little_endian(struct str bytes);

int gguf_read(struct str head, const struct gguf_events *events, void *ctx, struct err *err)
{
    struct cursor c = {.left = head};
    bool is_gguf = str_equal(take(&c, 4), STR("GGUF"));
    uint64_t version = take_number(&c, 4), tensors, settings;
    int r;

    if (!is_gguf && head.len >= 4)
        return err_set(err, -EINVAL, "it does not begin with 'GGUF'");
    if (c.error == 0 && version != 2 && version != 3)
        return err_set(err, -EINVAL, "found version %llu of GGUF, expected 2 or 3",
                       (unsigned long long)version);
    tensors = take_number(&c, 8);
    settings = take_number(&c, 8);
    if (tensors > GGUF_TENSORS_MAX || settings > GGUF_SETTINGS_MAX)
        return err_set(err, -EINVAL,
                       "found %llu tensors and %llu settings, expected up to %d and %d",
                       (unsigned long long)tensors, (unsigned long long)settings, GGUF_TENSORS_MAX,
                       GGUF_SETTINGS_MAX);
    r = c.error;
    if (r == 0)
        r = read_settings(&c, settings, events, ctx);
    if (r == 0)
        r = read_tensors(&c, tensors, events, ctx);
    if (r == -EMSGSIZE)
        return err_set(err, r, "its header is longer than the %zu bytes that are there", head.len);
    return r < 0 ? err_set(err, r, "its header is broken at byte %zu", head.len - c.left.len) : 0;
}

uint64_t gguf_item(const struct gguf_value *list, uint64_t index)
{
    size_t size = types[list->item_type].size;

    if (list->kind != GGUF_list || index >= list->count || !size)
        return 0;
    return number_of(str_slice(list->items.data + index * size, size), list->item_type).number;
}

const char *gguf_quantisation(uint64_t file_type)
{
    return file_type < COUNT_OF(quantisations) ? quantisations[file_type] : NULL;
}

static int read_settings(struct cursor *c, uint64_t count, const struct gguf_events *events,
                         void *ctx)
{
    for (uint64_t i = 0; i < count; i++) {
        struct str key = take_text(c, GGUF_KEY_MAX);
        struct gguf_value value = read_value(c, take_number(c, 4));

        if (c->error < 0)
            return c->error;
        events->on_setting(ctx, key, &value);
    }
    return 0;
}

static int read_tensors(struct cursor *c, uint64_t count, const struct gguf_events *events,
                        void *ctx)
{
    for (uint64_t i = 0; i < count; i++) {
        struct str name = take_text(c, GGUF_KEY_MAX);
        uint64_t dimensions = take_number(c, 4), elements = 1;

        if (c->error == 0 && dimensions > GGUF_DIMENSIONS_MAX)
            c->error = -EINVAL;
        for (uint64_t d = 0; d < dimensions && c->error == 0; d++)
            if (__builtin_mul_overflow(elements, take_number(c, 8), &elements))
                c->error = -EINVAL;
        take(c, 4 + 8); /* type and offset: of no use without the data */
        if (c->error < 0)
            return c->error;
        events->on_tensor(ctx, name, elements);
    }
    return 0;
}

static struct gguf_value read_value(struct cursor *c, uint64_t type)
{
    if (type == TYPE_text)
        return (struct gguf_value){.kind = GGUF_text, .text = take_text(c, UINT64_MAX)};
    if (type == TYPE_list)
        return read_list(c);
    if (type < TYPE_COUNT)
        return number_of(take(c, types[type].size), type);
    if (c->error == 0)
        c->error = -EINVAL;
    return (struct gguf_value){.kind = GGUF_other};
}

/* Lists of lists are not GGUF as anybody writes it. */
static struct gguf_value read_list(struct cursor *c)
{
    uint64_t type = take_number(c, 4), count = take_number(c, 8), size;
    struct gguf_value list = {.kind = GGUF_list, .count = count};

    if (c->error == 0 && (type >= TYPE_COUNT || type == TYPE_list))
        c->error = -EINVAL;
    if (c->error < 0)
        return list;
    list.item_type = (uint32_t)type;
    if (type == TYPE_text) {
        for (uint64_t i = 0; i < count && c->error == 0; i++)
            take_text(c, UINT64_MAX);
    } else if (__builtin_mul_overflow(count, (uint64_t)types[type].size, &size)) {
        c->error = -EINVAL;
    } else {
        list.items = take(c, size);
    }
    return list;
}

static struct gguf_value number_of(struct str bytes, uint64_t type)
{
    uint64_t value = little_endian(bytes);
    bool is_negative = types[type].is_signed && bytes.len && bytes.data[bytes.len - 1] & 0x80;

    if (types[type].is_real || is_negative)
        return (struct gguf_value){.kind = GGUF_other};
    return (struct gguf_value){.kind = GGUF_number, .number = value};
}

/* Empty after a failure, so that callers may look once, at the end. */
static struct str take(struct cursor *c, uint64_t size)
{
    struct str taken = {0};

    if (c->error == 0 && size > c->left.len)
        c->error = -EMSGSIZE;
    if (c->error < 0)
        return taken;
    taken = str_slice(c->left.data, size);
    c->left = str_slice(c->left.data + size, c->left.len - size);
    return taken;
}

static uint64_t take_number(struct cursor *c, unsigned size)
{
    return little_endian(take(c, size));
}

static struct str take_text(struct cursor *c, uint64_t max)
{
    uint64_t len = take_number(c, 8);

    if (c->error == 0 && len > max)
        c->error = -EINVAL;
    return take(c, len);
}

static uint64_t little_endian(struct str bytes)
{
    uint64_t value = 0;

    for (size_t i = bytes.len; i-- > 0;)
        value = value << 8 | (unsigned char)bytes.data[i];
    return value;
}
