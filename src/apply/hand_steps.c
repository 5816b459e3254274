/* SPDX-License-Identifier: Apache-2.0 */
/* Each kind of step, as an engine is asked for it. */
#include <errno.h>
#include <stdio.h>

#include "apply/apply_inside.h"
#include "wire/json.h"

enum { OPTIONS_ROOM = 64 };

/* What a pull says of itself, line by line. */
struct pulling {
    struct hand *hand;
    struct apply_step *step;
    struct err *err;
    char layer[72];       /* the one that comes now */
    uint64_t done, total; /* of it */
    uint64_t before;      /* of those that came before it */
    bool is_over;
};

static hand_step_fn do_nothing, do_unload, do_remove, do_pull, do_alias, do_tidy, do_load;
static int long_name(struct hand *h, const struct apply_step *s, char out[NAME_MAX_BYTES],
                     struct err *err);
static int on_pull_line(void *ctx, struct str line);
static int pull_error(struct pulling *p, struct str words);
static void progress(struct pulling *p, yyjson_val *root);
static int note(struct hand *h, const struct apply_step *s, enum installed_mark mark,
                struct str name, struct err *err);
static int remove_name(struct hand *h, struct apply_step *s, struct str name, struct err *err);

hand_step_fn *const hand_steps[WORK_COUNT] = {
    [WORK_observe] = do_nothing, [WORK_install] = hand_install,
    [WORK_fetch] = hand_fetch,   [WORK_configure] = hand_configure,
    [WORK_unload] = do_unload,   [WORK_remove] = do_remove,
    [WORK_pull] = do_pull,       [WORK_alias] = do_alias,
    [WORK_tidy] = do_tidy,       [WORK_verify] = hand_verify,
    [WORK_limit] = hand_limit,   [WORK_measure] = hand_measure,
    [WORK_load] = do_load,
};

static int do_nothing(struct hand *h, struct apply_step *s, struct err *err)
{
    (void)h, (void)s, (void)err;
    return 0;
}

static int do_pull(struct hand *h, struct apply_step *s, struct err *err)
{
    struct pulling p = {.hand = h, .step = s, .err = err};
    const struct known_manifest *known = apply_manifest(h->apply, s->name);
    char name[NAME_MAX_BYTES];
    int r;

    if (known && known->r < 0)
        return err_set(err, known->r == -EAGAIN ? -EIO : known->r, "%s", known->words);
    if ((r = long_name(h, s, name, err)) < 0 ||
        (r = note(h, s, INSTALLED_begun, str_from(name), err)) < 0 ||
        (r = note(h, s, INSTALLED_begun, s->name, err)) < 0)
        return r;
    hand_lend(h, s);
    r = ask_model(h, s, METHOD_POST, "/api/pull",
                  MEMBERS({"model", .text = str_from(name)}, {"insecure", .raw = "true"},
                          {"stream", .raw = "true"}),
                  &(struct reading){.on_line = on_pull_line, .ctx = &p}, err);
    return r == 0 && !p.is_over ? err_set(err, -EPIPE, "the pull ended before it was done") : r;
}

static int long_name(struct hand *h, const struct apply_step *s, char out[NAME_MAX_BYTES],
                     struct err *err)
{
    struct str tag, path = str_cut(s->name, ':', &tag);
    bool has_space = str_index(path, '/') < path.len;

    return hand_long_name(h, s->engine, has_space ? NULL : "library", s->name, out, err);
}

int hand_long_name(struct hand *h, const struct fleet_engine *engine, const char *space,
                   struct str name, char out[NAME_MAX_BYTES], struct err *err)
{
    struct str registry = str_from(h->apply->options.registry), scheme = STR("http://"), tag,
               path = str_cut(name, ':', &tag);
    char reach[128];
    int r = 0, len;

    if (h->apply->depot)
        r = depot_reach(h->apply->depot, &apply_seen(h->apply, engine)->endpoint, reach,
                        sizeof reach, err);
    else
        snprintf(reach, sizeof reach, "%s",
                 registry.data + (str_starts(registry, scheme) ? scheme.len : 0));
    if (space && str_index(path, '/') < path.len) /* a name has one space only */
        name = str_slice(path.data + str_index(path, '/') + 1, name.len - str_index(path, '/') - 1);
    len = snprintf(out, NAME_MAX_BYTES, "%s/%s%s%.*s%s", reach, space ? space : "",
                   space ? "/" : "", STR_ARG(name), tag.len ? "" : ":latest");
    return r == 0 && len >= NAME_MAX_BYTES ? err_set(err, -EINVAL, "the name is too long") : r;
}

