/* SPDX-License-Identifier: Apache-2.0 */
/* When two requests are the same. */
#include "cache/same.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { DEPTH_MAX = 64 };

struct member {
    yyjson_val *key, *value;
    size_t place;
};

struct writing {
    struct buf *out;
    unsigned traits, depth;
};

static int put(struct writing *w, yyjson_val *value);
static int put_number(struct buf *out, yyjson_val *value);
static int put_list(struct writing *w, yyjson_val *list);
static int put_object(struct writing *w, yyjson_val *object);
static int put_members(struct writing *w, struct member *members, size_t count);
static int compare(const void *a, const void *b);
static bool is_how_it_is_sent(struct str name);
static void note_traits(struct writing *w, struct str name, yyjson_val *value);
static bool is_one_of(struct str word, const char *const *words);
static bool says_something(yyjson_val *value);
static int add(EVP_MD_CTX *sum, struct str text);

int same_text(struct buf *out, yyjson_val *root, unsigned *ret_traits)
{
    struct writing w = {.out = out};
    int r = put(&w, root);

    if (r == 0)
        *ret_traits = w.traits;
    return r;
}

int same_key(struct cache_key *ret, const struct str *scope, size_t count, struct str text)
{
    EVP_MD_CTX *sum = EVP_MD_CTX_new();
    int r = sum && EVP_DigestInit_ex(sum, EVP_sha256(), NULL) ? 0 : -ENOMEM;

    for (size_t i = 0; i < count && r == 0; i++)
        r = add(sum, scope[i]);
    if (r == 0)
        r = add(sum, text);
    if (r == 0 && !EVP_DigestFinal_ex(sum, ret->bytes, NULL))
        r = -ENOMEM;
    EVP_MD_CTX_free(sum);
    return r;
}

/* With its length: "a", "bc" is not "ab", "c". */
static int add(EVP_MD_CTX *sum, struct str text)
{
    uint64_t length = text.len;

    return EVP_DigestUpdate(sum, &length, sizeof length) &&
                   (!text.len || EVP_DigestUpdate(sum, text.data, text.len))
               ? 0
               : -ENOMEM;
}

static int put(struct writing *w, yyjson_val *value)
{
    int r;

    if (!yyjson_is_ctn(value))
        return yyjson_is_num(value) ? put_number(w->out, value) : json_put_value(w->out, value);
    if (w->depth == DEPTH_MAX)
        return -ENOTSUP;
    w->depth++;
    r = yyjson_is_arr(value) ? put_list(w, value) : put_object(w, value);
    w->depth--;
    return r;
}

/* 1.0 is 1. */
static int put_number(struct buf *out, yyjson_val *value)
{
    double number = yyjson_get_num(value);

    if (yyjson_is_real(value) && number > -1e15 && number < 1e15 &&
        number == (double)(int64_t)number)
        return buf_printf(out, "%lld", (long long)number);
    return json_put_value(out, value);
}

static int put_list(struct writing *w, yyjson_val *list)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(list);
    yyjson_val *value;
    int r = buf_put_char(w->out, '[');

    for (bool first = true; r == 0 && (value = yyjson_arr_iter_next(&each)); first = false) {
        if (!first)
            r = buf_put_char(w->out, ',');
        if (r == 0)
            r = put(w, value);
    }
    return r < 0 ? r : buf_put_char(w->out, ']');
}

static int put_object(struct writing *w, yyjson_val *object)
{
    size_t room = yyjson_obj_size(object), count = 0;
    struct member *members = calloc(room + 1, sizeof *members);
    yyjson_obj_iter each = yyjson_obj_iter_with(object);
    yyjson_val *key;
    int r;

    if (!members)
        return -ENOMEM;
    while ((key = yyjson_obj_iter_next(&each))) {
        yyjson_val *value = yyjson_obj_iter_get_val(key);

        note_traits(w, json_str(key), value);
        if (w->depth > 1 || !is_how_it_is_sent(json_str(key)))
            members[count] = (struct member){key, value, count}, count++;
    }
    qsort(members, count, sizeof *members, compare);
    r = put_members(w, members, count);
    free(members);
    return r;
}

static int put_members(struct writing *w, struct member *members, size_t count)
{
    int r = buf_put_char(w->out, '{');

    for (size_t i = 0; i < count && r == 0; i++) {
        if (i)
            r = buf_put_char(w->out, ',');
        if (r == 0)
            r = json_put_string(w->out, json_str(members[i].key));
        if (r == 0)
            r = buf_put_char(w->out, ':');
        if (r == 0)
            r = put(w, members[i].value);
    }
    return r < 0 ? r : buf_put_char(w->out, '}');
}

/* A member that stands there twice keeps its order: engines disagree which one counts. */
static int compare(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    struct str first = json_str(x->key), second = json_str(y->key);
    size_t shorter = first.len < second.len ? first.len : second.len;
    int order = memcmp(first.data, second.data, shorter);

    if (order)
        return order;
    if (first.len != second.len)
        return first.len < second.len ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

static bool is_how_it_is_sent(struct str name)
{
    static const char *const words[] = {"stream", "stream_options", "keep_alive", NULL};

    return is_one_of(name, words);
}

/* At any depth: the dialects have these in different places, and a false alarm costs an answer
 * that is not kept. */
static void note_traits(struct writing *w, struct str name, yyjson_val *value)
{
    static const char *const offers[] = {
        "tools",      "functions",          "mcp_servers", "functionCall", "functionResponse",
        "tool_calls", "web_search_options", NULL};
    static const char *const tellers[] = {"tool",
                                          "function",
                                          "tool_result",
                                          "tool_use",
                                          "function_call",
                                          "function_call_output",
                                          "function_response",
                                          NULL};
    static const char *const apart[] = {
        "logprobs",           "top_logprobs", "previous_response_id",
        "conversation",       "modalities",   "responseLogprobs",
        "responseModalities", "background",   NULL};
    static const char *const choices[] = {"n", "best_of", "candidateCount", NULL};

    if (w->depth <= 2 && str_is(name, "temperature") && yyjson_is_num(value))
        w->traits |= yyjson_get_num(value) == 0 ? TRAIT_steady : 0;
    if (is_one_of(name, offers) && says_something(value))
        w->traits |= TRAIT_effects;
    if ((str_is(name, "role") || str_is(name, "type")) && is_one_of(json_str(value), tellers))
        w->traits |= TRAIT_effects;
    if (w->depth <= 2 && is_one_of(name, apart) && says_something(value))
        w->traits |= TRAIT_apart;
    if (w->depth <= 2 && is_one_of(name, choices) && yyjson_get_num(value) > 1)
        w->traits |= TRAIT_apart;
}

static bool is_one_of(struct str word, const char *const *words)
{
    while (*words && !str_is(word, *words))
        words++;
    return *words != NULL;
}

/* Neither null, false, 0 nor empty. */
static bool says_something(yyjson_val *value)
{
    if (yyjson_is_ctn(value))
        return yyjson_get_len(value) > 0;
    if (yyjson_is_num(value))
        return yyjson_get_num(value) != 0;
    return yyjson_is_true(value) || yyjson_is_str(value);
}
