/* SPDX-License-Identifier: Apache-2.0 */
/* Where a deployment runs: on an engine of a machine, or at a provider. */
#include <stdlib.h>

#include "fleet/name.h"
#include "litellm/import_inside.h"
#include "wire/schema.h"

enum { SLOTS_MAX = 1024, TOKENS_MAX = 1 << 30 };

/* One entry of model_list while it is placed. */
struct deployment {
    const struct yaml *item, *params, *info, *model_node, *base_node, *key_node;
    const struct litellm_provider *provider;
    struct str group, model;
    struct litellm_address address;
    bool has_address;
};

static const struct yaml *find(const struct yaml *map, const char *key);
static bool read_address(struct import *in, struct deployment *d);
static struct import_model *place_on_machine(struct import *in, struct deployment *d);
static struct import_machine *machine_of(struct import *in, const struct deployment *d);
static struct str machine_name(struct import *in, const struct deployment *d);
static struct import_engine *engine_of(struct import *in, struct import_machine *m,
                                       const struct deployment *d);
static enum engine_kind kind_of(struct import *in, const struct deployment *d);
static void read_model(struct import *in, struct import_model *m, const struct deployment *d);
static struct import_cloud *place_at_provider(struct import *in, struct deployment *d);
static enum provider_kind provider_of(const struct deployment *d);
static struct str cloud_url(struct import *in, const struct deployment *d);
static struct str cloud_name(struct import *in, const struct deployment *d);
static void read_cloud(struct import *in, struct import_cloud *c, const struct deployment *d);
static void check_facts(struct import *in, struct import_cloud *c, const struct deployment *d);
static struct str read_key(struct import *in, const struct deployment *d, bool is_near);
static bool is_placeholder(struct str key);
static struct str variable_for(struct import *in, const struct deployment *d);
static struct str read_price(struct import *in, const struct deployment *d, const char *key);
static struct str without_zeros(struct str number);
static uint64_t read_number(struct import *in, const struct yaml *map, const char *key,
                            uint64_t max);
static uint32_t read_capabilities(const struct yaml *info);

struct import_member *import_place(struct import *in, const struct yaml *item,
                                   const struct litellm_provider *provider, struct str model)
{
    const struct yaml *order, *params = find(item, "litellm_params");
    struct deployment d = {.item = item,
                           .params = params,
                           .info = find(item, "model_info"),
                           .model_node = find(params, "model"),
                           .base_node = find(params, "api_base"),
                           .key_node = find(params, "api_key"),
                           .provider = provider,
                           .group = find(item, "model_name")->text,
                           .model = model};
    struct import_member *member = import_new(in, sizeof *member);
    bool is_near;

    if (!d.base_node)
        d.base_node = find(params, "base_url");
    if (!member || !read_address(in, &d))
        return NULL;
    is_near = d.has_address && litellm_address_is_near(&d.address);
    if (provider->runs == RUNS_machine || (provider->runs == RUNS_either && is_near))
        member->model = place_on_machine(in, &d);
    else
        member->cloud = place_at_provider(in, &d);
    order = find(params, "order");
    if (order && str_to_u64(&member->order, order->text) < 0)
        judgement_say(in->judgement, order, VERDICT_unsupported, "expected a whole number");
    return member->model || member->cloud ? member : NULL;
}

static const struct yaml *find(const struct yaml *map, const char *key)
{
    return map ? yaml_find(map, key) : NULL;
}

static bool read_address(struct import *in, struct deployment *d)
{
    struct str url = import_value(in, d->base_node);

    if (d->base_node && !url.len) {
        judgement_say(in->judgement, d->base_node, VERDICT_unsupported,
                      "an address that only the environment knows: write it here and import "
                      "again");
        return false;
    }
    if (!url.len && d->provider->url)
        url = str_from(d->provider->url);
    if (!url.len)
        return true;
    d->has_address = litellm_address_read(&d->address, url) == 0 &&
                     import_is_name(d->address.host) &&
                     (!d->address.path.len || import_is_name(d->address.path));
    if (!d->has_address)
        judgement_say(in->judgement, d->base_node, VERDICT_unsupported,
                      "expected http://HOST:PORT or https://HOST");
    return d->has_address;
}

static struct import_model *place_on_machine(struct import *in, struct deployment *d)
{
    struct import_machine *machine = machine_of(in, d);
    struct import_engine *engine = machine ? engine_of(in, machine, d) : NULL;
    struct import_model *m = engine ? machine->models : NULL;

    while (m && (m->engine != engine || !str_equal(m->pull, d->model)))
        m = m->next;
    if (!m && engine && (m = import_new(in, sizeof *m))) {
        *m = (struct import_model){.machine = machine, .engine = engine, .pull = d->model};
        IMPORT_APPEND(machine->models, m);
    }
    if (m)
        read_model(in, m, d);
    return m;
}

