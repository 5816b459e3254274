/* SPDX-License-Identifier: Apache-2.0 */
/* A fleet in LiteLLM's words. */
#include "litellm/export.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/units.h"
#include "litellm/judgement.h"
#include "litellm/provider.h"
#include "route/candidates.h"
#include "wire/yaml_edit.h"

enum { TEXTS_MAX = 16 << 20, ADDRESS_MAX = 1024 };

/* Where text goes; the first error sticks. */
struct writer {
    const struct view *view;
    struct arena *arena;
    struct buf *out;
    int error;
};

static void put(struct writer *w, const char *format, ...) PRINTF(2, 3);
static const char *quoted(struct writer *w, struct str text);
static void put_copies(struct writer *w);
static void put_groups(struct writer *w);
static void put_group(struct writer *w, struct str name, uint32_t purposes);
static void put_entry(struct writer *w, struct str name, const struct copy *c, uint32_t purposes,
                      uint32_t order);
static void put_machine(struct writer *w, const struct copy *c, bool embeds);
static void put_cloud(struct writer *w, const struct copy *c);
static struct str prefix_of(const struct cloud_model *c, bool *ret_needs_url);
static void put_key(struct writer *w, struct str key);
static void put_price(struct writer *w, const char *key, uint64_t micro);
static void put_info(struct writer *w, const struct copy *c, uint32_t purposes);
static bool is_one_bit(uint32_t bits);
static const char *mode_of(uint32_t purposes);
static const struct fleet_model *model_of(const struct copy *c);
static void put_settings(struct writer *w);
static void put_section(struct writer *w, const char *section);
static void put_setting(struct writer *w, const struct litellm_key_row *row, struct str value);
static const struct litellm_key_row *row_of(struct str setting);
static bool is_selector(const struct view *v, struct str target);
static void put_aliases(struct writer *w);

int litellm_export(struct buf *out, const struct view *view, struct err *err)
{
    struct arena arena;
    struct writer w = {.view = view, .arena = &arena, .out = out};

    arena_init(&arena, TEXTS_MAX);
    put(&w,
        "# LiteLLM's words for a fleet of tampu's. It has none for hardware, parity, vectors that "
        "must not mix\n# and what survives the loss of a machine.\n\nmodel_list:\n");
    put_copies(&w);
    put_groups(&w);
    put_settings(&w);
    arena_fini(&arena);
    return w.error < 0 ? err_set(err, w.error, "no memory for the configuration") : 0;
}

static void put(struct writer *w, const char *format, ...)
{
    va_list args;

    if (w->error)
        return;
    va_start(args, format);
    w->error = buf_vprintf(w->out, format, args);
    va_end(args);
}

static const char *quoted(struct writer *w, struct str text)
{
    struct str q = yaml_quote(w->arena, text);

    if (!q.data)
        w->error = -ENOMEM;
    return q.data ? q.data : "";
}

static void put_copies(struct writer *w)
{
    for (uint32_t i = 0; i < w->view->copies_count; i++) {
        const struct copy *c = &w->view->copies[i];

        put_entry(w, c->name, c, c->is_known ? c->purposes : 0, 0);
    }
}

/* Categories, and what an alias selects: LiteLLM knows groups alone. */
static void put_groups(struct writer *w)
{
    const struct fleet *f = w->view->fleet;

    for (uint32_t i = 0; i < f->categories_count; i++)
        put_group(w, f->categories[i].name, 1u << f->categories[i].needs.purpose);
    for (uint32_t i = 0; i < f->aliases_count; i++)
        if (is_selector(w->view, f->aliases[i].value))
            put_group(w, f->aliases[i].key, 0);
}

static void put_group(struct writer *w, struct str name, uint32_t purposes)
{
    struct candidates found;

    if (candidates_find(&found, w->view, name, 0, NULL) < 0) {
        put(w, "  # %.*s: nothing qualifies\n", STR_ARG(name));
        return;
    }
    for (uint32_t i = 0; i < found.count; i++)
        put_entry(w, name, found.rows[i].copy, purposes, i + 1);
}

/* order 0: not said. */
static void put_entry(struct writer *w, struct str name, const struct copy *c, uint32_t purposes,
                      uint32_t order)
{
    struct buf host;
    bool is_reached;

    buf_init(&host, ADDRESS_MAX);
    is_reached =
        c->cloud || c->engine->url.len || machine_engine_host(c->machine, c->engine, &host) == 0;
    buf_fini(&host);
    if (!is_reached) {
        put(w, "  # %.*s on %.*s: its address is not known yet\n", STR_ARG(name),
            STR_ARG(c->machine_name));
        return;
    }
    put(w, "  - model_name: %s\n    litellm_params:\n", quoted(w, name));
    if (c->cloud)
        put_cloud(w, c);
    else
        put_machine(w, c, purposes & 1u << PURPOSE_embedding);
    if (order)
        put(w, "      order: %u\n", order);
    put_info(w, c, purposes);
}

