/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What machines are beside serving models, as one install script each: the rows of
 * tables/roles.def and the files of share/roles.
 *
 *     wanted = roles_of(machine);                       bits
 *     roles_write(&out, fleet, machine, wanted, err);   a script for sh, complete in itself
 *
 * Everything but the first block of a script is text of share/roles as it is; what is known of
 * the fleet stands in that block, quoted. Pure: nothing is looked up, nothing is sent.
 */
#pragma once

#include "base/embedded.h"
#include "fleet/fleet.h"

enum role {
#define ROLE(name, ...) ROLE_##name,
#include "tables/roles.def"
    ROLE_COUNT
};

struct role_row {
    const char *name;
    const char *services; /* or NULL */
    bool everywhere;
    const char *what;
};

extern const struct role_row role_rows[ROLE_COUNT];

/* By name; ROLE_COUNT when there is none. */
enum role role_find(struct str name);

/* Bits, 1 << ROLE_x: what the fleet file's services mean, and what is everywhere. */
uint32_t roles_of(const struct machine *m);

/* Appends the script. m NULL: for whichever machine takes those roles. fleet_file: the fleet
 * file's text for the gateway; empty: it is brought there by hand. 0; -EINVAL with words when the
 * machine runs no Linux; -ENOMEM, -EMSGSIZE. */
MUST_USE int roles_write(struct buf *out, const struct fleet *f, const struct machine *m,
                         uint32_t roles, struct str fleet_file, struct err *err);

/* The next file that a role puts on a machine, behind `after` (NULL: the first); NULL: no more.
 * *ret_path is where it goes. */
const struct embedded_file *role_file(enum role role, const struct embedded_file *after,
                                      const char **ret_path);

/* Its permissions: programs may be run. */
uint32_t role_file_mode(const char *path);
