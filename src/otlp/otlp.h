/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends traces and metrics to a collector, by OTLP over HTTP as JSON: gateway.otlp.
 *
 *     otlp_open(&o, &options, err);        a thread of its own; *ret NULL: nobody collects
 *     otlp_close(o);                       tries once more; before the gateway
 *
 * Spans wait in a queue of a fixed size (gateway/spans), go in batches, and are tried again for as
 * long as the collector is away: 1 s to a minute apart. What finds no room meanwhile, or is
 * refused, is counted. No request waits for any of it.
 */
#pragma once

#include "gateway/gateway.h"

struct otlp;

struct otlp_options {
    struct gateway *gateway;
    const struct settings *settings; /* must outlive it, as the stats */
    struct stats *stats;
    bool read_secrets; /* false in demo */
};

enum {
    OTLP_BATCH_MAX = 512,
    OTLP_TIMEOUT_MS = 5000,
    OTLP_RETRY_MS = 1000,
    OTLP_RETRY_MAX_MS = 60000
};

/* 0; -EINVAL, -ENOENT with words: a setting is not right. */
MUST_USE int otlp_open(struct otlp **ret, const struct otlp_options *options, struct err *err);
void otlp_close(struct otlp *o);
