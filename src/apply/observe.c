/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine has. */
#include "apply/observe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/json.h"

enum { IDLE_MS = 15000, ANSWER_MAX = 16 << 20, URL_MAX = 1024 };

static int ask(struct seen *s, struct asker *a, const char *target, struct json *ret,
               struct err *err);
static int read_version(struct seen *s, struct asker *a, struct err *err);
static int read_tags(struct seen *s, struct asker *a, struct err *err);
static int read_loaded(struct seen *s, struct asker *a, struct err *err);
static int read_list(struct seen *s, struct asker *a, struct err *err);
static int add_model(struct seen *s, struct str name, struct str digest, uint64_t bytes,
                     bool is_loaded);
static uint32_t find_model(const struct seen *s, struct str name);
static struct str plain_name(struct str name);

void observe(struct seen *s, struct asker *a, const struct machine *machine,
             const struct fleet_engine *engine)
{
    struct err err = {0};
    int r;

    *s = (struct seen){.machine = machine, .engine = engine};
    r = observe_endpoint(&s->endpoint, machine, engine, &err);
    if (r == 0)
        r = read_version(s, a, &err);
    if (r == 0 && engine->kind == ENGINE_ollama)
        r = read_tags(s, a, &err) < 0 ? -EIO : read_loaded(s, a, &err);
    else if (r == 0)
        r = read_list(s, a, &err);
    s->is_up = r == 0;
    if (r < 0)
        snprintf(s->words, sizeof s->words, "%.*s", SEEN_WORDS - 1, err.text);
}

void seen_fini(struct seen *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        free(s->models[i].name);
    free(s->models);
    buf_fini(&s->settings);
    buf_fini(&s->files);
    *s = (struct seen){0};
}

const struct seen_model *seen_model(const struct seen *s, struct str name)
{
    uint32_t at = find_model(s, name);

    return at < s->count ? &s->models[at] : NULL;
}

int observe_endpoint(struct endpoint *ret, const struct machine *machine,
                     const struct fleet_engine *engine, struct err *err)
{
    struct buf url;
    int r;

    if (engine->url.len)
        return endpoint_parse(ret, engine->url, err);
    buf_init(&url, URL_MAX);
    r = buf_put(&url, engine->tls ? STR("https://") : STR("http://"));
    if (r == 0)
        r = machine_engine_host(machine, engine, &url);
    if (r == -ENOENT)
        err_set(err, r, "its address is not known: write addresses: into the fleet file");
    if (r == 0 && engine->base_path.len)
        r = buf_put(&url, engine->base_path);
    if (r == 0)
        r = endpoint_parse(ret, buf_str(&url), err);
    buf_fini(&url);
    return r;
}

static int ask(struct seen *s, struct asker *a, const char *target, struct json *ret,
               struct err *err)
{
    struct buf answer;
    struct question q = {.endpoint = &s->endpoint,
                         .target = str_from(target),
                         .answer = &answer,
                         .idle_timeout_ms = IDLE_MS};
    int r;

    buf_init(&answer, ANSWER_MAX);
    r = question_ask(a, &q, err);
    if (r >= 0 && r != 200)
        r = err_set(err, -EIO, "%s answers with status %d", target, r);
    if (r == 200 && (r = json_read(ret, buf_str(&answer), JSON_MEMORY(answer.len), err)) < 0)
        err_wrap(err, r, "%s", target);
    buf_fini(&answer);
    return r;
}

static int read_version(struct seen *s, struct asker *a, struct err *err)
{
    const char *health = engine_kind_row(s->engine->kind)->health;
    struct json json = {0};
    struct err unread = {0};
    struct buf answer;
    struct question q = {.endpoint = &s->endpoint,
                         .target = str_from(health),
                         .answer = &answer,
                         .idle_timeout_ms = IDLE_MS};
    int r;

    buf_init(&answer, ANSWER_MAX);
    r = question_ask(a, &q, err);
    if (r >= 0 && r != 200)
        r = err_set(err, -EIO, "%s answers with status %d", health, r);
    if (r == 200 && json_read(&json, buf_str(&answer), JSON_MEMORY(answer.len), &unread) == 0)
        snprintf(s->version, sizeof s->version, "%.*s",
                 STR_ARG(json_find_str(json.root, "version")));
    json_fini(&json);
    buf_fini(&answer);
    return r < 0 ? r : 0;
}

static int read_tags(struct seen *s, struct asker *a, struct err *err)
{
    struct json json = {0};
    yyjson_val *model;
    size_t i, count;
    int r = ask(s, a, "/api/tags", &json, err);

    if (r == 0)
        yyjson_arr_foreach(json_find(json.root, "models"), i, count, model)
        {
            r = r < 0 ? r
                      : add_model(s, json_find_str(model, "name"), json_find_str(model, "digest"),
                                  json_find_u64(model, "size"), false);
        }
    json_fini(&json);
    return r;
}

static int read_loaded(struct seen *s, struct asker *a, struct err *err)
{
    struct json json = {0};
    yyjson_val *loaded;
    size_t i, count;
    int r = ask(s, a, "/api/ps", &json, err);

    if (r == 0)
        yyjson_arr_foreach(json_find(json.root, "models"), i, count, loaded)
        {
            uint32_t at = find_model(s, json_find_str(loaded, "name"));

            if (at < s->count)
                s->models[at].is_loaded = true;
        }
    json_fini(&json);
    return r;
}

/* What was started with a model has it loaded. One that lists nothing counts as up all the same. */
static int read_list(struct seen *s, struct asker *a, struct err *err)
{
    struct json json = {0};
    yyjson_val *model;
    size_t i, count;
    int r = 0;

    if (ask(s, a, "/v1/models", &json, err) == 0)
        yyjson_arr_foreach(json_find(json.root, "data"), i, count, model)
        {
            r = r < 0 ? r : add_model(s, json_find_str(model, "id"), STR(""), 0, true);
        }
    json_fini(&json);
    return r;
}

static int add_model(struct seen *s, struct str name, struct str digest, uint64_t bytes,
                     bool is_loaded)
{
    bool is_full = s->count && (s->count & (s->count - 1)) == 0; /* a power of two */
    size_t room = s->count ? 2 * (size_t)s->count : 1;
    struct seen_model *models = s->models;

    if (s->count == SEEN_MODELS_MAX)
        return 0;
    if (!s->count || is_full)
        models = realloc(s->models, room * sizeof *models);
    if (!models)
        return -ENOMEM;
    s->models = models;
    models[s->count] = (struct seen_model){.bytes = bytes, .is_loaded = is_loaded};
    if (!(models[s->count].name = strndup(name.len ? name.data : "", name.len)))
        return -ENOMEM;
    if (digest.len)
        snprintf(models[s->count].digest, sizeof models->digest, "%s%.*s",
                 str_starts(digest, STR("sha256:")) ? "" : "sha256:", STR_ARG(digest));
    s->count++;
    return 0;
}

/* s->count when there is none. */
static uint32_t find_model(const struct seen *s, struct str name)
{
    uint32_t at = 0;

    while (at < s->count &&
           !str_equal_nocase(plain_name(str_from(s->models[at].name)), plain_name(name)))
        at++;
    return at;
}

static struct str plain_name(struct str name)
{
    const struct str library = STR("library/"), latest = STR(":latest");

    if (str_starts(name, library))
        name = str_slice(name.data + library.len, name.len - library.len);
    if (str_ends(name, latest))
        name.len -= latest.len;
    return name;
}
