/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models and artifacts: a set of weights, and the files and tags it comes in.
 *
 * Two artifacts of one model are the same weights in another quantisation; an artifact's
 * other tags are the same bytes. Facts, owned by the catalog.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/place.h"
#include "base/str.h"
#include "model/kinds.h"

/* The shape of a transformer, as far as memory and speed depend on it. */
struct geometry {
    struct place at;
    uint32_t layers;
    uint32_t kv_layers;     /* layers that keep keys and values; 0: all */
    uint32_t window_layers; /* of those, how many keep only a sliding window */
    uint32_t window;        /* its tokens */
    /* Of one head in those layers; 0: as in the others. */
    uint32_t window_kv_heads, window_key_length, window_value_length;
    uint32_t hidden, feed_forward, heads, kv_heads;
    uint32_t key_length, value_length; /* of one head */
    uint32_t vocabulary;
    uint32_t experts, experts_used; /* 0: dense */
};

struct model;

/* One thing that can be pulled: a tag or a file, with its quantisation. */
struct artifact {
    struct place at;
    struct str tag;
    struct str *also; /* other tags of the same digest */
    uint32_t also_count;
    struct str *mistaken; /* names people write for it that do not exist */
    uint32_t mistaken_count;
    struct str quant;
    uint64_t bytes;  /* of all its files, projector included */
    bool is_rounded; /* bytes as the library displays them, not as the manifest says */
    uint64_t projector_bytes;
    uint64_t context;  /* tokens, where it differs from the model's; 0: the same */
    struct str *files; /* that its engine needs beside it: "--vae=REPOSITORY:FILE" */
    uint32_t files_count;
    struct str note;
    const struct model *model;
};

/* One set of weights, whatever its quantisation. */
struct model {
    struct str name;
    struct place at;
    struct str family;
    uint32_t engines;               /* bits of enum engine_kind that serve it */
    uint64_t params, active_params; /* active: used for each token; equal to params when dense */
    struct geometry geometry;
    uint64_t context;       /* native, tokens */
    uint32_t capabilities;  /* bits of enum capability */
    uint32_t purposes;      /* bits of enum purpose */
    uint64_t working_bytes; /* memory beside weights, where no geometry tells */
    uint32_t dimensions;    /* of an embedding */
    struct str *languages;  /* ISO 639-1, of those it understands; none: not said, or many */
    uint32_t languages_count;
    uint64_t pixels; /* of the largest image or frame that it is made for; 0: not said */
    bool one_slot;   /* engines force one slot for it */
    struct str licence, source, note;
    struct str refused_since; /* version from which refused_by does not load it; empty: loads */
    uint32_t refused_by;      /* enum engine_kind */
    struct str *replace_by;   /* artifacts, first choice first */
    uint32_t replace_by_count;
    struct artifact *artifacts;
    uint32_t artifacts_count;
};

/* The context it was made for. */
uint64_t artifact_context(const struct artifact *a);

/* What a person would write for it: a file in a repository has a short name beside its path. */
struct str artifact_short_tag(const struct artifact *a);
