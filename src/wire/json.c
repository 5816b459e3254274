/* SPDX-License-Identifier: Apache-2.0 */
/* JSON on yyjson: memory with a ceiling in, fast escaping out. */
#include "wire/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/auto.h"

enum {
    POOL_FIRST = 4096,
    POOL_KEEP = 256 * 1024, /* larger texts are rare: they come and go by malloc */
    SPARE_ROOM = 16 * 1024,
};

/* One pool of a thread at a time may have this; a second one asks malloc(). So that the frames of
 * thousands of streams are read in the same memory, which no stream keeps. */
struct spare {
    bool is_lent;
    _Alignas(16) char data[SPARE_ROOM];
};

static _Thread_local struct spare spare;

/* Stands in front of the copied text: what the tree may still allocate. */
struct budget {
    size_t left;
    bool was_refused;
};

static void *budget_malloc(void *ctx, size_t size);
static void *budget_realloc(void *ctx, void *p, size_t old_size, size_t size);
static void budget_free(void *ctx, void *p);
static int explain(struct err *err, struct str text, const yyjson_read_err *why);
static size_t skip_string(struct str text, size_t at);
static int pool_grow(struct json_pool *p, size_t size);
static void pool_free(struct json_pool *p);
static size_t plain_length(const unsigned char *at, size_t left);
static size_t utf8_length(const unsigned char *at, size_t left);
static int put_escape(struct buf *out, unsigned char c);

int json_read(struct json *ret, struct str text, size_t memory_max, struct err *err)
{
    struct budget *budget = malloc(sizeof *budget + text.len + YYJSON_PADDING_SIZE);
    yyjson_alc alc = {budget_malloc, budget_realloc, budget_free, budget};
    char *copy = (char *)(budget + 1);
    yyjson_read_err why;
    yyjson_doc *doc;
    int r;

    if (!budget)
        return err_set(err, -ENOMEM, "out of memory");
    *budget = (struct budget){.left = memory_max};
    if (text.len)
        memcpy(copy, text.data, text.len);
    memset(copy + text.len, 0, YYJSON_PADDING_SIZE);
    doc = yyjson_read_opts(copy, text.len, YYJSON_READ_INSITU, &alc, &why);
    if (doc) {
        *ret = (struct json){doc, yyjson_doc_get_root(doc), copy};
        return 0;
    }
    if (budget->was_refused)
        r = err_set(err, -EMSGSIZE, "the JSON has too many values");
    else
        r = explain(err, text, &why);
    free(budget);
    return r;
}

void json_fini(struct json *j)
{
    yyjson_doc_free(j->doc);
    if (j->copy)
        free((struct budget *)(void *)j->copy - 1);
    *j = (struct json){0};
}

struct str json_place(const struct json *j, struct str text, yyjson_val *string)
{
    /* Unescaping happens in place, so the first byte of a string has not moved. */
    size_t at = (size_t)(yyjson_get_str(string) - j->copy) - 1;

    return str_slice(text.data + at, skip_string(text, at) - at);
}

int json_pool_read(struct json_pool *p, struct str text, yyjson_val **ret)
{
    size_t need = yyjson_read_max_memory_usage(text.len, 0);
    yyjson_read_err why;
    yyjson_doc *doc;
    yyjson_alc alc;

    yyjson_doc_free(TAKE(p->large));
    if (need && need <= POOL_KEEP) {
        if (pool_grow(p, need) < 0)
            return -ENOMEM;
        yyjson_alc_pool_init(&alc, p->data, p->room);
        doc = yyjson_read_opts((char *)(uintptr_t)text.data, text.len, 0, &alc, &why);
    } else {
        doc = yyjson_read_opts((char *)(uintptr_t)text.data, text.len, 0, NULL, &why);
        p->large = doc;
    }
    if (!doc)
        return why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? -ENOMEM : -EBADMSG;
    *ret = yyjson_doc_get_root(doc);
    return 0;
}

void json_pool_fini(struct json_pool *p)
{
    yyjson_doc_free(p->large);
    pool_free(p);
    *p = (struct json_pool){0};
}

struct str json_str(yyjson_val *value)
{
    return str_slice(yyjson_get_str(value), yyjson_get_len(value) * yyjson_is_str(value));
}

uint64_t json_u64(yyjson_val *value)
{
    double real;

    if (yyjson_is_uint(value))
        return yyjson_get_uint(value);
    if (!yyjson_is_real(value))
        return 0;
    real = yyjson_get_real(value);
    return real >= 0 && real < 9e15 && real == floor(real) ? (uint64_t)real : 0;
}

double json_find_real(yyjson_val *obj, const char *key)
{
    double real = yyjson_get_num(json_find(obj, key));

    return real > 0 && real < 1e15 ? real : 0;
}

yyjson_val *json_proof(yyjson_val *root, const char *pointer)
{
    yyjson_val *found = yyjson_ptr_get(root, pointer);
    bool is_nothing = yyjson_is_null(found) || yyjson_is_false(found) ||
                      (yyjson_is_int(found) && json_u64(found) == 0);

    return is_nothing ? NULL : found;
}

bool json_find_true(yyjson_val *obj, const char *key)
{
    return yyjson_is_true(json_find(obj, key));
}

int json_put_string(struct buf *out, struct str s)
{
    int r = buf_reserve(out, s.len + 2);

    if (r == 0)
        r = buf_put_char(out, '"');
    if (r == 0)
        r = json_put_escaped(out, s);
    return r < 0 ? r : buf_put_char(out, '"');
}

