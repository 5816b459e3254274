/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /admin/v1/events: what happens, as server-sent events, for as long as somebody watches.
 *
 * facts, status, ps and map are whole documents, sent when they say something new; request is one
 * request, sent when it begins, moves on and ends. Who takes nothing is sent nothing, and then
 * only what is newest: no viewer can make the gateway remember anything for it.
 */
#pragma once

#include "gateway/gateway.h"

/* Its ctx is a struct live. */
extern const struct streamer events_streamer;
