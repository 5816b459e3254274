/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Ollama's lists say of a model, from what the catalog knows of it.
 *
 *     ollama_put_details(&o, artifact, true);         "details": format, family, size, quantisation
 *     ollama_put_capabilities(&o, capabilities);      "capabilities": Ollama's words
 *     ollama_put_model_info(&o, artifact, context);   "model_info": as a GGUF file names it
 *
 * Each writes one member of an object that is open.
 */
#pragma once

#include "model/artifact.h"
#include "wire/json_out.h"

/* The version whose API this is, where no engine says one. */
#define OLLAMA_VERSION "0.33.0"

/* NULL: not in the catalog; then what is not known is empty. with_shape: context and embedding
 * lengths too, as /api/tags has them. */
void ollama_put_details(struct json_out *o, const struct artifact *a, bool with_shape);

/* capabilities: bits of enum capability. */
void ollama_put_capabilities(struct json_out *o, uint32_t capabilities);

/* context: tokens that may be used. */
void ollama_put_model_info(struct json_out *o, const struct artifact *a, uint64_t context);