static struct import_machine *machine_of(struct import *in, const struct deployment *d)
{
    struct str name = machine_name(in, d);
    struct import_machine *m = in->machines;

    while (m && !str_equal(m->name, name))
        m = m->next;
    if (!m && (m = import_new(in, sizeof *m))) {
        *m = (struct import_machine){.name = name, .host = d->address.host};
        IMPORT_APPEND(in->machines, m);
    }
    return m;
}

/* The first part of a host's name, unless two hosts share it; what an export called it. */
static struct str machine_name(struct import *in, const struct deployment *d)
{
    const struct yaml *said = find(d->info, "tampu_machine");
    struct str host = d->address.host, rest, name = host;

    if (said && said->kind == YAML_text && import_is_name(said->text) &&
        str_index(said->text, '/') == said->text.len)
        return said->text;
    if (str_index(host, ':') < host.len) {
        char *text = (char *)import_text(in, "%.*s", STR_ARG(host)).data;

        for (char *at = text; (at = strchr(at, ':')); at++)
            *at = '-';
        return str_from(text);
    }
    if (!litellm_host_is_number(host))
        name = str_cut(host, '.', &rest);
    for (const struct import_machine *m = in->machines; m; m = m->next)
        if (str_equal(m->name, name) && !str_equal(m->host, host))
            return host;
    return name;
}

static struct import_engine *engine_of(struct import *in, struct import_machine *m,
                                       const struct deployment *d)
{
    enum engine_kind kind = kind_of(in, d);
    struct str key = read_key(in, d, true);
    struct import_engine *e = m->engines;
    bool is_second = false;

    for (; e && e->port != d->address.port; e = e->next)
        is_second |= e->kind == kind;
    if (!e && (e = import_new(in, sizeof *e))) {
        *e = (struct import_engine){.kind = kind,
                                    .port = d->address.port,
                                    .tls = d->address.tls,
                                    .base_path = kind == ENGINE_ollama ? STR("") : d->address.path};
        if (is_second)
            e->name = import_text(in, "%s-%u", engine_kind_row(kind)->name, e->port);
        IMPORT_APPEND(m->engines, e);
    }
    if (e && key.len && e->key.len && !str_equal(key, e->key))
        judgement_say(in->judgement, d->key_node, VERDICT_approximate,
                      "an engine has one key: the first that its deployments name");
    if (e && !e->key.len)
        e->key = key;
    return e;
}

/* Port 11434 is Ollama's, whatever dialect it is spoken to in. */
static enum engine_kind kind_of(struct import *in, const struct deployment *d)
{
    const struct yaml *said = find(d->info, "tampu_engine");
    int kind = said && said->kind == YAML_text
                   ? schema_find_word(engine_words, ENGINE_COUNT, said->text)
                   : -1;

    if (kind >= 0)
        return (enum engine_kind)kind;
    if (d->provider->runs == RUNS_machine)
        return (enum engine_kind)d->provider->kind;
    if (d->address.port == engine_kind_row(ENGINE_ollama)->port && !d->address.tls) {
        judgement_say(in->judgement, d->base_node, VERDICT_approximate,
                      "port %u is Ollama's: taken for one, and spoken to as such", d->address.port);
        return ENGINE_ollama;
    }
    if (!d->address.ends_with_v1)
        judgement_say(in->judgement, d->base_node, VERDICT_approximate,
                      "/v1 is put behind it, as every OpenAI-compatible server has it");
    return ENGINE_openai;
}

static void read_model(struct import *in, struct import_model *m, const struct deployment *d)
{
    struct deployment_name name;
    uint64_t context = read_number(in, d->params, "num_ctx", TOKENS_MAX),
             slots = read_number(in, d->params, "max_parallel_requests", SLOTS_MAX);

    if (!m->name.len && name_read(&name, d->group) == 0)
        m->name = d->group;
    if (!context)
        context = read_number(in, d->info, "max_input_tokens", TOKENS_MAX);
    m->context = m->context ? m->context : context;
    m->slots = m->slots ? m->slots : slots;
    if (m->engine->kind != ENGINE_ollama || catalog_artifact(in->catalog, m->pull))
        return;
    judgement_say(in->judgement, d->model_node, VERDICT_approximate,
                  "the catalog does not know it, so what it can do is not known either; `tampu "
                  "catalog add ollama:%.*s` reads it from the engine",
                  STR_ARG(m->pull));
}