int json_put_escaped(struct buf *out, struct str s)
{
    const unsigned char *at = (const unsigned char *)s.data, *plain = at;
    const unsigned char *end = s.len ? at + s.len : at;
    int r = 0;

    while (r == 0 && at < end) {
        size_t length = plain_length(at, (size_t)(end - at));

        if (!length && *at >= 0x80)
            length = utf8_length(at, (size_t)(end - at));
        if (length) {
            at += length;
            continue;
        }
        r = buf_put(out, str_slice((const char *)plain, (size_t)(at - plain)));
        if (r == 0)
            r = put_escape(out, *at);
        plain = ++at;
    }
    return r < 0 ? r : buf_put(out, str_slice((const char *)plain, (size_t)(end - plain)));
}

int json_put_value(struct buf *out, yyjson_val *value)
{
    yyjson_write_err why;
    size_t length;
    AUTO_BYTES(char *) text = yyjson_val_write_opts(value, 0, NULL, &length, &why);

    if (!text)
        return why.code == YYJSON_WRITE_ERROR_MEMORY_ALLOCATION ? -ENOMEM : -EINVAL;
    return buf_put(out, str_slice(text, length));
}

int json_put_double(struct buf *out, double value)
{
    char memory[512]; /* yyjson asks for less to write one number */
    yyjson_alc alc;
    yyjson_val number;
    size_t length;
    char *text;

    if (!isfinite(value))
        return buf_put(out, STR("null"));
    if (value == floor(value) && fabs(value) < 9e15) /* engines in Go take no 42.0 for a seed */
        return buf_printf(out, "%.0f", value + 0.0);
    number = (yyjson_val){0};
    yyjson_set_real(&number, value);
    yyjson_alc_pool_init(&alc, memory, sizeof memory);
    text = yyjson_val_write_opts(&number, 0, &alc, &length, NULL);
    return text ? buf_put(out, str_slice(text, length)) : -ENOMEM;
}

static void *budget_malloc(void *ctx, size_t size)
{
    struct budget *budget = ctx;

    if (size > budget->left) {
        budget->was_refused = true;
        return NULL;
    }
    budget->left -= size;
    return malloc(size);
}

static void *budget_realloc(void *ctx, void *p, size_t old_size, size_t size)
{
    struct budget *budget = ctx;
    size_t more = size > old_size ? size - old_size : 0;

    if (more > budget->left) {
        budget->was_refused = true;
        return NULL;
    }
    budget->left -= more;
    return realloc(p, size);
}

static void budget_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static int explain(struct err *err, struct str text, const yyjson_read_err *why)
{
    size_t line = 1, column = 1, character;

    if (why->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return err_set(err, -ENOMEM, "out of memory");
    if (!text.len)
        return err_set(err, -EINVAL, "the body is empty, expected JSON");
    yyjson_locate_pos(text.data, text.len, why->pos, &line, &column, &character);
    return err_set(err, -EINVAL, "not JSON at line %zu, column %zu: %s", line, column, why->msg);
}

/* The offset after the closing quote of the string that opens at `at`. */
static size_t skip_string(struct str text, size_t at)
{
    for (at++; at < text.len && text.data[at] != '"'; at++)
        at += text.data[at] == '\\';
    return at < text.len ? at + 1 : text.len;
}

static int pool_grow(struct json_pool *p, size_t size)
{
    size_t room = p->room ? p->room : POOL_FIRST;

    if (size <= p->room)
        return 0;
    pool_free(p);
    if (size <= SPARE_ROOM && !spare.is_lent) {
        spare.is_lent = true;
        p->data = spare.data;
        p->room = SPARE_ROOM;
        return 0;
    }
    while (room < size)
        room *= 2;
    p->data = malloc(room);
    p->room = p->data ? room : 0;
    return p->data ? 0 : -ENOMEM;
}

static void pool_free(struct json_pool *p)
{
    if (p->data == spare.data)
        spare.is_lent = false;
    else
        free(p->data);
    p->data = NULL;
    p->room = 0;
}

/* Bytes of printable ASCII without quote and backslash: eight at a time, as pictures are long. */
static size_t plain_length(const unsigned char *at, size_t left)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = 0x80 * ones;
    size_t length = 0;

    for (; left - length >= 8; length += 8) {
        uint64_t word, quote, backslash;

        memcpy(&word, at + length, 8);
        quote = word ^ '"' * ones;
        backslash = word ^ '\\' * ones;
        /* A borrow may point at a byte too many, never at one too few. */
        if ((word | (word - 0x20 * ones) | (quote - ones) | (backslash - ones)) & highs)
            break;
    }
    while (length < left && at[length] >= 0x20 && at[length] < 0x80 && at[length] != '"' &&
           at[length] != '\\')
        length++;
    return length;
}

/* Bytes of the well-formed sequence at `at` (Unicode table 3-7), 0 when it is none. */
static size_t utf8_length(const unsigned char *at, size_t left)
{
    size_t length = *at < 0xC2 ? 0 : *at < 0xE0 ? 2 : *at < 0xF0 ? 3 : *at < 0xF5 ? 4 : 0;
    unsigned char low = 0x80, high = 0xBF;

    if (!length || left < length)
        return 0;
    if (*at == 0xE0)
        low = 0xA0;
    else if (*at == 0xED)
        high = 0x9F;
    else if (*at == 0xF0)
        low = 0x90;
    else if (*at == 0xF4)
        high = 0x8F;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

static int put_escape(struct buf *out, unsigned char c)
{
    static const char letters[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    static const char hex[] = "0123456789abcdef";

    if (c >= 0x80)
        return buf_put(out, STR("\xEF\xBF\xBD"));
    if (c == '"' || c == '\\')
        return buf_put(out, str_slice((char[]){'\\', (char)c}, 2));
    if (letters[c])
        return buf_put(out, str_slice((char[]){'\\', letters[c]}, 2));
    return buf_put(out, str_slice((char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6));
}
