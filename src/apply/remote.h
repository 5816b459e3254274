/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts on machines, through the system's ssh: the user's own configuration, keys and jump
 * hosts; nothing is ever asked, no password is known.
 *
 *     r = remote_write(&script, &what, REMOTE_set, err);               what will run, to be shown
 *     r = remote_run(&out, machine, buf_str(&script), options, err);
 *
 * The scripts are share/engines/KIND-OS, service-OS for what runs as a service, and gpu-memory-OS;
 * what is known of the fleet stands on top, quoted. They run under sh, or PowerShell on Windows.
 * One connection to a machine serves several.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "fleet/fleet.h"

enum remote_do {
    REMOTE_show, /* first line "KIND: installed" or "KIND: missing", then the settings that are set
                  * between them the files that are there: "file sha256-…", a line each */
    REMOTE_install, /* the engine, where it is missing */
    REMOTE_fetch,   /* the files that it is started with */
    REMOTE_set,     /* the settings, and starts it again */
    REMOTE_undo,    /* what was before, and starts it again */
};

struct service;

struct remote_options {
    const char *config; /* for ssh -F; NULL: the user's */
};

/* Is there a script for that engine on that system? NULL: for the memory of its GPU, gpu_memory.h.
 */
bool remote_has_script(const struct machine *m, const struct fleet_engine *e);

/* And a way there? */
bool remote_knows(const struct machine *m, const struct fleet_engine *e);

/* Whose script, and what it is told. */
struct remote_what {
    const struct machine *machine;
    const struct fleet_engine *engine; /* NULL: the memory of its GPU */
    const struct service *service;     /* of one that runs as a service; NULL: not known */
    struct str files;                  /* to fetch: "DIGEST SIZE URL", a line each */
};

/* The settings that the file wants, as the script's WANTED. -EINVAL: a value has a line end. */
MUST_USE int remote_write_wanted(struct buf *out, const struct remote_what *what, struct err *err);

MUST_USE int remote_write(struct buf *out, const struct remote_what *what, enum remote_do verb,
                          struct err *err);

/* Appends what it prints. 0; -EIO: it failed, in its own words; -ENOTSUP: it says what only a
 * person can do; -ECONNREFUSED: ssh does not get
 * there; -ETIMEDOUT; -EPERM: TAMPU_LOOPBACK_ONLY forbids it. */
MUST_USE int remote_run(struct buf *out, const struct machine *m, struct str script,
                        const struct remote_options *options, struct err *err);
