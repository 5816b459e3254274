/* SPDX-License-Identifier: Apache-2.0 */
/* Where state is kept: the folder that --state names, the service's, or the user's own. */
#pragma once

#include "base/err.h"
#include "store/store.h"

/* "sqlite:DIR/tampu.db". given: what --state said; NULL: $STATE_DIRECTORY, which systemd sets for a
 * service (/var/lib/tampu), else $XDG_STATE_HOME/tampu, else ~/.local/state/tampu.
 * 0; -ENOENT there is no home; -ENAMETOOLONG. */
MUST_USE int state_url(char *out, size_t room, const char *given, struct err *err);

/* Opens that store. */
MUST_USE int state_open(struct store **ret, const char *given, struct err *err);
