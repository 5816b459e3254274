/* SPDX-License-Identifier: Apache-2.0 */
/* What a model says of itself, to a row of the catalog. */
#include "model/header.h"

#include <errno.h>
#include <stddef.h>

#include "wire/gguf.h"
#include "wire/json.h"

static void on_setting(void *ctx, struct str key, const struct gguf_value *value);
static void on_tensor(void *ctx, struct str name, uint64_t elements);
static void take_number(struct header *h, struct str key, uint64_t value);
static void take_text(struct header *h, struct str key, struct str text);
static void take_layer(struct header *h, struct str key, uint64_t value);
static void end_list(struct header *h, struct str key, uint64_t count);
static void keep(struct header *h, struct str *ret, struct str text);
static bool has_tail(struct str key, const char *tail);
static bool contains(struct str text, const char *part);
static void read_template(struct header *h, struct str text);
static void read_info(struct header *h, yyjson_val *info);
static uint64_t params_of(const struct header *h);
static uint64_t active_of(const struct header *h, uint64_t params);
static struct geometry geometry_of(const struct header *h);
static uint32_t purposes_of(const struct header *h, uint32_t capabilities);
static uint64_t or_else(uint64_t value, uint64_t fallback);

/* What follows the architecture's name, and where it goes. */
static const struct {
    const char *tail;
    size_t offset;
} numbers[] = {
    {".block_count", offsetof(struct header, layers)},
    {".context_length", offsetof(struct header, context)},
    {".embedding_length", offsetof(struct header, hidden)},
    {".feed_forward_length", offsetof(struct header, feed_forward)},
    {".expert_feed_forward_length", offsetof(struct header, expert_feed_forward)},
    {".expert_count", offsetof(struct header, experts)},
    {".expert_used_count", offsetof(struct header, experts_used)},
    {".vocab_size", offsetof(struct header, vocabulary)},
    {".attention.head_count", offsetof(struct header, heads)},
    {".attention.head_count_kv", offsetof(struct header, kv_heads)},
    {".attention.key_length", offsetof(struct header, key_length)},
    {".attention.value_length", offsetof(struct header, value_length)},
    {".attention.key_length_swa", offsetof(struct header, window_key_length)},
    {".attention.value_length_swa", offsetof(struct header, window_value_length)},
    {".attention.sliding_window", offsetof(struct header, window)},
    {"general.parameter_count", offsetof(struct header, params)},
    {"split.count", offsetof(struct header, files)},
};

static const struct gguf_events events = {on_setting, on_tensor};

void header_init(struct header *h, struct arena *arena)
{
    *h = (struct header){.arena = arena};
}

int header_read_gguf(struct header *h, struct str head, struct err *err)
{
    int r = gguf_read(head, &events, h, err);

    return r == 0 && h->error ? err_set(err, h->error, "no memory for its header") : r;
}

int header_read_show(struct header *h, yyjson_val *root, struct err *err)
{
    yyjson_val *info = json_find(root, "model_info"), *details = json_find(root, "details"), *value;
    struct str licence = json_find_str(root, "license");
    size_t i, max;

    if (!yyjson_is_obj(info))
        return err_set(err, -EINVAL,
                       "the engine says nothing of the model's shape (no model_info)");
    read_info(h, info);
    keep(h, &h->quant, json_find_str(details, "quantization_level"));
    if (licence.data && !h->licence.len)
        keep(h, &h->licence, str_slice(licence.data, strcspn(licence.data, "\r\n")));
    yyjson_arr_foreach(json_find(root, "capabilities"), i, max, value)
    {
        int c = capability_find(json_str(value));

        if (c >= 0)
            h->capabilities |= 1u << c;
    }
    return h->error ? err_set(err, h->error, "no memory for its settings") : 0;
}

