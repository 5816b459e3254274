/* SPDX-License-Identifier: Apache-2.0 */
/* The face of an Ollama: its native API, and the way in to its /v1. */
#include <stdio.h>

#include "dialect/ollama_facts.h"
#include "net/clock.h"
#include "sim/faces.h"
#include "sim/guest.h"

static void serve_root(struct guest *g);
static void serve_version(struct guest *g);
static void serve_chat(struct guest *g);
static void serve_generate(struct guest *g);
static void serve_embed(struct guest *g);
static void serve_embeddings(struct guest *g);
static void serve_v1_chat(struct guest *g);
static void serve_v1_text(struct guest *g);
static void serve_v1_embed(struct guest *g);
static void unload(struct guest *g, struct imagined_artifact *artifact);
static bool may_run(struct guest *g, const struct imagined_artifact *a);
static bool is_refused(const struct imagined_engine *e, const struct model *m);
static bool check(struct guest *g, const struct imagined_artifact *a, enum capability c);
static bool has_images(const struct asked *asked);
static void not_found(struct guest *g, bool other_method);
static void failed(struct guest *g, int status, const char *words);
static void visit_failed(struct guest *g, enum visit_fail why);
static void not_json(struct guest *g, const char *words);
static size_t error_body(void *ctx, struct str path, int status, const char *words, char *out,
                         size_t room);

#define JSON_TYPE "application/json; charset=utf-8"

static const struct route routes[] = {
    {METHOD_GET, "/", serve_root, ROUTE_survives},
    {METHOD_HEAD, "/", serve_root, ROUTE_survives},
    {METHOD_GET, "/api/version", serve_version, ROUTE_survives},
    {METHOD_HEAD, "/api/version", serve_version, ROUTE_survives},
    {METHOD_GET, "/api/tags", face_tags, ROUTE_survives},
    {METHOD_HEAD, "/api/tags", face_tags, ROUTE_survives},
    {METHOD_GET, "/api/ps", face_ps, ROUTE_survives},
    {METHOD_POST, "/api/show", face_show, ROUTE_survives},
    {METHOD_POST, "/api/chat", serve_chat, 0},
    {METHOD_POST, "/api/generate", serve_generate, 0},
    {METHOD_POST, "/api/embed", serve_embed, 0},
    {METHOD_POST, "/api/embeddings", serve_embeddings, 0},
    {METHOD_POST, "/api/pull", face_pull, ROUTE_changes},
    {METHOD_POST, "/api/copy", face_copy, ROUTE_changes},
    {METHOD_DELETE, "/api/delete", face_delete, ROUTE_changes},
    {METHOD_POST, "/v1/chat/completions", serve_v1_chat, 0},
    {METHOD_POST, "/v1/completions", serve_v1_text, 0},
    {METHOD_POST, "/v1/embeddings", serve_v1_embed, 0},
    {METHOD_GET, "/v1/models", face_v1_models, ROUTE_survives},
    {METHOD_GET, "/v1/models/*", face_v1_model, ROUTE_survives},
    {0, NULL, NULL, 0},
};

const struct face face_ollama = {
    .routes = routes,
    .not_found = not_found,
    .failed = failed,
    .visit_failed = visit_failed,
    .not_json = not_json,
    .error_body = error_body,
};

void face_answer(struct guest *g, const struct json_out *o)
{
    if (o->error < 0)
        guest_end(g, false);
    else
        guest_answer(g, 200, JSON_TYPE);
}

/* The copy that is asked for; NULL when there is none, and that has been said. */
struct imagined_artifact *face_find(struct guest *g, struct str name)
{
    struct disk_entry *entry = name.len && name.len < NAME_ROOM ? disk_find(g->engine, name) : NULL;
    char words[NAME_ROOM + 64];

    if (entry)
        return entry->artifact;
    if (name.len == 0) {
        failed(g, 400, "model is required");
        return NULL;
    }
    snprintf(words, sizeof words, "model '%.*s' not found", STR_ARG(name));
    failed(g, 404, words);
    return NULL;
}

static void serve_root(struct guest *g)
{
    if (buf_put(&g->out, STR("Ollama is running")) == 0)
        guest_answer(g, 200, "text/plain; charset=utf-8");
}

static void serve_version(struct guest *g)
{
    struct str version = g->engine->facts->version;
    struct json_out o = {.out = &g->out};

    json_open(&o, '{');
    json_text(json_key(&o, "version"), version.len ? version : STR(OLLAMA_VERSION));
    json_close(&o, '}');
    face_answer(g, &o);
}

