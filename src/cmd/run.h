/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a gateway in the foreground: what serve and demo have in common.
 *
 *     run_settings(&run, fleet, &options, err)            settings from all four sources
 *     run_gateway(&run, load, ctx)                        until SIGINT or SIGTERM; an exit status
 *
 * SIGHUP reads the fleet again; a file that is not right changes nothing. Nothing is half-started:
 * whatever fails before the ready line ends the program with one message.
 */
#pragma once

#include "apply/lan.h"
#include "base/arena.h"
#include "cmd/option.h"
#include "config/settings.h"
#include "gateway/gateway.h"
#include "gateway/scene.h"

struct foreground {
    const char *command; /* for messages */
    struct settings settings;
    struct arena texts; /* of settings that came from a fleet file, which may be read again */
    struct scene_parts parts;
    struct pages pages;
    struct lan lan;
    char store_url[4096], state_folder[4096];
    void (*on_ready)(void *ctx, const char *address); /* NULL: only the ready line */
    void *ctx;
};

/* A fresh scene, from the same sources as before. */
typedef int load_fn(void *ctx, struct scene **ret, const struct scene_parts *parts,
                    struct err *err);

/* Settings: fallbacks, the fleet file's gateway:, the environment, flags. 0, or negative with
 * words. */
MUST_USE int run_settings(struct foreground *run, const struct fleet *fleet,
                          const struct options *o, struct err *err);

/* For struct options: takes every flag that is a setting, and keeps it until run_settings(). */
enum { RUN_FLAGS_MAX = 64 };
struct run_flags {
    struct str names[RUN_FLAGS_MAX], values[RUN_FLAGS_MAX];
    size_t count;
};
int run_take_flag(void *ctx, struct str name, struct str value, struct err *err);

int run_gateway(struct foreground *run, load_fn *load, void *ctx);
