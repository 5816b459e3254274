/* SPDX-License-Identifier: Apache-2.0 */
/* The faces of a whisper-server and an sd-server: kept small, but they take their time. */
#include <math.h>
#include <stdio.h>

#include "sim/faces.h"

static void whisper_health(struct guest *g);
static void whisper_load(struct guest *g);
static void whisper_hear(struct guest *g);
static void whisper_end(struct guest *g);
static void sd_capabilities(struct guest *g);
static void sd_models(struct guest *g);
static void sd_draw(struct guest *g);
static void sd_edit(struct guest *g);
static void sd_end(struct guest *g);
static bool read_form(struct guest *g);
static struct str find_boundary(const struct guest *g);
static struct str form_part(const struct guest *g, struct str boundary, const char *name);
static struct str after(struct str in, struct str what);
static double hear_ms(struct guest *g);
static double draw_ms(struct guest *g);
static void read_pace(struct guest *g, struct pace *ret);
static void not_found(struct guest *g, bool other_method);
static void whisper_failed(struct guest *g, int status, const char *words);
static void sd_failed(struct guest *g, int status, const char *words);
static void visit_failed(struct guest *g, enum visit_fail why);
static void not_json(struct guest *g, const char *words);

#define JSON_TYPE "application/json"

enum {
    WAV_HEAD = 44,
    WAV_BYTES_S = 32000, /* 16 kHz, 16 bit, one channel */
    WINDOW_S = 30,       /* whisper hears so much at once */
    WINDOW_TOKENS = 1500,
    SAID_TOKENS = 100, /* and says about so much of it */
    DRAW_STEPS = 20,
    PATCH = 16, /* pixels of an image that are one token, each way */
};

/* One transparent pixel. */
static const char PIXEL[] =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
    "WjR9awAAAABJRU5ErkJggg==";

static const struct route whisper_routes[] = {
    {METHOD_GET, "/health", whisper_health, ROUTE_survives},
    {METHOD_POST, "/load", whisper_load, ROUTE_changes},
    {METHOD_POST, "/inference", whisper_hear, 0},
    {METHOD_POST, "/v1/audio/transcriptions", whisper_hear, 0},
    {0, NULL, NULL, 0},
};

static const struct route sd_routes[] = {
    {METHOD_GET, "/sdcpp/v1/capabilities", sd_capabilities, ROUTE_survives},
    {METHOD_GET, "/v1/models", sd_models, ROUTE_survives},
    {METHOD_POST, "/v1/images/generations", sd_draw, 0},
    {METHOD_POST, "/v1/images/edits", sd_edit, 0},
    {METHOD_POST, "/sdcpp/v1/vid_gen", face_film, 0},
    {METHOD_GET, "/sdcpp/v1/jobs/*", face_film_state, 0},
    {0, NULL, NULL, 0},
};

const struct face face_whisper = {
    .routes = whisper_routes,
    .not_found = not_found,
    .failed = whisper_failed,
    .visit_failed = visit_failed,
    .not_json = not_json,
};

const struct face face_sd = {
    .routes = sd_routes,
    .not_found = not_found,
    .failed = sd_failed,
    .visit_failed = visit_failed,
    .not_json = not_json,
};

static const struct speech heard = {.end = whisper_end};
static const struct speech drawn = {.end = sd_end};

static void whisper_health(struct guest *g)
{
    if (buf_put(&g->out, STR("{\"status\":\"ok\"}")) == 0)
        guest_answer(g, 200, JSON_TYPE);
}

static void whisper_load(struct guest *g)
{
    if (buf_put(&g->out, STR("Load was successful!")) == 0)
        guest_answer(g, 200, "text/plain");
}

static void whisper_hear(struct guest *g)
{
    struct asked_message *m;

    if (!read_form(g))
        return;
    m = arena_alloc(&g->arena, sizeof *m);
    if (!m) {
        guest_end(g, false);
        return;
    }
    *m = (struct asked_message){.role = STR("user"), .chain = asked_mix(1, g->media) | 1};
    g->asked.messages = m;
    g->asked.message_count = 1;
    if (words_answer(&g->answer, &g->asked, g->engine->serves->facts->tag,
                     g->engine->machine->im->options.seed, false, &g->arena) < 0)
        guest_end(g, false);
    else
        guest_work(g, g->engine->serves, hear_ms(g), &heard);
}

