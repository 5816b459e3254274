/* SPDX-License-Identifier: Apache-2.0 */
/* A look at every exchange, once a second: what no event tells. */
#pragma once

struct worker;

/* A plain answer gives no sign until it is whole, so that it has no limit of its own to begin.
 * Once its copy is benched or its engine down by what others found, it has: then it is tried
 * elsewhere. A stream that has become far slower than its copy is known to be goes on on an idle
 * one.
 */
void watch_exchanges(struct worker *w);

/* Ten times a second: whose first token is late may be asked of another copy as well. */
void watch_late(struct worker *w);
