/* SPDX-License-Identifier: Apache-2.0 */
/* An imagined Ollama's disk: names, downloads, copies, deletions. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/clock.h"
#include "sim/guest.h"

static void name_with_tag(char *out, size_t room, struct str name);
static struct str after_host(struct str name, bool *ret_has_host);
static struct pull *pull_find(struct imagined_engine *e, struct imagined_artifact *artifact);
static void pull_tell(struct pull *p);
static void pull_end(struct pull *p);
static void write_progress(struct guest *g, const struct pull *p);
static void put_status(struct guest *g, const char *status);
static void put_layer(struct guest *g, const char *digest, uint64_t total, uint64_t done);
static unsigned count_wan(const struct imagined *im);
static double bytes_per_ms(const struct imagined *im, const struct pull *p);
static bool disk_is_full(const struct imagined_engine *e, const struct imagined_artifact *next);
static bool holds(const struct imagined_engine *e, const struct imagined_artifact *a);

enum { TEMPLATE_BYTES = 1482, CONFIG_BYTES = 487 };

/* What the fleet file does not say about its network. */
static const uint64_t WAN_BITS = 100000000, LAN_BITS = 1000000000;
static const double PULL_STEP_MS = 60; /* Ollama reports about as often */

/* Letter case ignored; "name" is "name:latest". */
struct disk_entry *disk_find(struct imagined_engine *e, struct str name)
{
    char full[NAME_ROOM];

    name_with_tag(full, sizeof full, name);
    for (unsigned i = 0; i < e->disk_count; i++)
        if (str_equal_nocase(str_from(e->disk[i].name), str_from(full)))
            return &e->disk[i];
    return NULL;
}

/* 0, also when it is there already; -ENOSPC. */
int disk_put(struct imagined_engine *e, struct str name, struct imagined_artifact *artifact)
{
    struct disk_entry *entry = disk_find(e, name);

    if (!entry && e->disk_count == DISK_ENTRIES_MAX)
        return -ENOSPC;
    if (!entry) {
        entry = &e->disk[e->disk_count++];
        name_with_tag(entry->name, sizeof entry->name, name);
    }
    entry->artifact = artifact;
    entry->modified_us = clock_wall_us();
    return 0;
}

void disk_remove(struct imagined_engine *e, struct disk_entry *entry)
{
    struct disk_entry *last = &e->disk[--e->disk_count];

    memmove(entry, entry + 1, (size_t)(last - entry) * sizeof *entry);
}

void pulls_play(struct imagined *im, double now_ms)
{
    double step_ms = now_ms - im->pulled_ms;

    im->pulled_ms = now_ms;
    for (size_t i = 0; i < im->fleet->machines_count; i++) {
        struct imagined_machine *m = &im->machines[i];

        for (size_t k = 0; m->engines && k < m->facts->engines_count; k++) {
            for (struct link *at = m->engines[k].pulls.next, *next; at != &m->engines[k].pulls;
                 at = next) {
                struct pull *p = CONTAINER(at, struct pull, link);

                next = at->next;
                if (!p->is_running)
                    continue;
                p->bytes_done += step_ms * bytes_per_ms(im, p) / m->factor;
                pull_tell(p);
            }
        }
    }
}

double pulls_next_ms(const struct imagined *im)
{
    for (size_t i = 0; i < im->fleet->machines_count; i++)
        for (size_t k = 0; im->machines[i].engines && k < im->machines[i].facts->engines_count; k++)
            LINK_EACH(&im->machines[i].engines[k].pulls, at)
    if (CONTAINER(at, struct pull, link)->is_running)
        return im->pulled_ms + PULL_STEP_MS;
    return INFINITY;
}

/* A download goes on as long as somebody waits for it; what came stays on the disk. */
void pull_leave(struct guest *g)
{
    struct pull *p = g->pull;

    if (!p)
        return;
    g->pull = NULL;
    link_remove(&g->pull_link);
    p->is_running = p->is_running && !link_is_empty(&p->guests);
}

