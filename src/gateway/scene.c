/* SPDX-License-Identifier: Apache-2.0 */
/* One fleet file as the gateway acts on it. */
#include "gateway/scene.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "dialect/dialect.h"
#include "gateway/secret.h"
#include "net/clock.h"
#include "route/expect.h"

enum { SCENE_BYTES_MAX = 64 << 20 };

static int check_prices(const struct view *view, struct err *err);
static int fill_engine(struct scene *s, uint32_t i, const struct scene_parts *parts,
                       struct err *err);
static int find_address(struct scene_engine *e, const struct view_engine *ve,
                        const struct scene_parts *parts, struct err *err);
static int read_key(struct scene *s, struct scene_engine *e, const struct view_engine *ve,
                    const struct scene_parts *parts, struct err *err);
static int fill_copy(struct scene *s, uint32_t i, const struct scene_parts *parts);
static struct engine_place *engine_place(struct scene *s, const struct view_engine *ve,
                                         struct traffic *traffic);
static const struct dialect *find_dialect(const char *name);
static const struct dialect *find_counter(const struct scene_engine *e,
                                          const struct view_engine *ve);
static void fill_measures(struct scene_copy *sc, const struct copy *c, struct stats *stats);
static void expect(struct scene_copy *sc, const struct scene *s, const struct copy *c);
static void free_scene(struct scene *s);

int scene_new(struct scene **ret, struct fleet *fleet, struct catalog *catalog,
              const struct scene_parts *parts, struct err *err)
{
    struct scene *s = calloc(1, sizeof *s);
    time_t now = (time_t)(clock_wall_us() / 1000000);
    struct tm utc;
    int r = -ENOMEM;

    if (!s || !(s->arena = calloc(1, sizeof *s->arena))) {
        free(s);
        fleet_free(fleet);
        catalog_free(catalog);
        return err_set(err, r, "out of memory");
    }
    arena_init(s->arena, SCENE_BYTES_MAX);
    s->fleet = fleet;
    s->catalog = catalog;
    s->references = 1;
    strftime(s->day, sizeof s->day, "%Y-%m-%d", gmtime_r(&now, &utc));
    r = view_new(&s->view, fleet, catalog, str_from(s->day), err);
    if (r == 0) {
        s->engines = arena_alloc(s->arena, s->view->engines_count * sizeof *s->engines);
        s->copies = arena_alloc(s->arena, s->view->copies_count * sizeof *s->copies);
        s->places.engines =
            arena_alloc(s->arena, s->view->engines_count * sizeof(struct engine_place *));
        s->places.copies =
            arena_alloc(s->arena, s->view->copies_count * sizeof(struct copy_place *));
        if (!s->engines || !s->copies || !s->places.engines || !s->places.copies) {
            err_set(err, -ENOMEM, "out of memory");
            r = -ENOMEM;
        }
    }
    if (r == 0 && parts->read_secrets)
        r = check_prices(s->view, err);
    for (uint32_t i = 0; r == 0 && i < s->view->engines_count; i++)
        r = fill_engine(s, i, parts, err);
    for (uint32_t i = 0; r == 0 && i < s->view->copies_count; i++)
        if ((r = fill_copy(s, i, parts)) < 0)
            err_set(err, r, "out of memory");
    if (r == 0)
        r = tailnet_read(&s->tailnet, s->fleet, s->arena, err);
    if (r < 0) {
        free_scene(s);
        return r;
    }
    for (uint32_t i = 0; i < s->fleet->categories_count; i++)
        s->keeps_answers |= s->fleet->categories[i].cache_ms > 0;
    *ret = s;
    return 0;
}

struct scene *scene_ref(struct scene *s)
{
    __atomic_add_fetch(&s->references, 1, __ATOMIC_RELAXED);
    return s;
}

void scene_unref(struct scene *s)
{
    if (s && __atomic_sub_fetch(&s->references, 1, __ATOMIC_ACQ_REL) == 0)
        free_scene(s);
}

struct str scene_target(const struct scene_engine *e, struct str target)
{
    if (str_ends(str_from(e->endpoint.base), STR("/v1")) && str_starts(target, STR("/v1/")))
        return str_slice(target.data + 3, target.len - 3);
    return target;
}

int scene_find(const struct scene *s, const struct copy_place *place)
{
    for (uint32_t i = 0; i < s->view->copies_count; i++)
        if (s->copies[i].place == place)
            return (int)i;
    return -1;
}

struct tell_what scene_tell(const struct scene *s, uint32_t copy, int64_t keep_s,
                            uint32_t timeout_ms)
{
    const struct copy *c = &s->view->copies[copy];

    return (struct tell_what){
        .endpoint = &s->copies[copy].engine->endpoint,
        .credential = s->copies[copy].engine->credential,
        .model = c->tag,
        .context = c->context,
        .keep_s = c->is_pinned && keep_s ? -1 : keep_s,
        .embeds = c->is_known && c->capabilities & 1u << CAPABILITY_embedding,
        .timeout_ms = timeout_ms,
    };
}

