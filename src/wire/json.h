/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: a strict reader around yyjson, look-ups, and values written back as text.
 *
 *     if (json_read(&json, body, JSON_MEMORY(body.len), err) < 0)
 *         -EINVAL with line and column; -EMSGSIZE, -ENOMEM
 *     model = json_find_str(json.root, "model");
 *     json_fini(&json);
 *
 * For a stream of small texts a pool reads each into the same memory:
 *
 *     struct json_pool pool = {0};
 *     while (a frame arrives)
 *         json_pool_read(&pool, frame, &root);        the tree dies at the next read
 *     json_pool_fini(&pool);
 *
 * RFC 8259 to the letter: UTF-8 is checked, nothing may follow the value, no comments, no byte
 * order mark, no numbers beyond a double. Nesting costs no stack. Pure.
 */
#pragma once

#include <yyjson.h>

#include "base/buf.h"
#include "base/err.h"

struct json {
    yyjson_doc *doc;
    yyjson_val *root;
    char *copy; /* the text, strings unescaped in place; the tree points into it */
};

/* What a tree may cost: images are one value of many bytes, so three times the text and
 * 32 MiB to spare is generous to people and not to "[[[[[[". */
#define JSON_MEMORY(text_len) ((size_t)(32u << 20) + 3 * (text_len))

/* The text is borrowed for the call only. -EINVAL with words; -EMSGSIZE: the tree would be larger
 * than memory_max; -ENOMEM. */
MUST_USE int json_read(struct json *ret, struct str text, size_t memory_max, struct err *err);

/* Accepts a zeroed one. */
void json_fini(struct json *j);

/* Where in the text that json_read() read a string value stands, quotes included. */
struct str json_place(const struct json *j, struct str text, yyjson_val *string);

struct json_pool {
    char *data;
    size_t room;
    yyjson_doc *large; /* a text too large for the reused memory */
};

/* Zeroed is empty; lives on one thread. -EBADMSG: not JSON; -ENOMEM. */
MUST_USE int json_pool_read(struct json_pool *p, struct str text, yyjson_val **ret);
void json_pool_fini(struct json_pool *p);

/* The value of a member, NULL when absent or when obj is no object (or NULL). */
static inline yyjson_val *json_find(yyjson_val *obj, const char *key)
{
    return yyjson_obj_getn(obj, key, strlen(key));
}

/* A string's bytes; .data is NULL when it is none. */
struct str json_str(yyjson_val *value);

/* Here, so that a key's length is known when it is compiled. */
static inline struct str json_find_str(yyjson_val *obj, const char *key)
{
    return json_str(json_find(obj, key));
}

/* A whole number that is not negative (2.0 counts); 0 when it is none. */
uint64_t json_u64(yyjson_val *value);
static inline uint64_t json_find_u64(yyjson_val *obj, const char *key)
{
    return json_u64(json_find(obj, key));
}

/* Any number between 0 and 1e15; 0 when it is none. */
double json_find_real(yyjson_val *obj, const char *key);

/* What stands at an RFC 6901 pointer ("/data/0"); NULL unless it says something: neither null nor
 * false nor the whole number 0. An empty text does. */
yyjson_val *json_proof(yyjson_val *root, const char *pointer);

/* True for `true` only. */
bool json_find_true(yyjson_val *obj, const char *key);

/* A string in quotes, escaped. Bytes that are not UTF-8 become U+FFFD. */
MUST_USE int json_put_string(struct buf *out, struct str s);

/* The same without the quotes: a part of a string. */
MUST_USE int json_put_escaped(struct buf *out, struct str s);

/* A tree as text, without spaces. */
MUST_USE int json_put_value(struct buf *out, yyjson_val *value);

/* The shortest text that reads back as the same double, whole numbers without a point; what JSON
 * cannot say becomes null. */
MUST_USE int json_put_double(struct buf *out, double value);