static void put_machine(struct writer *w, const struct copy *c, bool embeds)
{
    const struct fleet_engine *e = c->engine;
    const struct fleet_model *m = model_of(c);
    bool is_ollama = e->kind == ENGINE_ollama;
    struct buf url;
    int r;

    buf_init(&url, ADDRESS_MAX);
    if (e->url.len) {
        r = buf_put(&url, e->url);
    } else {
        r = buf_put(&url, e->tls ? STR("https://") : STR("http://"));
        if (r == 0)
            r = machine_engine_host(c->machine, e, &url);
        if (r == 0)
            r = buf_put(&url, e->base_path);
    }
    if (r == 0 && !is_ollama)
        r = buf_put(&url, STR("/v1"));
    put(w, "      model: %s\n",
        quoted(w, str_from(arena_printf(w->arena, "%s/%.*s",
                                        !is_ollama ? "openai"
                                        : embeds   ? "ollama"
                                                   : "ollama_chat",
                                        STR_ARG(c->tag)))));
    put(w, "      api_base: %s\n", quoted(w, buf_str(&url)));
    buf_fini(&url);
    w->error = w->error ? w->error : r;
    if (e->key.len)
        put_key(w, e->key);
    else if (!is_ollama)
        put(w, "      api_key: none\n");
    if (is_ollama && m && m->context)
        put(w, "      num_ctx: %llu\n", (unsigned long long)m->context);
    if (m && m->slots)
        put(w, "      max_parallel_requests: %u\n", m->slots);
}

static void put_cloud(struct writer *w, const struct copy *c)
{
    const struct cloud_model *cloud = c->cloud;
    bool needs_url;
    struct str prefix = prefix_of(cloud, &needs_url);

    put(w, "      model: %s\n",
        quoted(w, str_from(arena_printf(w->arena, "%.*s/%.*s", STR_ARG(prefix),
                                        STR_ARG(cloud->model)))));
    if (needs_url)
        put(w, "      api_base: %s\n",
            quoted(w, str_from(arena_printf(w->arena, "%.*s/v1", STR_ARG(cloud->url)))));
    put_key(w, cloud->key);
    if (!cloud->has_price)
        return;
    put_price(w, "input_cost_per_token", cloud->price_in_micro);
    put_price(w, "output_cost_per_token", cloud->price_out_micro);
    if (cloud->price_cached_micro)
        put_price(w, "cache_read_input_token_cost", cloud->price_cached_micro);
}

/* One that LiteLLM knows by the address, else "openai" with an address. */
static struct str prefix_of(const struct cloud_model *c, bool *ret_needs_url)
{
    static const struct {
        const char *prefix, *url;
    } rows[] = {
#define LITELLM_PROVIDER(prefix, runs, kind, url, key) {prefix, url},
#include "tables/litellm_providers.def"
    };

    *ret_needs_url = false;
    if (c->provider != PROVIDER_compatible)
        return provider_name((enum provider_kind)c->provider);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].url && str_is(c->url, rows[i].url))
            return str_from(rows[i].prefix);
    *ret_needs_url = true;
    return STR("openai");
}

static void put_key(struct writer *w, struct str key)
{
    if (str_starts(key, STR("env:")))
        put(w, "      api_key: os.environ/%s\n", key.data + 4);
    else if (key.len)
        put(w,
            "      # its key is in %s, which LiteLLM does not read: put it into the environment\n",
            key.data);
}

/* A decimal without exponent: YAML's readers disagree about those. */
static void put_price(struct writer *w, const char *key, uint64_t micro)
{
    char text[64];
    size_t len = (size_t)snprintf(text, sizeof text, "%llu.%012llu",
                                  (unsigned long long)(micro / 1000000000000),
                                  (unsigned long long)(micro % 1000000000000));

    while (text[len - 1] == '0' && text[len - 2] != '.')
        len--;
    put(w, "      %s: %.*s\n", key, (int)len, text);
}

static void put_info(struct writer *w, const struct copy *c, uint32_t purposes)
{
    const char *mode = mode_of(purposes);
    const struct cloud_model *cloud = c->cloud;
    const struct fleet_model *m = cloud ? NULL : model_of(c);

    put(w, "    model_info:\n      mode: %s\n", mode);
    if (str_is(str_from(mode), "chat") && is_one_bit(purposes) && purposes != 1u << PURPOSE_general)
        put(w, "      tampu_task: %s\n", purpose_name((enum purpose)__builtin_ctz(purposes)));
    if (!cloud) {
        put(w, "      tampu_machine: %s\n", quoted(w, c->machine_name));
        if (c->engine->kind != ENGINE_ollama)
            put(w, "      tampu_engine: %s\n", engine_kind_row(c->engine->kind)->name);
        if (c->engine->kind != ENGINE_ollama && m && m->context)
            put(w, "      max_input_tokens: %llu\n", (unsigned long long)m->context);
        return;
    }
    if (cloud->context)
        put(w, "      max_input_tokens: %llu\n", (unsigned long long)cloud->context);
    if (cloud->output_max)
        put(w, "      max_output_tokens: %llu\n", (unsigned long long)cloud->output_max);
    if (cloud->capabilities & 1u << CAPABILITY_vision)
        put(w, "      supports_vision: true\n");
    if (cloud->capabilities & 1u << CAPABILITY_tools)
        put(w, "      supports_function_calling: true\n");
    if (cloud->capabilities & 1u << CAPABILITY_thinking)
        put(w, "      supports_reasoning: true\n");
    if (cloud->capabilities & 1u << CAPABILITY_audio)
        put(w, "      supports_audio_input: true\n");
}

