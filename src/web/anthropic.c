/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of models as Anthropic's clients read them. */
#include "web/anthropic.h"

#include <time.h>

#include "gateway/scene.h"
#include "http/server.h"
#include "route/candidates.h"
#include "web/names.h"
#include "web/pages.h"
#include "wire/json_out.h"
#include "wire/url.h"

struct listing {
    struct json_out json;
    char created[32];
    struct str first, last;
};

static void begin(struct listing *l, const struct page_request *r, struct buf *out);
static int add_name(void *ctx, struct str name, const char *what, const struct candidates *found);
static void write_model(struct listing *l, struct str name);
static void write_name(struct listing *l, const char *key, struct str name);

bool is_from_anthropic_client(const struct page_request *r)
{
    return request_header(r->request, STR("anthropic-version")).data != NULL;
}

/* All of them at once: nobody has so many that a second page is worth it. */
int anthropic_models(const struct page_request *r, struct buf *out, const char **type)
{
    struct listing l;

    (void)type;
    begin(&l, r, out);
    json_open(&l.json, '{');
    json_open(json_key(&l.json, "data"), '[');
    if (names_each(r, add_name, &l) < 0)
        return 500;
    json_close(&l.json, ']');
    json_bool(json_key(&l.json, "has_more"), false);
    write_name(&l, "first_id", l.first);
    write_name(&l, "last_id", l.last);
    json_close(&l.json, '}');
    return l.json.error ? 500 : 200;
}

int anthropic_model(const struct page_request *r, struct buf *out, const char **type)
{
    struct candidates found;
    enum failure why;
    struct err err = {0};
    struct listing l;
    struct buf name;
    int status = 200;

    (void)type;
    begin(&l, r, out);
    buf_init(&name, 1024);
    why = url_decode(&name, r->rest, false) < 0 ? FAILURE_unknown_model
                                                : name_find(&found, r, buf_str(&name), &err);
    if (why)
        status = page_failure(r, out, DIALECT_anthropic, why, str_from(err.text));
    else
        write_model(&l, buf_str(&name));
    buf_fini(&name);
    return l.json.error ? 500 : status;
}

static void begin(struct listing *l, const struct page_request *r, struct buf *out)
{
    time_t started = (time_t)(gateway_started_us(r->gateway) / 1000000);
    struct tm utc;

    *l = (struct listing){.json = {.out = out}};
    strftime(l->created, sizeof l->created, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&started, &utc));
}

static int add_name(void *ctx, struct str name, const char *what, const struct candidates *found)
{
    struct listing *l = ctx;

    (void)what;
    (void)found;
    if (!l->first.len)
        l->first = name;
    l->last = name;
    write_model(l, name);
    return l->json.error;
}

static void write_model(struct listing *l, struct str name)
{
    json_open(&l->json, '{');
    json_text(json_key(&l->json, "type"), STR("model"));
    json_text(json_key(&l->json, "id"), name);
    json_text(json_key(&l->json, "display_name"), name);
    json_text(json_key(&l->json, "created_at"), str_from(l->created));
    json_close(&l->json, '}');
}

static void write_name(struct listing *l, const char *key, struct str name)
{
    json_key(&l->json, key);
    if (name.len)
        json_text(&l->json, name);
    else
        json_raw(&l->json, STR("null"));
}
