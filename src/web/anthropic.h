/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of models as Anthropic's clients read them: they ask at the same path as OpenAI's, and
 * say anthropic-version. */
#pragma once

#include "gateway/gateway.h"

bool is_from_anthropic_client(const struct page_request *r);

page_fn anthropic_models, anthropic_model;