void face_pull(struct guest *g)
{
    struct imagined_engine *e = g->engine;
    struct imagined_artifact *artifact;
    struct str name;
    struct pull *p;
    bool from_lan;

    if (!guest_read(g, ASKED_native))
        return;
    name = g->asked.model.data ? g->asked.model : json_find_str(g->json.root, "name");
    if (name.len == 0 || name.len >= NAME_ROOM) {
        e->face->failed(g, 400, "invalid model name");
        return;
    }
    snprintf(g->model, sizeof g->model, "%.*s", STR_ARG(name));
    artifact = imagined_find(e->machine->im, after_host(name, &from_lan));
    if (g->asked.stream)
        guest_start(g, "application/x-ndjson");
    if (g->asked.stream)
        put_status(g, "pulling manifest");
    if (!artifact || disk_is_full(e, artifact)) {
        e->face->failed(g, 500,
                        artifact ? "write: no space left on device"
                                 : "pull model manifest: file does not exist");
        return;
    }
    pulls_play(e->machine->im, imagined_now_ms(e->machine->im));
    p = pull_find(e, artifact);
    if (!p) {
        guest_end(g, false);
        return;
    }
    p->from_lan = from_lan;
    p->is_running = true;
    if (holds(e, artifact))
        p->bytes_done = (double)artifact->facts->bytes;
    g->pull = p;
    link_append(&p->guests, &g->pull_link);
    pull_tell(p);
}

void face_copy(struct guest *g)
{
    struct str from, to;
    struct disk_entry *entry;
    char words[NAME_ROOM + 32];

    if (!guest_read(g, ASKED_native))
        return;
    from = json_find_str(g->json.root, "source");
    to = json_find_str(g->json.root, "destination");
    if (from.len == 0 || to.len == 0) {
        snprintf(words, sizeof words, "%s \"\" is invalid", from.len ? "destination" : "source");
        g->engine->face->failed(g, 400, words);
        return;
    }
    entry = disk_find(g->engine, from);
    if (!entry) {
        snprintf(words, sizeof words, "model \"%.*s\" not found", STR_ARG(from));
        g->engine->face->failed(g, 404, words);
        return;
    }
    if (disk_put(g->engine, to, entry->artifact) < 0)
        g->engine->face->failed(g, 500, "no space left on device");
    else
        guest_answer(g, 200, NULL);
}

void face_delete(struct guest *g)
{
    char words[NAME_ROOM + 32];
    struct disk_entry *entry;
    struct imagined_artifact *artifact;
    struct str name;

    if (!guest_read(g, ASKED_native))
        return;
    name = g->asked.model.data ? g->asked.model : json_find_str(g->json.root, "name");
    entry = name.len ? disk_find(g->engine, name) : NULL;
    if (!entry) {
        snprintf(words, sizeof words, "model '%.*s' not found", (int)name.len,
                 name.data ? name.data : "");
        g->engine->face->failed(g, name.len ? 404 : 400, name.len ? words : "name \"\" is invalid");
        return;
    }
    artifact = entry->artifact;
    disk_remove(g->engine, entry);
    for (struct link *at = g->engine->pulls.next;
         !holds(g->engine, artifact) && at != &g->engine->pulls; at = at->next) {
        struct pull *p = CONTAINER(at, struct pull, link);

        if (p->artifact == artifact && !p->is_running)
            p->bytes_done = 0;
    }
    guest_answer(g, 200, NULL);
}

static void name_with_tag(char *out, size_t room, struct str name)
{
    size_t slash = name.len;

    while (slash > 0 && name.data[slash - 1] != '/')
        slash--;
    snprintf(out, room, "%.*s%s", STR_ARG(name),
             memchr(name.data + slash, ':', name.len - slash) ? "" : ":latest");
}

/* "10.0.0.1:4000/library/qwen2.5:14b" is qwen2.5:14b from a neighbour; "library/x" is plain x. */
static struct str after_host(struct str name, bool *ret_has_host)
{
    struct str rest = name, host;

    *ret_has_host = false;
    if (str_starts(rest, STR("http://")))
        rest = str_slice(rest.data + 7, rest.len - 7);
    host = str_slice(rest.data, str_index(rest, '/'));
    if (host.len < rest.len && (memchr(host.data, ':', host.len) || str_is(host, "localhost"))) {
        rest = str_slice(rest.data + host.len + 1, rest.len - host.len - 1);
        *ret_has_host = true;
    }
    if (str_starts(rest, STR("library/")))
        rest = str_slice(rest.data + 8, rest.len - 8);
    return rest;
}

static struct pull *pull_find(struct imagined_engine *e, struct imagined_artifact *artifact)
{
    struct pull *p;

