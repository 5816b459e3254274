/* SPDX-License-Identifier: Apache-2.0 */
/* One health probe of one engine. */
#include "engine/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "wire/json.h"

struct probe {
    struct client *client;
    struct call *call;
    struct probe_ask ask;
    probe_fn *on_probed;
    void *ctx;
    bool asks_listed, asks_loaded; /* the question under way; neither: the first */
    struct json listed;            /* what it said it has */
    int status;
    char version[32];
    struct buf body;
};

static int ask(struct probe *p, const char *target);
static void ask_next(struct probe *p);
static void finish(struct probe *p, struct probe_result *result);
static void probe_free(struct probe *p);
static void read_version(struct probe *p);
static void read_loaded(struct probe *p);
static void read_models(struct probe_result *result, yyjson_val *models);
static void read_listed(struct probe_result *result, yyjson_val *models);

static void on_head(void *ctx, const struct reply *r);
static void on_body(void *ctx, struct str chunk);
static void on_end(void *ctx);
static void on_fail(void *ctx, enum failure why, const char *words);

static const struct call_events events = {on_head, on_body, on_end, on_fail};

int probe_start(struct probe **ret, struct client *client, const struct probe_ask *what,
                probe_fn *on_probed, void *ctx)
{
    struct probe *p = calloc(1, sizeof *p);
    int r;

    if (!p)
        return -ENOMEM;
    *p = (struct probe){.client = client, .ask = *what, .on_probed = on_probed, .ctx = ctx};
    buf_init(&p->body, PROBE_BODY_MAX);
    r = ask(p, engine_kind_row(what->kind)->health);
    if (r < 0) {
        free(p);
        return r;
    }
    *ret = p;
    return 0;
}

void probe_cancel(struct probe *p)
{
    if (!p)
        return;
    call_cancel(p->call);
    probe_free(p);
}

static int ask(struct probe *p, const char *target)
{
    struct header authorization = {STR("authorization"), p->ask.authorization};
    struct call_request request = {
        .endpoint = p->ask.endpoint,
        .method = METHOD_GET,
        .target = str_from(target),
        .headers = &authorization,
        .header_count = p->ask.authorization.len ? 1 : 0,
        .connect_timeout_ms = p->ask.timeout_ms,
        .total_timeout_ms = p->ask.timeout_ms,
    };

    buf_reset(&p->body);
    p->status = 0;
    return call_start(&p->call, p->client, &request, &events, p);
}

static void on_head(void *ctx, const struct reply *r)
{
    ((struct probe *)ctx)->status = r->status;
}

static void on_body(void *ctx, struct str chunk)
{
    struct probe *p = ctx;

    /* An answer that is too long is no answer to this question. */
    if (buf_put(&p->body, chunk) < 0)
        p->status = 0;
}

static void on_end(void *ctx)
{
    struct probe *p = ctx;
    bool loading = p->ask.kind == ENGINE_llama_server && p->status == 503;

    if (p->asks_loaded) {
        read_loaded(p);
        return;
    }
    if (p->asks_listed) {
        if (p->status == 200)
            (void)!json_read(&p->listed, buf_str(&p->body), JSON_MEMORY(p->body.len), NULL);
        ask_next(p);
        return;
    }
    if (p->status != 200 && !loading) {
        finish(p, &(struct probe_result){.up = false});
        return;
    }
    read_version(p);
    ask_next(p);
}

static void ask_next(struct probe *p)
{
    bool lists = p->ask.wants_list && !p->asks_listed;

    p->asks_listed = lists;
    p->asks_loaded = !lists;
    if (p->ask.kind != ENGINE_ollama || ask(p, lists ? "/api/tags" : "/api/ps") < 0)
        finish(p, &(struct probe_result){.up = true, .version = str_from(p->version)});
}

static void on_fail(void *ctx, enum failure why, const char *words)
{
    struct probe *p = ctx;

    (void)words;
    finish(p, &(struct probe_result){.up = p->asks_loaded || p->asks_listed,
                                     .nobody_listens = why == FAILURE_connect_failed,
                                     .version = str_from(p->version)});
}

static void finish(struct probe *p, struct probe_result *result)
{
    p->on_probed(p->ctx, result);
    probe_free(p);
}

static void probe_free(struct probe *p)
{
    json_fini(&p->listed);
    buf_fini(&p->body);
    free(p);
}

static void read_version(struct probe *p)
{
    struct json json;

    if (json_read(&json, buf_str(&p->body), JSON_MEMORY(p->body.len), NULL) < 0)
        return;
    snprintf(p->version, sizeof p->version, "%.*s", STR_ARG(json_find_str(json.root, "version")));
    json_fini(&json);
}

static void read_loaded(struct probe *p)
{
    struct probe_result result = {.up = true, .version = str_from(p->version)};
    struct json json = {0};

    if (p->status == 200 &&
        json_read(&json, buf_str(&p->body), JSON_MEMORY(p->body.len), NULL) == 0) {
        result.knows_loaded = true;
        read_models(&result, json_find(json.root, "models"));
    }
    read_listed(&result, json_find(p->listed.root, "models"));
    finish(p, &result);
    json_fini(&json);
}

static void read_models(struct probe_result *result, yyjson_val *models)
{
    yyjson_val *model;
    size_t i, count;

    yyjson_arr_foreach(models, i, count, model)
    {
        if (result->count == PROBE_MODELS_MAX)
            return;
        result->models[result->count++] = (struct probe_model){
            .name = json_find_str(model, "name"),
            .memory_bytes = json_find_u64(model, "size"),
            .gpu_bytes = json_find_u64(model, "size_vram"),
            .context = json_find_u64(model, "context_length"),
            .until = json_find_str(model, "expires_at"),
        };
    }
}

/* Of a list that is too long nothing is concluded. */
static void read_listed(struct probe_result *result, yyjson_val *models)
{
    yyjson_val *model;
    size_t i, count;

    result->knows_listed = yyjson_is_arr(models) && yyjson_arr_size(models) <= PROBE_LISTED_MAX;
    if (!result->knows_listed)
        return;
    yyjson_arr_foreach(models, i, count, model)
    {
        struct str digest = json_find_str(model, "digest"), rest, algorithm;

        algorithm = str_cut(digest, ':', &rest);
        result->digests[result->listed_count] = algorithm.len < digest.len ? rest : digest;
        result->listed[result->listed_count++] = json_find_str(model, "name");
    }
}
