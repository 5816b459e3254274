/* SPDX-License-Identifier: Apache-2.0 */
/* /admin/v1/usage: sums that the store makes, on a thread of their own; no loop waits for them. */
#pragma once

#include "gateway/gateway.h"

extern const struct streamer usage_streamer;
