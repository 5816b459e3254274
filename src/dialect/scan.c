/* SPDX-License-Identifier: Apache-2.0 */
/* The common part of scans. */
#include "dialect/scan.h"

#include <errno.h>

/* What is decided by, in the dialects whose bytes engines may be sent as they came. */
static const char *const decided_by[] = {
    "audio",
    "contents",
    "documents",
    "format",
    "images",
    "input",
    "instructions",
    "keep_alive",
    "max_completion_tokens",
    "max_tokens",
    "max_output_tokens",
    "messages",
    "model",
    "options",
    "output_config",
    "output_format",
    "prompt",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "shift",
    "size",
    "stream",
    "stream_options",
    "suffix",
    "system",
    "text",
    "think",
    "thinking",
    "tool_choice",
    "tools",
};

_Static_assert(COUNT_OF(decided_by) <= 64, "each has a bit");

static int refuse_doubtful(yyjson_val *root, struct err *err);
static const char *looks_like(struct str name, uint64_t *seen);
static bool is_folded(struct str name, const char *word);
static char take_folded(struct str *rest);
static int scan_model(struct ask *ask, yyjson_val *root, struct err *err);
static void note_largest(uint32_t *largest, yyjson_val *in, const char *name);
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
    r = refuse_doubtful(json.root, err);
    if (r < 0) {
        json_fini(&json);
        return r;
    }
    *ret = (struct ask){.task = task, .body = body, .doc = json.doc, .copy = json.copy};
    *ret_root = json.root;
    return 0;
}

/* Engines written in Go take `Model` for `model`; and of two that stand there some engines take the
 * first, and some the last. */
static int refuse_doubtful(yyjson_val *root, struct err *err)
{
    yyjson_obj_iter each = yyjson_obj_iter_with(root);
    uint64_t seen = 0;
    yyjson_val *key;

    while ((key = yyjson_obj_iter_next(&each))) {
        struct str name = json_str(key);
        uint64_t before = seen;
        const char *word = looks_like(name, &seen);

        if (word && !str_is(name, word))
            return err_set(err, -EINVAL, "%.*s: expected '%s' in small letters", STR_ARG(name),
                           word);
        if (word && before == seen && !str_starts(name, STR("max_"))) /* of these the largest */
            return err_set(err, -EINVAL, "%s: stands there twice", word);
    }
    return 0;
}

/* What an engine might take the name for, and its bit; NULL: for nothing that is looked at. */
static const char *looks_like(struct str name, uint64_t *seen)
{
    for (size_t i = 0; i < COUNT_OF(decided_by); i++)
        if (is_folded(name, decided_by[i])) {
            *seen |= UINT64_C(1) << i;
            return decided_by[i];
        }
    return NULL;
}

static bool is_folded(struct str name, const char *word)
{
    while (name.len && *word && take_folded(&name) == *word)
        word++;
    return !name.len && !*word;
}

/* As Go does: U+017F is an s, U+212A a k. */
static char take_folded(struct str *rest)
{
    struct str s = *rest;
    size_t taken = 1;
    char c = s.data[0];

    if (c >= 'A' && c <= 'Z')
        c = (char)(c - 'A' + 'a');
    else if ((unsigned char)c < 0x80) /* nearly always: each letter of a body's names comes by */
        ;
    else if (str_starts(s, STR("\u017f")))
        c = 's', taken = strlen("\u017f");
    else if (str_starts(s, STR("\u212a")))
        c = 'k', taken = strlen("\u212a");
    *rest = str_slice(s.data + taken, s.len - taken);
    return c;
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
    yyjson_val *stream = json_find(root, "stream");

    if (stream && !yyjson_is_bool(stream) && !yyjson_is_null(stream))
        return err_set(err, -EINVAL, "stream: expected true or false, found %s",
                       yyjson_get_type_desc(stream));
    ask->stream = yyjson_is_bool(stream) ? yyjson_get_bool(stream) : fallback;
    return 0;
}

void scan_max_tokens(struct ask *ask, yyjson_val *in, const char *name)
{
    note_largest(&ask->max_tokens, in, name);
}

void scan_choices(struct ask *ask, yyjson_val *in, const char *name)
{
    note_largest(&ask->choices, in, name);
}

/* Of all that have the name: engines disagree which of two counts. */
static void note_largest(uint32_t *largest, yyjson_val *in, const char *name)
{
    yyjson_obj_iter each = yyjson_obj_iter_with(in);
    yyjson_val *key;

    while ((key = yyjson_obj_iter_next(&each))) {
        uint64_t said = str_is(json_str(key), name) ? json_u64(yyjson_obj_iter_get_val(key)) : 0;

        if (said > *largest)
            *largest = said > UINT32_MAX ? UINT32_MAX : (uint32_t)said;
    }
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
    yyjson_val *model = json_find(root, "model");
    struct str place;

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
