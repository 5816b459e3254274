/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One category of the fleet file: a need with a primary, backups and cloud, a row of the redundancy
 * map.
 *
 * Plain structs, owned by the fleet. What the file does not say is zero, NULL or an empty text.
 */
#pragma once

#include <stdint.h>

#include "base/place.h"
#include "base/str.h"
#include "base/units.h"

struct needs {
    struct place at;
    uint32_t purpose;          /* enum purpose */
    struct units_range params; /* a band of parameters; high 0: any size */
    uint32_t capabilities;     /* bits of enum capability, without the purpose's own */
    uint64_t context;          /* tokens at least; 0: any */
};

/* What is not said is zero: usual for the purpose. */
struct category_demand {
    struct place at;
    double per_hour; /* requests */
    uint64_t prompt_tokens, answer_tokens;
};

enum category_machines {
    MACHINES_listed, /* primary and backups */
    MACHINES_any,    /* whichever holds a qualifying model; one is enough */
    MACHINES_all,    /* every machine that serves models should hold one */
};

struct category {
    struct str name;
    struct place at;
    struct str title, note;
    struct needs needs;
    uint32_t machines;   /* enum category_machines */
    struct str primary;  /* machine; empty with any and all */
    struct str *backups; /* machines, first choice first */
    uint32_t backups_count;
    struct place primary_at, *backups_at, backups_key_at;
    struct str *models; /* only these artifacts or deployment names, first choice first */
    uint32_t models_count;
    struct place *models_at;
    struct str *cloud; /* names of cloud entries, first choice first */
    uint32_t cloud_count;
    struct place *cloud_at;
    uint64_t cache_ms; /* how long its answers are kept for equal requests; 0: not at all */
    double floor_tps;  /* slower than this does not count as serving; 0: any speed */
    struct category_demand demand;
};
