/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines that run as a service with the model that the file names: what is started, and the text
 * that starts it: a systemd unit, a launchd agent, a command file of a Windows task.
 *
 *     program = program_of(engine);                    NULL: an Ollama, or nobody knows
 *     service_write(&out, &(struct service){machine, engine, copy, &files}, err);
 *
 * Pure. What the file's `args:` say comes last, so it counts more.
 */
#pragma once

#include "apply/manifest.h"
#include "plan/plan.h"

struct program {
    const char *name;
    uint32_t kind; /* enum engine_kind */
    const char *binary;
    const char *listen, *env, *model, *beside, *projector, *alias, *fits, *embeds, *pulls, *after;
    const char *on_linux, *on_macos, *on_windows;
};

/* An engine of kind openai is known by its name. */
const struct program *program_of(const struct fleet_engine *e);

/* How it is installed there: tables/programs.def. */
const char *program_install(const struct program *p, const struct machine *m);

/* Its command, as that system finds it: "llama-server". */
const char *program_binary(const struct program *p);

struct service {
    const struct machine *machine;
    const struct fleet_engine *engine;
    const struct plan_copy *copy; /* what it is started with */
    const struct manifest *files; /* NULL: it fetches its model by itself */
    const char *address;          /* where it listens */
};

/* Where its files lie there. */
const char *service_folder(const struct machine *m);

/* -EINVAL: something has a line end; -EMSGSIZE; -ENOMEM. */
MUST_USE int service_write(struct buf *out, const struct service *s, struct err *err);

/* The command for when it runs, as the machine's shell reads it; empty: none. */
MUST_USE int service_write_after(struct buf *out, const struct service *s);

/* One word of the machine's shell: in single quotes nothing means anything but the quote itself. */
MUST_USE int service_quote(struct buf *out, const struct machine *m, struct str text);
