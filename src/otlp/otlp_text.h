/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What OTLP's collectors read, as JSON: proto3's mapping, whole numbers of 64 bits as text, ids in
 * hexadecimal.
 *
 *     otlp_write_traces(&out, spans, count);               POST /v1/traces
 *     otlp_write_metrics(&out, stats, began_us, now_us);   POST /v1/metrics
 *
 * Spans are named and described as OpenTelemetry's conventions for generative AI say. 0, -ENOMEM or
 * the error of out.
 */
#pragma once

#include "base/buf.h"
#include "gateway/spans.h"
#include "stats/stats.h"

MUST_USE int otlp_write_traces(struct buf *out, const struct span *spans, size_t count);

/* Counts since began_us, as of now_us. */
MUST_USE int otlp_write_metrics(struct buf *out, struct stats *stats, int64_t began_us,
                                int64_t now_us);
