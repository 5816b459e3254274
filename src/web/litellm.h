/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What scripts ask of a LiteLLM proxy, answered in its shapes: /key/generate, /key/info,
 * /spend/logs and /model/info. For operators.
 *
 * A limit that tampu does not have is refused, not passed over. Keys are made as `tampu key create`
 * makes them; a key is never told again. Stores are asked on a thread of their own.
 */
#pragma once

#include "gateway/gateway.h"

/* Fills their rows. */
void litellm_pages(struct pages *pages);
