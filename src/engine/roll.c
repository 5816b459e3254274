/* SPDX-License-Identifier: Apache-2.0 */
/* A provider's own list of its models. */
#include "engine/roll.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/json.h"

enum { LIST_MAX = 4 << 20 };

struct roll {
    struct call *call;
    struct buf body;
    int status;
    on_roll_fn *on_roll;
    void *ctx;
};

static void on_head(void *ctx, const struct reply *r);
static void on_body(void *ctx, struct str chunk);
static void on_end(void *ctx);
static void on_fail(void *ctx, enum failure why, const char *words);
static bool is_version(struct str rest);
static size_t read_names(struct str **ret, yyjson_val *root);
static void finish(struct roll *r, const struct str *names, size_t count);

static const struct call_events events = {on_head, on_body, on_end, on_fail};

int roll_start(struct roll **ret, struct client *client, const struct roll_ask *ask,
               on_roll_fn *on_roll, void *ctx)
{
    struct roll *r = calloc(1, sizeof *r);
    struct call_request request = {
        .endpoint = ask->endpoint,
        .method = METHOD_GET,
        .target = ask->target,
        .headers = ask->headers,
        .header_count = ask->header_count,
        .connect_timeout_ms = ask->timeout_ms,
        .total_timeout_ms = ask->timeout_ms,
    };
    int result;

    if (!r)
        return -ENOMEM;
    r->on_roll = on_roll;
    r->ctx = ctx;
    buf_init(&r->body, LIST_MAX);
    result = call_start(&r->call, client, &request, &events, r);
    if (result < 0) {
        free(r);
        return result;
    }
    *ret = r;
    return 0;
}

void roll_cancel(struct roll *r)
{
    if (!r)
        return;
    call_cancel(r->call);
    buf_fini(&r->body);
    free(r);
}

bool roll_has(const struct str *names, size_t count, struct str model)
{
    for (size_t i = 0; i < count; i++)
        if (str_starts(names[i], model) &&
            is_version(str_slice(names[i].data + model.len, names[i].len - model.len)))
            return true;
    return false;
}

/* Nothing, or a day: "-20251001", "-2024-07-18". */
static bool is_version(struct str rest)
{
    return !rest.len || (rest.len >= 9 && str_starts(rest, STR("-20")));
}

static void on_head(void *ctx, const struct reply *r)
{
    ((struct roll *)ctx)->status = r->status;
}

static void on_body(void *ctx, struct str chunk)
{
    struct roll *r = ctx;

    if (buf_put(&r->body, chunk) < 0)
        r->status = 0;
}

static void on_end(void *ctx)
{
    struct roll *r = ctx;
    struct json json = {0};
    struct str *names = NULL;
    size_t count = 0;

    if (r->status == 200 &&
        json_read(&json, buf_str(&r->body), JSON_MEMORY(r->body.len), NULL) == 0)
        count = read_names(&names, json.root);
    finish(r, names, count);
    free(names);
    json_fini(&json);
}

static void on_fail(void *ctx, enum failure why, const char *words)
{
    (void)why;
    (void)words;
    finish(ctx, NULL, 0);
}

/* OpenAI and Anthropic: data[].id; Gemini: models[].name, with "models/" before it. */
static size_t read_names(struct str **ret, yyjson_val *root)
{
    const struct str folder = STR("models/");
    bool is_gemini = yyjson_is_arr(json_find(root, "models"));
    yyjson_val *list = json_find(root, is_gemini ? "models" : "data"), *entry;
    yyjson_arr_iter each = yyjson_arr_iter_with(list);
    struct str *names;
    size_t count = 0;

    if (json_find_true(root, "has_more") || json_find(root, "nextPageToken"))
        return 0;
    names = calloc(yyjson_arr_size(list) + 1, sizeof *names);
    while (names && (entry = yyjson_arr_iter_next(&each))) {
        struct str name = json_find_str(entry, is_gemini ? "name" : "id");

        if (str_starts(name, folder))
            name = str_slice(name.data + folder.len, name.len - folder.len);
        if (name.len)
            names[count++] = name;
    }
    *ret = names;
    return count;
}

static void finish(struct roll *r, const struct str *names, size_t count)
{
    r->on_roll(r->ctx, names, count);
    buf_fini(&r->body);
    free(r);
}
