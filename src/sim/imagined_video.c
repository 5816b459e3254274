/* SPDX-License-Identifier: Apache-2.0 */
/* The film jobs of an sd-server, and speech of what else speaks OpenAI's API. */
#include <stdio.h>

#include "sim/faces.h"
#include "wire/base64.h"

static void spoken(struct guest *g);
static struct film *find_film(struct guest *g);
static void put_film(struct guest *g, struct json_out *o, const struct film *f);
static const char *state_of(const struct guest *g, const struct film *f);
static double film_ms(struct guest *g, uint64_t frames);

enum {
    FRAMES = 33,
    FILM_STEPS = 20,
    PIXELS_A_TOKEN = 16 * 16 * 4, /* the last factor: frames are packed too */
    SPEECH_BYTES = 480,           /* for each byte of text: 10 ms of 24 kHz, 16 bit */
    SPEECH_MS = 2,
};

static const struct speech speech_spoken = {.end = spoken};

void face_film(struct guest *g)
{
    struct imagined_engine *e = g->engine;
    struct film *f = &e->films[e->film_count % FILMS_MAX];
    uint64_t frames;
    struct json_out o = {.out = &g->out};

    if (!guest_read(g, ASKED_openai))
        return;
    if (!json_find_str(g->json.root, "prompt").len) {
        e->face->failed(g, 400, "prompt required");
        return;
    }
    frames = json_find_u64(g->json.root, "video_frames");
    frames = frames && frames < 1000 ? frames : FRAMES;
    guest_draw_id(g, "job_", 12);
    *f = (struct film){.began_us = g->came_us, .frames = (uint32_t)((frames - 1) / 4 * 4 + 1)};
    snprintf(f->id, sizeof f->id, "%s", g->id);
    f->until_ms = imagined_now_ms(e->machine->im) + film_ms(g, frames);
    e->film_count++;
    json_open(&o, '{');
    json_text(json_key(&o, "id"), str_from(f->id));
    json_text(json_key(&o, "kind"), STR("vid_gen"));
    json_text(json_key(&o, "status"), STR("queued"));
    json_number(json_key(&o, "created"), (uint64_t)(f->began_us / 1000000));
    json_joined(json_key(&o, "poll_url"), STR("/sdcpp/v1/jobs/"), str_from(f->id));
    json_close(&o, '}');
    if (!o.error)
        guest_answer(g, 202, "application/json");
}

void face_film_state(struct guest *g)
{
    struct film *f = find_film(g);
    struct json_out o = {.out = &g->out};

    if (!f) {
        g->engine->face->failed(g, 404, "job not found");
        return;
    }
    put_film(g, &o, f);
    if (!o.error)
        guest_answer(g, 200, "application/json");
}

static struct film *find_film(struct guest *g)
{
    const char *id = strrchr(g->path, '/') + 1;

    for (size_t i = 0; i < FILMS_MAX; i++)
        if (*g->engine->films[i].id && strcmp(g->engine->films[i].id, id) == 0)
            return &g->engine->films[i];
    return NULL;
}

static const char *state_of(const struct guest *g, const struct film *f)
{
    return imagined_now_ms(g->engine->machine->im) < f->until_ms ? "generating" : "completed";
}

/* The beginning of a WebM, and the id: what came can be told apart. */
static void put_film(struct guest *g, struct json_out *o, const struct film *f)
{
    const char *state = state_of(g, f);
    struct buf bytes;

    json_open(o, '{');
    json_text(json_key(o, "id"), str_from(f->id));
    json_text(json_key(o, "kind"), STR("vid_gen"));
    json_text(json_key(o, "status"), str_from(state));
    json_number(json_key(o, "created"), (uint64_t)(f->began_us / 1000000));
    json_number(json_key(o, "queue_position"), 0);
    json_key(o, "result");
    if (strcmp(state, "completed") != 0) {
        json_raw(o, STR("null"));
    } else {
        buf_init(&bytes, 256);
        json_open(o, '{');
        json_text(json_key(o, "output_format"), STR("webm"));
        json_text(json_key(o, "mime_type"), STR("video/webm"));
        json_number(json_key(o, "fps"), 16);
        json_number(json_key(o, "frame_count"), f->frames);
        json_key(o, "b64_json");
        if (buf_printf(&bytes, "\x1a\x45\xdf\xa3%s", f->id) == 0 && !o->error) {
            json_raw(o, STR("\""));
            o->error = base64_put(o->out, buf_str(&bytes));
            if (!o->error)
                o->error = buf_put_char(o->out, '"');
        }
        json_close(o, '}');
        buf_fini(&bytes);
    }
    json_raw(json_key(o, "error"), STR("null"));
    json_close(o, '}');
}

/* Each step evaluates all frames once with the prompt and once without. */
static double film_ms(struct guest *g, uint64_t frames)
{
    uint64_t w = json_find_u64(g->json.root, "width"), h = json_find_u64(g->json.root, "height");
    struct pace_asked asked = {
        .artifact = &g->engine->serves->world,
        .engine = g->engine->number,
        .slots = 1,
        .free = g->engine->machine->box,
    };
    struct pace p;

    w = w && w <= 4096 ? w : 832;
    h = h && h <= 4096 ? h : 480;
    imagined_pace(g->engine->machine, &asked, &p);
    return 2e3 * FILM_STEPS *
           speed_prefill_seconds(&p.box, &p.load, &p.fit, w * h * frames / PIXELS_A_TOKEN + 1, 0);
}

void face_speak(struct guest *g)
{
    struct imagined_artifact *a;

    if (!guest_read(g, ASKED_openai) || !(a = face_other_copy(g)))
        return;
    if (!artifact_can(a, CAPABILITY_speech))
        g->engine->face->failed(g, 400, "this model does not speak");
    else if (!json_find_str(g->json.root, "input").len)
        g->engine->face->failed(g, 400, "'input' is required");
    else
        guest_work(g, a, SPEECH_MS * (double)json_find_str(g->json.root, "input").len,
                   &speech_spoken);
}

/* A sound of its own for each text, as long as it takes to say it. */
static void spoken(struct guest *g)
{
    struct str text = json_find_str(g->json.root, "input");
    uint32_t length = (uint32_t)(text.len < 1 << 16 ? text.len : 1 << 16) * SPEECH_BYTES;
    const uint32_t head[] = {0x46464952, length + 36, 0x45564157, 0x20746d66, 16,    0x00010001,
                             24000,      48000,       0x00100002, 0x61746164, length};
    int r = buf_put(&g->out, str_slice((const char *)head, sizeof head));

    for (uint32_t i = 0; i < length && r == 0; i += 2)
        r = buf_put(&g->out, str_slice(&"\0\x10\0\xf0"[(text.data[i / SPEECH_BYTES] + i) & 2], 2));
    if (r == 0)
        guest_answer(g, 200, "audio/wav");
    else
        guest_end(g, false);
}