static struct import_cloud *place_at_provider(struct import *in, struct deployment *d)
{
    enum provider_kind provider = provider_of(d);
    struct str url = cloud_url(in, d), key = read_key(in, d, false);
    struct import_cloud *c = in->clouds;

    while (c && (c->provider != provider || !str_equal(c->model, d->model) ||
                 !str_equal(c->url, url) || !str_equal(c->key, key)))
        c = c->next;
    if (c)
        return c;
    if (!(c = import_new(in, sizeof *c)))
        return NULL;
    *c = (struct import_cloud){.provider = provider, .model = d->model, .url = url, .key = key};
    c->name = cloud_name(in, d);
    read_cloud(in, c, d);
    check_facts(in, c, d);
    IMPORT_APPEND(in->clouds, c);
    return c;
}

/* "openai/" with an address of its own is whatever stands there. */
static enum provider_kind provider_of(const struct deployment *d)
{
    if (d->provider->runs == RUNS_cloud)
        return (enum provider_kind)d->provider->kind;
    return d->has_address && !str_is(d->address.host, "api.openai.com") ? PROVIDER_compatible
                                                                        : PROVIDER_openai;
}

/* Empty: the provider's own. */
static struct str cloud_url(struct import *in, const struct deployment *d)
{
    enum provider_kind provider = provider_of(d);
    const struct litellm_address *a = &d->address;
    struct str url;

    if (!d->has_address || provider == PROVIDER_openai)
        return STR("");
    url = import_text(in, "%s://%.*s", a->tls ? "https" : "http", STR_ARG(a->host));
    if (a->port != (a->tls ? 443 : 80))
        url = import_text(in, "%.*s:%u", STR_ARG(url), a->port);
    if (d->base_node && provider == PROVIDER_compatible && !a->ends_with_v1)
        judgement_say(in->judgement, d->base_node, VERDICT_approximate,
                      "/v1 is put behind it, as every OpenAI-compatible provider has it");
    return import_text(in, "%.*s%.*s", STR_ARG(url), STR_ARG(a->path));
}

/* A deployment name stays; any other entry is called what LiteLLM calls it, "@2" for a second. */
static struct str cloud_name(struct import *in, const struct deployment *d)
{
    struct deployment_name parts;
    struct str name = import_text(in, "%s/%.*s", d->provider->prefix, STR_ARG(d->model));
    unsigned number = 1;

    if (name_read(&parts, d->group) == 0)
        name = d->group;
    for (const struct import_cloud *c = in->clouds; c;) {
        struct str taken = number > 1 ? import_text(in, "%.*s@%u", STR_ARG(name), number) : name;

        if (str_equal(c->name, taken)) {
            number++;
            c = in->clouds;
        } else {
            c = c->next;
        }
    }
    return number > 1 ? import_text(in, "%.*s@%u", STR_ARG(name), number) : name;
}

static void read_cloud(struct import *in, struct import_cloud *c, const struct deployment *d)
{
    c->price_in = read_price(in, d, "input_cost_per_token");
    c->price_out = read_price(in, d, "output_cost_per_token");
    c->price_cached = read_price(in, d, "cache_read_input_token_cost");
    c->context = read_number(in, d->info, "max_input_tokens", TOKENS_MAX);
    c->output_max = read_number(in, d->info, "max_output_tokens", TOKENS_MAX);
    if (!c->output_max)
        c->output_max = read_number(in, d->info, "max_tokens", TOKENS_MAX);
    c->capabilities = read_capabilities(d->info);
    if (find(d->params, "num_ctx"))
        judgement_say(in->judgement, find(d->params, "num_ctx"), VERDICT_unsupported,
                      "only engines are told a context");
    if (find(d->params, "max_parallel_requests"))
        judgement_say(in->judgement, find(d->params, "max_parallel_requests"), VERDICT_unsupported,
                      "a provider has no slots; its own 429 and Retry-After are obeyed");
}

/* What a provider calls otherwise, retired, or nobody knows. */
static void check_facts(struct import *in, struct import_cloud *c, const struct deployment *d)
{
    const struct cloud_facts *facts = catalog_cloud(in->catalog, c->model);

    if (c->provider == PROVIDER_compatible)
        return;
    if (!facts) {
        judgement_say(in->judgement, d->model_node, VERDICT_approximate,
                      "the catalog does not know it: say its prices, context and capabilities");
        c->capabilities = c->capabilities ? c->capabilities : 1u << CAPABILITY_completion;
        return;
    }
    for (uint32_t i = 0; i < facts->mistaken_count; i++)
        if (str_equal_nocase(facts->mistaken[i], c->model)) {
            judgement_say(in->judgement, d->model_node, VERDICT_approximate,
                          "the provider calls it %.*s", STR_ARG(facts->id));
            c->model = facts->id;
            return;
        }
    if (cloud_is_retired(facts, in->day))
        judgement_say(in->judgement, d->model_node, VERDICT_approximate,
                      "it has not answered since %.*s: `tampu check` names what takes its place",
                      STR_ARG(facts->retired));
}

