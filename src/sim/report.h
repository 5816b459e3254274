/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulation found, as JSON for programs and as a table for people. */
#pragma once

#include "base/buf.h"
#include "sim/tally.h"

struct report {
    const struct tally *tallies; /* one for each policy */
    unsigned count;
    struct quantiles
        bound_s; /* of the time to the first token, were every machine idle and loaded */
    double capacity_per_s;
    const char *trace;
    double load;
    uint64_t seed;
    bool tells_each; /* request, in JSON */
};

MUST_USE int report_write_json(struct buf *out, const struct report *r);
MUST_USE int report_write_text(struct buf *out, const struct report *r);