static void whisper_end(struct guest *g)
{
    struct json_out o = {.out = &g->out};
    bool is_srt = str_is(g->format, "srt");

    if (is_srt || str_is(g->format, "vtt")) {
        if (buf_printf(&g->out,
                       is_srt ? "1\n00:00:00,000 --> 00:00:01,000\n%.*s\n\n"
                              : "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n%.*s\n\n",
                       STR_ARG(g->answer.text)) == 0)
            guest_answer(g, 200, is_srt ? "application/x-subrip" : "text/vtt");
        return;
    }
    if (str_is(g->format, "text")) {
        if (buf_printf(&g->out, " %.*s\n", STR_ARG(g->answer.text)) == 0)
            guest_answer(g, 200, "text/html; charset=utf-8"); /* so it says */
        return;
    }
    json_open(&o, '{');
    if (str_is(g->format, "verbose_json")) {
        json_text(json_key(&o, "task"), g->is_translated ? STR("translate") : STR("transcribe"));
        json_text(json_key(&o, "language"), STR("english"));
        json_double(json_key(&o, "duration"), (double)g->media.len / WAV_BYTES_S);
        json_raw(json_key(&o, "segments"), STR("[]"));
    }
    json_text(json_key(&o, "text"), g->answer.text);
    json_close(&o, '}');
    if (o.error == 0)
        guest_answer(g, 200, JSON_TYPE);
}

static void sd_capabilities(struct guest *g)
{
    if (buf_put(&g->out, STR("{\"features\":{\"img_gen\":true,\"vid_gen\":true},"
                             "\"models\":[\"sd-cpp-local\"]}")) == 0)
        guest_answer(g, 200, JSON_TYPE);
}

static void sd_models(struct guest *g)
{
    if (buf_put(&g->out, STR("{\"data\":[{\"id\":\"sd-cpp-local\",\"object\":\"model\","
                             "\"owned_by\":\"local\"}]}")) == 0)
        guest_answer(g, 200, JSON_TYPE);
}

static void sd_draw(struct guest *g)
{
    if (!guest_read(g, ASKED_openai))
        return;
    if (json_find_str(g->json.root, "prompt").len == 0)
        sd_failed(g, 400, "prompt required");
    else
        guest_work(g, g->engine->serves, draw_ms(g), &drawn);
}

/* One image, however many are asked for; the prompt says what. */
static void sd_edit(struct guest *g)
{
    struct str boundary = find_boundary(g);

    if (!form_part(g, boundary, "name=\"image[]\"").len &&
        !form_part(g, boundary, "name=\"image\"").len)
        sd_failed(g, 400, "image required");
    else if (!form_part(g, boundary, "name=\"prompt\"").len)
        sd_failed(g, 400, "prompt required");
    else
        guest_work(g, g->engine->serves, draw_ms(g), &drawn);
}

static void sd_end(struct guest *g)
{
    uint64_t count = json_find_u64(g->json.root, "n");
    struct json_out o = {.out = &g->out};

    json_open(&o, '{');
    json_number(json_key(&o, "created"), (uint64_t)(g->came_us / 1000000));
    json_open(json_key(&o, "data"), '[');
    for (uint64_t i = 0; i < (count && count <= 8 ? count : 1); i++) {
        json_open(&o, '{');
        json_text(json_key(&o, "b64_json"), str_from(PIXEL));
        json_close(&o, '}');
    }
    json_close(&o, ']');
    json_text(json_key(&o, "output_format"), STR("png"));
    json_close(&o, '}');
    face_answer(g, &o);
}

/* The file and how the answer is wanted, out of multipart/form-data. */
static bool read_form(struct guest *g)
{
    struct str boundary = find_boundary(g);

    g->media = boundary.len ? form_part(g, boundary, "name=\"file\"") : STR("");
    g->format = boundary.len ? form_part(g, boundary, "name=\"response_format\"") : STR("");
    g->is_translated = boundary.len && str_is(form_part(g, boundary, "name=\"translate\""), "true");
    if (g->media.len)
        return true;
    whisper_failed(g, 400, "no 'file' field in the request");
    return false;
}

