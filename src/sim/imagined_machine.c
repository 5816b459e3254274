/* SPDX-License-Identifier: Apache-2.0 */
/* Imagined machines out of the fleet file: memory, engines and their settings, disks, ports. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "fleet/fleet.h"
#include "net/clock.h"
#include "sim/guest.h"
#include "sim/pace.h"

static void build_artifacts(struct imagined *im);
static void name_artifact(struct imagined_artifact *a);
static void write_digest(char out[static 65], uint64_t seed);
static int build_machine(struct imagined *im, size_t index, struct err *err);
static int build_engine(struct imagined_engine *e, struct err *err);
static void fill_disk(struct imagined_engine *e);
static void fill_memory(struct imagined_machine *m);
static bool is_kept(const struct machine *m, const struct fleet_model *model, uint32_t rank);
static int hold_port(struct imagined_engine *e, struct err *err);

/* What an engine of a kind that the catalog knows nothing of is taken to serve. */
static const struct model plain_model = {
    .name = {"unknown", 7},
    .params = 1000000000,
    .active_params = 1000000000,
    .geometry = {.layers = 16,
                 .hidden = 2048,
                 .feed_forward = 8192,
                 .heads = 32,
                 .kv_heads = 8,
                 .key_length = 64,
                 .value_length = 64,
                 .vocabulary = 32000},
    .context = 8192,
    .capabilities = 1u << CAPABILITY_completion | 1u << CAPABILITY_tools,
};
static const struct artifact plain_artifact = {
    .tag = {"unknown", 7},
    .bytes = 1000000000,
    .model = &plain_model,
};

static const struct face *const faces[ENGINE_COUNT] = {
    [ENGINE_ollama] = &face_ollama,          [ENGINE_llama_server] = &face_llama_server,
    [ENGINE_whisper_server] = &face_whisper, [ENGINE_sd_server] = &face_sd,
    [ENGINE_openai] = &face_openai,
};

int imagined_build(struct imagined *im, struct err *err)
{
    im->machines = memory_need(im->fleet->machines_count + 1, sizeof *im->machines);
    build_artifacts(im);
    for (size_t i = 0; i < im->fleet->machines_count; i++) {
        int r = build_machine(im, i, err);

        if (r < 0)
            return err_wrap(err, r, "imagined machine %.*s", STR_ARG(im->fleet->machines[i].name));
    }
    return 0;
}

void imagined_unbuild(struct imagined *im)
{
    for (size_t i = 0; im->machines && i < im->fleet->machines_count; i++) {
        struct imagined_machine *m = &im->machines[i];

        world_free(m->world);
        for (size_t k = 0; m->engines && k < m->facts->engines_count; k++) {
            struct imagined_engine *e = &m->engines[k];

            while (e->pulls.next && !link_is_empty(&e->pulls)) {
                struct pull *p = CONTAINER(e->pulls.next, struct pull, link);

                link_remove(&p->link);
                free(p);
            }
            if (e->holder > 0)
                close(e->holder);
        }
        free(m->engines);
    }
    free(im->machines);
    free(im->artifacts);
}

/* By any spelling of its tag; NULL when no such thing can be pulled. */
struct imagined_artifact *imagined_find(struct imagined *im, struct str tag)
{
    const struct artifact *facts = catalog_artifact(im->catalog, tag);

    for (size_t i = 0; facts && i < im->artifact_count; i++)
        if (im->artifacts[i].facts == facts)
            return &im->artifacts[i];
    return NULL;
}

void imagined_pace(void *ctx, const struct pace_asked *asked, struct pace *ret)
{
    struct imagined_machine *m = ctx;
    const struct imagined_engine *e = &m->engines[asked->engine];

    pace_reckon(ret, &m->box, &e->rules,
                CONTAINER(asked->artifact, struct imagined_artifact, world)->facts, asked);
}

int imagined_listen(struct imagined_engine *e, struct err *err)
{
    struct server_options options = {
        .listen = e->address,
        .shared_fd = e->holder,
        .header_max = 65536,
        .header_count_max = 100,
        .body_max = GUEST_BODY_MAX,
        .head_timeout_ms = 30000,
        .body_timeout_ms = 120000,
        .keep_alive_ms = 120000,
        .write_timeout_ms = 120000,
        .connections_max = 10000,
        .write_high = 1 << 20,
    };
    struct server_events events = guest_events;

    events.error_body = e->face->error_body;
    return server_open(&e->server, e->machine->im->loop, &options, &events, e, err);
}

/* Open connections end, new ones are refused: the port stays bound, but nobody listens. */
void imagined_refuse(struct imagined_engine *e)
{
    if (e->server)
        server_close(e->server);
    e->server = NULL;
}

static void build_artifacts(struct imagined *im)
{
    size_t count = 1;

    for (size_t i = 0; i < im->catalog->models_count; i++)
        count += im->catalog->models[i].artifacts_count;
    im->artifacts = memory_need(count, sizeof *im->artifacts);
    for (size_t i = 0; i < im->catalog->models_count; i++)
        for (size_t k = 0; k < im->catalog->models[i].artifacts_count; k++)
            im->artifacts[im->artifact_count++].facts = &im->catalog->models[i].artifacts[k];
    im->artifacts[im->artifact_count++].facts = &plain_artifact;
    for (size_t i = 0; i < im->artifact_count; i++)
        name_artifact(&im->artifacts[i]);
}

