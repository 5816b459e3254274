/* SPDX-License-Identifier: Apache-2.0 */
/* The faces of a llama-server and of engines that speak OpenAI's API and nothing else. */
#include <stdio.h>

#include "net/clock.h"
#include "sim/faces.h"

static void serve_health(struct guest *g);
static void serve_models(struct guest *g);
static void serve_props(struct guest *g);
static void serve_slots(struct guest *g);
static void serve_chat(struct guest *g);
static void serve_template(struct guest *g);
static void serve_text(struct guest *g);
static void serve_embed(struct guest *g);
static void serve_metrics(struct guest *g);
static void serve_options(struct guest *g);
static void other_models(struct guest *g);
static void other_chat(struct guest *g);
static void other_text(struct guest *g);
static void other_embed(struct guest *g);
static bool is_ready(struct guest *g);
static bool messages_are_right(struct guest *g);
static bool fits_context(struct guest *g);
static void not_found(struct guest *g, bool other_method);
static void failed(struct guest *g, int status, const char *words);
static void failed_as(struct guest *g, int status, const char *type, const char *words);
static void visit_failed(struct guest *g, enum visit_fail why);
static void not_json(struct guest *g, const char *words);
static size_t error_body(void *ctx, struct str path, int status, const char *words, char *out,
                         size_t room);

#define JSON_TYPE "application/json; charset=utf-8"

static const struct header llama_headers[] = {{{"Server", 6}, {"llama.cpp", 9}}};

static const struct route llama_routes[] = {
    {METHOD_GET, "/health", serve_health, ROUTE_survives},
    {METHOD_HEAD, "/health", serve_health, ROUTE_survives},
    {METHOD_GET, "/v1/health", serve_health, ROUTE_survives},
    {METHOD_GET, "/v1/models", serve_models, ROUTE_survives},
    {METHOD_HEAD, "/v1/models", serve_models, ROUTE_survives},
    {METHOD_GET, "/models", serve_models, ROUTE_survives},
    {METHOD_GET, "/props", serve_props, ROUTE_survives},
    {METHOD_GET, "/slots", serve_slots, 0},
    {METHOD_GET, "/metrics", serve_metrics, ROUTE_survives},
    {METHOD_POST, "/v1/chat/completions", serve_chat, 0},
    {METHOD_POST, "/chat/completions", serve_chat, 0},
    {METHOD_POST, "/apply-template", serve_template, 0},
    {METHOD_POST, "/v1/completions", serve_text, 0},
    {METHOD_POST, "/v1/embeddings", serve_embed, 0},
    {METHOD_OPTIONS, "/*", serve_options, ROUTE_survives},
    {0, NULL, NULL, 0},
};

static const struct route other_routes[] = {
    {METHOD_GET, "/v1/models", other_models, ROUTE_survives},
    {METHOD_POST, "/v1/chat/completions", other_chat, 0},
    {METHOD_POST, "/v1/completions", other_text, 0},
    {METHOD_POST, "/v1/embeddings", other_embed, 0},
    {METHOD_POST, "/v1/audio/speech", face_speak, 0},
    {0, NULL, NULL, 0},
};

const struct face face_llama_server = {
    .routes = llama_routes,
    .headers = llama_headers,
    .header_count = COUNT_OF(llama_headers),
    .says_origin = true,
    .not_found = not_found,
    .failed = failed,
    .visit_failed = visit_failed,
    .not_json = not_json,
    .error_body = error_body,
};

const struct face face_openai = {
    .routes = other_routes,
    .not_found = not_found,
    .failed = failed,
    .visit_failed = visit_failed,
    .not_json = not_json,
    .error_body = error_body,
};

static void serve_health(struct guest *g)
{
    if (is_ready(g) && buf_put(&g->out, STR("{\"status\":\"ok\"}")) == 0)
        guest_answer(g, 200, JSON_TYPE);
}

static void serve_models(struct guest *g)
{
    const struct artifact *a = g->engine->serves->facts;
    struct json_out o = {.out = &g->out};
    struct runner_view r = {0};

    if (!is_ready(g))
        return;
    world_runner(g->engine->machine->world, g->engine->number, 0, &r);
    json_open(&o, '{');
    json_open(json_key(&o, "models"), '[');
    face_llama_model(&o, a);
    json_close(&o, ']');
    json_text(json_key(&o, "object"), STR("list"));
    json_open(json_key(&o, "data"), '[');
    face_llama_data(&o, a, r.context, g->came_us / 1000000);
    json_close(&o, ']');
    json_close(&o, '}');
    face_answer(g, &o);
}

