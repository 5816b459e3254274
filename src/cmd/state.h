/* SPDX-License-Identifier: Apache-2.0 */
/* Where state is kept: the folder that --state names, the service's, or the user's own. */
#pragma once

#include "base/err.h"
#include "fleet/fleet.h"
#include "store/store.h"

/* "sqlite:DIR/tampu.db". given: what --state said; NULL: $STATE_DIRECTORY, which systemd sets for a
 * service (/var/lib/tampu), else $XDG_STATE_HOME/tampu, else ~/.local/state/tampu.
 * 0; -ENOENT there is no home; -ENAMETOOLONG. */
MUST_USE int state_url(char *out, size_t room, const char *given, struct err *err);

/* Opens that store, or the one whose URL is given or stands in $TAMPU_STORE, if there is one:
 * looking makes none. 0 with *ret NULL when the folder has none;
 * -ENOENT when the folder that `given` names is not there. */
MUST_USE int state_find(struct store **ret, const char *given, struct err *err);

/* Opens that store, and makes it where there is none. */
MUST_USE int state_open(struct store **ret, const char *given, struct err *err);

/* The same of a gateway that serves that fleet file: its gateway.store counts, too, as it does
 * there. */
MUST_USE int state_fleet_find(struct store **ret, const struct fleet *f, const char *given,
                              struct err *err);
MUST_USE int state_fleet_open(struct store **ret, const struct fleet *f, const char *given,
                              struct err *err);

/* Is that store a file on this machine: opening it sends nothing? */
bool state_is_file(const struct fleet *f, const char *given);
