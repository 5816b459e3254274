/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet as one Ollama. */
#include "web/ollama.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/version.h"
#include "dialect/ollama_facts.h"
#include "gateway/health.h"
#include "gateway/scene.h"
#include "route/candidates.h"
#include "web/names.h"
#include "web/pages.h"

enum { TIME_ROOM = 32 };

struct listing {
    struct json_out json;
    char since[TIME_ROOM];
};

static int add_name(void *ctx, struct str name, const char *what, const struct candidates *found);
static void write_tag(struct listing *l, struct str name, const char *what,
                      const struct candidates *found);
static void write_loaded(struct json_out *o, const struct copy *c, const struct sighting *seen);
static int read_name(struct buf *ret, struct str body, struct err *err);
static void write_model(struct json_out *o, const struct page_request *r,
                        const struct candidates *found);
static void put_remote(struct json_out *o, const struct copy *c);
static void put_digest(struct json_out *o, const struct copy *c);
static bool is_older(const char *version, const char *other);
static void write_since(char out[static TIME_ROOM], const struct page_request *r);

int ollama_tags(const struct page_request *r, struct buf *out, const char **type)
{
    struct listing l = {.json = {.out = out}};

    (void)type;
    write_since(l.since, r);
    json_open(&l.json, '{');
    json_open(json_key(&l.json, "models"), '[');
    if (names_each(r, add_name, &l) < 0)
        return 500;
    json_close(&l.json, ']');
    json_close(&l.json, '}');
    return l.json.error ? 500 : 200;
}

int ollama_ps(const struct page_request *r, struct buf *out, const char **type)
{
    const struct view *view = r->scene->view;
    struct json_out o = {.out = out};
    bool *may_ask = names_copies(r);

    (void)type;
    if (!may_ask)
        return 500;
    json_open(&o, '{');
    json_open(json_key(&o, "models"), '[');
    for (uint32_t i = 0; i < view->copies_count; i++) {
        struct sighting seen = health_copy(gateway_health(r->gateway), view->copies[i].place);

        if (seen.loaded && may_ask[i])
            write_loaded(&o, &view->copies[i], &seen);
    }
    free(may_ask);
    json_close(&o, ']');
    json_close(&o, '}');
    return o.error ? 500 : 200;
}

int ollama_show(const struct page_request *r, struct buf *out, const char **type)
{
    struct json_out o = {.out = out};
    struct candidates found;
    enum failure why;
    struct err err = {0};
    struct buf name;
    int status;

    (void)type;
    buf_init(&name, 1024);
    if (read_name(&name, r->body, &err) < 0) {
        status = page_failure(r, out, DIALECT_ollama, FAILURE_bad_json, str_from(err.text));
    } else if ((why = name_find(&found, r, buf_str(&name), &err)) != FAILURE_none) {
        status = page_failure(r, out, DIALECT_ollama, why, str_from(err.text));
    } else {
        write_model(&o, r, &found);
        status = o.error ? 500 : 200;
    }
    buf_fini(&name);
    return status;
}

/* The oldest of the fleet's: what a client finds there works everywhere. */
int ollama_version(const struct page_request *r, struct buf *out, const char **type)
{
    const struct view *view = r->scene->view;
    struct json_out o = {.out = out};
    char oldest[sizeof(((struct engine_sighting *)NULL)->version)] = "";

    (void)type;
    for (uint32_t i = 0; i < view->engines_count; i++) {
        const struct view_engine *e = &view->engines[i];
        struct engine_sighting seen = health_engine(gateway_health(r->gateway), e->name);

        if (e->engine && e->engine->kind == ENGINE_ollama && *seen.version &&
            (!*oldest || is_older(seen.version, oldest)))
            memcpy(oldest, seen.version, sizeof oldest);
    }
    json_open(&o, '{');
    json_text(json_key(&o, "version"), *oldest ? str_from(oldest) : STR(OLLAMA_VERSION));
    json_text(json_key(&o, "tampu"), STR(TAMPU_VERSION));
    json_close(&o, '}');
    return o.error ? 500 : 200;
}

int ollama_refuse(const struct page_request *r, struct buf *out, const char **type)
{
    (void)type;
    return page_failure(r, out, DIALECT_ollama, FAILURE_not_done_here,
                        STR("which machine holds which model is the plan's to say: write it into "
                            "the fleet file, or ask that machine's Ollama itself"));
}

static int add_name(void *ctx, struct str name, const char *what, const struct candidates *found)
{
    struct listing *l = ctx;

    write_tag(l, name, what, found);
    return l->json.error;
}

