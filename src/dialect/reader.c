/* SPDX-License-Identifier: Apache-2.0 */
/* The common part of readers, and the words of failures. */
#include "dialect/reader.h"

#include <errno.h>
#include <strings.h>

#include "wire/base64.h"

enum { WORDS_MAX = 512 };

static int take_floats(struct reader *r, struct str base64);
static int take_numbers(struct reader *r, yyjson_val *array);

void reader_init(struct reader *r, enum task task, bool streaming, size_t event_max,
                 struct sink next)
{
    *r = (struct reader){.task = task, .streaming = streaming, .next = next};
    buf_init(&r->body, event_max);
    buf_init(&r->text, 8 * event_max); /* numbers as doubles take more room than "0," */
}

void reader_fini(struct reader *r)
{
    buf_fini(&r->body);
    buf_fini(&r->text);
    json_pool_fini(&r->pool);
}

int reader_put(struct reader *r, const struct delta *delta)
{
    int result = r->next.put(r->next.ctx, delta);

    return result < 0 ? result : 0;
}

int reader_text(struct reader *r, enum delta_kind kind, unsigned index, struct str text)
{
    return text.len ? reader_put(r, &(struct delta){.kind = kind, .index = index, .text = text})
                    : 0; /* a delta is large: it is not made for nothing */
}

int reader_failure(struct reader *r, enum failure why, struct str words)
{
    r->is_over = true;
    return reader_put(r, &(struct delta){.kind = DELTA_failure, .why = why, .text = words});
}

int reader_complete(struct reader *r)
{
    r->is_over = r->is_complete = true;
    return reader_put(r, &(struct delta){.kind = DELTA_end});
}

int reader_vector(struct reader *r, unsigned index, yyjson_val *value)
{
    struct delta delta = {.kind = DELTA_embedding, .index = index};
    int result;

    buf_reset(&r->text);
    if (yyjson_is_str(value))
        result = take_floats(r, json_str(value));
    else
        result = take_numbers(r, value);
    if (result < 0)
        return result;
    delta.vector = (const double *)(const void *)r->text.data;
    delta.dimensions = r->text.len / sizeof(double);
    return reader_put(r, &delta);
}

struct str failure_words(struct str body, struct arena *arena)
{
    struct json json = {0};
    struct str words = {0};

    if (json_read(&json, body, JSON_MEMORY(body.len), NULL) == 0)
        words = failure_words_in(json.root);
    else if (body.len && body.data[0] != '<') /* a page of HTML says nothing to a caller */
        words = body;
    while (words.len && strchr("\r\n", words.data[words.len - 1]))
        words.len--;
    words = str_trim(words);
    if (words.len > WORDS_MAX)
        words.len = WORDS_MAX;
    words = words.len ? arena_str(arena, words) : (struct str){0};
    json_fini(&json);
    return words;
}

struct str failure_words_in(yyjson_val *root)
{
    static const char *const places[] = {"message", "detail", "msg"};
    yyjson_val *error = json_find(root, "error");

    if (yyjson_is_str(root))
        return json_str(root);
    if (yyjson_is_str(error))
        return json_str(error);
    /* FastAPI lists what is wrong, field by field: the first will do. */
    if (yyjson_is_arr(json_find(root, "detail")))
        root = yyjson_arr_get_first(json_find(root, "detail"));
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct str words = json_find_str(yyjson_is_obj(error) ? error : root, places[i]);

        if (words.len)
            return words;
    }
    return (struct str){0};
}

enum failure failure_of_status(int status)
{
    switch (status) {
    case 401:
    case 402:
    case 403:
        return FAILURE_upstream_auth;
    case 404:
        return FAILURE_upstream_missing;
    case 408:
    case 429:
    case 503:
    case 529:
        return FAILURE_upstream_busy;
    default:
        return status >= 500 ? FAILURE_upstream_error : FAILURE_rejected;
    }
}

bool failure_is_overflow(struct str words)
{
    if (words_contain(words, "prompt is too long")) /* Anthropic's words */
        return true;
    return words_contain(words, "context") &&
           (words_contain(words, "exceed") || words_contain(words, "maximum context") ||
            words_contain(words, "too long") || words_contain(words, "larger than"));
}

bool words_contain(struct str words, const char *part)
{
    size_t length = strlen(part);

    for (size_t i = 0; i + length <= words.len; i++)
        if (strncasecmp(words.data + i, part, length) == 0)
            return true;
    return false;
}

/* Floats are four bytes, lowest first, whatever this machine thinks of it. */
static int take_floats(struct reader *r, struct str base64)
{
    struct buf floats;
    int result;

    buf_init(&floats, r->text.max);
    result = base64_take(&floats, base64);
    if (result == 0 && floats.len % 4)
        result = -EBADMSG;
    for (size_t at = 0; result == 0 && at < floats.len; at += 4) {
        const unsigned char *b = (const unsigned char *)floats.data + at;
        uint32_t bits = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        double number;
        float narrow;

        memcpy(&narrow, &bits, sizeof narrow);
        number = (double)narrow;
        result = buf_put(&r->text, str_slice((const char *)&number, sizeof number));
    }
    buf_fini(&floats);
    return result;
}

static int take_numbers(struct reader *r, yyjson_val *array)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(array);
    yyjson_val *value;
    int result = -EBADMSG;

    if (yyjson_is_arr(array))
        result = buf_reserve(&r->text, yyjson_arr_size(array) * sizeof(double));
    while (result == 0 && (value = yyjson_arr_iter_next(&each))) {
        double number = yyjson_get_num(value);

        result = yyjson_is_num(value)
                     ? buf_put(&r->text, str_slice((const char *)&number, sizeof number))
                     : -EBADMSG;
    }
    return result;
}