/* A price that nobody knows is not 0: a budget that counts it so would never end. */
static int check_prices(const struct view *view, struct err *err)
{
    for (uint32_t i = 0; i < view->copies_count; i++) {
        const struct copy *c = &view->copies[i];
        bool is_free = c->has_parts && c->parts.cost == COST_FRE;

        if (!c->cloud || is_free || c->cloud->has_price ||
            (c->cloud_facts && c->cloud_facts->has_price))
            continue;
        return err_set(err, -EINVAL,
                       PLACE "found no price of %.*s, and the catalog knows none; add "
                             "price_in and price_out, dollars for a million tokens",
                       PLACE_ARG(c->cloud->at), STR_ARG(c->name));
    }
    return 0;
}

static int fill_engine(struct scene *s, uint32_t i, const struct scene_parts *parts,
                       struct err *err)
{
    const struct view_engine *ve = &s->view->engines[i];
    struct scene_engine *e = &s->engines[i];
    struct str machine = ve->machine ? ve->machine->name : ve->name;
    struct str engine = ve->engine ? ve->engine->name : STR("cloud");
    int r;

    e->place = s->places.engines[i] = engine_place(s, ve, parts->traffic);
    e->up = stats_series(parts->stats, COUNTER_engine_up, (struct str[]){machine, engine});
    if (!e->place)
        return err_set(err, -ENOMEM, "out of memory");
    e->dialect = find_dialect(ve->engine ? engine_kind_row(ve->engine->kind)->dialect
                                         : provider_kind_row(ve->cloud->provider)->dialect);
    if (ve->cloud && provider_kind_row(ve->cloud->provider)->also)
        e->also = find_dialect(provider_kind_row(ve->cloud->provider)->also);
    if (!e->dialect) {
        e->why_not = "its dialect is not spoken yet";
        return 0;
    }
    e->counter = find_counter(e, ve);
    r = find_address(e, ve, parts, err);
    if (r == -ENOENT) {
        e->why_not = ve->machine ? "its address is not known" : "a demo never calls the cloud";
        return 0;
    }
    if (r < 0)
        return r;
    e->is_reachable = true;
    return read_key(s, e, ve, parts, err);
}

/* Providers of one name and credential may have several addresses: each has its own breaker. */
static struct engine_place *engine_place(struct scene *s, const struct view_engine *ve,
                                         struct traffic *traffic)
{
    struct str name = ve->name;

    if (ve->cloud)
        name = str_from(
            arena_printf(s->arena, "%.*s@%.*s", STR_ARG(ve->name), STR_ARG(ve->cloud->url)));
    return name.data ? traffic_engine(traffic, name) : NULL;
}

static const struct dialect *find_dialect(const char *name)
{
    for (unsigned i = 0; i < DIALECT_COUNT; i++)
        if (strcmp(dialect_get((enum dialect_id)i)->name, name) == 0)
            return dialect_get((enum dialect_id)i);
    return NULL;
}

static const struct dialect *find_counter(const struct scene_engine *e,
                                          const struct view_engine *ve)
{
    const char *name = ve->engine ? engine_kind_row(ve->engine->kind)->counts : NULL;

    if (e->dialect->target(TASK_tokens))
        return e->dialect;
    return name ? find_dialect(name) : NULL;
}

/* -ENOENT: not known yet. */
static int find_address(struct scene_engine *e, const struct view_engine *ve,
                        const struct scene_parts *parts, struct err *err)
{
    const char *given = NULL;
    struct buf url;
    int r = 0;

    if (ve->machine && parts->address)
        given = parts->address(parts->ctx, ve->machine, ve->engine);
    if (given)
        return endpoint_parse(&e->endpoint, str_from(given), err);
    if (!ve->engine)
        return parts->read_secrets ? endpoint_parse(&e->endpoint, ve->cloud->url, err) : -ENOENT;
    if (parts->address)
        return -ENOENT;
    if (ve->engine->url.len)
        return endpoint_parse(&e->endpoint, ve->engine->url, err);
    buf_init(&url, 1024);
    r = buf_put(&url, ve->engine->tls ? STR("https://") : STR("http://"));
    if (r == 0)
        r = machine_engine_host(ve->machine, ve->engine, &url);
    if (r == 0 && ve->engine->base_path.len)
        r = buf_put(&url, ve->engine->base_path);
    if (r == 0)
        r = endpoint_parse(&e->endpoint, buf_str(&url), err);
    buf_fini(&url);
    return r;
}

