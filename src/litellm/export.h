/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet as a configuration of LiteLLM's proxy.
 *
 *     r = litellm_export(&out, view, err);
 *
 * Every copy under its own name, every category and selector as a group in the order in which its
 * copies are asked, aliases as aliases, settings that have a counterpart. What LiteLLM has no place
 * for stands there as a comment. Imported again it is the same fleet, as far as LiteLLM's words
 * reach: `model_info` keeps the machine's name. Pure.
 */
#pragma once

#include "fleet/view.h"

/* 0; -EMSGSIZE, -ENOMEM. */
MUST_USE int litellm_export(struct buf *out, const struct view *view, struct err *err);
