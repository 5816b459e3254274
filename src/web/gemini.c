/* SPDX-License-Identifier: Apache-2.0 */
/* /v1beta/models: what can be asked for, as Gemini lists it. */
#include "web/gemini.h"

#include "base/version.h"
#include "gateway/scene.h"
#include "web/names.h"
#include "web/pages.h"
#include "wire/json_out.h"
#include "wire/url.h"

struct listing {
    struct json_out json;
    const struct view *view;
};

static int add_name(void *ctx, struct str name, const char *what);
static void write_model(struct json_out *o, struct str name, const char *what,
                        const struct candidates *found);
static void put_methods(struct json_out *o, uint32_t capabilities);

int gemini_models(const struct page_request *r, struct buf *out, const char **type)
{
    struct listing l = {.json = {.out = out}, .view = r->scene->view};

    (void)type;
    json_open(&l.json, '{');
    json_open(json_key(&l.json, "models"), '[');
    if (candidates_each_name(l.view, add_name, &l) < 0)
        return 500;
    json_close(&l.json, ']');
    json_close(&l.json, '}');
    return l.json.error ? 500 : 200;
}

int gemini_model(const struct page_request *r, struct buf *out, const char **type)
{
    struct json_out o = {.out = out};
    struct candidates found;
    struct err err = {0};
    struct buf name;
    int status;

    (void)type;
    buf_init(&name, 1024);
    if (url_decode(&name, r->rest, false) < 0 ||
        candidates_find(&found, r->scene->view, buf_str(&name), 0, &err) < 0) {
        status = page_failure(r, out, DIALECT_gemini, FAILURE_unknown_model, str_from(err.text));
    } else {
        write_model(&o, buf_str(&name), "", &found);
        status = o.error ? 500 : 200;
    }
    buf_fini(&name);
    return status;
}

static int add_name(void *ctx, struct str name, const char *what)
{
    struct listing *l = ctx;
    struct candidates found;

    /* A category that nothing qualifies for cannot be asked. */
    if (candidates_find(&found, l->view, name, 0, NULL) == 0)
        write_model(&l->json, name, what, &found);
    return l->json.error;
}

static void write_model(struct json_out *o, struct str name, const char *what,
                        const struct candidates *found)
{
    const struct copy *first = found->rows[0].copy;
    uint64_t context = name_context(found);
    uint32_t capabilities = name_capabilities(found);

    json_open(o, '{');
    json_joined(json_key(o, "name"), STR("models/"), name);
    json_text(json_key(o, "version"), STR(TAMPU_VERSION));
    json_text(json_key(o, "displayName"), name);
    json_joined(json_key(o, "description"), *what ? str_from(what) : STR("model"),
                STR(" of this fleet"));
    if (context)
        json_number(json_key(o, "inputTokenLimit"), context);
    if (first->cloud && first->cloud->output_max)
        json_number(json_key(o, "outputTokenLimit"), first->cloud->output_max);
    put_methods(o, capabilities);
    if (capabilities & 1u << CAPABILITY_thinking)
        json_bool(json_key(o, "thinking"), true);
    json_close(o, '}');
}

static void put_methods(struct json_out *o, uint32_t capabilities)
{
    static const struct {
        enum capability capability;
        struct str method;
    } methods[] = {
        {CAPABILITY_completion, STR("generateContent")},
        {CAPABILITY_completion, STR("streamGenerateContent")},
        {CAPABILITY_completion, STR("countTokens")},
        {CAPABILITY_embedding, STR("embedContent")},
        {CAPABILITY_embedding, STR("batchEmbedContents")},
    };

    json_open(json_key(o, "supportedGenerationMethods"), '[');
    for (size_t i = 0; i < COUNT_OF(methods); i++)
        if (capabilities & 1u << methods[i].capability)
            json_text(o, methods[i].method);
    json_close(o, ']');
}
