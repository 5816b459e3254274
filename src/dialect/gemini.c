/* SPDX-License-Identifier: Apache-2.0 */
/* The Gemini dialect: where to ask, how it fails, and the parts put together. */
#include "dialect/gemini.h"

#include <errno.h>
#include <stdio.h>

#include "dialect/put.h"
#include "dialect/reader.h"
#include "wire/url.h"

static int write_failure(struct buf *out, enum failure why, struct str found, bool in_stream);
static const char *status_of(int code);
static const char *content_type(const struct reply_shape *shape);
static const char *verb_of(enum task task);
static int write_target(struct buf *out, enum task task, const struct copy_shape *shape,
                        bool stream, bool as_list);
static enum failure read_failure(int status, struct str body, struct arena *arena,
                                 struct str *found);
static uint64_t read_patience(struct str body);
static yyjson_val *error_in(yyjson_val *root);

const struct dialect gemini_dialect = {
    .name = "gemini",
    .scan = gemini_scan,
    .scan_path = gemini_scan_path,
    .read_request = gemini_read_request,
    .writer_new = gemini_writer_new,
    .writer_put = gemini_writer_put,
    .writer_end = gemini_writer_end,
    .writer_free = gemini_writer_free,
    .write_failure = write_failure,
    .content_type = content_type,
    .target = verb_of,
    .write_target = write_target,
    .write_request = gemini_write_request,
    .reader_new = gemini_reader_new,
    .reader_feed = gemini_reader_feed,
    .reader_end = gemini_reader_end,
    .reader_free = gemini_reader_free,
    .read_failure = read_failure,
    .read_patience = read_patience,
};

/* A key that is not right is a 400 there, and so is a country that is not served. */
enum failure gemini_failure(int code, struct str status, struct str words)
{
    if (failure_is_overflow(words) || words_contain(words, "exceeds the maximum number of tokens"))
        return FAILURE_rejected;
    if (words_contain(words, "API key not valid") || words_contain(words, "API key expired") ||
        str_is(status, "FAILED_PRECONDITION"))
        return FAILURE_upstream_auth;
    if (code < 400 || code == 499 || code == 529)
        return FAILURE_upstream_error;
    return failure_of_status(code);
}

yyjson_val *gemini_find(yyjson_val *obj, const char *name)
{
    yyjson_val *found = json_find(obj, name), *key;
    yyjson_obj_iter each = yyjson_obj_iter_with(obj);

    while (!found && (key = yyjson_obj_iter_next(&each)))
        if (gemini_is_name(json_str(key), name))
            found = yyjson_obj_iter_get_val(key);
    return found;
}

struct str gemini_find_str(yyjson_val *obj, const char *name)
{
    return json_str(gemini_find(obj, name));
}

bool gemini_is_name(struct str found, const char *name)
{
    size_t at = 0;

    for (; *name && at < found.len; name++, at++) {
        bool is_capital = *name >= 'A' && *name <= 'Z';

        if (found.data[at] == *name)
            continue;
        if (!is_capital || found.data[at] != '_' || ++at == found.len ||
            found.data[at] != *name - 'A' + 'a')
            return false;
    }
    return !*name && at == found.len;
}

/* Google's library raises an error at a piece of a stream that has the member `error`. */
static int write_failure(struct buf *out, enum failure why, struct str found, bool in_stream)
{
    int code = failure_row(why)->status;
    size_t before = out->len;
    struct json_out o = {.out = out};

    if (in_stream)
        o.error = buf_put(out, STR("data: "));
    json_open(&o, '{');
    json_open(json_key(&o, "error"), '{');
    json_number(json_key(&o, "code"), (uint64_t)code);
    put_failure(json_key(&o, "message"), why, found);
    json_text(json_key(&o, "status"), str_from(status_of(code)));
    json_close(&o, '}');
    json_close(&o, '}');
    if (!o.error && in_stream)
        o.error = buf_put(out, STR("\r\n\r\n"));
    if (o.error)
        out->len = before;
    return o.error;
}

static const char *status_of(int code)
{
    static const struct {
        int code;
        const char *status;
    } statuses[] = {
        {401, "UNAUTHENTICATED"},    {403, "PERMISSION_DENIED"},
        {404, "NOT_FOUND"},          {409, "ABORTED"},
        {408, "DEADLINE_EXCEEDED"},  {413, "OUT_OF_RANGE"},
        {429, "RESOURCE_EXHAUSTED"}, {499, "CANCELLED"},
        {501, "UNIMPLEMENTED"},      {502, "UNAVAILABLE"},
        {503, "UNAVAILABLE"},        {504, "DEADLINE_EXCEEDED"},
    };

    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        if (statuses[i].code == code)
            return statuses[i].status;
    return code < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
}

static const char *content_type(const struct reply_shape *shape)
{
    return shape->stream && !shape->as_list ? "text/event-stream"
                                            : "application/json; charset=UTF-8";
}

/* What stands behind the model's name. */
static const char *verb_of(enum task task)
{
    static const char *const verbs[TASK_COUNT] = {
        [TASK_chat] = ":generateContent",
        [TASK_embed] = ":batchEmbedContents",
        [TASK_embed_one] = ":embedContent",
        [TASK_tokens] = ":countTokens",
    };

    return verbs[task];
}

static int write_target(struct buf *out, enum task task, const struct copy_shape *shape,
                        bool stream, bool as_list)
{
    int r = buf_put(out, STR("/v1beta/models/"));

    if (r == 0)
        r = url_encode(out, shape->model);
    if (r < 0)
        return r;
    if (!stream)
        return buf_put(out, str_from(verb_of(task)));
    return buf_put(out,
                   as_list ? STR(":streamGenerateContent") : STR(":streamGenerateContent?alt=sse"));
}

static enum failure read_failure(int status, struct str body, struct arena *arena,
                                 struct str *found)
{
    struct json json = {0};
    enum failure why;
    yyjson_val *error = NULL;

    *found = failure_words(body, arena);
    if (json_read(&json, body, JSON_MEMORY(body.len), NULL) == 0)
        error = error_in(json.root);
    if (!found->len && json_find_str(error, "message").len)
        *found = arena_str(arena, json_find_str(error, "message"));
    why = gemini_failure(status, json_find_str(error, "status"), *found);
    json_fini(&json);
    return why;
}

/* "46s" or "1.5s", in the details of the error. */
static uint64_t read_patience(struct str body)
{
    struct json json = {0};
    yyjson_arr_iter each;
    yyjson_val *detail;
    double seconds = 0;

    if (json_read(&json, body, JSON_MEMORY(body.len), NULL) < 0)
        return 0;
    each = yyjson_arr_iter_with(json_find(error_in(json.root), "details"));
    while ((detail = yyjson_arr_iter_next(&each))) {
        struct str delay = json_find_str(detail, "retryDelay");

        if (delay.len > 1 && delay.len < 16 && delay.data[delay.len - 1] == 's')
            sscanf(delay.data, "%lf", &seconds);
    }
    json_fini(&json);
    return seconds > 0 && seconds < 1e6 ? (uint64_t)(seconds * 1000) : 0;
}

/* An error of a stream that would have been an array is one. */
static yyjson_val *error_in(yyjson_val *root)
{
    return json_find(yyjson_is_arr(root) ? yyjson_arr_get_first(root) : root, "error");
}
