/* SPDX-License-Identifier: Apache-2.0 */
/* What callers ask of OpenAI's endpoints for sound and images: looked at once. */
#include "dialect/openai_media.h"

#include <errno.h>

#include "dialect/reader.h"
#include "dialect/scan.h"
#include "wire/form.h"
#include "wire/json_out.h"

enum field_kind { FIELD_text, FIELD_texts, FIELD_file };

static int find_field(yyjson_val *root, enum task task, struct ask *ask, struct err *err);
static uint64_t pixels_of(struct str size);
static int find_model(struct ask *ask, const struct form *form, struct err *err);
static int find_stream(struct ask *ask, const struct form *form, struct err *err);
static int find_choices(struct ask *ask, const struct form *form, struct err *err);
static int take_usage(struct reader *r, yyjson_val *usage);
static void put_transcript(struct json_out *o, yyjson_val *root, bool is_done);
static int put_event(struct buf *out, yyjson_val *root, yyjson_val *image, bool is_done);

/* Where each task is asked, and what a request cannot do without. */
static const struct media_row {
    const char *target, *field;
    enum field_kind kind;
} rows[TASK_COUNT] = {
    [TASK_transcribe] = {"/v1/audio/transcriptions", "file", FIELD_file},
    [TASK_translate] = {"/v1/audio/translations", "file", FIELD_file},
    [TASK_speak] = {"/v1/audio/speech", "input", FIELD_text},
    [TASK_draw] = {"/v1/images/generations", "prompt", FIELD_text},
    [TASK_edit] = {"/v1/images/edits", "image", FIELD_file},
    [TASK_film] = {"/v1/videos", "prompt", FIELD_text},
    [TASK_rerank] = {"/v1/rerank", "documents", FIELD_texts},
    [TASK_moderate] = {"/v1/moderations", "input", FIELD_texts},
};

const char *openai_media_target(enum task task)
{
    return rows[task].target;
}

int openai_media_scan(struct ask *ret, enum task task, struct str body, struct err *err)
{
    struct ask ask;
    yyjson_val *root;
    int r = scan_begin(&ask, task, body, &root, err);

    if (r < 0)
        return r;
    r = scan_stream(&ask, root, false, err);
    if (r == 0)
        r = find_field(root, task, &ask, err);
    if (r < 0) {
        ask_fini(&ask);
        return r;
    }
    *ret = ask;
    return 0;
}

static int find_field(yyjson_val *root, enum task task, struct ask *ask, struct err *err)
{
    const struct media_row *row = &rows[task];
    yyjson_val *field = json_find(root, row->kind == FIELD_file ? "images" : row->field);
    bool is_right = row->kind == FIELD_text    ? json_str(field).len > 0
                    : row->kind == FIELD_texts ? yyjson_is_str(field) || yyjson_arr_size(field)
                                               : yyjson_arr_size(field) > 0;

    if (!is_right)
        return err_set(err, -EINVAL, "%s: expected %s, found %s",
                       row->kind == FIELD_file ? "images" : row->field,
                       row->kind == FIELD_text ? "text" : "a list",
                       field ? yyjson_get_type_desc(field) : "nothing");
    scan_text(ask, field);
    scan_choices(ask, root, "n");
    ask->pixels = pixels_of(json_find_str(root, "size"));
    return 0;
}

/* "1024x1536"; 0 for "auto" and what else is no size. */
static uint64_t pixels_of(struct str size)
{
    struct str high, wide = str_cut(size, 'x', &high);
    uint64_t width, height;

    if (str_to_u64(&width, wide) < 0 || str_to_u64(&height, high) < 0 || width > 1 << 20 ||
        height > 1 << 20)
        return 0;
    return width * height;
}

int openai_scan_form(struct ask *ret, enum task task, const struct form *form, struct err *err)
{
    const struct media_row *row = &rows[task];
    const struct form_field *field = form_find(form, row->field);
    struct ask ask = {.task = task, .form = form};
    int r = find_model(&ask, form, err);

    if (r == 0 && (!field || field->is_file != (row->kind == FIELD_file)))
        r = err_set(err, -EINVAL, "%s: expected %s, found %s", row->field,
                    row->kind == FIELD_file ? "a file" : "text",
                    !field           ? "nothing"
                    : field->is_file ? "a file"
                                     : "text");
    if (r == 0 && !field->size)
        r = err_set(err, -EINVAL, "%s: it is empty", row->field);
    if (r == 0)
        r = find_stream(&ask, form, err);
    if (r == 0)
        r = find_choices(&ask, form, err);
    if (r < 0)
        return r;
    if (task == TASK_transcribe) /* of what is said; that of a translation is English */
        ask.language = form_text(form, "language");
    ask.pixels = pixels_of(form_text(form, "size"));
    *ret = ask;
    return 0;
}

