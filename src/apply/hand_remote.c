/* SPDX-License-Identifier: Apache-2.0 */
/* Installing and setting up engines: over SSH where there is a way, else in words. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "apply/apply_inside.h"
#include "apply/files.h"

enum { LOOK_EVERY_MS = 250, LOADS_SLOWER = 3 };

static int run(struct hand *h, const struct apply_step *s, enum remote_do verb, struct err *err);
static uint64_t patience_ms(const struct hand *h, const struct apply_step *s);
static int wait_until_up(struct hand *h, const struct apply_step *s, struct err *err);
static int undo(struct hand *h, struct apply_step *s, int r, struct err *err);

/* What tampu cannot do from here is said in words; the next apply looks whether it was done. */
int hand_install(struct hand *h, struct apply_step *s, struct err *err)
{
    const struct seen *seen = apply_seen(h->apply, s->engine);
    const struct program *p = program_of(s->engine);

    if (remote_knows(s->machine, s->engine) && seen->is_missing)
        return run(h, s, REMOTE_install, err);
    return err_set(err, -ENOTSUP, "start %.*s on %.*s with %.*s (it %s), then apply again%s",
                   STR_ARG(s->engine->name), STR_ARG(s->machine->name), STR_ARG(s->name),
                   seen->is_up ? "runs with something else" : "does not answer",
                   p ? "; with `ssh:` tampu does it, --scripts shows how" : "");
}

int hand_fetch(struct hand *h, struct apply_step *s, struct err *err)
{
    int r = run(h, s, REMOTE_fetch, err);

    if (r < 0)
        return r;
    pthread_mutex_lock(&h->apply->mutex);
    s->bytes_done = s->bytes;
    pthread_mutex_unlock(&h->apply->mutex);
    return 0;
}

int hand_configure(struct hand *h, struct apply_step *s, struct err *err)
{
    int r = run(h, s, REMOTE_set, err);

    if (r == -ECONNREFUSED || r == -EPERM)
        return r;
    if (r == 0)
        r = wait_until_up(h, s, err);
    return r < 0 ? undo(h, s, r, err) : 0;
}

static int run(struct hand *h, const struct apply_step *s, enum remote_do verb, struct err *err)
{
    struct buf script, said;
    int r;

    buf_init(&script, SCRIPT_MAX);
    buf_init(&said, SCRIPT_MAX);
    r = apply_write_script(&script, h->apply, s, verb, err);
    if (r == 0)
        r = remote_run(&said, s->machine, buf_str(&script), &h->apply->options.remote, err);
    buf_fini(&script);
    buf_fini(&said);
    return r;
}

int apply_write_script(struct buf *out, const struct apply *a, const struct apply_step *s,
                       enum remote_do verb, struct err *err)
{
    struct remote_what what = {.machine = s->machine, .engine = s->engine};
    struct service service;
    struct buf files;
    int r = 0;

    buf_init(&files, SCRIPT_MAX);
    if (s->engine && program_of(s->engine) &&
        (r = files_service(a, s->engine, &service, err)) == 0) {
        what.service = &service;
        if (verb == REMOTE_fetch)
            r = files_write(&files, a, &service, err);
        what.files = buf_str(&files);
    }
    if (r == 0)
        r = remote_write(out, &what, verb, err);
    buf_fini(&files);
    return r;
}

/* What it is started with has to be read into memory first. */
static uint64_t patience_ms(const struct hand *h, const struct apply_step *s)
{
    double load_s = s->copy ? s->copy->load_s : 0;

    return h->apply->options.patience_ms + (uint64_t)(load_s * LOADS_SLOWER * 1000);
}

static int wait_until_up(struct hand *h, const struct apply_step *s, struct err *err)
{
    for (uint64_t waited_ms = 0; waited_ms <= patience_ms(h, s); waited_ms += LOOK_EVERY_MS) {
        struct seen now;
        bool is_up;

        if (waited_ms)
            poll(NULL, 0, LOOK_EVERY_MS);
        observe(&now, &h->asker, s->machine, s->engine);
        is_up = now.is_up;
        if (!is_up)
            err_set(err, -EIO, "%s", now.words);
        seen_fini(&now);
        if (is_up)
            return 0;
    }
    return -EIO;
}

static int undo(struct hand *h, struct apply_step *s, int r, struct err *err)
{
    struct err undone = {0};
    struct err found = *err;
    bool is_back = run(h, s, REMOTE_undo, &undone) == 0 && wait_until_up(h, s, &undone) == 0;

    return err_set(
        err, r, "with the new settings it does not come back (%.200s); %s%.200s", found.text,
        is_back ? "the old ones are in place again, and it answers" : "nor with the old ones: ",
        is_back ? "" : undone.text);
}
