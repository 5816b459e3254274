/* SPDX-License-Identifier: Apache-2.0 */
/* Which models may come through the LAN registry. */
#include "apply/expected.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One model. Tens of them: all are looked through. */
struct model {
    char target[EXPECTED_PATH]; /* "/v2/library/qwen2.5/manifests/14b" */
    struct buf text;            /* its manifest, once it was asked for */
    struct manifest manifest;
    uint64_t asked_until_ms;  /* 0: nobody asks */
    uint64_t fresh_until_ms;  /* so long text holds */
    uint64_t absent_until_ms; /* so long there is none */
};

struct expected {
    pthread_mutex_t mutex; /* guards the rest */
    struct model *models;
    size_t count;
    struct manifest files; /* of other engines */
};

static void take_over(struct model *to, struct expected *from);
static struct model *find(struct expected *e, struct str target);
static bool is_of_path(const struct model *m, struct str path);
static int learn(struct model *m, struct str text, uint64_t now_ms);
static int add_file(struct manifest *files, struct str digest, uint64_t size, const char *url);
static void models_free(struct model *models, size_t count);

int expected_new(struct expected **ret)
{
    struct expected *e = calloc(1, sizeof *e);

    if (!e)
        return -ENOMEM;
    pthread_mutex_init(&e->mutex, NULL);
    *ret = e;
    return 0;
}

void expected_free(struct expected *e)
{
    if (!e)
        return;
    models_free(e->models, e->count);
    manifest_fini(&e->files);
    pthread_mutex_destroy(&e->mutex);
    free(e);
}

static void models_free(struct model *models, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_fini(&models[i].text);
        manifest_fini(&models[i].manifest);
    }
    free(models);
}

/* Names that are none, or another registry's, are passed over: nobody can pull them here. */
int expected_set(struct expected *e, const struct str *names, size_t count)
{
    struct model *models = count <= EXPECTED_MAX ? calloc(count + 1, sizeof *models) : NULL;
    struct model *before;
    size_t used = 0, before_count;

    if (!models)
        return count <= EXPECTED_MAX ? -ENOMEM : -E2BIG;
    pthread_mutex_lock(&e->mutex);
    for (size_t i = 0; i < count; i++) {
        struct model *m = &models[used];

        if (!manifest_target(m->target, sizeof m->target, names[i]))
            continue;
        buf_init(&m->text, MANIFEST_MAX);
        take_over(m, e);
        used++;
    }
    before = e->models;
    before_count = e->count;
    e->models = models;
    e->count = used;
    pthread_mutex_unlock(&e->mutex);
    models_free(before, before_count);
    return 0;
}

static void take_over(struct model *to, struct expected *from)
{
    struct model *m = find(from, str_from(to->target));

    if (!m)
        return;
    *to = *m;
    buf_init(&m->text, MANIFEST_MAX);
    m->manifest = (struct manifest){0};
}

static struct model *find(struct expected *e, struct str target)
{
    for (size_t i = 0; i < e->count; i++)
        if (str_is(target, e->models[i].target))
            return &e->models[i];
    return NULL;
}

int expected_manifest(struct expected *e, struct str target, uint64_t now_ms, struct buf *out)
{
    struct model *m;
    int r = -ENOENT;

    pthread_mutex_lock(&e->mutex);
    m = find(e, target);
    if (m && m->text.len && now_ms < m->fresh_until_ms) {
        r = buf_put(out, buf_str(&m->text)) < 0 ? -ENOMEM : 0;
    } else if (m && now_ms < m->absent_until_ms) {
        r = -ENODATA;
    } else if (m && now_ms < m->asked_until_ms) {
        r = -EAGAIN;
    } else if (m) {
        m->asked_until_ms = now_ms + EXPECTED_ASK_MS;
        r = -EINPROGRESS;
    }
    pthread_mutex_unlock(&e->mutex);
    return r;
}

int expected_answer(struct expected *e, struct str target, int status, struct str text,
                    uint64_t now_ms)
{
    struct model *m;
    int r = 0;

    pthread_mutex_lock(&e->mutex);
    m = find(e, target);
    if (m) {
        m->asked_until_ms = 0;
        m->absent_until_ms = status == 404 ? now_ms + EXPECTED_ABSENT_MS : 0;
        r = text.len ? learn(m, text, now_ms) : 0;
    }
    pthread_mutex_unlock(&e->mutex);
    return r;
}

static int learn(struct model *m, struct str text, uint64_t now_ms)
{
    struct manifest manifest;
    int r = manifest_read(&manifest, text);

    if (r < 0)
        return r;
    buf_reset(&m->text);
    if (buf_put(&m->text, text) < 0) {
        manifest_fini(&manifest);
        return -ENOMEM;
    }
    manifest_fini(&m->manifest);
    m->manifest = manifest;
    m->fresh_until_ms = now_ms + EXPECTED_FRESH_MS;
    return 0;
}

bool expected_blob(struct expected *e, struct str path, struct str digest,
                   struct manifest_blob *ret)
{
    const struct manifest_blob *found = NULL;

    pthread_mutex_lock(&e->mutex);
    for (size_t i = 0; i < e->count && !found; i++)
        if (is_of_path(&e->models[i], path))
            found = manifest_find(&e->models[i].manifest, digest);
    if (str_starts(path, STR(EXPECTED_FILES "/")))
        found = manifest_find(&e->files, digest);
    if (found)
        *ret = *found;
    pthread_mutex_unlock(&e->mutex);
    return found;
}

int expected_file(struct expected *e, struct str digest, uint64_t size, const char *url)
{
    int r = 0;

    pthread_mutex_lock(&e->mutex);
    if (!manifest_find(&e->files, digest))
        r = e->files.count < EXPECTED_FILES_MAX ? add_file(&e->files, digest, size, url) : -E2BIG;
    pthread_mutex_unlock(&e->mutex);
    return r;
}

static int add_file(struct manifest *files, struct str digest, uint64_t size, const char *url)
{
    struct manifest_blob *blobs = realloc(files->blobs, (files->count + 1) * sizeof *blobs);
    struct manifest_blob b = {.size = size, .role = BLOB_is_model};

    if (!blobs)
        return -ENOMEM;
    files->blobs = blobs;
    if (!(b.url = strdup(url)))
        return -ENOMEM;
    snprintf(b.digest, sizeof b.digest, "%.*s", STR_ARG(digest));
    blobs[files->count++] = b;
    return 0;
}

/* "library/qwen2.5" */
static bool is_of_path(const struct model *m, struct str path)
{
    const struct str before = STR("/v2/"), behind = STR("/manifests/");
    struct str target = str_from(m->target);

    return target.len > before.len + path.len + behind.len &&
           memcmp(target.data + before.len, path.data, path.len) == 0 &&
           memcmp(target.data + before.len + path.len, behind.data, behind.len) == 0;
}

int expected_copy(struct expected *e, struct str name, struct manifest *ret)
{
    char target[EXPECTED_PATH];
    const struct model *m = NULL;
    int r = -ENOENT;

    if (!manifest_target(target, sizeof target, name))
        return r;
    pthread_mutex_lock(&e->mutex);
    m = find(e, str_from(target));
    if (m && m->text.len)
        r = manifest_read(ret, buf_str(&m->text));
    pthread_mutex_unlock(&e->mutex);
    return r;
}