static int find_model(struct ask *ask, const struct form *form, struct err *err)
{
    const struct form_field *model;

    if (form_find_once(form, "model", &model) < 0)
        return err_set(err, -EINVAL, "model: stands there twice");
    if (!model || model->is_file || !model->size)
        return err_set(err, -EINVAL, "model: expected a name, found %s",
                       !model           ? "nothing"
                       : model->is_file ? "a file"
                                        : "an empty text");
    ask->model = model->value;
    ask->model_at = model->at;
    ask->model_len = model->size;
    return 0;
}

/* Libraries write what their language calls true. */
static int find_stream(struct ask *ask, const struct form *form, struct err *err)
{
    const struct form_field *field;
    struct str said;

    if (form_find_once(form, "stream", &field) < 0)
        return err_set(err, -EINVAL, "stream: stands there twice");
    said = form_text(form, "stream");
    ask->stream = str_equal_nocase(said, STR("true")) || str_is(said, "1");
    if (said.len && !ask->stream && !str_equal_nocase(said, STR("false")) && !str_is(said, "0"))
        return err_set(err, -EINVAL, "stream: expected true or false");
    return 0;
}

static int find_choices(struct ask *ask, const struct form *form, struct err *err)
{
    const struct form_field *field;
    uint64_t choices = 0;

    if (form_find_once(form, "n", &field) < 0)
        return err_set(err, -EINVAL, "n: stands there twice");
    if (field && field->size && str_to_u64(&choices, field->value) < 0)
        return err_set(err, -EINVAL, "n: expected a number");
    ask->choices = choices > UINT32_MAX ? UINT32_MAX : (uint32_t)choices;
    return 0;
}

/* Something has come: what it says is for the caller. */
int openai_begin_passed(struct reader *r)
{
    bool is_first = !r->is_complete;

    r->is_complete = true;
    return is_first ? reader_put(r, &(struct delta){.kind = DELTA_text}) : 0;
}

int openai_take_passed(struct reader *r, struct str name, struct str data)
{
    yyjson_val *root, *error;
    int result = json_pool_read(&r->pool, data, &root);

    if (result < 0)
        return result;
    error = json_find(root, "error");
    if (str_equal(name, STR("error")) || (error && !yyjson_is_null(error)))
        return reader_failure(r, FAILURE_upstream_error, failure_words_in(root));
    result = openai_begin_passed(r);
    if (result == 0)
        result = take_usage(r, json_find(root, "usage"));
    json_pool_fini(&r->pool); /* an image is large, and the next one may take minutes */
    return result;
}

static int take_usage(struct reader *r, yyjson_val *usage)
{
    struct delta delta = {.kind = DELTA_usage, .usage = {.known = true}};

    if (!yyjson_is_obj(usage))
        return 0;
    delta.usage.prompt_tokens = json_find_u64(usage, "input_tokens");
    delta.usage.completion_tokens = json_find_u64(usage, "output_tokens");
    return reader_put(r, &delta);
}

/* The words of OpenAI's own streams, for an engine that has none. */
int openai_as_stream(struct buf *out, enum task task, struct str body)
{
    struct json json;
    yyjson_val *image, *images;
    yyjson_arr_iter each;
    int r = json_read(&json, body, JSON_MEMORY(body.len), NULL);

    if (r < 0)
        return r == -EINVAL ? -ENOTSUP : r;
    images = json_find(json.root, "data");
    each = yyjson_arr_iter_with(images);
    if (task == TASK_transcribe && yyjson_is_str(json_find(json.root, "text"))) {
        r = put_event(out, json.root, NULL, false);
        if (r == 0)
            r = put_event(out, json.root, NULL, true);
    } else if ((task == TASK_draw || task == TASK_edit) && yyjson_arr_size(images)) {
        while (r == 0 && (image = yyjson_arr_iter_next(&each)))
            r = put_event(out, json.root, image, task == TASK_edit);
    } else {
        r = -ENOTSUP;
    }
    json_fini(&json);
    return r;
}

/* image NULL: of a transcript, its only piece or its end; else an image made, or edited. */
static int put_event(struct buf *out, yyjson_val *root, yyjson_val *image, bool is_done)
{
    struct json_out o = {.out = out};

    o.error = buf_put(out, STR("data: "));
    json_open(&o, '{');
    if (!image) {
        put_transcript(&o, root, is_done);
    } else {
        json_text(json_key(&o, "type"),
                  is_done ? STR("image_edit.completed") : STR("image_generation.completed"));
        json_text(json_key(&o, "b64_json"), json_find_str(image, "b64_json"));
        json_number(json_key(&o, "created_at"), json_find_u64(root, "created"));
        json_text(json_key(&o, "output_format"), json_find_str(root, "output_format"));
    }
    json_close(&o, '}');
    return o.error ? o.error : buf_put(out, STR("\n\n"));
}

static void put_transcript(struct json_out *o, yyjson_val *root, bool is_done)
{
    struct str text = json_find_str(root, "text");

    json_text(json_key(o, "type"),
              is_done ? STR("transcript.text.done") : STR("transcript.text.delta"));
    json_text(json_key(o, is_done ? "text" : "delta"), text);
}
