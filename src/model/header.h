/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model says of itself: the settings in its file, read from GGUF or from what an engine
 * lists of them, to a row of the catalog.
 *
 *     header_init(&h, &arena);
 *     r = header_read_gguf(&h, head, err);        or header_read_show(&h, json.root, err)
 *     r = header_model(&h, &model, err);          name, tag, bytes and source are the caller's
 *
 * Keys begin with the architecture ("qwen2.block_count"); what follows it is the same everywhere.
 * A split model has a header in each of its files: read all of them into one. Texts live in the
 * arena. Pure.
 */
#pragma once

#include <yyjson.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/artifact.h"

/* More layers than this nobody has; lists by layer are read so far. */
enum { HEADER_LAYERS_MAX = 4096 };

struct header {
    struct arena *arena;
    struct str architecture, name, licence, quant;
    uint64_t params, tensor_params, expert_params;
    uint64_t layers, context, hidden, feed_forward, expert_feed_forward, heads, vocabulary;
    uint64_t kv_heads, kv_layers; /* kv_layers: of a list, those that are not zero */
    uint64_t key_length, value_length, window, window_layers;
    uint64_t window_key_length, window_value_length;
    uint64_t experts, experts_used;
    uint64_t files;        /* that the model is split into; 0: not split */
    uint32_t capabilities; /* bits */
    int error;             /* -ENOMEM, or 0 */
};

void header_init(struct header *h, struct arena *arena);

/* As gguf_read(). */
MUST_USE int header_read_gguf(struct header *h, struct str head, struct err *err);

/* Ollama's answer to /api/show. -EINVAL when it says nothing of the model. */
MUST_USE int header_read_show(struct header *h, yyjson_val *root, struct err *err);

/* Fills what the header knows: family, parameters, geometry, context, capabilities, purposes,
 * licence, dimensions. -EINVAL when something is missing without which nothing can be reckoned. */
MUST_USE int header_model(const struct header *h, struct model *ret, struct err *err);