static void serve_chat(struct guest *g)
{
    struct imagined_artifact *a;

    if (!guest_read(g, ASKED_native) || !(a = face_find(g, g->asked.model)))
        return;
    if (g->asked.message_count == 0 && g->asked.keep_alive_given && g->asked.keep_alive_ms == 0) {
        unload(g, a);
        return;
    }
    if (!artifact_can(a, CAPABILITY_completion)) {
        char words[NAME_ROOM + 64];

        snprintf(words, sizeof words, "\"%s\" does not support chat", g->model);
        failed(g, 400, words);
        return;
    }
    if ((g->asked.tool_count && !check(g, a, CAPABILITY_tools)) || !may_run(g, a))
        return;
    if (g->asked.message_count == 0)
        guest_load(g, a, &speech_load_only);
    else if (json_find_true(g->json.root, "_debug_render_only"))
        guest_load(g, a, &speech_shown);
    else
        guest_tell(g, a, g->asked.stream ? &speech_chat_stream : &speech_chat_plain);
}

static void serve_generate(struct guest *g)
{
    struct imagined_artifact *a;

    if (!guest_read(g, ASKED_native) || !(a = face_find(g, g->asked.model)))
        return;
    if (g->asked.message_count == 0 && g->asked.keep_alive_given && g->asked.keep_alive_ms == 0) {
        unload(g, a);
        return;
    }
    if (g->asked.message_count == 0 && artifact_can(a, CAPABILITY_completion)) {
        guest_load(g, a, &speech_load_only);
        return;
    }
    if (!artifact_can(a, CAPABILITY_completion)) {
        char words[NAME_ROOM + 64];

        snprintf(words, sizeof words, "\"%s\" does not support generate", g->model);
        failed(g, 400, words);
        return;
    }
    if ((g->asked.suffix.len && !check(g, a, CAPABILITY_insert)) || !may_run(g, a))
        return;
    guest_tell(g, a, g->asked.stream ? &speech_generate_stream : &speech_generate_plain);
}

static void serve_embed(struct guest *g)
{
    struct imagined_artifact *a;

    if (!guest_read(g, ASKED_native) || !(a = face_find(g, g->asked.model)))
        return;
    if (g->asked.input_count && !artifact_can(a, CAPABILITY_embedding))
        failed(g, 501, "This server does not support embeddings. Start it with `--embeddings`");
    else if (g->asked.input_count == 0)
        guest_load(g, a, &speech_embed);
    else
        guest_embed(g, a, &speech_embed);
}

/* The old way: one text under "prompt", and a vector that nobody made one long. */
static void serve_embeddings(struct guest *g)
{
    struct imagined_artifact *a;

    if (!guest_read(g, ASKED_native) || !(a = face_find(g, g->asked.model)))
        return;
    if (g->asked.message_count) {
        g->asked.inputs = &g->asked.messages[g->asked.message_count - 1].text;
        g->asked.input_count = 1;
        guest_embed(g, a, &speech_embeddings);
    } else {
        guest_load(g, a, &speech_embeddings);
    }
}

static void serve_v1_chat(struct guest *g)
{
    struct imagined_artifact *a;

    if (!guest_read(g, ASKED_openai) || !(a = face_find(g, g->asked.model)))
        return;
    g->asked.no_tools = g->asked.any_tool = false; /* Ollama does not look at tool_choice */
    g->asked.tool_name = STR("");
    if (g->asked.message_count == 0) {
        failed(g, 400, "[] is too short - 'messages'");
        return;
    }
    if (!artifact_can(a, CAPABILITY_completion)) {
        char words[NAME_ROOM + 64];

        snprintf(words, sizeof words, "\"%s\" does not support chat", g->model);
        failed(g, 400, words);
        return;
    }
    if ((g->asked.tool_count && !check(g, a, CAPABILITY_tools)) || !may_run(g, a))
        return;
    face_v1_begin(g, "chatcmpl-", V1_ollama);
    guest_tell(g, a, g->asked.stream ? &speech_v1_stream : &speech_v1_plain);
}

static void serve_v1_text(struct guest *g)
{
    struct imagined_artifact *a;

    if (!guest_read(g, ASKED_openai) || !(a = face_find(g, g->asked.model)))
        return;
    face_v1_begin(g, "cmpl-", V1_ollama);
    guest_tell(g, a, g->asked.stream ? &speech_v1_text_stream : &speech_v1_text_plain);
}

static void serve_v1_embed(struct guest *g)
{
    struct imagined_artifact *a;

    if (!guest_read(g, ASKED_openai) || !(a = face_find(g, g->asked.model)))
        return;
    if (g->asked.input_count == 0)
        failed(g, 400, "invalid input");
    else if (!artifact_can(a, CAPABILITY_embedding))
        failed(g, 501, "This server does not support embeddings. Start it with `--embeddings`");
    else
        guest_embed(g, a, &speech_v1_embed);
}

static void unload(struct guest *g, struct imagined_artifact *artifact)
{
    struct imagined_machine *m = g->engine->machine;

    g->engine->changes++;
    world_expire(m->world, g->engine->number, &artifact->world, imagined_now_ms(m->im));
    face_loaded(g, "unload");
}

