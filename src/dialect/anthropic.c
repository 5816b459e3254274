/* SPDX-License-Identifier: Apache-2.0 */
/* The Anthropic dialect: where to ask, how it fails, and the parts put together. */
#include "dialect/anthropic.h"

#include "dialect/put.h"
#include "dialect/reader.h"

static int write_failure(struct buf *out, enum failure why, struct str found, bool in_stream);
static const char *failure_type(int status);
static const char *content_type(const struct reply_shape *shape);
static const char *target(enum task task);
static enum failure read_failure(int status, struct str body, struct arena *arena,
                                 struct str *found);
static int status_of(struct str type);
static bool is_unpaid(struct str words);

static const char *const passed_headers[] = {"anthropic-version", "anthropic-beta", NULL};
static const char *const fixed_headers[] = {"anthropic-version", "2023-06-01", NULL};

const struct dialect anthropic_dialect = {
    .name = "anthropic",
    .scan = anthropic_scan,
    .read_request = anthropic_read_request,
    .forward = anthropic_forward,
    .note_dropped = anthropic_note_dropped,
    .writer_new = anthropic_writer_new,
    .writer_put = anthropic_writer_put,
    .writer_end = anthropic_writer_end,
    .writer_free = anthropic_writer_free,
    .write_failure = write_failure,
    .content_type = content_type,
    .passed_headers = passed_headers,
    .fixed_headers = fixed_headers,
    .id_header = "request-id",
    .target = target,
    .write_request = anthropic_write_request,
    .reader_new = anthropic_reader_new,
    .reader_feed = anthropic_reader_feed,
    .reader_end = anthropic_reader_end,
    .reader_free = anthropic_reader_free,
    .read_failure = read_failure,
};

/* The types that errors have, and the statuses that they come with. */
static const struct {
    int status;
    const char *type;
} types[] = {
    {400, "invalid_request_error"},
    {401, "authentication_error"},
    {402, "billing_error"},
    {403, "permission_error"},
    {404, "not_found_error"},
    {413, "request_too_large"},
    {429, "rate_limit_error"},
    {504, "timeout_error"},
    {503, "overloaded_error"},
    {529, "overloaded_error"},
    {500, "api_error"},
};

enum failure anthropic_failure(int status, struct str type, struct str words)
{
    if (!status)
        status = status_of(type);
    if (failure_is_overflow(words))
        return FAILURE_rejected;
    if (is_unpaid(words))
        return FAILURE_upstream_auth;
    return status == 409 ? FAILURE_upstream_busy : failure_of_status(status);
}

/* The official clients raise an error at `event: error` and read no further. */
static int write_failure(struct buf *out, enum failure why, struct str found, bool in_stream)
{
    size_t before = out->len;
    struct json_out o = {.out = out};

    if (in_stream)
        o.error = buf_put(out, STR("event: error\ndata: "));
    json_open(&o, '{');
    json_text(json_key(&o, "type"), STR("error"));
    json_open(json_key(&o, "error"), '{');
    json_text(json_key(&o, "type"), str_from(failure_type(failure_row(why)->status)));
    put_failure(json_key(&o, "message"), why, found);
    json_close(&o, '}');
    json_close(&o, '}');
    if (!o.error && in_stream)
        o.error = buf_put(out, STR("\n\n"));
    if (o.error)
        out->len = before;
    return o.error;
}

static const char *failure_type(int status)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i].status == status)
            return types[i].type;
    return status < 500 ? "invalid_request_error" : "api_error";
}

static const char *content_type(const struct reply_shape *shape)
{
    return shape->stream && shape->task == TASK_chat ? "text/event-stream" : "application/json";
}

static const char *target(enum task task)
{
    static const char *const targets[TASK_COUNT] = {
        [TASK_chat] = "/v1/messages",
        [TASK_tokens] = "/v1/messages/count_tokens",
    };

    return targets[task];
}

static enum failure read_failure(int status, struct str body, struct arena *arena,
                                 struct str *found)
{
    struct json json = {0};
    enum failure why;
    yyjson_val *error = NULL;

    *found = failure_words(body, arena);
    if (json_read(&json, body, JSON_MEMORY(body.len), NULL) == 0)
        error = json_find(json.root, "error");
    why = anthropic_failure(status, json_find_str(error, "type"), *found);
    json_fini(&json);
    return why;
}

static int status_of(struct str type)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_is(type, types[i].type))
            return types[i].status;
    return 500;
}

/* Said with 400 and with 429: it is over when somebody has paid, and not in a minute. */
static bool is_unpaid(struct str words)
{
    return words_contain(words, "credit balance") || words_contain(words, "spend limit") ||
           words_contain(words, "spending limit");
}
