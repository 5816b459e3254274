/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenAI dialect: where to ask, how it fails, and the parts put together. */
#include "dialect/openai.h"

#include "dialect/openai_media.h"
#include "dialect/put.h"
#include "dialect/reader.h"

static int write_failure(struct buf *out, enum failure why, struct str found, bool in_stream);
static const char *failure_type(enum failure why);
static struct str failure_code(enum failure why, struct str found);
static const char *content_type(const struct reply_shape *shape);
static const char *target(enum task task);
static enum failure read_failure(int status, struct str body, struct arena *arena,
                                 struct str *found);

const struct dialect openai_dialect = {
    .name = "openai",
    .scan = openai_scan,
    .scan_form = openai_scan_form,
    .read_request = openai_read_request,
    .writer_new = openai_writer_new,
    .writer_put = openai_writer_put,
    .writer_end = openai_writer_end,
    .writer_free = openai_writer_free,
    .write_failure = write_failure,
    .content_type = content_type,
    .target = target,
    .write_request = openai_write_request,
    .reader_new = openai_reader_new,
    .reader_feed = openai_reader_feed,
    .reader_end = openai_reader_end,
    .reader_free = openai_reader_free,
    .read_failure = read_failure,
    .as_stream = openai_as_stream,
};

enum failure openai_failure(int status, struct str type, struct str code, struct str words)
{
    if (str_equal(type, STR("exceed_context_size_error")) || failure_is_overflow(words))
        return FAILURE_rejected;
    /* llama-server answers 500 to messages and tools that it cannot read: no fault of its own. */
    if (str_starts(words, STR("Failed to parse messages")) ||
        str_starts(words, STR("Failed to parse tools")))
        return FAILURE_rejected;
    /* Of the two kinds of 429 the one is gone in a minute, the other when somebody has paid. */
    if (str_is(type, "insufficient_quota") || str_is(code, "insufficient_quota") ||
        str_is(code, "credit_balance_exhausted"))
        return FAILURE_upstream_auth;
    /* llama-server, until it can answer: it is well, and will be ready. */
    if (status == 503 && str_starts(words, STR("Loading model")))
        return FAILURE_upstream_loading;
    return failure_of_status(status);
}

/* The official clients raise an error at the first event that has the member `error` and read no
 * further; a [DONE] behind it would tell simpler ones that the answer is complete. */
static int write_failure(struct buf *out, enum failure why, struct str found, bool in_stream)
{
    size_t before = out->len;
    struct json_out o = {.out = out};

    if (in_stream)
        o.error = buf_put(out, STR("data: "));
    json_open(&o, '{');
    json_open(json_key(&o, "error"), '{');
    put_failure(json_key(&o, "message"), why, found);
    json_text(json_key(&o, "type"), str_from(failure_type(why)));
    json_raw(json_key(&o, "param"), STR("null"));
    json_text(json_key(&o, "code"), failure_code(why, found));
    json_close(&o, '}');
    json_close(&o, '}');
    if (!o.error && in_stream)
        o.error = buf_put(out, STR("\n\n"));
    if (o.error)
        out->len = before;
    return o.error;
}

static const char *failure_type(enum failure why)
{
    int status = failure_row(why)->status;

    if (status == 429)
        return "rate_limit_error";
    return status < 500 ? "invalid_request_error" : "api_error";
}

/* OpenAI's own codes where clients act on them, else the failure's name. */
static struct str failure_code(enum failure why, struct str found)
{
    switch (why) {
    case FAILURE_unauthorized:
        return STR("invalid_api_key");
    case FAILURE_unknown_model:
        return STR("model_not_found");
    case FAILURE_queue_full:
        return STR("rate_limit_exceeded");
    case FAILURE_too_long:
        return STR("context_length_exceeded");
    case FAILURE_rejected:
        if (failure_is_overflow(found))
            return STR("context_length_exceeded");
        break;
    default:
        break;
    }
    return str_from(failure_row(why)->name);
}

static const char *content_type(const struct reply_shape *shape)
{
    return shape->stream && shape->task != TASK_embed ? "text/event-stream" : "application/json";
}

static const char *target(enum task task)
{
    static const char *const targets[TASK_COUNT] = {
        [TASK_chat] = "/v1/chat/completions",
        [TASK_complete] = "/v1/completions",
        [TASK_embed] = "/v1/embeddings",
    };

    return task_is_passed(task) ? openai_media_target(task) : targets[task];
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
    why =
        openai_failure(status, json_find_str(error, "type"), json_find_str(error, "code"), *found);
    json_fini(&json);
    return why;
}