/* A provider without its credential is not reachable; that is no mistake of the file. */
static int read_key(struct scene *s, struct scene_engine *e, const struct view_engine *ve,
                    const struct scene_parts *parts, struct err *err)
{
    const char *header =
        ve->cloud ? provider_kind_row(ve->cloud->provider)->credential : "authorization";
    bool is_bearer = strcmp(header, "authorization") == 0;
    struct str reference = ve->engine ? ve->engine->key : ve->cloud->key;
    char secret[SECRET_MAX];
    char *text;
    int r;

    if (!reference.len || !parts->read_secrets)
        return 0;
    r = secret_read(secret, reference, err);
    if (r < 0) {
        e->is_reachable = false;
        e->why_not = r == -EINVAL ? "its credential cannot be sent" : "its credential is not there";
        return r == -ENOMEM ? r : 0;
    }
    text = arena_printf(s->arena, "%s%s", is_bearer ? "Bearer " : "", secret);
    explicit_bzero(secret, sizeof secret);
    if (!text)
        return err_set(err, -ENOMEM, "out of memory");
    e->credential = (struct header){str_from(header), str_from(text)};
    return 0;
}

static int fill_copy(struct scene *s, uint32_t i, const struct scene_parts *parts)
{
    const struct copy *c = &s->view->copies[i];
    struct scene_copy *sc = &s->copies[i];
    struct str pair[] = {c->machine_name, c->name, {0}};
    struct str triple[] = {c->machine_name, c->engine_name, c->name};
    struct stats *stats = parts->stats;
    struct str place = c->place;

    sc->engine = &s->engines[c->engine_index];
    expect(sc, s, c);
    if (c->cloud) /* one model may be had for several credentials */
        place = str_from(
            arena_printf(s->arena, "%.*s/%.*s", STR_ARG(sc->engine->place->name), STR_ARG(c->tag)));
    sc->place = s->places.copies[i] = place.data ? traffic_copy(parts->traffic, place) : NULL;
    sc->attempts = stats_series(stats, COUNTER_attempts_total, pair);
    sc->attempt_seconds = stats_series(stats, COUNTER_attempt_seconds, pair);
    sc->first_token_seconds = stats_series(stats, COUNTER_first_token_seconds, pair);
    sc->running = stats_series(stats, COUNTER_running, triple);
    sc->breaker_open = stats_series(stats, COUNTER_breaker_open, triple);
    sc->breaker_trips = stats_series(stats, COUNTER_breaker_trips_total, triple);
    fill_measures(sc, c, stats);
    pair[2] = STR("prompt");
    sc->prompt_tokens = stats_series(stats, COUNTER_tokens_total, pair);
    pair[2] = STR("completion");
    sc->completion_tokens = stats_series(stats, COUNTER_tokens_total, pair);
    pair[2] = STR("cached");
    sc->cached_tokens = stats_series(stats, COUNTER_tokens_total, pair);
    if (parts->counts_sizes) {
        pair[2] = STR("prompt");
        sc->prompt_sizes = stats_series(stats, COUNTER_request_tokens, pair);
        pair[2] = STR("completion");
        sc->completion_sizes = stats_series(stats, COUNTER_request_tokens, pair);
    }
    return sc->place ? 0 : -ENOMEM;
}

/* What it should be, and what is told of how it is. */
static void fill_measures(struct scene_copy *sc, const struct copy *c, struct stats *stats)
{
    struct str labels[] = {c->machine_name, c->engine_name, c->name, STR("prefill")};

    sc->loaded = stats_series(stats, COUNTER_copy_loaded, labels);
    sc->slow = stats_series(stats, COUNTER_copy_slow, labels);
    if (!c->machine)
        return;
    sc->gpu_ratio = stats_series(stats, COUNTER_copy_gpu_ratio, labels);
    sc->prefill_slowness = stats_series(stats, COUNTER_copy_slowness_ratio, labels);
    labels[3] = STR("decode");
    sc->decode_slowness = stats_series(stats, COUNTER_copy_slowness_ratio, labels);
}

static void expect(struct scene_copy *sc, const struct scene *s, const struct copy *c)
{
    struct engine_rules rules;
    struct expected *expected;
    struct box box;

    if (!c->machine || !c->artifact || !(expected = arena_alloc(s->arena, sizeof *expected)))
        return;
    box = box_assumed(s->catalog, c->machine);
    engine_rules_read(&rules, c->engine);
    if (expect_copy(expected, &box, &rules, c->artifact, c->context))
        sc->expected = expected;
}

static void free_scene(struct scene *s)
{
    for (uint32_t i = 0; s->engines && s->view && i < s->view->engines_count; i++)
        if (s->engines[i].credential.value.len)
            explicit_bzero((char *)s->engines[i].credential.value.data,
                           s->engines[i].credential.value.len);
    view_free(s->view);
    fleet_free(s->fleet);
    catalog_free(s->catalog);
    arena_fini(s->arena);
    free(s->arena);
    free(s);
}
