/* SPDX-License-Identifier: Apache-2.0 */
/* What an imagined model's template makes of a chat, shown without answering it. */
#include "sim/faces.h"

static void put_rendered(struct json_out *o, const struct guest *g);
static int render(struct buf *out, const struct asked *asked);

static void shown_end(struct guest *g);

const struct speech speech_shown = {.end = shown_end};

/* Ollama's, when the model is loaded: _debug_render_only. */
static void shown_end(struct guest *g)
{
    struct json_out o = {.out = &g->out};
    char now[48];

    guest_write_time(now, g->came_us);
    json_open(&o, '{');
    json_text(json_key(&o, "model"), str_from(g->model));
    json_text(json_key(&o, "created_at"), str_from(now));
    json_open(json_key(&o, "message"), '{');
    json_text(json_key(&o, "role"), STR(""));
    json_text(json_key(&o, "content"), STR(""));
    json_close(&o, '}');
    json_bool(json_key(&o, "done"), false);
    json_open(json_key(&o, "_debug_info"), '{');
    put_rendered(json_key(&o, "rendered_template"), g);
    json_close(&o, '}');
    json_close(&o, '}');
    face_answer(g, &o);
}

void face_apply_template(struct guest *g)
{
    struct json_out o = {.out = &g->out};

    json_open(&o, '{');
    put_rendered(json_key(&o, "prompt"), g);
    json_close(&o, '}');
    face_answer(g, &o);
}

static void put_rendered(struct json_out *o, const struct guest *g)
{
    struct buf text;

    buf_init(&text, GUEST_BODY_MAX);
    if (!o->error)
        o->error = render(&text, &g->asked);
    json_text(o, buf_str(&text));
    buf_fini(&text);
}

/* An assistant's last turn is left open, as most templates do. */
static int render(struct buf *out, const struct asked *asked)
{
    bool is_open = false;
    int r = 0;

    for (size_t i = 0; i < asked->message_count && r == 0; i++) {
        const struct asked_message *m = &asked->messages[i];

        is_open = i + 1 == asked->message_count && str_is(m->role, "assistant");
        r = buf_printf(out, "<|im_start|>%.*s\n%.*s%s", STR_ARG(m->role), STR_ARG(m->text),
                       is_open ? "" : "<|im_end|>\n");
    }
    return r < 0 || is_open ? r : buf_put(out, STR("<|im_start|>assistant\n"));
}
