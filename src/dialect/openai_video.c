/* SPDX-License-Identifier: Apache-2.0 */
/* Videos: what is asked for, how far it is, the file. */
#include "dialect/openai_video.h"

#include <errno.h>

#include "wire/base64.h"
#include "wire/form.h"

enum { WIDTH = 832, HEIGHT = 480, SECONDS = 4, SECONDS_MAX = 60, FPS = 16, PIXELS_MAX = 8192 };

static struct str field_of(const struct ask *ask, const char *name);
static uint64_t seconds_of(const struct ask *ask);
static bool read_size(uint64_t *width, uint64_t *height, struct str size);
static const char *state_of(struct str status);
static void put_error(struct json_out *o, yyjson_val *error);

void video_read_wish(struct video_facts *ret, const struct ask *ask)
{
    uint64_t width, height;

    ret->size = field_of(ask, "size");
    if (!read_size(&width, &height, ret->size))
        ret->size = STR("832x480");
    ret->seconds = seconds_of(ask);
}

int video_write_job(struct buf *out, const struct ask *ask, struct err *err)
{
    struct str size = field_of(ask, "size");
    uint64_t width = WIDTH, height = HEIGHT, frames = seconds_of(ask) * FPS + 1;
    struct json_out o = {.out = out};

    if (size.len && !read_size(&width, &height, size))
        return err_set(err, -ENOTSUP, "size: expected WIDTHxHEIGHT, found %.*s", STR_ARG(size));
    if (ask->form ? form_find(ask->form, "input_reference") != NULL
                  : json_find(yyjson_doc_get_root(ask->doc), "input_reference") != NULL)
        return err_set(err, -ENOTSUP, "input_reference: this engine begins with words only");
    json_open(&o, '{');
    json_text(json_key(&o, "prompt"), field_of(ask, "prompt"));
    json_number(json_key(&o, "width"), width);
    json_number(json_key(&o, "height"), height);
    json_number(json_key(&o, "video_frames"), frames);
    json_number(json_key(&o, "fps"), FPS);
    json_close(&o, '}');
    return o.error;
}

static struct str field_of(const struct ask *ask, const char *name)
{
    return ask->form ? form_text(ask->form, name)
                     : json_find_str(yyjson_doc_get_root(ask->doc), name);
}

/* "8", and 8 from those who do not read the reference. */
static uint64_t seconds_of(const struct ask *ask)
{
    uint64_t seconds = ask->doc ? json_find_u64(yyjson_doc_get_root(ask->doc), "seconds") : 0;

    if (!seconds && str_to_u64(&seconds, field_of(ask, "seconds")) < 0)
        seconds = 0;
    return !seconds ? SECONDS : seconds < SECONDS_MAX ? seconds : SECONDS_MAX;
}

static bool read_size(uint64_t *width, uint64_t *height, struct str size)
{
    struct str high, wide = str_cut(size, 'x', &high);

    return str_to_u64(width, wide) == 0 && str_to_u64(height, high) == 0 && *width && *height &&
           *width <= PIXELS_MAX && *height <= PIXELS_MAX;
}

int video_read_job(struct str *ret, struct str body, struct arena *arena)
{
    struct json json;
    struct str id;
    int r = json_read(&json, body, JSON_MEMORY(body.len), NULL);

    if (r < 0)
        return r == -ENOMEM ? r : -EBADMSG;
    id = json_find_str(json.root, "id");
    r = id.len ? 0 : -EBADMSG;
    if (r == 0) {
        *ret = arena_str(arena, id);
        r = ret->data ? 0 : -ENOMEM;
    }
    json_fini(&json);
    return r;
}

int video_write_state(struct buf *out, const struct video_facts *facts, struct str body)
{
    struct json_out o = {.out = out};
    const char *state;
    struct json json;
    uint64_t progress;
    int r = json_read(&json, body, JSON_MEMORY(body.len), NULL);

    if (r < 0)
        return r == -ENOMEM ? r : -EBADMSG;
    state = state_of(json_find_str(json.root, "status"));
    progress = json_find_u64(json.root, "progress");
    json_open(&o, '{');
    json_text(json_key(&o, "id"), facts->id);
    json_text(json_key(&o, "object"), STR("video"));
    json_text(json_key(&o, "model"), facts->model);
    json_text(json_key(&o, "status"), str_from(state ? state : "queued"));
    json_number(json_key(&o, "progress"), state && str_is(str_from(state), "completed") ? 100
                                          : progress < 100                              ? progress
                                                                                        : 99);
    json_number(json_key(&o, "created_at"), (uint64_t)facts->created_s);
    json_text(json_key(&o, "size"), facts->size);
    if (!o.error)
        o.error = buf_printf(out, ",\"seconds\":\"%u\"", (unsigned)facts->seconds);
    put_error(&o, json_find(json.root, "error"));
    json_close(&o, '}');
    json_fini(&json);
    return state ? o.error : -EBADMSG;
}

/* sd-server's words and OpenAI's. */
static const char *state_of(struct str status)
{
    static const char *const states[][2] = {
        {"queued", "queued"},       {"generating", "in_progress"}, {"in_progress", "in_progress"},
        {"completed", "completed"}, {"failed", "failed"},          {"cancelled", "failed"},
    };

    for (size_t i = 0; i < COUNT_OF(states); i++)
        if (str_is(status, states[i][0]))
            return states[i][1];
    return NULL;
}

static void put_error(struct json_out *o, yyjson_val *error)
{
    json_key(o, "error");
    if (!yyjson_is_obj(error)) {
        json_raw(o, STR("null"));
        return;
    }
    json_open(o, '{');
    json_text(json_key(o, "code"), json_find_str(error, "code"));
    json_text(json_key(o, "message"), json_find_str(error, "message"));
    json_close(o, '}');
}

int video_take_file(struct buf *out, struct str *ret_type, struct str body, struct arena *arena)
{
    struct json json;
    yyjson_val *result;
    int r = json_read(&json, body, JSON_MEMORY(body.len), NULL);

    if (r < 0)
        return r == -ENOMEM ? r : -EBADMSG;
    result = json_find(json.root, "result");
    if (!yyjson_is_obj(result)) {
        r = state_of(json_find_str(json.root, "status")) ? -EAGAIN : -EBADMSG;
    } else {
        *ret_type = arena_str(arena, json_find_str(result, "mime_type"));
        r = base64_take(out, json_find_str(result, "b64_json"));
        if (r == 0 && !out->len)
            r = -EBADMSG;
    }
    json_fini(&json);
    return r;
}
