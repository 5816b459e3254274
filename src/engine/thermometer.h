/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How warm a machine is, as its node exporter says.
 *
 *     thermometer_start(&t, client, &endpoint, timeout_ms, on_read, ctx);    one reading, then gone
 *     thermometer_cancel(t);                                        at once; no callback follows
 *
 * The hottest of its sensors (node_hwmon_temp_celsius, node_thermal_zone_temp) counts; what no
 * sensor of a machine that works says, does not. An exporter's page is read line by line and up to
 * THERMOMETER_BODY_MAX bytes.
 */
#pragma once

#include "http/client.h"

enum { THERMOMETER_BODY_MAX = 4 << 20, THERMOMETER_LINE_MAX = 4096 };

struct thermometer;

/* is_known false: nobody answered, or no sensor is there. */
typedef void on_temperature_fn(void *ctx, bool is_known, double celsius);

/* 0, -ENOMEM; -EPERM when TAMPU_LOOPBACK_ONLY forbids it: then no callback follows. */
MUST_USE int thermometer_start(struct thermometer **ret, struct client *client,
                               const struct endpoint *endpoint, uint32_t timeout_ms,
                               on_temperature_fn *on_read, void *ctx);
void thermometer_cancel(struct thermometer *t);

/* Of one line of the page. False: it is no temperature. Pure. */
bool thermometer_line(double *ret_celsius, struct str line);
