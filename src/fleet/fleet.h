/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fleet file, read: machines, engines, models, categories, cloud, as plain structs.
 *
 *     r = fleet_load(&fleet, "fleet.yaml", &err);     err: file:line:column: found, expected, do
 *     machine = fleet_machine(fleet, STR("gtr9-pro"));
 *     fleet_free(fleet);
 *
 * Everything is borrowed from the fleet and lives until fleet_free(); texts are NUL-terminated.
 * What the file does not say is zero, NULL or an empty text, unless noted. Names are checked:
 * every machine, engine and category that is referred to exists. Whether the plan is any good
 * is not asked here: that is plan/check. Reading sends nothing and looks nothing up.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/place.h"
#include "base/str.h"
#include "base/units.h"
#include "fleet/category.h"
#include "fleet/machine.h"
#include "model/kinds.h"
#include "wire/schema.h"

enum { FLEET_INCLUDE_DEPTH_MAX = 8, FLEET_BYTES_MAX = 64 << 20 };

struct cloud_model {
    struct place at;
    struct str name;   /* deployment name */
    uint32_t provider; /* enum provider_kind */
    struct str model;  /* the provider's id */
    struct place name_at, model_at;
    struct str url; /* never empty */
    struct str key; /* env:NAME or file:PATH */
    bool has_price;
    /* Dollars × 10⁶ for a million tokens. */
    uint64_t price_in_micro, price_out_micro, price_cached_micro;
    uint64_t context, output_max; /* tokens; 0: unknown */
    uint32_t capabilities;        /* bits; 0: the catalog knows */
    struct str retired;           /* YYYY-MM-DD; empty: alive as far as the file says */
    struct str note;
};

/* A speed that somebody expects. */
struct expectation {
    struct place at;
    uint32_t tier;             /* 0: not by tier */
    struct str machine;        /* empty: not by machine */
    struct str hardware;       /* as written: "RTX 5090" */
    uint32_t purposes;         /* bits of enum purpose; 0: any */
    struct units_range params; /* high 0: any size */
    struct str quant;
    struct units_range tps;     /* tokens a second × 10⁶; high 0: none stated */
    struct units_range seconds; /* for one image or video × 10⁶ */
    struct str use, note;
    struct place tps_at;
};

struct estimates {
    struct place at;
    struct units_range storage; /* bytes */
    struct units_range setup_ms;
    struct place storage_at, setup_at; /* the keys; line 0: not there */
    struct str note;
};

struct network {
    struct place at;
    uint64_t wan_bits, lan_bits; /* a second; 0: unknown */
};

/* People of a tailnet, and what they may do: as a key, or by rules of their own. */
struct fleet_login {
    struct place at;
    struct str login, key;
    struct pair *rules; /* as the options of `tampu key create` */
    uint32_t rules_count;
};

struct fleet {
    struct str name, note;
    struct pair *settings; /* under gateway:, keys as "gateway.queue_max"; all of them valid */
    uint32_t settings_count;
    struct machine *machines;
    uint32_t machines_count;
    struct category *categories;
    uint32_t categories_count;
    struct pair *aliases; /* name to deployment name, artifact, category or selector */
    uint32_t aliases_count;
    struct cloud_model *cloud;
    uint32_t cloud_count;
    struct expectation *expectations;
    uint32_t expectations_count;
    struct estimates estimates;
    struct network network;
    struct fleet_login *tailnet;
    uint32_t tailnet_count;
    bool span;         /* a model too large for each machine may be planned over several */
    struct str *files; /* this one and those it includes */
    uint32_t files_count;
};

/* 0; -EINVAL with the mistakes, a line each; -ENOENT and the like when a file cannot be read;
 * -EMSGSIZE; -ENOMEM. Included paths start at the folder of the file that names them. */
MUST_USE int fleet_load(struct fleet **ret, const char *path, struct err *err);

/* With the entries of a further text, under a name for messages. */
MUST_USE int fleet_load_with(struct fleet **ret, const char *path, struct str more,
                             const char *name, struct err *err);

/* The same from memory, under a name for messages; `include` is refused. */
MUST_USE int fleet_parse(struct fleet **ret, struct str text, const char *name, struct err *err);

void fleet_free(struct fleet *f);
AUTO_FREE(fleet)

/* By name; NULL when there is none. */
const struct machine *fleet_machine(const struct fleet *f, struct str name);
const struct category *fleet_category(const struct fleet *f, struct str name);
const struct cloud_model *fleet_cloud(const struct fleet *f, struct str name);
const struct pair *fleet_alias(const struct fleet *f, struct str name);

/* The keys of a fleet file, as Markdown: docs/reference/fleet.md. */
MUST_USE int fleet_write_reference(struct buf *out);
