/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic's part in what gateways say to each other of machines (hint.h). Thread-safe. */
#pragma once

#include "route/traffic.h"

/* What other gateways should know: the engines and copies that we have found failing ourselves, as
 * hint.h writes them; HINTS_MAX at most, and nothing that was only heard. */
MUST_USE int traffic_write_hints(struct traffic *t, struct buf *out, uint64_t now_ms);

/* What another gateway says of an engine or a copy by its name. True when it is news of one that we
 * know: then its engine is in doubt, and a probe is due. */
bool traffic_hear_hint(struct traffic *t, enum hint_kind kind, struct str name, uint64_t now_ms);

/* Whether it is in doubt; asked once, it is no more. */
bool traffic_take_doubt(struct traffic *t, const struct engine_place *engine);
