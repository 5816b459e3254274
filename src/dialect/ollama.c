/* SPDX-License-Identifier: Apache-2.0 */
/* The Ollama dialect: where to ask, how it fails, and the parts put together. */
#include "dialect/ollama.h"

#include "dialect/put.h"
#include "dialect/reader.h"

static int write_failure(struct buf *out, enum failure why, struct str found, bool in_stream);
static const char *content_type(const struct reply_shape *shape);
static const char *target(enum task task);
static enum failure read_failure(int status, struct str body, struct arena *arena,
                                 struct str *found);
static bool is_runner_trouble(struct str words);

const struct dialect ollama_dialect = {
    .name = "ollama",
    .scan = ollama_scan,
    .read_request = ollama_read_request,
    .forward = ollama_forward,
    .note_dropped = ollama_note_dropped,
    .writer_new = ollama_writer_new,
    .writer_put = ollama_writer_put,
    .writer_end = ollama_writer_end,
    .writer_free = ollama_writer_free,
    .write_failure = write_failure,
    .content_type = content_type,
    .target = target,
    .write_request = ollama_write_request,
    .reader_new = ollama_reader_new,
    .reader_feed = ollama_reader_feed,
    .reader_end = ollama_reader_end,
    .reader_free = ollama_reader_free,
    .read_failure = read_failure,
};

enum failure ollama_failure(int status, struct str words)
{
    enum failure why;

    if (failure_is_overflow(words))
        return FAILURE_rejected;
    /* 499: a load that was called off; another may try. */
    if (status < 400 || status == 499)
        return FAILURE_upstream_error;
    why = failure_of_status(status);
    return why == FAILURE_rejected && is_runner_trouble(words) ? FAILURE_upstream_error : why;
}

/* One line or one body: {"error":"WORDS: FOUND"}. */
static int write_failure(struct buf *out, enum failure why, struct str found, bool in_stream)
{
    size_t before = out->len;
    struct json_out o = {.out = out};

    json_open(&o, '{');
    put_failure(json_key(&o, "error"), why, found);
    json_close(&o, '}');
    if (!o.error && in_stream)
        o.error = buf_put_char(out, '\n');
    if (o.error)
        out->len = before;
    return o.error;
}

static const char *content_type(const struct reply_shape *shape)
{
    return shape->stream ? "application/x-ndjson" : "application/json; charset=utf-8";
}

static const char *target(enum task task)
{
    static const char *const targets[TASK_COUNT] = {
        [TASK_chat] = "/api/chat",
        [TASK_complete] = "/api/generate",
        [TASK_embed] = "/api/embed",
        [TASK_embed_one] = "/api/embeddings",
    };

    return targets[task];
}

static enum failure read_failure(int status, struct str body, struct arena *arena,
                                 struct str *found)
{
    *found = failure_words(body, arena);
    return ollama_failure(status, *found);
}

/* /api/embed answers 400 also when the runner died under it: then it is not the caller's fault. */
static bool is_runner_trouble(struct str words)
{
    static const char *const signs[] = {
        "runner",
        "do embedding request",
        "connection refused",
        "connection reset",
        "forcibly closed",
        "out of memory",
        "cuda error",
        "terminated",
        "unexpected eof",
        ": eof",
        "error loading model",
        "failed to load",
    };

    for (size_t i = 0; i < COUNT_OF(signs); i++)
        if (words_contain(words, signs[i]))
            return true;
    return false;
}