static struct str find_boundary(const struct guest *g)
{
    struct str type = str_from(g->content_type), boundary = after(type, STR("boundary="));

    if (boundary.len && boundary.data[0] == '"')
        boundary = str_cut(str_slice(boundary.data + 1, boundary.len - 1), '"', &type);
    return boundary;
}

static struct str form_part(const struct guest *g, struct str boundary, const char *name)
{
    struct str rest = after(buf_str(&g->body), str_from(name)), end;
    char mark[NAME_ROOM + 8];

    rest = after(rest, STR("\r\n\r\n"));
    snprintf(mark, sizeof mark, "\r\n--%.*s", STR_ARG(boundary));
    end = after(rest, str_from(mark));
    if (!end.data)
        return STR("");
    return str_slice(rest.data, (size_t)(end.data - rest.data) - strlen(mark));
}

/* What stands behind the first `what`; .data NULL when it is not there. */
static struct str after(struct str in, struct str what)
{
    const char *at = in.len ? memmem(in.data, in.len, what.data, what.len) : NULL;

    if (!at)
        return (struct str){0};
    at += what.len;
    return str_slice(at, in.len - (size_t)(at - in.data));
}

/* Each window is read as a prompt, then words are said one by one. */
static double hear_ms(struct guest *g)
{
    double seconds = (double)(g->media.len > WAV_HEAD ? g->media.len - WAV_HEAD : 0) / WAV_BYTES_S;
    struct pace p;

    read_pace(g, &p);
    return 1e3 * fmax(1, ceil(seconds / WINDOW_S)) *
           (speed_prefill_seconds(&p.box, &p.load, &p.fit, WINDOW_TOKENS, 0) +
            SAID_TOKENS * speed_step_seconds(&p.box, &p.load, &p.fit, SAID_TOKENS, 1));
}

/* Each step evaluates the whole image once with the prompt and once without. */
static double draw_ms(struct guest *g)
{
    struct str height, width = str_cut(json_find_str(g->json.root, "size"), 'x', &height);
    uint64_t w = 0, h = 0, n = json_find_u64(g->json.root, "n");
    struct pace p;

    if (!width.data || str_to_u64(&w, width) < 0 || str_to_u64(&h, height) < 0 || w > 8192 ||
        h > 8192)
        w = h = 512;
    read_pace(g, &p);
    return 2e3 * DRAW_STEPS * (double)(n && n <= 8 ? n : 1) *
           speed_prefill_seconds(&p.box, &p.load, &p.fit, w / PATCH * (h / PATCH) + 1, 0);
}

static void read_pace(struct guest *g, struct pace *ret)
{
    struct pace_asked asked = {
        .artifact = &g->engine->serves->world,
        .engine = g->engine->number,
        .slots = 1,
        .free = g->engine->machine->box,
    };

    imagined_pace(g->engine->machine, &asked, ret);
}

static void not_found(struct guest *g, bool other_method)
{
    (void)other_method;
    if (buf_printf(&g->out, "File Not Found (%s)", g->path) == 0)
        guest_answer(g, 404, "text/plain");
}

/* whisper-server turns every error but 400 and 500 into a 404 of plain text. */
static void whisper_failed(struct guest *g, int status, const char *words)
{
    if (status != 400 && status != 500)
        not_found(g, false);
    else if (buf_printf(&g->out, "{\"error\":\"%s\"}", words) == 0)
        guest_answer(g, status, JSON_TYPE);
}

static void sd_failed(struct guest *g, int status, const char *words)
{
    struct json_out o = {.out = &g->out};

    json_open(&o, '{');
    json_text(json_key(&o, "error"), str_from(words));
    json_close(&o, '}');
    guest_answer(g, status, JSON_TYPE);
}

static void visit_failed(struct guest *g, enum visit_fail why)
{
    (void)why;
    g->engine->face->failed(g, 500, "out of memory");
}

static void not_json(struct guest *g, const char *words)
{
    (void)words;
    g->engine->face->failed(g, 400, "invalid json");
}
