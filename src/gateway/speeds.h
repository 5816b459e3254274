/* SPDX-License-Identifier: Apache-2.0 */
/* How fast copies were measured to be by benches, from the store: what estimates start from. */
#pragma once

#include "gateway/scene.h"

/* After traffic_show(), at the start and after each reload. Blocks. What the store cannot say as it
 * should is passed over. */
MUST_USE int speeds_recall(struct traffic *t, const struct scene *s, struct str store_url,
                           struct err *err);
