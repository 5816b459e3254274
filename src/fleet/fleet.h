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
#include "model/kinds.h"
#include "wire/schema.h"

enum { FLEET_INCLUDE_DEPTH_MAX = 8, FLEET_BYTES_MAX = 64 << 20 };

enum machine_os {
    OS_linux,
    OS_macos,
    OS_windows,
};

enum compute {
    COMPUTE_any, /* the engine chooses */
    COMPUTE_gpu,
    COMPUTE_npu,
    COMPUTE_cpu,
};

struct hardware {
    struct place at;
    struct str cpu, gpu, npu;
    uint64_t ram_bytes;        /* 0: unknown, then `assume` holds */
    uint64_t gpu_memory_bytes; /* what engines may use of it; 0: the catalog knows */
    uint64_t disk_bytes;       /* room for models; 0: unknown */
    uint64_t disk_rate_bits;   /* bits a second when reading; 0: unknown */
    struct units_range assume_ram, assume_disk; /* bytes; high 0: nothing assumed */
    struct str *unknown;       /* parts that the file says are not known */
    uint32_t unknown_count;
};

/* Empty: not yet known. */
struct addresses {
    struct place at;
    struct str lan, tailscale, hostname;
};

struct fleet_engine {
    struct place at;
    struct str name; /* unique on its machine; the kind unless the file says otherwise */
    uint32_t kind;   /* enum engine_kind */
    uint32_t port;   /* never 0: the kind's own if the file has none */
    uint32_t slots;  /* requests at once; 0: not said */
    uint32_t compute; /* enum compute */
    struct str base_path; /* "/v3"; empty: none */
    struct str url;       /* whole address instead of machine and port */
    struct str key;       /* env:NAME or file:PATH */
    bool tls;
    struct str version;
    struct pair *env;
    uint32_t env_count;
    struct str *args;
    uint32_t args_count;
};

struct fleet_model {
    struct place at;
    struct str pull;         /* the artifact, as the engine is asked for it */
    struct str name;         /* deployment name; empty: none */
    struct str engine_name;  /* as written; empty: the machine's first engine */
    const struct fleet_engine *engine; /* NULL on a machine without engines */
    uint64_t context;        /* tokens of one slot; 0: not said */
    uint32_t slots;          /* 0: the engine's */
    bool is_optional;
    struct str note;
};

/* Either a count or names: "3", or a list of deployment names or artifacts. */
struct keep_loaded {
    struct place at;
    bool is_said;
    uint32_t count;
    struct str *names;
    uint32_t names_count;
};

struct machine {
    struct str name;
    struct place at;
    uint32_t tier; /* 1–6; 0: not said */
    struct str role, note;
    uint32_t os; /* enum machine_os */
    struct hardware hardware;
    struct addresses addresses;
    struct str domain; /* what fails together; its own name unless the file says otherwise */
    struct str ssh;    /* user@host */
    struct str wake;   /* MAC address for wake-on-LAN */
    struct fleet_engine *engines;
    uint32_t engines_count;
    struct keep_loaded keep_loaded;
    struct fleet_model *models;
    uint32_t models_count;
    struct str *services;
    uint32_t services_count;
    uint32_t count;    /* how many such boxes; at least 1 */
    bool no_inference; /* the file says `inference: false` */
};

struct needs {
    struct place at;
    uint32_t purpose;          /* enum purpose */
    struct units_range params; /* a band of parameters; high 0: any size */
    uint32_t capabilities;     /* bits of enum capability, without the purpose's own */
    uint64_t context;          /* tokens at least; 0: any */
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
    struct str *models;  /* only these artifacts or deployment names, first choice first */
    uint32_t models_count;
    struct str *cloud;   /* names of cloud entries, first choice first */
    uint32_t cloud_count;
    double floor_tps;    /* slower than this does not count as serving; 0: any speed */
};

struct cloud_model {
    struct place at;
    struct str name;     /* deployment name */
    uint32_t provider;   /* enum provider_kind */
    struct str model;    /* the provider's id */
    struct str url;      /* never empty */
    struct str key;      /* env:NAME or file:PATH */
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
    uint32_t tier;               /* 0: not by tier */
    struct str machine;          /* empty: not by machine */
    struct str hardware;         /* as written: "RTX 5090" */
    uint32_t purposes;           /* bits of enum purpose; 0: any */
    struct units_range params;   /* high 0: any size */
    struct str quant;
    struct units_range tps;      /* tokens a second × 10⁶; high 0: none stated */
    struct units_range seconds;  /* for one image or video × 10⁶ */
    struct str use, note;
};

struct estimates {
    struct place at;
    struct units_range storage;  /* bytes */
    struct units_range setup_ms;
    struct str note;
};

struct network {
    struct place at;
    uint64_t wan_bits, lan_bits; /* a second; 0: unknown */
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
    struct str *files; /* this one and those it includes */
    uint32_t files_count;
};

/* 0; -EINVAL with the mistakes, a line each; -ENOENT and the like when a file cannot be read;
 * -EMSGSIZE; -ENOMEM. Included paths start at the folder of the file that names them. */
MUST_USE int fleet_load(struct fleet **ret, const char *path, struct err *err);

/* The same from memory, under a name for messages; `include` is refused. */
MUST_USE int fleet_parse(struct fleet **ret, struct str text, const char *name, struct err *err);

void fleet_free(struct fleet *f);
AUTO_FREE(fleet)

/* By name; NULL when there is none. */
const struct machine *fleet_machine(const struct fleet *f, struct str name);
const struct category *fleet_category(const struct fleet *f, struct str name);
const struct cloud_model *fleet_cloud(const struct fleet *f, struct str name);
const struct pair *fleet_alias(const struct fleet *f, struct str name);

/* By name, or by kind when exactly one engine has it; NULL. */
const struct fleet_engine *machine_engine(const struct machine *m, struct str name);

/* The bytes to plan with: what is known, else the low end of what is assumed, else 0. */
uint64_t machine_ram(const struct machine *m);
uint64_t machine_disk(const struct machine *m);

/* Does this machine serve models? */
bool machine_serves(const struct machine *m);

/* Where an engine is reached: "HOST:PORT" from the LAN address, else the tailnet's, else the
 * host name; -ENOENT when the file has no address. Brackets around IPv6. */
MUST_USE int machine_engine_host(const struct machine *m, const struct fleet_engine *e,
                                 struct buf *out);

/* The keys of a fleet file, as Markdown: docs/reference/fleet.md. */
MUST_USE int fleet_write_reference(struct buf *out);
