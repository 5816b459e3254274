/* SPDX-License-Identifier: Apache-2.0 */
/* /v2/ on the gateway's port: apply/registry, whose ctx in struct pages is the registry, or NULL.
 */
#pragma once

#include "gateway/gateway.h"

extern const struct streamer lan_registry;