static void name_artifact(struct imagined_artifact *a)
{
    uint32_t capabilities = a->facts->model->capabilities;
    uint64_t seed = asked_mix(a->facts->bytes, a->facts->tag);

    a->world.name = a->facts->tag;
    a->world.bytes = a->facts->bytes;
    a->world.one_slot = a->facts->model->one_slot || !(capabilities & 1u << CAPABILITY_completion);
    write_digest(a->digest, seed);
    write_digest(a->blob, seed + 1);
}

static void write_digest(char out[static 65], uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) {
        seed = asked_mix(seed, STR("digest"));
        snprintf(out + 16 * i, 17, "%016llx", (unsigned long long)seed);
    }
}

static int build_machine(struct imagined *im, size_t index, struct err *err)
{
    struct imagined_machine *m = &im->machines[index];
    const struct machine *facts = &im->fleet->machines[index];
    struct world_hooks hooks = {.pace = imagined_pace, .on_visit = guest_on_visit, .ctx = m};

    m->im = im;
    m->facts = facts;
    m->factor = 1;
    link_init(&m->guests);
    if (!machine_serves(facts))
        return 0;
    m->box = box_assumed(im->catalog, facts);
    m->world = world_new(&m->box, &hooks);
    m->engines = memory_need(facts->engines_count, sizeof *m->engines);
    for (size_t i = 0; i < facts->engines_count; i++) {
        struct imagined_engine *e = &m->engines[i];
        int r;

        e->machine = m;
        e->facts = &facts->engines[i];
        if ((r = build_engine(e, err)) < 0)
            return r;
    }
    fill_memory(m);
    return 0;
}

static int build_engine(struct imagined_engine *e, struct err *err)
{
    struct imagined_machine *m = e->machine;
    struct world_engine options;
    int r;

    link_init(&e->pulls);
    e->face = faces[e->facts->kind];
    engine_rules_read(&e->rules, e->facts);
    options = pace_engine(&e->rules);
    e->number = world_add_engine(m->world, &options);
    if (options.on_demand)
        fill_disk(e);
    for (size_t i = 0; !options.on_demand && !e->serves && i < m->facts->models_count; i++) {
        const struct fleet_model *model = &m->facts->models[i];

        if (model->engine != e->facts)
            continue;
        e->serves = imagined_find(m->im, model->pull);
        e->serves_context = (uint32_t)model->context;
    }
    if (!e->serves)
        e->serves = &m->im->artifacts[m->im->artifact_count - 1];
    if (!options.on_demand)
        world_serve(m->world, e->number, &e->serves->world, e->serves_context, 0);
    if ((r = hold_port(e, err)) < 0)
        return r;
    return imagined_listen(e, err);
}

static void fill_disk(struct imagined_engine *e)
{
    const struct machine *m = e->machine->facts;

    for (size_t i = 0; i < m->models_count && !e->machine->im->options.empty; i++) {
        struct imagined_artifact *a = imagined_find(e->machine->im, m->models[i].pull);

        if (a && m->models[i].engine == e->facts && disk_put(e, m->models[i].pull, a) < 0)
            return;
    }
}

/* What the file says is kept loaded has been loaded for long, as far as the engine keeps it. */
static void fill_memory(struct imagined_machine *m)
{
    uint32_t rank = 0;

    for (size_t i = 0; i < m->facts->models_count; i++) {
        const struct fleet_model *model = &m->facts->models[i];
        struct imagined_engine *e =
            model->engine ? &m->engines[model->engine - m->facts->engines] : NULL;
        struct disk_entry *entry = e ? disk_find(e, model->pull) : NULL;

        if (!entry || (e->facts->kind != ENGINE_ollama && e->facts->kind != ENGINE_openai) ||
            !is_kept(m->facts, model, rank++))
            continue;
        world_warm(m->world, e->number, &entry->artifact->world, (uint32_t)model->context, 0);
    }
}

static bool is_kept(const struct machine *m, const struct fleet_model *model, uint32_t rank)
{
    if (!m->keep_loaded.is_said)
        return false;
    for (uint32_t i = 0; i < m->keep_loaded.names_count; i++)
        if (str_equal(m->keep_loaded.names[i], model->pull) ||
            str_equal(m->keep_loaded.names[i], model->name))
            return true;
    return !m->keep_loaded.names_count && rank < m->keep_loaded.count;
}

/* A bound socket that never listens keeps the port when the engine's server is closed. */
static int hold_port(struct imagined_engine *e, struct err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int one = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    e->holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (e->holder < 0)
        return err_set(err, -errno, "no socket: %s", strerror(errno));
    if (setsockopt(e->holder, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        setsockopt(e->holder, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0 ||
        bind(e->holder, (struct sockaddr *)&address, sizeof address) < 0 ||
        getsockname(e->holder, (struct sockaddr *)&address, &length) < 0)
        return err_set(err, -errno, "no port on loopback: %s", strerror(errno));
    snprintf(e->address, sizeof e->address, "127.0.0.1:%u", ntohs(address.sin_port));
    return 0;
}
