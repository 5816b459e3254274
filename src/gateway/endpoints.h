/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints: which row of tables/endpoints.def a request means, and what answers it. */
#pragma once

#include "gateway/gateway.h"

/* The callbacks of every worker's server; their ctx is the worker. */
extern const struct server_events endpoints_events;

/* The same for the socket of tailscale serve: who asks is read from its headers. */
extern const struct server_events endpoints_tailnet;

/* The same for the listener of drills: who does not have the gateway's token is refused. */
extern const struct server_events endpoints_drills;

/* Routing is decided once, from the raw path. -1: there is none; -2: another method. */
int endpoint_find(enum method method, struct str path);

/* A path that was found, from the * of its row on; empty when the row has none. */
struct str endpoint_rest(enum endpoint_id id, struct str path);
