/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics, and who else Prometheus is to ask: /sd/prometheus. */
#pragma once

#include "gateway/gateway.h"

page_fn metrics_page, discovery_page;

/* Which names beside ours gateway.metrics_also asks for: of enum stats_also. */
unsigned metrics_also(const struct settings *s);
