/* SPDX-License-Identifier: Apache-2.0 */
/* What a process that died had left in its journal, as rows for the store. */
#pragma once

#include "store/journal.h"
#include "store/pile.h"

struct recorder_found;

/* journal_open(), with what is in it put into `pile`: rows that ended, then those that were held
 * when the process died, which end now. */
MUST_USE int replay_open(struct journal **ret, const char *folder,
                         const struct journal_options *options, struct pile *pile,
                         struct recorder_found *ret_found, struct err *err);
