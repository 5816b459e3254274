/* SPDX-License-Identifier: Apache-2.0 */
/* What is there before anything is changed: engines, and the registry's manifests. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply/apply_inside.h"
#include "apply/files.h"

enum { TARGET_ROOM = 512, MANIFEST_IDLE_MS = 30000, MANIFEST_TRIES = 4, PAUSE_MS = 250 };

static int list_engines(struct apply *a, struct err *err);
static int observe_all(struct apply *a, struct err *err);
static void *observe_machine(void *hand);
static void look_at_settings(struct apply *a, struct seen *s);
static int ask_manifests(struct apply *a, struct err *err);
static int ask_manifest(struct apply *a, struct asker *asker, const struct plan_copy *copy,
                        bool *is_deaf, struct err *err);
static int fetch_manifest(struct apply *a, struct asker *asker, const char *target,
                          struct known_manifest *known);

int apply_look_around(struct apply *a, struct err *err)
{
    int r = list_engines(a, err);

    if (r == 0)
        r = observe_all(a, err);
    return r < 0 ? r : ask_manifests(a, err);
}

const struct known_manifest *apply_manifest(const struct apply *a, struct str name)
{
    return map_find(&a->manifests, name);
}

struct seen *apply_seen(const struct apply *a, const struct fleet_engine *engine)
{
    for (uint32_t i = 0; i < a->seen_count; i++)
        if (a->seen[i].engine == engine)
            return &a->seen[i];
    return NULL;
}

unsigned apply_place(const struct apply *a, const struct seen *seen)
{
    return (unsigned)(seen - a->seen);
}

const struct seen_model *apply_has(const struct apply *a, const struct fleet_engine *engine,
                                   struct str name)
{
    const struct known_manifest *known = apply_manifest(a, name);
    const struct seen *seen = apply_seen(a, engine);
    const struct seen_model *model = seen ? seen_model(seen, name) : NULL;
    bool is_other = model && known && known->r == 0 && model->digest[0] &&
                    strcmp(model->digest, known->manifest.digest) != 0;

    return is_other ? NULL : model;
}

/* Machines that serve, each with a hand; their engines in the file's order. */
static int list_engines(struct apply *a, struct err *err)
{
    const struct fleet *f = a->options.fleet;
    uint32_t engines = 0;

    for (uint32_t i = 0; i < f->machines_count; i++)
        engines += f->machines[i].engines_count;
    a->hands = arena_alloc(&a->arena, (f->machines_count + 1) * sizeof *a->hands);
    a->seen = arena_alloc(&a->arena, (engines + 1) * sizeof *a->seen);
    if (!a->hands || !a->seen)
        return err_set(err, -ENOMEM, "out of memory");
    for (uint32_t i = 0; i < f->machines_count; i++) {
        const struct machine *m = &f->machines[i];

        if (!machine_serves(m))
            continue;
        a->hands[a->hands_count++] =
            (struct hand){.apply = a, .machine = m, .seen = &a->seen[a->seen_count]};
        for (uint32_t k = 0; k < m->engines_count; k++)
            a->seen[a->seen_count++] = (struct seen){.machine = m, .engine = &m->engines[k]};
    }
    return 0;
}

static int observe_all(struct apply *a, struct err *err)
{
    int r = 0;

    for (uint32_t i = 0; i < a->hands_count && r == 0; i++) {
        struct hand *h = &a->hands[i];

        r = -pthread_create(&h->thread, NULL, observe_machine, h);
        h->has_thread = r == 0;
    }
    for (uint32_t i = 0; i < a->hands_count; i++)
        if (a->hands[i].has_thread) {
            pthread_join(a->hands[i].thread, NULL);
            a->hands[i].has_thread = false;
        }
    return r < 0 ? err_set(err, r, "no thread for a machine") : 0;
}

static void *observe_machine(void *hand)
{
    struct hand *h = hand;
    struct asker asker;
    struct err err = {0};

    if (asker_open(&asker, &err) < 0)
        return NULL;
    for (uint32_t i = 0; i < h->machine->engines_count; i++) {
        struct seen *s = &h->seen[i];

        observe(s, &asker, s->machine, s->engine);
        if (remote_knows(s->machine, s->engine))
            look_at_settings(h->apply, s);
    }
    if (h->machine->ssh.len && gpu_memory_is_set(h->apply->options.catalog, h->machine))
        gpu_memory_look(&h->gpu_memory, h->apply->options.catalog, h->machine,
                        &h->apply->options.remote);
    asker_close(&asker);
    return NULL;
}