/* "env:NAME", or empty. The text of a key is never repeated. */
static struct str read_key(struct import *in, const struct deployment *d, bool is_near)
{
    static const struct str prefix = STR("os.environ/");
    const struct yaml *y = d->key_node;
    struct str name;

    if (y && y->kind == YAML_text && str_starts(y->text, prefix) && y->text.len > prefix.len &&
        import_is_name(y->text))
        return import_text(in, "env:%s", y->text.data + prefix.len);
    if (!y || y->kind != YAML_text || yaml_is_null(y))
        return !is_near && d->provider->key ? import_text(in, "env:%s", d->provider->key) : STR("");
    if (is_near && is_placeholder(y->text)) {
        judgement_say(in->judgement, y, VERDICT_exact, "says that there is none");
        return STR("");
    }
    name = variable_for(in, d);
    judgement_say(in->judgement, y, VERDICT_approximate,
                  "a secret is not copied: put it into %.*s in tampu's environment", STR_ARG(name));
    return import_text(in, "env:%.*s", STR_ARG(name));
}

/* What people write where a client library insists on a key and the server does not. */
static bool is_placeholder(struct str key)
{
    static const char *const words[] = {"none",      "null",       "dummy",   "fake",
                                        "empty",     "not-needed", "no-key",  "ollama",
                                        "lm-studio", "anything",   "sk-1234", "fake-key",
                                        "dummy-key", "-",          "x"};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_equal_nocase(key, str_from(words[i])))
            return true;
    return !key.len;
}

/* "GROQ_API_KEY", or made of the host: "MS_S1_API_KEY". */
static struct str variable_for(struct import *in, const struct deployment *d)
{
    struct str from =
        d->has_address && !d->provider->url ? d->address.host : str_from(d->provider->prefix);
    struct str made;

    if (d->provider->key)
        return str_from(d->provider->key);
    made = import_text(in, "%s%.*s_API_KEY", litellm_host_is_number(from) ? "HOST_" : "",
                       STR_ARG(from));
    for (char *at = (char *)made.data; *at; at++) {
        if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
        else if (!(*at >= 'A' && *at <= 'Z') && !(*at >= '0' && *at <= '9'))
            *at = '_';
    }
    return made;
}

/* Dollars for a token, as in 1.5e-07, to dollars for a million, in millionths. */
static struct str read_price(struct import *in, const struct deployment *d, const char *key)
{
    const struct yaml *y = find(d->params, key);
    char *end;
    double price;

    y = y ? y : find(d->info, key);
    if (!y || y->kind != YAML_text)
        return STR("");
    price = strtod(y->text.data, &end) * 1e6;
    if (*end || !y->text.len || !(price >= 0) || price > 1e6) {
        judgement_say(in->judgement, y, VERDICT_unsupported,
                      "expected dollars for one token, as in 1.5e-07");
        return STR("");
    }
    return without_zeros(import_text(in, "%.6f", price));
}

/* "2.500000" is 2.5, and "10.000000" 10. */
static struct str without_zeros(struct str number)
{
    while (number.len && number.data[number.len - 1] == '0')
        number.len--;
    if (number.len && number.data[number.len - 1] == '.')
        number.len--;
    return number;
}

static uint64_t read_number(struct import *in, const struct yaml *map, const char *key,
                            uint64_t max)
{
    const struct yaml *y = find(map, key);
    uint64_t number = 0;

    if (!y || yaml_is_null(y))
        return 0;
    if (y->kind == YAML_text && str_to_u64(&number, y->text) == 0 && number <= max)
        return number;
    judgement_say(in->judgement, y, VERDICT_unsupported, "expected a whole number up to %llu",
                  (unsigned long long)max);
    return 0;
}

/* 0 when none is said to be there: then the catalog knows better. */
static uint32_t read_capabilities(const struct yaml *info)
{
    static const struct {
        const char *key;
        enum capability capability;
    } rows[] = {{"supports_vision", CAPABILITY_vision},
                {"supports_function_calling", CAPABILITY_tools},
                {"supports_reasoning", CAPABILITY_thinking},
                {"supports_audio_input", CAPABILITY_audio}};
    uint32_t bits = 0;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct yaml *y = find(info, rows[i].key);

        if (y && str_equal_nocase(y->text, STR("true")))
            bits |= 1u << rows[i].capability;
    }
    return bits ? bits | 1u << CAPABILITY_completion : 0;
}
