/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine has, held against what the fleet file declares for it.
 *
 *     count = stock_compare(rows, STOCK_DRIFTS_MAX, view, engine, &stock);
 *
 * Pure: what it has was asked by somebody else. Slices of the view and of the stock.
 */
#pragma once

#include "fleet/view.h"

enum drift_kind {
#define DRIFT(kind, words) DRIFT_##kind,
#include "tables/drifts.def"
    DRIFT_KIND_COUNT
};

enum { STOCK_DRIFTS_MAX = 64 };

struct stock_model {
    struct str name;   /* as the engine lists it */
    struct str digest; /* empty: it does not say; others look at it: fleet/digests */
    bool is_loaded;
    uint64_t context; /* of a loaded one; 0: it does not say */
};

struct stock {
    struct str version; /* empty: it does not say */
    const struct stock_model *models;
    uint32_t count;
};

struct stock_drift {
    enum drift_kind kind;
    struct str name; /* of the model; of a version: what the engine says */
};

/* How many rows were written. */
uint32_t stock_compare(struct stock_drift *ret, uint32_t max, const struct view *view,
                       uint32_t engine, const struct stock *stock);

/* Ollama lists "nomic-embed-text" as "nomic-embed-text:latest", and tells no capitals apart. */
bool stock_is_same(struct str listed, struct str tag);

/* "missing"; and what that is. */
const char *drift_name(enum drift_kind kind);
const char *drift_words(enum drift_kind kind);
