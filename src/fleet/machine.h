/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One machine of the fleet file: hardware, addresses, engines and the models it should hold.
 *
 *     engine = machine_engine(machine, STR("whisper-server"));
 *     machine_engine_host(machine, engine, &out);      "192.0.2.10:8081"
 *
 * Plain structs, owned by the fleet. What the file does not say is zero, NULL or an empty text,
 * unless noted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/place.h"
#include "base/str.h"
#include "base/units.h"
#include "model/kinds.h"
#include "wire/schema.h"

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
    uint64_t ram_bytes;         /* 0: unknown, then `assume` holds */
    uint64_t gpu_memory_bytes;  /* what engines may use of it; 0: the catalog knows */
    double gpu_gbs, gpu_tflops; /* of a GPU that the catalog does not know; 0: not said */
    uint64_t disk_bytes;        /* room for models; 0: unknown */
    uint64_t disk_rate_bits;    /* bits a second when reading; 0: unknown */
    uint32_t watts;             /* what it draws while it answers; 0: unknown */
    struct units_range assume_ram, assume_disk; /* bytes; high 0: nothing assumed */
    struct str *unknown;                        /* parts that the file says are not known */
    uint32_t unknown_count;
};

/* Empty: not yet known. */
struct addresses {
    struct place at;
    struct str lan, tailscale, hostname;
};

struct fleet_engine {
    struct place at;
    struct str name;      /* unique on its machine; the kind unless the file says otherwise */
    uint32_t kind;        /* enum engine_kind */
    uint32_t port;        /* never 0: the kind's own if the file has none */
    uint32_t slots;       /* requests at once; 0: not said */
    uint32_t compute;     /* enum compute */
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
    struct str pull;                   /* the artifact, as the engine is asked for it */
    struct str name;                   /* deployment name; empty: none */
    struct str engine_name;            /* as written; empty: the machine's first engine */
    const struct fleet_engine *engine; /* NULL on a machine without engines */
    uint64_t context;                  /* tokens of one slot; 0: not said */
    uint32_t slots;                    /* 0: the engine's */
    bool is_optional;
    bool is_pinned;    /* stays, whatever would be better elsewhere */
    uint32_t purposes; /* bits: what it is meant for here; 0: not said */
    struct str note;
    struct place pull_at, name_at, context_at, purposes_at; /* the keys; line 0: not there */
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
    struct str domain;   /* what fails together; its own name unless the file says otherwise */
    struct str ssh;      /* user@host */
    struct str wake;     /* MAC address for wake-on-LAN */
    struct str exporter; /* URL or HOST:PORT of its node exporter; empty: the usual one */
    struct fleet_engine *engines;
    uint32_t engines_count;
    struct keep_loaded keep_loaded;
    struct fleet_model *models;
    uint32_t models_count;
    struct place models_at; /* of the key; line 0: not there */
    struct str *services;
    uint32_t services_count;
    uint32_t count;    /* how many such boxes; at least 1 */
    bool no_inference; /* the file says `inference: false` */
    /* What was measured, no part of the file; 0: as expected. */
    double slowness;       /* takes so many times as long */
    struct str slow_words; /* which model, and probably why */
};

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