static bool may_run(struct guest *g, const struct imagined_artifact *a)
{
    char words[2 * NAME_ROOM];

    if (is_refused(g->engine, a->facts->model)) {
        snprintf(words, sizeof words,
                 "'%.100s' is no longer compatible with your version of Ollama and has been "
                 "replaced by a newer version. To re-download, run 'ollama pull %.100s'",
                 g->model, g->model);
        failed(g, 500, words);
        return false;
    }
    if (g->asked.think == ASKED_think_on && !artifact_can(a, CAPABILITY_thinking)) {
        snprintf(words, sizeof words, "\"%s\" does not support thinking", g->model);
        failed(g, 400, words);
        return false;
    }
    if (!has_images(&g->asked) || artifact_can(a, CAPABILITY_vision))
        return true;
    failed(g, 500,
           "image input is not supported - hint: if this is unexpected, you may need to "
           "provide the mmproj");
    return false;
}

/* The catalog knows from which version on a model is not loaded any more. */
static bool is_refused(const struct imagined_engine *e, const struct model *m)
{
    unsigned is[3] = {0, 33, 0}, since[3] = {0};

    if (!(m->refused_by & 1u << ENGINE_ollama))
        return false;
    if (e->facts->version.len)
        sscanf(e->facts->version.data, "%u.%u.%u", &is[0], &is[1], &is[2]);
    if (m->refused_since.len)
        sscanf(m->refused_since.data, "%u.%u.%u", &since[0], &since[1], &since[2]);
    for (int i = 0; i < 3; i++)
        if (is[i] != since[i])
            return is[i] > since[i];
    return true;
}

/* In the words of Ollama, which names the model in full here. */
static bool check(struct guest *g, const struct imagined_artifact *a, enum capability c)
{
    char words[2 * NAME_ROOM];

    if (artifact_can(a, c))
        return true;
    snprintf(words, sizeof words, "%s%s does not support %s",
             strchr(g->model, '/') ? "" : "registry.ollama.ai/library/", g->model,
             capability_name(c));
    failed(g, 400, words);
    return false;
}

static bool has_images(const struct asked *asked)
{
    for (size_t i = 0; i < asked->message_count; i++)
        if (asked->messages[i].images)
            return true;
    return false;
}

static void not_found(struct guest *g, bool other_method)
{
    if (buf_put(&g->out,
                other_method ? STR("405 method not allowed") : STR("404 page not found")) == 0)
        guest_answer(g, other_method ? 405 : 404, "text/plain");
}

/* Behind the first line an error is a line of its own, and the status stays 200. */
static void failed(struct guest *g, int status, const char *words)
{
    struct json_out o = {.out = &g->out};

    if (strncmp(g->path, "/v1/", 4) == 0) {
        face_v1_failed(g, status, words);
        return;
    }
    json_open(&o, '{');
    json_text(json_key(&o, "error"), str_from(words));
    json_close(&o, '}');
    if (!g->has_begun) {
        guest_answer(g, status, JSON_TYPE);
    } else if (buf_put_char(&g->out, '\n') == 0) {
        guest_send(g);
        guest_end(g, true);
    }
}

static void visit_failed(struct guest *g, enum visit_fail why)
{
    if (why == VISIT_FAIL_busy)
        failed(g, 503, "server busy, please try again.  maximum pending requests exceeded");
    else
        failed(g, 500,
               "llama-server reported out-of-memory during startup: "
               "failed to allocate buffer for the model");
}

/* In the words of Go's decoder, for what is wrong most often. */
static void not_json(struct guest *g, const char *words)
{
    struct str body = buf_str(&g->body);
    size_t at = 0;
    char text[96];

    (void)words;
    while (at < body.len && strchr(" \t\r\n", body.data[at]))
        at++;
    if (at == body.len) {
        failed(g, 400, "missing request body");
    } else if (!strchr("{[\"-0123456789tfn", body.data[at])) {
        snprintf(text, sizeof text, "invalid character '%c' looking for beginning of value",
                 body.data[at]);
        failed(g, 400, text);
    } else if (body.data[at] == '{' && at + 1 < body.len &&
               !strchr("\"} \t\r\n", body.data[at + 1])) {
        snprintf(text, sizeof text,
                 "invalid character '%c' looking for beginning of object key string",
                 body.data[at + 1]);
        failed(g, 400, text);
    } else {
        failed(g, 400, "unexpected EOF");
    }
}

static size_t error_body(void *ctx, struct str path, int status, const char *words, char *out,
                         size_t room)
{
    int n = snprintf(out, room, "%d %s", status, words);

    (void)ctx;
    (void)path;
    return n < 0 ? 0 : (size_t)n < room ? (size_t)n : room;
}