static bool is_one_bit(uint32_t bits)
{
    return bits && !(bits & (bits - 1));
}

static const char *mode_of(uint32_t purposes)
{
    static const struct {
        enum purpose purpose;
        const char *mode;
    } rows[] = {{PURPOSE_embedding, "embedding"},
                {PURPOSE_rerank, "rerank"},
                {PURPOSE_transcribe, "audio_transcription"},
                {PURPOSE_speech, "audio_speech"},
                {PURPOSE_image, "image_generation"},
                {PURPOSE_video, "video_generation"}};

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (purposes & 1u << rows[i].purpose)
            return rows[i].mode;
    return "chat";
}

static const struct fleet_model *model_of(const struct copy *c)
{
    for (uint32_t i = 0; i < c->machine->models_count; i++)
        if (c->machine->models[i].engine == c->engine &&
            str_equal(c->machine->models[i].pull, c->tag))
            return &c->machine->models[i];
    return NULL;
}

static void put_settings(struct writer *w)
{
    static const char *const sections[] = {"router_settings", "litellm_settings",
                                           "general_settings"};
    const struct fleet *f = w->view->fleet;

    for (size_t i = 0; i < COUNT_OF(sections); i++)
        put_section(w, sections[i]);
    for (uint32_t i = 0; i < f->settings_count; i++)
        if (!row_of(f->settings[i].key))
            put(w, "# %.*s: LiteLLM has no such setting\n", STR_ARG(f->settings[i].key));
}

static void put_section(struct writer *w, const char *section)
{
    const struct fleet *f = w->view->fleet;
    bool is_router = strcmp(section, "router_settings") == 0, is_begun = false;

    for (uint32_t i = 0; i < f->settings_count; i++) {
        const struct litellm_key_row *row = row_of(f->settings[i].key);

        if (!row || strncmp(row->path, section, strlen(section)) != 0)
            continue;
        if (!is_begun)
            put(w, "\n%s:\n", section);
        is_begun = true;
        put_setting(w, row, f->settings[i].value);
    }
    if (is_router && f->aliases_count) {
        if (!is_begun)
            put(w, "\n%s:\n", section);
        put_aliases(w);
    }
}

static void put_setting(struct writer *w, const struct litellm_key_row *row, struct str value)
{
    const char *key = strchr(row->path, '.') + 1;
    uint64_t number = 0;

    switch (row->reading) {
    case READING_seconds:
        if (units_read_duration(&number, value) == 0)
            put(w, "  %s: %g\n", key, (double)number / 1000);
        break;
    case READING_plus_one:
        if (str_to_u64(&number, value) == 0 && number)
            put(w, "  %s: %llu\n", key, (unsigned long long)number - 1);
        break;
    case READING_mebibytes:
        if (units_read_bytes(&number, value) == 0)
            put(w, "  %s: %llu\n", key, (unsigned long long)number >> 20);
        break;
    case READING_inverted:
        put(w, "  %s: %s\n", key, str_is(value, "true") ? "false" : "true");
        break;
    default:
        put(w, "  %s: %s\n", key, quoted(w, value));
    }
}

/* The first row that has the setting; "gateway." in front of its name. NULL. */
static const struct litellm_key_row *row_of(struct str setting)
{
    for (size_t i = 0; i < litellm_key_count; i++) {
        const struct litellm_key_row *row = &litellm_key_rows[i];

        if (row->setting && str_ends(setting, str_from(row->setting)) &&
            setting.len == strlen("gateway.") + strlen(row->setting))
            return row;
    }
    return NULL;
}

/* Nothing else of that name: then it is one. */
static bool is_selector(const struct view *v, struct str target)
{
    if (fleet_category(v->fleet, target))
        return false;
    for (uint32_t i = 0; i < v->copies_count; i++)
        if (str_equal(v->copies[i].name, target) || str_equal(v->copies[i].tag, target))
            return false;
    return true;
}

static void put_aliases(struct writer *w)
{
    const struct fleet *f = w->view->fleet;
    bool is_begun = false;

    for (uint32_t i = 0; i < f->aliases_count; i++) {
        if (is_selector(w->view, f->aliases[i].value))
            continue;
        if (!is_begun)
            put(w, "  model_group_alias:\n");
        is_begun = true;
        put(w, "    %s: %s\n", quoted(w, f->aliases[i].key), quoted(w, f->aliases[i].value));
    }
}