    LINK_EACH(&e->pulls, at)
    if (CONTAINER(at, struct pull, link)->artifact == artifact)
        return CONTAINER(at, struct pull, link);
    p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->artifact = artifact;
    p->engine = e;
    link_init(&p->guests);
    link_append(&e->pulls, &p->link);
    return p;
}

static void pull_tell(struct pull *p)
{
    bool is_done = p->bytes_done >= (double)p->artifact->facts->bytes;

    if (is_done) {
        pull_end(p);
        return;
    }
    LINK_EACH(&p->guests, at)
    write_progress(CONTAINER(at, struct guest, pull_link), p);
}

static void pull_end(struct pull *p)
{
    p->is_running = false;
    p->bytes_done = (double)p->artifact->facts->bytes;
    while (!link_is_empty(&p->guests)) {
        struct guest *g = CONTAINER(p->guests.next, struct guest, pull_link);
        int r = disk_put(p->engine, str_from(g->model), p->artifact);

        link_remove(&g->pull_link);
        g->pull = NULL;
        if (r < 0) {
            p->engine->face->failed(g, 500, "write: no space left on device");
            continue;
        }
        if (g->has_begun) {
            write_progress(g, p);
            put_layer(g, p->artifact->digest, TEMPLATE_BYTES, TEMPLATE_BYTES);
            put_status(g, "verifying sha256 digest");
            put_status(g, "writing manifest");
            put_status(g, "success");
            guest_end(g, true);
        } else if (buf_put(&g->out, STR("{\"status\":\"success\"}")) == 0) {
            guest_answer(g, 200, "application/json");
        }
    }
}

static void write_progress(struct guest *g, const struct pull *p)
{
    if (g->has_begun)
        put_layer(g, p->artifact->blob, p->artifact->facts->bytes, (uint64_t)p->bytes_done);
}

static void put_status(struct guest *g, const char *status)
{
    if (buf_printf(&g->out, "{\"status\":\"%s\"}\n", status) == 0)
        guest_send(g);
}

/* Nothing done yet is left out, as Go leaves out a zero. */
static void put_layer(struct guest *g, const char *digest, uint64_t total, uint64_t done)
{
    int r =
        buf_printf(&g->out, "{\"status\":\"pulling %.12s\",\"digest\":\"sha256:%s\",\"total\":%llu",
                   digest, digest, (unsigned long long)total);

    if (r == 0 && done)
        r = buf_printf(&g->out, ",\"completed\":%llu", (unsigned long long)done);
    if (r == 0 && buf_put(&g->out, STR("}\n")) == 0)
        guest_send(g);
}

/* Downloads share the line evenly. */
static unsigned count_wan(const struct imagined *im)
{
    unsigned count = 0;

    for (size_t i = 0; i < im->fleet->machines_count; i++)
        for (size_t k = 0; im->machines[i].engines && k < im->machines[i].facts->engines_count; k++)
            LINK_EACH(&im->machines[i].engines[k].pulls, at)
            {
                const struct pull *p = CONTAINER(at, struct pull, link);

                count += p->is_running && !p->from_lan;
            }
    return count ? count : 1;
}

static double bytes_per_ms(const struct imagined *im, const struct pull *p)
{
    const struct network *n = &im->fleet->network;
    enum machine_state state = p->engine->machine->state;

    if (state == MACHINE_dead || state == MACHINE_hung)
        return 0;
    if (p->from_lan)
        return (double)(n->lan_bits ? n->lan_bits : LAN_BITS) / 8e3;
    return (double)(n->wan_bits ? n->wan_bits : WAN_BITS) / 8e3 / count_wan(im);
}

static bool disk_is_full(const struct imagined_engine *e, const struct imagined_artifact *next)
{
    uint64_t room = machine_disk(e->machine->facts), sum = 0;

    if (room == 0 || holds(e, next))
        return false;
    for (unsigned i = 0; i < e->disk_count; i++) {
        bool is_counted = false;

        for (unsigned k = 0; k < i; k++)
            is_counted = is_counted || e->disk[k].artifact == e->disk[i].artifact;
        sum += is_counted ? 0 : e->disk[i].artifact->facts->bytes;
    }
    return sum + next->facts->bytes > room;
}

/* Under any name: names share what they are made of. */
static bool holds(const struct imagined_engine *e, const struct imagined_artifact *a)
{
    for (unsigned i = 0; i < e->disk_count; i++)
        if (e->disk[i].artifact == a)
            return true;
    return false;
}