static void serve_props(struct guest *g)
{
    const struct artifact *a = g->engine->serves->facts;
    struct json_out o = {.out = &g->out};
    struct runner_view r = {0};

    if (!is_ready(g))
        return;
    world_runner(g->engine->machine->world, g->engine->number, 0, &r);
    json_open(&o, '{');
    json_open(json_key(&o, "default_generation_settings"), '{');
    json_raw(json_key(&o, "params"), STR("{}"));
    json_number(json_key(&o, "n_ctx"), r.context);
    json_close(&o, '}');
    json_number(json_key(&o, "total_slots"), r.slots);
    json_text(json_key(&o, "model_alias"), a->tag);
    json_text(json_key(&o, "model_path"), a->tag);
    json_open(json_key(&o, "modalities"), '{');
    json_bool(json_key(&o, "vision"), artifact_can(g->engine->serves, CAPABILITY_vision));
    json_bool(json_key(&o, "audio"), artifact_can(g->engine->serves, CAPABILITY_audio));
    json_close(&o, '}');
    json_text(json_key(&o, "build_info"), STR("b11669-imagined"));
    json_bool(json_key(&o, "is_sleeping"), false);
    json_close(&o, '}');
    face_answer(g, &o);
}

static void serve_slots(struct guest *g)
{
    struct json_out o = {.out = &g->out};
    struct runner_view r = {0};

    if (!is_ready(g))
        return;
    world_runner(g->engine->machine->world, g->engine->number, 0, &r);
    json_open(&o, '[');
    for (uint32_t i = 0; i < r.slots; i++) {
        json_open(&o, '{');
        json_number(json_key(&o, "id"), i);
        json_number(json_key(&o, "n_ctx"), r.context);
        json_bool(json_key(&o, "is_processing"), i < r.busy);
        json_close(&o, '}');
    }
    json_close(&o, ']');
    face_answer(g, &o);
}

static void serve_metrics(struct guest *g)
{
    failed_as(g, 501, "not_supported_error",
              "This server does not support metrics endpoint. Start it with `--metrics`");
}

static void serve_options(struct guest *g)
{
    guest_answer(g, 200, "text/html");
}

static void serve_chat(struct guest *g)
{
    if (!is_ready(g) || !guest_read(g, ASKED_openai) || !messages_are_right(g) || !fits_context(g))
        return;
    snprintf(g->model, sizeof g->model, "%.*s", STR_ARG(g->engine->serves->facts->tag));
    face_v1_begin(g, "chatcmpl-", V1_llama);
    guest_tell(g, g->engine->serves, g->asked.stream ? &speech_v1_stream : &speech_v1_plain);
}

static void serve_template(struct guest *g)
{
    if (is_ready(g) && guest_read(g, ASKED_openai) && messages_are_right(g))
        face_apply_template(g);
}

static void serve_text(struct guest *g)
{
    if (!is_ready(g) || !guest_read(g, ASKED_openai) || !fits_context(g))
        return;
    if (!json_find(g->json.root, "prompt")) {
        failed(g, 400, "[json.exception.out_of_range.403] key 'prompt' not found");
        return;
    }
    snprintf(g->model, sizeof g->model, "%.*s", STR_ARG(g->engine->serves->facts->tag));
    face_v1_begin(g, "chatcmpl-", V1_llama);
    guest_tell(g, g->engine->serves,
               g->asked.stream ? &speech_v1_text_stream : &speech_v1_text_plain);
}

static void serve_embed(struct guest *g)
{
    if (!is_ready(g))
        return;
    if (!artifact_can(g->engine->serves, CAPABILITY_embedding)) {
        failed_as(g, 501, "not_supported_error",
                  "This server does not support embeddings. Start it with `--embeddings`");
        return;
    }
    if (!guest_read(g, ASKED_openai))
        return;
    if (g->asked.input_count == 0) {
        failed(g, 400,
               json_find(g->json.root, "input") ? "\"input\" must not be empty"
                                                : "\"input\" or \"content\" must be provided");
        return;
    }
    snprintf(g->model, sizeof g->model, "%.*s", STR_ARG(g->engine->serves->facts->tag));
    face_v1_begin(g, "", V1_llama);
    guest_embed(g, g->engine->serves, &speech_v1_embed);
}

static void other_models(struct guest *g)
{
    struct json_out o = {.out = &g->out};

    json_open(&o, '{');
    json_text(json_key(&o, "object"), STR("list"));
    json_open(json_key(&o, "data"), '[');
    for (unsigned i = 0; i < g->engine->disk_count; i++) {
        json_open(&o, '{');
        json_text(json_key(&o, "id"), str_from(g->engine->disk[i].name));
        json_text(json_key(&o, "object"), STR("model"));
        json_number(json_key(&o, "created"), (uint64_t)(g->engine->disk[i].modified_us / 1000000));
        json_text(json_key(&o, "owned_by"), STR("imagined"));
        json_close(&o, '}');
    }
    json_close(&o, ']');
    json_close(&o, '}');
    face_answer(g, &o);
}

static void other_chat(struct guest *g)
{
    struct imagined_artifact *a;

    if (!guest_read(g, ASKED_openai) || !messages_are_right(g) || !(a = face_other_copy(g)))
        return;
    face_v1_begin(g, "chatcmpl-", V1_other);
    guest_tell(g, a, g->asked.stream ? &speech_v1_stream : &speech_v1_plain);
}

