/* SPDX-License-Identifier: Apache-2.0 */
/* The common part of scans. */
#include "dialect/scan.h"

#include <errno.h>

static int scan_model(struct ask *ask, yyjson_val *root, struct err *err);
static size_t count(struct ask *ask, yyjson_val *text);
static void note_longest(struct ask *ask, size_t bytes);

int scan_object(struct ask *ret, enum task task, struct str body, yyjson_val **ret_root,
                struct err *err)
{
    struct json json;
    int r = json_read(&json, body, JSON_MEMORY(body.len), err);

    if (r < 0)
        return r;
    if (!yyjson_is_obj(json.root)) {
        json_fini(&json);
        return err_set(err, -EINVAL, "expected a JSON object");
    }
    *ret = (struct ask){.task = task, .body = body, .doc = json.doc, .copy = json.copy};
    *ret_root = json.root;
    return 0;
}

int scan_begin(struct ask *ret, enum task task, struct str body, yyjson_val **ret_root,
               struct err *err)
{
    int r = scan_object(ret, task, body, ret_root, err);

    if (r == 0 && (r = scan_model(ret, *ret_root, err)) < 0)
        ask_fini(ret);
    return r;
}

int scan_stream(struct ask *ask, yyjson_val *root, bool fallback, struct err *err)
{
    yyjson_val *stream;

    if (json_find_once(root, "stream", &stream) < 0)
        return err_set(err, -EINVAL, "stream: stands there twice");
    if (stream && !yyjson_is_bool(stream) && !yyjson_is_null(stream))
        return err_set(err, -EINVAL, "stream: expected true or false, found %s",
                       yyjson_get_type_desc(stream));
    ask->stream = yyjson_is_bool(stream) ? yyjson_get_bool(stream) : fallback;
    return 0;
}

void scan_max_tokens(struct ask *ask, yyjson_val *max)
{
    uint64_t tokens = json_u64(max);

    ask->max_tokens = tokens > UINT32_MAX ? UINT32_MAX : (uint32_t)tokens;
}

void scan_text(struct ask *ask, yyjson_val *text)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(text);
    yyjson_val *entry;
    size_t bytes_of_tokens = 0;

    note_longest(ask, count(ask, text));
    while ((entry = yyjson_arr_iter_next(&each))) {
        size_t bytes = count(ask, entry);

        note_longest(ask, bytes);
        if (yyjson_is_num(entry))
            bytes_of_tokens += bytes;
    }
    note_longest(ask, bytes_of_tokens);
}

static int scan_model(struct ask *ask, yyjson_val *root, struct err *err)
{
    const struct json json = {.doc = ask->doc, .copy = ask->copy, .root = root};
    yyjson_val *model;
    struct str place;

    if (json_find_once(root, "model", &model) < 0)
        return err_set(err, -EINVAL, "model: stands there twice");
    ask->model = json_str(model);
    if (!ask->model.len)
        return err_set(err, -EINVAL, "model: expected a name, found %s",
                       !model                 ? "nothing"
                       : yyjson_is_str(model) ? "an empty text"
                                              : yyjson_get_type_desc(model));
    place = json_place(&json, ask->body, model);
    ask->model_at = (size_t)(place.data - ask->body.data);
    ask->model_len = place.len;
    return 0;
}

/* A token given as a number counts as the four bytes that it is on average. */
static size_t count(struct ask *ask, yyjson_val *text)
{
    size_t more = yyjson_is_num(text) ? 4 : json_str(text).len;

    if (__builtin_add_overflow(ask->prompt_bytes, more, &ask->prompt_bytes))
        ask->prompt_bytes = UINT32_MAX;
    return more;
}

static void note_longest(struct ask *ask, size_t bytes)
{
    if (bytes > ask->longest_bytes)
        ask->longest_bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}
