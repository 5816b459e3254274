/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about models, hardware and cloud models: the catalog/ files, read.
 *
 *     r = catalog_load(&catalog, NULL, &err);          what the program carries
 *     artifact = catalog_artifact(catalog, STR("qwen2.5:72b"));
 *     artifact->model->params, artifact->bytes …
 *     catalog_free(catalog);
 *
 * Facts only, never changed after loading; everything is borrowed from the catalog. A tag that is
 * not here is unknown, which does not prove that it does not exist; catalog_mistaken()
 * knows names that are often written and do not.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/place.h"
#include "base/str.h"
#include "model/artifact.h"
#include "model/kinds.h"

enum hardware_kind {
    HARDWARE_gpu,     /* memory of its own */
    HARDWARE_unified, /* a GPU that shares the machine's RAM */
    HARDWARE_cpu,
    HARDWARE_npu,
};

struct hardware_facts {
    struct str name;
    struct place at;
    uint32_t kind;     /* enum hardware_kind */
    struct str *match; /* texts that name it, letter case ignored; the longest match wins */
    uint32_t match_count;
    uint64_t memory_bytes;                     /* a GPU's own; 0: shares the machine's */
    double usable_share;                       /* of RAM, for unified */
    double default_share;                      /* what Linux gives unless told; 0: all of it */
    double bandwidth_gbs;                      /* peak, GB/s */
    double efficiency;                         /* share of it that decoding reaches */
    double moe_efficiency;                     /* the same for mixtures of experts; 0: as dense */
    double prefill_tflops;                     /* effective, for 2 × active parameters a token */
    double tps_max;                            /* launch-bound ceiling of one stream; 0: none */
    double cpu_efficiency, cpu_prefill_tflops; /* unified: without its GPU */
    struct str source;
};

struct cloud_facts {
    struct str id; /* the provider's name for the model */
    struct place at;
    uint32_t provider; /* enum provider_kind */
    struct str *also;  /* other ids and spellings */
    uint32_t also_count;
    struct str *mistaken; /* what people write for the id, and the provider does not know */
    uint32_t mistaken_count;
    bool has_price;
    /* Dollars × 10⁶ for a million tokens. */
    uint64_t price_in_micro, price_out_micro, price_cached_micro;
    uint64_t context, output_max;
    uint32_t capabilities, purposes; /* bits */
    struct str retired;              /* YYYY-MM-DD: does not answer from that day on */
    struct str *replace_by;
    uint32_t replace_by_count;
    struct str source;
};

struct catalog {
    struct str day; /* YYYY-MM-DD: what the facts were checked on */
    struct model *models;
    uint32_t models_count;
    struct hardware_facts *hardware;
    uint32_t hardware_count;
    struct cloud_facts *cloud;
    uint32_t cloud_count;
};

/* What the program carries; with dir, rows of dir/{models,hardware,cloud}.yaml on top of it: a row
 * of a name that is there takes its place, others are added. Files may be missing, not all of them.
 * 0; -EINVAL with the mistakes; -ENOENT and the like; -ENOMEM. */
MUST_USE int catalog_load(struct catalog **ret, const char *dir, struct err *err);

/* The three texts themselves; any may be empty. */
MUST_USE int catalog_parse(struct catalog **ret, struct str models, struct str hardware,
                           struct str cloud, struct err *err);

void catalog_free(struct catalog *c);
AUTO_FREE(catalog)

/* By tag or by another tag of the same digest; letter case, "library/" and ":latest" make
 * no difference; NULL. */
const struct artifact *catalog_artifact(const struct catalog *c, struct str tag);

/* What somebody who wrote this name that does not exist meant; NULL. */
const struct artifact *catalog_mistaken(const struct catalog *c, struct str name);

/* The tag that is spelled most like this one; NULL when none is near. */
const struct artifact *catalog_nearest(const struct catalog *c, struct str tag);

const struct model *catalog_model(const struct catalog *c, struct str name);

/* The row that names this piece of hardware ("RTX 5090", "AI Max+ 395"); NULL. */
const struct hardware_facts *catalog_hardware(const struct catalog *c, struct str text);

/* The row that is spelled most like this text, where none names it. */
const struct hardware_facts *catalog_nearest_hardware(const struct catalog *c, struct str text,
                                                      enum hardware_kind kind);

/* By id or other spelling, mistaken ones too; NULL. */
const struct cloud_facts *catalog_cloud(const struct catalog *c, struct str id);

/* Is it gone on that day ("2026-11-23")? */
bool cloud_is_retired(const struct cloud_facts *facts, struct str day);