static void other_text(struct guest *g)
{
    struct imagined_artifact *a;

    if (!guest_read(g, ASKED_openai) || !(a = face_other_copy(g)))
        return;
    face_v1_begin(g, "cmpl-", V1_other);
    guest_tell(g, a, g->asked.stream ? &speech_v1_text_stream : &speech_v1_text_plain);
}

static void other_embed(struct guest *g)
{
    struct imagined_artifact *a;

    if (!guest_read(g, ASKED_openai) || !(a = face_other_copy(g)))
        return;
    face_v1_begin(g, "", V1_other);
    if (g->asked.input_count == 0)
        failed(g, 400, "'input' is required");
    else
        guest_embed(g, a, &speech_v1_embed);
}

struct imagined_artifact *face_other_copy(struct guest *g)
{
    struct disk_entry *entry = g->asked.model.len ? disk_find(g->engine, g->asked.model) : NULL;
    char words[NAME_ROOM + 64];

    if (entry)
        return entry->artifact;
    snprintf(words, sizeof words, "The model `%s` does not exist.", g->model);
    failed(g, 404, words);
    return NULL;
}

static bool is_ready(struct guest *g)
{
    struct runner_view r;

    if (world_runner(g->engine->machine->world, g->engine->number, 0, &r) && !r.loading)
        return true;
    failed_as(g, 503, "unavailable_error", "Loading model");
    return false;
}

static bool messages_are_right(struct guest *g)
{
    yyjson_val *messages = json_find(g->json.root, "messages");
    const char *words = NULL;
    int status = 400;

    if (!messages)
        words = "'messages' is required";
    else if (!yyjson_is_arr(messages))
        words = "Expected 'messages' to be an array";
    else if (json_find_u64(g->json.root, "n") > 1)
        words = "Field 'n': Value must be between 1 <= value <= 1, but got more";
    for (size_t i = 0; !words && i < g->asked.message_count; i++) {
        const struct asked_message *m = &g->asked.messages[i];

        if (!m->role.data)
            words = "Failed to parse messages: Missing 'role' in message", status = 500;
        else if (m->images && g->engine->serves &&
                 !artifact_can(g->engine->serves, CAPABILITY_vision))
            words = "image input is not supported - hint: if this is unexpected, you may need to "
                    "provide the mmproj",
            status = 500;
    }
    if (words)
        failed(g, status, words);
    return !words;
}

static bool fits_context(struct guest *g)
{
    struct visit counted = {0};
    struct runner_view r = {0};
    uint32_t tokens;

    world_runner(g->engine->machine->world, g->engine->number, 0, &r);
    asked_pieces(&g->asked, &counted);
    tokens = counted.piece_count ? counted.pieces[counted.piece_count - 1].tokens : 0;
    if (tokens < r.context)
        return true;
    if (buf_printf(&g->out,
                   "{\"error\":{\"code\":400,\"message\":\"request (%u tokens) exceeds the "
                   "available context size (%u tokens), try increasing it\",\"type\":"
                   "\"exceed_context_size_error\",\"n_prompt_tokens\":%u,\"n_ctx\":%u}}",
                   tokens, r.context, tokens, r.context) == 0)
        guest_answer(g, 400, JSON_TYPE);
    return false;
}

/* Whatever the method, it is the path that is not there; in an order of its own. */
static void not_found(struct guest *g, bool other_method)
{
    (void)other_method;
    if (buf_put(&g->out, STR("{\"error\":{\"message\":\"File Not Found\",\"type\":"
                             "\"not_found_error\",\"code\":404}}")) == 0)
        guest_answer(g, 404, JSON_TYPE);
}

static void failed(struct guest *g, int status, const char *words)
{
    failed_as(g, status,
              status == 400   ? "invalid_request_error"
              : status == 404 ? "not_found_error"
                              : "server_error",
              words);
}

static void failed_as(struct guest *g, int status, const char *type, const char *words)
{
    struct json_out o = {.out = &g->out};

    if (g->has_begun) {
        guest_end(g, false);
        return;
    }
    json_open(&o, '{');
    json_open(json_key(&o, "error"), '{');
    json_number(json_key(&o, "code"), (uint64_t)status);
    json_text(json_key(&o, "message"), str_from(words));
    json_text(json_key(&o, "type"), str_from(type));
    json_close(&o, '}');
    json_close(&o, '}');
    guest_answer(g, status, JSON_TYPE);
}

static void visit_failed(struct guest *g, enum visit_fail why)
{
    (void)why;
    failed_as(g, 503, "unavailable_error", "Loading model");
}

static void not_json(struct guest *g, const char *words)
{
    char text[ERR_TEXT_MAX];

    snprintf(text, sizeof text, "[json.exception.parse_error.101] parse error: %.900s", words);
    failed(g, 400, text);
}

static size_t error_body(void *ctx, struct str path, int status, const char *words, char *out,
                         size_t room)
{
    int n = snprintf(out, room, "{\"error\":{\"code\":%d,\"message\":\"%s\",\"type\":\"%s\"}}",
                     status, words, "invalid_request_error");

    (void)ctx;
    (void)path;
    return n < 0 ? 0 : (size_t)n < room ? (size_t)n : room;
}