int header_model(const struct header *h, struct model *ret, struct err *err)
{
    uint64_t params = params_of(h);
    uint32_t capabilities = h->capabilities;

    if (!h->architecture.len || !h->layers || !h->hidden || !h->heads || !params)
        return err_set(err, -EINVAL, "it does not say %s: is it the file of a language model?",
                       !h->architecture.len ? "its architecture"
                       : !params            ? "how many parameters it has"
                                            : "how many layers, how wide they are, and heads");
    if (!capabilities)
        capabilities = 1u << CAPABILITY_completion;
    *ret = (struct model){
        .family = h->architecture,
        .params = params,
        .active_params = active_of(h, params),
        .geometry = geometry_of(h),
        .context = or_else(h->context, 2048),
        .capabilities = capabilities,
        .purposes = purposes_of(h, capabilities),
        .licence = h->licence,
    };
    if (capabilities & 1u << CAPABILITY_embedding)
        ret->dimensions = (uint32_t)h->hidden;
    return 0;
}

static void on_setting(void *ctx, struct str key, const struct gguf_value *value)
{
    struct header *h = ctx;
    const char *quant;

    if (value->kind == GGUF_number && str_is(key, "general.file_type") &&
        (quant = gguf_quantisation(value->number)))
        keep(h, &h->quant, str_from(quant));
    else if (value->kind == GGUF_number)
        take_number(h, key, value->number);
    else if (value->kind == GGUF_text)
        take_text(h, key, value->text);
    else if (value->kind == GGUF_list && str_is(key, "tokenizer.ggml.tokens"))
        h->vocabulary = value->count;
    else if (value->kind == GGUF_list && value->count <= HEADER_LAYERS_MAX) {
        for (uint64_t i = 0; i < value->count; i++)
            take_layer(h, key, gguf_item(value, i));
        end_list(h, key, value->count);
    }
}

static void on_tensor(void *ctx, struct str name, uint64_t elements)
{
    struct header *h = ctx;

    h->tensor_params += elements;
    if (contains(name, "_exps."))
        h->expert_params += elements;
}

static void take_number(struct header *h, struct str key, uint64_t value)
{
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (has_tail(key, numbers[i].tail))
            *(uint64_t *)(void *)((char *)h + numbers[i].offset) = value;
    if (has_tail(key, ".pooling_type"))
        h->capabilities |= 1u << CAPABILITY_embedding;
    if (str_is(key, "tokenizer.ggml.fim_pre_token_id") ||
        str_is(key, "tokenizer.ggml.prefix_token_id"))
        h->capabilities |= 1u << CAPABILITY_insert;
    /* Every so many layers one sees everything. */
    if (has_tail(key, ".attention.sliding_window_pattern") && value > 1)
        h->window_layers = h->layers - h->layers / value;
}

static void take_text(struct header *h, struct str key, struct str text)
{
    if (str_is(key, "general.architecture"))
        keep(h, &h->architecture, text);
    else if (str_is(key, "general.name"))
        keep(h, &h->name, text);
    else if (str_is(key, "general.license"))
        keep(h, &h->licence, text);
    else if (str_is(key, "tokenizer.chat_template"))
        read_template(h, text);
}

/* Lists that say something of each layer: the widest counts, and how many there are of them. */
static void take_layer(struct header *h, struct str key, uint64_t value)
{
    if (has_tail(key, ".attention.head_count_kv")) {
        h->kv_layers += value > 0;
        h->kv_heads = value > h->kv_heads ? value : h->kv_heads;
    } else if (has_tail(key, ".attention.head_count")) {
        h->heads = value > h->heads ? value : h->heads;
    } else if (has_tail(key, ".feed_forward_length")) {
        h->feed_forward = value > h->feed_forward ? value : h->feed_forward;
    } else if (has_tail(key, ".attention.sliding_window_pattern")) {
        h->window_layers += value > 0;
    }
}

/* As many as there are layers is the same as no list. */
static void end_list(struct header *h, struct str key, uint64_t count)
{
    if (has_tail(key, ".attention.head_count_kv") && h->kv_layers == count)
        h->kv_layers = 0;
}

static void keep(struct header *h, struct str *ret, struct str text)
{
    struct str kept = arena_str(h->arena, text);

    if (!kept.data)
        h->error = -ENOMEM;
    else if (text.len)
        *ret = kept;
}

/* "general.x" and "split.x" whole; the others behind any architecture. */
static bool has_tail(struct str key, const char *tail)
{
    struct str end = str_from(tail);

    if (tail[0] != '.')
        return str_equal(key, end);
    return key.len > end.len && str_ends(key, end) && str_index(key, '.') == key.len - end.len &&
           !str_starts(key, STR("tokenizer."));
}