/* The script's first line says whether the engine is installed; files follow, a line each; the rest
 * are its settings. */
static void look_at_settings(struct apply *a, struct seen *s)
{
    const struct remote_what what = {.machine = s->machine, .engine = s->engine};
    const struct str file = STR("file ");
    struct str shown, first, rest;
    struct buf script, said;
    struct err err = {0};
    int r;

    buf_init(&script, SCRIPT_MAX);
    buf_init(&said, SCRIPT_MAX);
    buf_init(&s->settings, SCRIPT_MAX);
    buf_init(&s->files, SCRIPT_MAX);
    r = remote_write(&script, &what, REMOTE_show, &err);
    if (r == 0)
        r = remote_run(&said, s->machine, buf_str(&script), &a->options.remote, &err);
    first = str_cut(buf_str(&said), '\n', &shown);
    while (r == 0 && str_starts(shown, file)) {
        struct str line = str_cut(shown, '\n', &rest);

        r = buf_printf(&s->files, "%.*s\n",
                       STR_ARG(str_slice(line.data + file.len, line.len - file.len)));
        shown = rest;
    }
    if (r == 0)
        r = buf_put(&s->settings, shown);
    s->knows_settings = r == 0;
    s->is_missing = str_ends(first, STR(": missing"));
    snprintf(s->remote_words, sizeof s->remote_words, "%.*s", SEEN_WORDS - 1, err.text);
    buf_fini(&script);
    buf_fini(&said);
}

/* One after the other: they are small, and a registry's patience is not. */
static int ask_manifests(struct apply *a, struct err *err)
{
    const struct plan *plan = &a->declared->plan;
    struct asker asker;
    bool is_deaf = false;
    int r = asker_open(&asker, err);

    for (uint32_t i = 0; i < plan->copies_count && r == 0; i++) {
        const struct plan_copy *copy = &plan->copies[i];

        if (apply_wants_manifest(copy) && !apply_manifest(a, copy->line->pull))
            r = ask_manifest(a, &asker, copy, &is_deaf, err);
    }
    asker_close(&asker);
    return r;
}

/* A registry that could not be asked for one name is asked once for the next: *is_deaf. */
static int ask_manifest(struct apply *a, struct asker *asker, const struct plan_copy *copy,
                        bool *is_deaf, struct err *err)
{
    bool is_files = !(copy->artifact->model->engines & 1u << ENGINE_ollama);
    struct str name = copy->line->pull;
    struct known_manifest *known = arena_alloc(&a->arena, sizeof *known);
    char target[TARGET_ROOM];

    if (!known || map_put(&a->manifests, name, known) < 0)
        return err_set(err, -ENOMEM, "out of memory");
    if (!is_files && !manifest_target(target, sizeof target, name)) {
        known->r = -EINVAL;
        snprintf(known->words, sizeof known->words, "this is no name of a model");
        return 0;
    }
    for (unsigned try = 0; try < MANIFEST_TRIES; try++) {
        if (try)
            usleep(PAUSE_MS * 1000 << try);
        known->r = is_files ? files_ask(a, asker, copy->artifact, known)
                            : fetch_manifest(a, asker, target, known);
        if (known->r == 0 || known->r == -ENOENT || known->r == -EBADMSG || *is_deaf)
            break;
    }
    *is_deaf = known->r < 0 && known->r != -ENOENT && known->r != -EBADMSG;
    return 0;
}

static int fetch_manifest(struct apply *a, struct asker *asker, const char *target,
                          struct known_manifest *known)
{
    struct err err = {0};
    struct buf answer;
    struct question q = {.endpoint = &a->upstream,
                         .target = str_from(target),
                         .accept = STR(MANIFEST_TYPE),
                         .answer = &answer,
                         .idle_timeout_ms = MANIFEST_IDLE_MS};
    int r;

    buf_init(&answer, MANIFEST_MAX);
    r = question_ask(asker, &q, &err);
    if (r == 200)
        r = manifest_read(&known->manifest, buf_str(&answer));
    else if (r == 404)
        r = -ENOENT;
    else if (r >= 0)
        r = err_set(&err, -EAGAIN, "the registry answers with status %d", r);
    if (r == -ENOENT)
        err_set(&err, r, "the registry has no such model or tag: is it spelled as there?");
    if (r == -EBADMSG)
        err_set(&err, r, "the registry's answer is no manifest");
    snprintf(known->words, sizeof known->words, "%.*s", SEEN_WORDS - 1, err.text);
    buf_fini(&answer);
    return r;
}