/* What a name means first says what it is like. */
static void write_tag(struct listing *l, struct str name, const char *what,
                      const struct candidates *found)
{
    const struct copy *first = found->rows[0].copy;
    struct json_out *o = &l->json;

    json_open(o, '{');
    json_text(json_key(o, "name"), name);
    json_text(json_key(o, "model"), name);
    put_remote(o, first);
    json_text(json_key(o, "modified_at"), str_from(l->since));
    json_number(json_key(o, "size"), first->artifact ? first->artifact->bytes : 0);
    put_digest(o, first);
    ollama_put_details(o, first->artifact, true);
    ollama_put_capabilities(o, name_capabilities(found));
    json_text(json_key(o, "kind"), str_from(what));
    json_close(o, '}');
}

static void write_loaded(struct json_out *o, const struct copy *c, const struct sighting *seen)
{
    json_open(o, '{');
    json_text(json_key(o, "name"), c->name);
    json_text(json_key(o, "model"), c->name);
    json_number(json_key(o, "size"), seen->memory_bytes);
    put_digest(o, c);
    ollama_put_details(o, c->artifact, false);
    /* An engine that does not say when it unloads keeps what it has. */
    json_text(json_key(o, "expires_at"),
              *seen->until ? str_from(seen->until) : STR("2300-01-01T00:00:00Z"));
    json_number(json_key(o, "size_vram"), seen->gpu_bytes);
    json_number(json_key(o, "context_length"), seen->context ? seen->context : c->context);
    json_text(json_key(o, "machine"), c->machine_name);
    json_close(o, '}');
}

/* "model", which older clients call "name". */
static int read_name(struct buf *ret, struct str body, struct err *err)
{
    struct json json = {0};
    struct str name;
    int r = json_read(&json, body, JSON_MEMORY(body.len), err);

    if (r < 0)
        return r;
    name = json_find_str(json.root, "model");
    if (!name.len)
        name = json_find_str(json.root, "name");
    r = name.len ? buf_put(ret, name) : err_set(err, -EINVAL, "model: expected a name");
    json_fini(&json);
    return r;
}

static void write_model(struct json_out *o, const struct page_request *r,
                        const struct candidates *found)
{
    const struct copy *first = found->rows[0].copy;
    char since[TIME_ROOM], parameters[64] = "";
    uint64_t context = name_context(found);

    write_since(since, r);
    if (context)
        snprintf(parameters, sizeof parameters, "num_ctx %ju", (uintmax_t)context);
    json_open(o, '{');
    json_joined(json_key(o, "modelfile"), STR("# as the fleet file has it\nFROM "), first->tag);
    json_text(json_key(o, "parameters"), str_from(parameters));
    json_text(json_key(o, "template"), STR("{{ .Prompt }}"));
    put_remote(o, first);
    ollama_put_details(o, first->artifact, false);
    ollama_put_model_info(o, first->artifact, context);
    ollama_put_capabilities(o, name_capabilities(found));
    json_text(json_key(o, "modified_at"), str_from(since));
    json_close(o, '}');
}

/* As Ollama says of what it has elsewhere. */
static void put_remote(struct json_out *o, const struct copy *c)
{
    if (!c->cloud)
        return;
    json_text(json_key(o, "remote_model"), c->tag);
    json_text(json_key(o, "remote_host"), c->cloud->url);
}

/* The manifest's digest is not known; clients want 64 hex digits that tell models apart. */
static void put_digest(struct json_out *o, const struct copy *c)
{
    char digest[65];

    snprintf(digest, sizeof digest, "%016jx%048d", (uintmax_t)str_hash(c->tag), 0);
    json_text(json_key(o, "digest"), str_from(digest));
}

static bool is_older(const char *version, const char *other)
{
    unsigned mine[3] = {0}, theirs[3] = {0};

    sscanf(version, "%u.%u.%u", &mine[0], &mine[1], &mine[2]);
    sscanf(other, "%u.%u.%u", &theirs[0], &theirs[1], &theirs[2]);
    for (int i = 0; i < 3; i++)
        if (mine[i] != theirs[i])
            return mine[i] < theirs[i];
    return false;
}

/* When anything was last changed is not known: since when the gateway runs. */
static void write_since(char out[static TIME_ROOM], const struct page_request *r)
{
    time_t seconds = (time_t)(gateway_started_us(r->gateway) / 1000000);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    strftime(out, TIME_ROOM, "%Y-%m-%dT%H:%M:%SZ", &utc);
}