static int on_pull_line(void *ctx, struct str line)
{
    struct pulling *p = ctx;
    struct json json = {0};
    struct str words;
    int r = 0;

    if (json_read(&json, line, JSON_MEMORY(line.len), NULL) < 0)
        return err_set(p->err, -EPIPE, "the pull says something that is no JSON");
    words = json_find_str(json.root, "error");
    if (words.len)
        r = pull_error(p, words);
    else if (str_is(json_find_str(json.root, "status"), "success"))
        p->is_over = true;
    else
        progress(p, json.root);
    json_fini(&json);
    return r;
}

/* What another try would not mend is told apart; the registry may know more than the engine. */
static int pull_error(struct pulling *p, struct str words)
{
    static const struct {
        const char *words;
        int r;
    } lasting[] = {{"file does not exist", -ENOENT},
                   {"no space left on device", -ENOSPC},
                   {"status code 507", -ENOSPC}};
    struct apply *a = p->hand->apply;
    char trouble[REGISTRY_TROUBLE] = "";
    int r = -EAGAIN;

    for (size_t i = 0; i < COUNT_OF(lasting); i++)
        if (memmem(words.data, words.len, lasting[i].words, strlen(lasting[i].words)))
            r = lasting[i].r;
    if (a->depot)
        registry_trouble(depot_registry(a->depot), trouble);
    return err_set(p->err, r, "%.*s%s%s", STR_ARG(words), trouble[0] ? "; the LAN registry: " : "",
                   trouble);
}

static void progress(struct pulling *p, yyjson_val *root)
{
    struct str layer = json_find_str(root, "digest");

    if (!layer.len)
        return;
    if (!str_is(layer, p->layer)) {
        p->before += p->total;
        snprintf(p->layer, sizeof p->layer, "%.*s", STR_ARG(layer));
    }
    p->total = json_find_u64(root, "total");
    p->done = json_find_u64(root, "completed");
    pthread_mutex_lock(&p->hand->apply->mutex);
    p->step->bytes_done = p->before + p->done;
    pthread_mutex_unlock(&p->hand->apply->mutex);
}

static int note(struct hand *h, const struct apply_step *s, enum installed_mark mark,
                struct str name, struct err *err)
{
    const struct installed_name installed = {s->machine->name, s->engine->name, name};

    return installed_note(h->apply->installed, mark, &installed, err);
}

static int do_alias(struct hand *h, struct apply_step *s, struct err *err)
{
    char name[NAME_MAX_BYTES];
    int r = long_name(h, s, name, err);

    return r < 0 ? r
                 : ask_model(h, s, METHOD_POST, "/api/copy",
                             MEMBERS({"source", .text = str_from(name)},
                                     {"destination", .text = s->name}),
                             NULL, err);
}

/* The long name of what was pulled; or one that an earlier apply left, which is its own name. */
static int do_tidy(struct hand *h, struct apply_step *s, struct err *err)
{
    char name[NAME_MAX_BYTES];
    int r;

    if (!s->copy)
        return remove_name(h, s, s->name, err);
    r = long_name(h, s, name, err);
    return r < 0 ? r : remove_name(h, s, str_from(name), err);
}

static int do_remove(struct hand *h, struct apply_step *s, struct err *err)
{
    return remove_name(h, s, s->name, err);
}

static int remove_name(struct hand *h, struct apply_step *s, struct str name, struct err *err)
{
    int r =
        ask_model(h, s, METHOD_DELETE, "/api/delete", MEMBERS({"model", .text = name}), NULL, err);

    return r < 0 && r != -ENOENT ? r : note(h, s, INSTALLED_gone, name, err);
}

static int do_load(struct hand *h, struct apply_step *s, struct err *err)
{
    return hand_keep_alive(h, s, true, err);
}

static int do_unload(struct hand *h, struct apply_step *s, struct err *err)
{
    return hand_keep_alive(h, s, false, err);
}

/* A request without a prompt loads, or unloads; embedding models take it where they embed. */
int hand_keep_alive(struct hand *h, struct apply_step *s, bool keep, struct err *err)
{
    const struct model *model = s->copy ? s->copy->artifact->model : NULL;
    bool embeds = model && model->capabilities & 1u << CAPABILITY_embedding;
    char options[OPTIONS_ROOM] = "{}";

    if (s->copy && s->copy->context)
        snprintf(options, sizeof options, "{\"num_ctx\":%llu}",
                 (unsigned long long)s->copy->context);
    return ask_model(h, s, METHOD_POST, embeds ? "/api/embed" : "/api/generate",
                     MEMBERS({"model", .text = s->name}, {"stream", .raw = "false"},
                             {"keep_alive", .raw = keep ? "-1" : "0"}, {"options", .raw = options},
                             {embeds ? "input" : NULL, .text = STR("")}),
                     NULL, err);
}
