/* SPDX-License-Identifier: Apache-2.0 */
/* /v1beta/models: what can be asked for, as Gemini lists it. */
#include "web/gemini.h"

#include "base/version.h"
#include "gateway/scene.h"
#include "web/names.h"
#include "web/pages.h"
#include "wire/json_out.h"
#include "wire/url.h"

static int add_name(void *ctx, struct str name, const char *what, const struct candidates *found);
static void write_model(struct json_out *o, struct str name, const char *what,
                        const struct candidates *found);
static void put_methods(struct json_out *o, uint32_t capabilities);

int gemini_models(const struct page_request *r, struct buf *out, const char **type)
{
    struct json_out o = {.out = out};

    (void)type;
    json_open(&o, '{');
    json_open(json_key(&o, "models"), '[');
    if (names_each(r, add_name, &o) < 0)
        return 500;
    json_close(&o, ']');
    json_close(&o, '}');
    return o.error ? 500 : 200;
}

int gemini_model(const struct page_request *r, struct buf *out, const char **type)
{
    struct json_out o = {.out = out};
    struct candidates found;
    enum failure why;
    struct err err = {0};
    struct buf name;
    int status;

    (void)type;
    buf_init(&name, 1024);
    why = url_decode(&name, r->rest, false) < 0 ? FAILURE_unknown_model
                                                : name_find(&found, r, buf_str(&name), &err);
    if (why) {
        status = page_failure(r, out, DIALECT_gemini, why, str_from(err.text));
    } else {
        write_model(&o, buf_str(&name), "", &found);
        status = o.error ? 500 : 200;
    }
    buf_fini(&name);
    return status;
}

static int add_name(void *ctx, struct str name, const char *what, const struct candidates *found)
{
    struct json_out *o = ctx;

    write_model(o, name, what, found);
    return o->error;
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
