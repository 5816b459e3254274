/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the imagined fleet: the guests (requests) that engines serve, and how they are answered.
 *
 * Everything here lives on the imagined fleet's own loop. A guest belongs to its HTTP stream: it is
 * freed when the server says that the stream is over. The faces (imagined_ollama.c and its
 * neighbours) read what it asks, send it into the world and write what comes of it.
 */
#pragma once

#include "http/server.h"
#include "sim/imagined_machine.h"
#include "sim/words.h"
#include "wire/json_out.h"

enum {
    GUEST_BODY_MAX = 64 << 20,
    GUEST_ARENA_MAX = 32 << 20,
    DIMENSIONS_MAX = 8192,
};

struct guest;

/* How an answer is told while it is decoded. */
struct speech {
    void (*piece)(struct guest *g, bool is_thinking, struct str text); /* NULL: all at the end */
    void (*end)(struct guest *g);
};

enum {
    ROUTE_changes = 1,  /* what is on the machine */
    ROUTE_survives = 2, /* answers while the machine is wedged */
};

struct route {
    enum method method;
    const char *path; /* a '*' at the end stands for the rest */
    void (*serve)(struct guest *g);
    unsigned flags;
};

/* One kind of engine. */
struct face {
    const struct route *routes;   /* the last has no path */
    const struct header *headers; /* of every answer */
    size_t header_count;
    bool says_origin; /* Access-Control-Allow-Origin with whatever came */
    void (*not_found)(struct guest *g, bool other_method);
    void (*failed)(struct guest *g, int status, const char *words);
    /* Words of why a visit failed; and of a body that is not JSON. */
    void (*visit_failed)(struct guest *g, enum visit_fail why);
    void (*not_json)(struct guest *g, const char *words);
    size_t (*error_body)(void *ctx, struct str path, int status, const char *words, char *out,
                         size_t room);
};

enum finish_reason { SAID_stop, SAID_length, SAID_call };

/* OpenAI's words, as which engine has them. */
enum v1_style { V1_ollama, V1_llama, V1_other };

/* One request. */
struct guest {
    struct link link;
    struct link pull_link;
    struct imagined_engine *engine;
    struct stream *stream;
    enum method method;
    char path[NAME_ROOM];
    char content_type[NAME_ROOM], origin[NAME_ROOM];
    struct buf body, out;
    struct arena arena;
    struct json json;
    struct asked asked;
    struct answer answer;
    struct visit visit;
    const struct speech *speech;
    struct imagined_artifact *artifact;
    struct pull *pull;
    char model[NAME_ROOM]; /* as the answer names it */
    char id[64];
    int64_t came_us; /* wall clock */
    bool is_visiting, has_begun, is_over, role_told;
    enum v1_style style;
    enum finish_reason finish;
    struct str media;  /* of a form: the file's bytes */
    struct str format; /* of a form: response_format */
    bool is_translated;
    size_t thought_at, text_at;
    uint32_t pieces_told;
};

/* guest.c: a request from its first header to its last byte. */
extern const struct server_events guest_events;
void guest_on_visit(void *ctx, struct visit *v, enum visit_event what);
void guest_cut_all(struct imagined_machine *m);

/* Reads the body as JSON; false when it was refused, and answered. */
bool guest_read(struct guest *g, enum asked_words words);

/* Says what the artifact answers; tokens come through the speech. load_only: nothing is said. */
void guest_tell(struct guest *g, struct imagined_artifact *artifact, const struct speech *speech);
void guest_load(struct guest *g, struct imagined_artifact *artifact, const struct speech *speech);

/* Evaluates texts, as for embeddings, or works so many milliseconds. */
void guest_embed(struct guest *g, struct imagined_artifact *artifact, const struct speech *speech);
void guest_work(struct guest *g, struct imagined_artifact *artifact, double ms,
                const struct speech *speech);

/* g->out as the whole answer, or as the next part, after which it is empty. */
void guest_answer(struct guest *g, int status, const char *content_type);
void guest_start(struct guest *g, const char *content_type);
void guest_send(struct guest *g);
void guest_end(struct guest *g, bool ok);

/* What of thoughts and text the tokens that were decoded hold. */
void guest_said(const struct guest *g, struct str *ret_thinking, struct str *ret_text);

/* The vector of a text, as long as was asked for. */
uint32_t guest_dimensions(const struct guest *g);
void guest_vector(const struct guest *g, struct str text, float *out, uint32_t count);

/* g->id: the prefix and so many letters and digits, no two alike. */
void guest_draw_id(struct guest *g, const char *prefix, unsigned length);

uint64_t guest_ns(double ms);
const char *finish_name(enum finish_reason f);
bool artifact_can(const struct imagined_artifact *a, enum capability c);

/* imagined_store.c: what changes an Ollama's disk. */
void pull_leave(struct guest *g);
void face_pull(struct guest *g);
void face_copy(struct guest *g);
void face_delete(struct guest *g);

/* The faces. */
extern const struct face face_ollama, face_llama_server, face_openai, face_whisper, face_sd;

/* imagined_openai.c, for Ollama's /v1 too. */
extern const struct speech speech_v1_stream, speech_v1_plain, speech_v1_text_stream,
    speech_v1_text_plain, speech_v1_embed;

/* RFC 3339 with nanoseconds, as Go writes it. */
void guest_write_time(char out[static 48], int64_t wall_us);
