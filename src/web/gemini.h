/* SPDX-License-Identifier: Apache-2.0 */
/* /v1beta/models: what can be asked for, as Gemini lists it. */
#pragma once

#include "gateway/gateway.h"

page_fn gemini_models, gemini_model;
