/* SPDX-License-Identifier: Apache-2.0 */
/* model_list: which provider each deployment is of, wildcards, and groups by name. */
#include "litellm/import_inside.h"

static void read_item(struct import *in, const struct yaml *item);
static const struct litellm_provider *provider_of(struct import *in, const struct yaml *params,
                                                  struct str *ret_model);
static const struct litellm_provider *guess(const struct import *in, struct str model);
static void expand(struct import *in, const struct yaml *item,
                   const struct litellm_provider *provider);
static struct str filled_in(struct import *in, struct str pattern, struct str with);
static void join(struct import *in, struct str name, const struct yaml *item,
                 struct import_member *member);
static enum purpose purpose_of(struct import *in, const struct yaml *item);
static void leave_out(struct import *in, const struct yaml *item, const struct yaml *node,
                      const char *words);
static bool is_printable(struct str name);

void import_deployments(struct import *in)
{
    const struct yaml *list = yaml_find(in->root, "model_list");

    if (list->kind != YAML_list && !yaml_is_null(list))
        judgement_leave_out(in->judgement, list, "expected a list of deployments");
    for (const struct yaml *at = list->kind == YAML_list ? list->first : NULL; at; at = at->next)
        read_item(in, at);
}

static void read_item(struct import *in, const struct yaml *item)
{
    const struct yaml *name = yaml_find(item, "model_name"),
                      *params = yaml_find(item, "litellm_params"),
                      *model = params ? yaml_find(params, "model") : NULL;
    const struct litellm_provider *provider;
    struct import_member *member;
    struct str asked;

    if (!name || name->kind != YAML_text || !is_printable(name->text) || !model ||
        model->kind != YAML_text) {
        leave_out(in, item, item, "expected model_name and litellm_params.model");
        return;
    }
    provider = provider_of(in, params, &asked);
    if (!provider) {
        leave_out(in, item, model, "nothing here speaks that provider's API");
        return;
    }
    if (str_index(asked, '*') < asked.len) {
        expand(in, item, provider);
        return;
    }
    if (!import_is_name(asked) || str_index(name->text, '*') < name->text.len) {
        leave_out(in, item, item, "expected one model by its name");
        return;
    }
    member = import_place(in, item, provider, asked);
    if (member)
        join(in, name->text, item, member);
    else
        judgement_leave_out(in->judgement, item, "a deployment that is left out");
}

/* custom_llm_provider, else what stands before the slash, else who is known to have it. */
static const struct litellm_provider *provider_of(struct import *in, const struct yaml *params,
                                                  struct str *ret_model)
{
    const struct yaml *said = yaml_find(params, "custom_llm_provider");
    struct str rest, model = yaml_find(params, "model")->text, prefix = str_cut(model, '/', &rest);
    const struct litellm_provider *provider = rest.len ? litellm_provider_find(prefix) : NULL;

    if (provider) {
        *ret_model = rest;
        return provider;
    }
    *ret_model = model;
    if (said && said->kind == YAML_text)
        return litellm_provider_find(said->text);
    if (rest.len)
        return NULL;
    if (yaml_find(params, "api_base") || yaml_find(params, "base_url"))
        return litellm_provider_find(STR("openai"));
    return guess(in, model);
}

static const struct litellm_provider *guess(const struct import *in, struct str model)
{
    const struct cloud_facts *facts = catalog_cloud(in->catalog, model);

    if (!facts)
        return str_is(model, "*") ? litellm_provider_find(STR("openai")) : NULL;
    return litellm_provider_find(provider_name((enum provider_kind)facts->provider));
}

