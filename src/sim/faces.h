/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the faces share: lists, vectors, and the parts of OpenAI's words. */
#pragma once

#include "sim/guest.h"

/* imagined_ollama.c */
void answer_json(struct guest *g, const struct json_out *o);
struct imagined_artifact *find_copy(struct guest *g, struct str name);

/* imagined_ollama_say.c */
extern const struct speech speech_chat_stream, speech_chat_plain, speech_generate_stream,
    speech_generate_plain, speech_load_only, speech_embed, speech_embeddings;
void native_loaded(struct guest *g, const char *reason);
void put_vector(struct json_out *o, const struct guest *g, struct str text);

/* imagined_lists.c: what an engine has and has loaded. */
void put_llama_model(struct json_out *o, const struct artifact *a);
void put_llama_data(struct json_out *o, const struct artifact *a, uint32_t context, int64_t now_s);
void serve_tags(struct guest *g);
void serve_ps(struct guest *g);
void serve_show(struct guest *g);
void serve_v1_models(struct guest *g);
void serve_v1_model(struct guest *g);

/* imagined_openai.c */
void v1_begin(struct guest *g, const char *id_prefix, enum v1_style style);
void v1_failed(struct guest *g, int status, const char *words);