static bool contains(struct str text, const char *part)
{
    return text.len && memmem(text.data, text.len, part, strlen(part));
}

/* What a model was taught to answer is written in how it is asked. */
static void read_template(struct header *h, struct str text)
{
    h->capabilities |= 1u << CAPABILITY_completion;
    if (contains(text, "tools"))
        h->capabilities |= 1u << CAPABILITY_tools;
    if (contains(text, "<think>") || contains(text, "enable_thinking"))
        h->capabilities |= 1u << CAPABILITY_thinking;
}

static void read_info(struct header *h, yyjson_val *info)
{
    yyjson_val *key, *value, *item;
    size_t i, max, j, count;

    yyjson_obj_foreach(info, i, max, key, value)
    {
        struct str name = json_str(key);

        if (yyjson_is_str(value))
            take_text(h, name, json_str(value));
        else if (yyjson_is_arr(value)) {
            yyjson_arr_foreach(value, j, count, item) if (j < HEADER_LAYERS_MAX)
                take_layer(h, name, yyjson_is_true(item) ? 1 : json_u64(item));
            end_list(h, name, yyjson_arr_size(value));
        } else if (yyjson_is_num(value))
            take_number(h, name, json_u64(value));
    }
}

static uint64_t params_of(const struct header *h)
{
    return or_else(h->params, h->tensor_params);
}

/* All but the experts that a token does not use. Without tensors they are reckoned: three matrices
 * in each layer. */
static uint64_t active_of(const struct header *h, uint64_t params)
{
    double experts = (double)h->expert_params, idle;

    if (!h->experts || h->experts_used >= h->experts)
        return params;
    if (experts == 0)
        experts = 3.0 * (double)h->layers * (double)h->experts * (double)h->hidden *
                  (double)or_else(h->expert_feed_forward, h->feed_forward);
    idle = experts * (1 - (double)h->experts_used / (double)h->experts);
    return idle < (double)params ? params - (uint64_t)idle : params;
}

static struct geometry geometry_of(const struct header *h)
{
    uint64_t key = or_else(h->key_length, h->hidden / h->heads);
    bool has_window = h->window && h->window_layers;

    return (struct geometry){
        .layers = (uint32_t)h->layers,
        .kv_layers = (uint32_t)h->kv_layers,
        .window_layers = has_window ? (uint32_t)h->window_layers : 0,
        .window = has_window ? (uint32_t)h->window : 0,
        .window_key_length = has_window ? (uint32_t)h->window_key_length : 0,
        .window_value_length = has_window ? (uint32_t)h->window_value_length : 0,
        .hidden = (uint32_t)h->hidden,
        .feed_forward = (uint32_t)or_else(h->feed_forward,
                                          h->expert_feed_forward * or_else(h->experts_used, 1)),
        .heads = (uint32_t)h->heads,
        .kv_heads = (uint32_t)or_else(h->kv_heads, h->heads),
        .key_length = (uint32_t)key,
        .value_length = (uint32_t)or_else(h->value_length, key),
        .vocabulary = (uint32_t)h->vocabulary,
        .experts = (uint32_t)h->experts,
        .experts_used = (uint32_t)h->experts_used,
    };
}

/* What it can do, it may be used for; that it is good at code only its name can say. */
static uint32_t purposes_of(const struct header *h, uint32_t capabilities)
{
    uint32_t purposes = 0;

    if (capabilities & 1u << CAPABILITY_embedding)
        return 1u << PURPOSE_embedding;
    if (capabilities & 1u << CAPABILITY_completion)
        purposes |= 1u << PURPOSE_general;
    if (capabilities & 1u << CAPABILITY_vision)
        purposes |= 1u << PURPOSE_vision;
    if (capabilities & 1u << CAPABILITY_thinking)
        purposes |= 1u << PURPOSE_reasoning;
    if (contains(h->name, "oder") || contains(h->name, "code") || contains(h->name, "Code"))
        purposes |= 1u << PURPOSE_code;
    return purposes ? purposes : 1u << PURPOSE_general;
}

static uint64_t or_else(uint64_t value, uint64_t fallback)
{
    return value ? value : fallback;
}