/* Everything that the catalog knows of a provider, and that still answers, stands for its "*". */
static void expand(struct import *in, const struct yaml *item,
                   const struct litellm_provider *provider)
{
    const struct yaml *name = yaml_find(item, "model_name"),
                      *params = yaml_find(item, "litellm_params"),
                      *model = yaml_find(params, "model");
    enum provider_kind kind =
        provider->runs == RUNS_cloud ? (enum provider_kind)provider->kind : PROVIDER_openai;
    unsigned count = 0;

    if (provider->runs == RUNS_machine || kind == PROVIDER_compatible ||
        yaml_find(params, "api_base") || yaml_find(params, "base_url")) {
        leave_out(in, item, model, "what it holds stands nowhere: write one entry for each model");
        return;
    }
    for (uint32_t i = 0; i < in->catalog->cloud_count && !in->error; i++) {
        const struct cloud_facts *facts = &in->catalog->cloud[i];
        struct import_member *member;

        if (facts->provider != kind || cloud_is_retired(facts, in->day))
            continue;
        member = import_place(in, item, provider, facts->id);
        if (member)
            join(in, filled_in(in, name->text, facts->id), item, member);
        count += member != NULL;
    }
    judgement_say(in->judgement, model, VERDICT_approximate,
                  "the %u models of this provider that the catalog knows and that answer today",
                  count);
    judgement_say(in->judgement, name, VERDICT_approximate,
                  "the names of those %u models; others are not passed through", count);
}

/* "openai/" and "*" with "gpt-4o" is "openai/gpt-4o". */
static struct str filled_in(struct import *in, struct str pattern, struct str with)
{
    struct str rest, front = str_cut(pattern, '*', &rest);

    if (front.len == pattern.len)
        return pattern;
    return import_text(in, "%.*s%.*s%.*s", STR_ARG(front), STR_ARG(with), STR_ARG(rest));
}

static void join(struct import *in, struct str name, const struct yaml *item,
                 struct import_member *member)
{
    struct import_group *g = import_find_group(in, name);
    struct import_member **at;

    if (!g && (g = import_new(in, sizeof *g))) {
        *g = (struct import_group){
            .name = name, .node = yaml_find(item, "model_name"), .purpose = purpose_of(in, item)};
        IMPORT_APPEND(in->groups, g);
    }
    if (!g)
        return;
    for (at = &g->members; *at && (*at)->order <= member->order; at = &(*at)->next)
        if ((*at)->model == member->model && (*at)->cloud == member->cloud)
            return;
    member->next = *at;
    *at = member;
}

static enum purpose purpose_of(struct import *in, const struct yaml *item)
{
    static const struct {
        const char *mode;
        enum purpose purpose;
    } rows[] = {{"chat", PURPOSE_general},          {"completion", PURPOSE_general},
                {"responses", PURPOSE_general},     {"embedding", PURPOSE_embedding},
                {"rerank", PURPOSE_rerank},         {"audio_transcription", PURPOSE_transcribe},
                {"audio_speech", PURPOSE_speech},   {"image_generation", PURPOSE_image},
                {"video_generation", PURPOSE_video}};
    const struct yaml *info = yaml_find(item, "model_info"),
                      *mode = info ? yaml_find(info, "mode") : NULL,
                      *task = info ? yaml_find(info, "tampu_task") : NULL;
    int said = task ? purpose_find(task->text) : -1;

    if (said >= 0)
        return (enum purpose)said;
    for (size_t i = 0; mode && i < COUNT_OF(rows); i++)
        if (str_is(mode->text, rows[i].mode))
            return rows[i].purpose;
    if (mode)
        judgement_say(in->judgement, mode, VERDICT_unsupported,
                      "nothing is asked that way here; taken for a chat");
    return PURPOSE_general;
}

/* The reason stands at the node, and the whole deployment goes. */
static void leave_out(struct import *in, const struct yaml *item, const struct yaml *node,
                      const char *words)
{
    judgement_say(in->judgement, node, VERDICT_unsupported, "%s", words);
    judgement_leave_out(in->judgement, item, "a deployment that is left out");
}

/* Spaces may be: it becomes an alias then. */
static bool is_printable(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.data[i] < ' ' || name.data[i] == 0x7f)
            return false;
    return name.len > 0 && name.len <= 256;
}
