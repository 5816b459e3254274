/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a GGUF file, as llama.cpp and Ollama keep models: its settings and tensors.
 *
 *     static const struct gguf_events events = {on_setting, on_tensor};
 *     r = gguf_read(head, &events, ctx, err);
 *
 * Versions 2 and 3, little-endian. Every count and length is held against the bytes that are
 * there, so a header costs no more than it weighs; nothing is kept. Pure.
 */
#pragma once

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

enum {
    GGUF_HEAD_MAX = 64 << 20, /* what a reader of files should hand over at most */
    GGUF_SETTINGS_MAX = 65536,
    GGUF_TENSORS_MAX = 1 << 18,
    GGUF_KEY_MAX = 1024, /* bytes, of tensors' names, too */
    GGUF_DIMENSIONS_MAX = 8,
};

enum gguf_kind {
    GGUF_number, /* whole and not negative */
    GGUF_other,  /* a number that is not */
    GGUF_text,
    GGUF_list, /* of numbers: gguf_item(); of texts: only how many */
};

/* Everything is borrowed from the header. */
struct gguf_value {
    enum gguf_kind kind;
    uint64_t number;
    struct str text;
    uint64_t count;
    struct str items;
    uint32_t item_type;
};

struct gguf_events {
    void (*on_setting)(void *ctx, struct str key, const struct gguf_value *value);
    void (*on_tensor)(void *ctx, struct str name, uint64_t elements);
};

/* 0; -EINVAL when it is none, or broken; -EMSGSIZE when the bytes end before the header does. What
 * was found up to there has been told. */
MUST_USE int gguf_read(struct str head, const struct gguf_events *events, void *ctx,
                       struct err *err);

/* A number in a list; 0 for what is no whole number, or beyond the list. */
uint64_t gguf_item(const struct gguf_value *list, uint64_t index);

/* "Q4_K_M" for 15, as general.file_type says it; NULL when it is none of them. */
const char *gguf_quantisation(uint64_t file_type);
