/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the faces share: lists, vectors, and the parts of OpenAI's words. */
#pragma once

#include "sim/guest.h"

/* imagined_ollama.c */
void face_answer(struct guest *g, const struct json_out *o);
struct imagined_artifact *face_find(struct guest *g, struct str name);

/* imagined_ollama_say.c */
extern const struct speech speech_chat_stream, speech_chat_plain, speech_generate_stream,
    speech_generate_plain, speech_load_only, speech_embed, speech_embeddings;
void face_loaded(struct guest *g, const char *reason);
void face_vector(struct json_out *o, const struct guest *g, struct str text);

/* imagined_lists.c: what an engine has and has loaded. */
void face_llama_model(struct json_out *o, const struct artifact *a);
void face_llama_data(struct json_out *o, const struct artifact *a, uint32_t context, int64_t now_s);
void face_tags(struct guest *g);
void face_ps(struct guest *g);
void face_show(struct guest *g);
void face_v1_models(struct guest *g);
void face_v1_model(struct guest *g);

/* imagined_llama.c: the copy that is asked for; NULL, and it was refused. */
struct imagined_artifact *face_other_copy(struct guest *g);

/* imagined_template.c */
extern const struct speech speech_shown;
void face_apply_template(struct guest *g);

/* imagined_video.c */
void face_film(struct guest *g);
void face_film_state(struct guest *g);
void face_speak(struct guest *g);

/* imagined_openai.c */
void face_v1_begin(struct guest *g, const char *id_prefix, enum v1_style style);
void face_v1_failed(struct guest *g, int status, const char *words);
