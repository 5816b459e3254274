/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the import: what has been read of a configuration, on its way to a fleet file. */
#pragma once

#include "litellm/import.h"
#include "litellm/provider.h"

struct import_engine {
    struct import_engine *next;
    enum engine_kind kind;
    struct str name; /* empty: the kind's */
    uint32_t port;
    bool tls;
    struct str base_path, key;
};

struct import_machine {
    struct import_machine *next;
    struct str name, host;
    struct import_engine *engines;
    struct import_model *models;
};

struct import_model {
    struct import_model *next;
    struct import_machine *machine;
    struct import_engine *engine;
    struct str pull, name; /* name: a deployment name, or empty */
    uint64_t context, slots;
};

struct import_cloud {
    struct import_cloud *next;
    enum provider_kind provider;
    struct str name, model, url, key;
    struct str price_in, price_out, price_cached; /* as the fleet file has them; empty: not said */
    uint64_t context, output_max;
    uint32_t capabilities; /* bits; 0: the catalog knows */
};

/* One of model and cloud is set. */
struct import_member {
    struct import_member *next;
    struct import_model *model;
    struct import_cloud *cloud;
    uint64_t order;
};

struct import_group {
    struct import_group *next;
    struct str name;
    const struct yaml *node; /* the first model_name */
    struct import_member *members;
    struct import_stand_in *stand_ins;
    enum purpose purpose;
    struct str target;   /* what an alias of that name leads to */
    struct str category; /* empty: it needs none */
};

struct import_stand_in {
    struct import_stand_in *next;
    struct import_group *group;
};

struct import_alias {
    struct import_alias *next;
    struct str name, target;
};

struct import_setting {
    struct import_setting *next;
    const char *key;
    struct str value;
};

struct import {
    struct arena *arena;
    struct judgement *judgement;
    const struct catalog *catalog;
    struct str day;
    const struct yaml *root;
    struct import_machine *machines;
    struct import_cloud *clouds;
    struct import_group *groups;
    struct import_alias *aliases;
    struct import_setting *settings;
    int error; /* -ENOMEM */
};

/* A zeroed struct, or NULL with in->error set. */
void *import_new(struct import *in, size_t size);
struct str import_text(struct import *in, const char *format, ...) PRINTF(2, 3);

/* Puts an item behind the last one of a list; lists are hundreds at most. */
#define IMPORT_APPEND(list, item) \
    do { \
        __typeof__(list) *at_ = &(list); \
        while (*at_) \
            at_ = &(*at_)->next; \
        *at_ = (item); \
    } while (0)

/* model_list: machines, clouds and groups. */
void import_deployments(struct import *in);

/* May it stand where the fleet file wants a name: something, without spaces? */
bool import_is_name(struct str text);

/* Where one deployment runs; a member for its group, or NULL after saying why not. */
struct import_member *import_place(struct import *in, const struct yaml *item,
                                   const struct litellm_provider *provider, struct str model);

/* The value of a plain text, "os.environ/X" looked up in environment_variables; empty when it is
 * not there, or nowhere. */
struct str import_value(struct import *in, const struct yaml *y);

/* Fallbacks and aliases: what groups stand for. */
void import_stand_ins(struct import *in);
void import_targets(struct import *in);
struct import_group *import_find_group(struct import *in, struct str name);

/* router_settings, litellm_settings, general_settings. */
void import_settings(struct import *in);

MUST_USE int import_write(struct import *in, struct buf *out);
