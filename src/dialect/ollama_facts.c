/* SPDX-License-Identifier: Apache-2.0 */
/* What Ollama's lists say of a model. */
#include "dialect/ollama_facts.h"

#include <stdio.h>

static void put_size(struct json_out *o, const struct artifact *a);
static void put_shape(struct json_out *o, const struct artifact *a, uint64_t context);
static void put_number(struct json_out *o, const char *family, const char *key, uint64_t value);
static struct str family_of(const struct artifact *a);

void ollama_put_details(struct json_out *o, const struct artifact *a, bool with_shape)
{
    struct str family = family_of(a);

    json_open(json_key(o, "details"), '{');
    json_text(json_key(o, "parent_model"), STR(""));
    json_text(json_key(o, "format"), STR("gguf"));
    json_text(json_key(o, "family"), family);
    json_open(json_key(o, "families"), '[');
    if (family.len)
        json_text(o, family);
    json_close(o, ']');
    put_size(o, a);
    json_text(json_key(o, "quantization_level"), a ? a->quant : STR(""));
    if (with_shape && a) {
        json_number(json_key(o, "context_length"), artifact_context(a));
        json_number(json_key(o, "embedding_length"), a->model->geometry.hidden);
    }
    json_close(o, '}');
}

/* Those that Ollama has a word for. */
void ollama_put_capabilities(struct json_out *o, uint32_t capabilities)
{
    static const enum capability known[] = {
        CAPABILITY_completion, CAPABILITY_tools,    CAPABILITY_insert, CAPABILITY_vision,
        CAPABILITY_embedding,  CAPABILITY_thinking, CAPABILITY_audio};

    json_open(json_key(o, "capabilities"), '[');
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (capabilities & 1u << known[i])
            json_text(o, str_from(capability_name(known[i])));
    json_close(o, ']');
}

void ollama_put_model_info(struct json_out *o, const struct artifact *a, uint64_t context)
{
    json_open(json_key(o, "model_info"), '{');
    if (a) {
        json_text(json_key(o, "general.architecture"), family_of(a));
        json_number(json_key(o, "general.parameter_count"), a->model->params);
        put_shape(o, a, context);
    }
    json_close(o, '}');
}

/* "7.6B", "137.0M" */
static void put_size(struct json_out *o, const struct artifact *a)
{
    uint64_t params = a ? a->model->params : 0;
    bool is_small = params < 1000000000;
    char size[32] = "";

    if (params)
        snprintf(size, sizeof size, "%.1f%c", (double)params / (is_small ? 1e6 : 1e9),
                 is_small ? 'M' : 'B');
    json_text(json_key(o, "parameter_size"), str_from(size));
}

static void put_shape(struct json_out *o, const struct artifact *a, uint64_t context)
{
    const struct geometry *shape = &a->model->geometry;
    const char *family = family_of(a).data;

    put_number(o, family, "block_count", shape->layers);
    put_number(o, family, "context_length", context);
    put_number(o, family, "embedding_length", shape->hidden);
    put_number(o, family, "feed_forward_length", shape->feed_forward);
    put_number(o, family, "attention.head_count", shape->heads);
    put_number(o, family, "attention.head_count_kv", shape->kv_heads);
    put_number(o, family, "attention.key_length", shape->key_length);
    put_number(o, family, "attention.value_length", shape->value_length);
    put_number(o, family, "vocab_size", shape->vocabulary);
    if (!shape->experts)
        return;
    put_number(o, family, "expert_count", shape->experts);
    put_number(o, family, "expert_used_count", shape->experts_used);
}

static void put_number(struct json_out *o, const char *family, const char *key, uint64_t value)
{
    char name[128];

    snprintf(name, sizeof name, "%s.%s", family, key);
    json_number(json_key(o, name), value);
}

/* The catalog's texts end in a NUL. */
static struct str family_of(const struct artifact *a)
{
    if (!a)
        return STR("");
    return a->model->family.len ? a->model->family : a->model->name;
}
