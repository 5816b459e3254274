/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet as one Ollama: /api/tags, /api/ps, /api/show, /api/version, and what is not done. */
#pragma once

#include "gateway/gateway.h"

page_fn ollama_tags, ollama_ps, ollama_show, ollama_version;

/* pull, push, create, copy, delete, blobs: an operator reads why not, and what to do instead. */
page_fn ollama_refuse;
