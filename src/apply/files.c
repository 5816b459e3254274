/* SPDX-License-Identifier: Apache-2.0 */
/* Files of engines that are started with them: where they are published, and what each engine needs
 * of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/apply_inside.h"
#include "apply/files.h"
#include "net/dns.h"
#include "wire/json.h"

enum { TARGET_ROOM = 1024, LIST_MAX = 16 << 20, IDLE_MS = 30000 };

/* "--vae=REPOSITORY:FOLDER/FILE"; flag empty: the model itself. */
struct published {
    struct str flag, repository, path;
};

static bool read_published(struct published *ret, struct str text);
static int ask_file(struct apply *a, struct asker *asker, const struct published *p,
                    struct known_manifest *known, struct err *err);
static int read_list(struct manifest *m, const struct published *p, struct str url, struct str text,
                     struct err *err);
static int add_file(struct manifest *m, const struct published *p, struct str url,
                    yyjson_val *entry);
static yyjson_val *find_entry(yyjson_val *list, struct str path);
static int blob_url(char out[TARGET_ROOM], const struct apply *a, struct str name,
                    const struct manifest_blob *b);

bool apply_wants_manifest(const struct plan_copy *copy)
{
    const struct program *p = program_of(copy->engine);

    return copy->engine->kind == ENGINE_ollama ||
           (p && !p->pulls && remote_knows(copy->machine, copy->engine));
}

int files_ask(struct apply *a, struct asker *asker, const struct artifact *artifact,
              struct known_manifest *known)
{
    struct published p;
    struct err err = {0};
    int r = 0;

    manifest_fini(&known->manifest);
    known->manifest.blobs = calloc(artifact->files_count + 1, sizeof *known->manifest.blobs);
    if (!known->manifest.blobs)
        r = -ENOMEM;
    for (uint32_t i = 0; i <= artifact->files_count && r == 0; i++) {
        struct str text = i ? artifact->files[i - 1] : artifact->tag;

        r = read_published(&p, text)
                ? ask_file(a, asker, &p, known, &err)
                : err_set(&err, -EINVAL, "%.*s names no file: expected REPOSITORY:FILE",
                          STR_ARG(text));
    }
    snprintf(known->words, sizeof known->words, "%.*s", SEEN_WORDS - 1, err.text);
    return r;
}

static bool read_published(struct published *ret, struct str text)
{
    *ret = (struct published){0};
    if (str_starts(text, STR("--")))
        ret->flag = str_cut(text, '=', &text);
    ret->repository = str_cut(text, ':', &ret->path);
    return ret->repository.len && ret->path.len && !memchr(text.data, '%', text.len) &&
           !memchr(text.data, '?', text.len) && !memchr(text.data, ' ', text.len);
}

/* The list of a repository's folder says each file's size and digest. */
static int ask_file(struct apply *a, struct asker *asker, const struct published *p,
                    struct known_manifest *known, struct err *err)
{
    const char *slash = memrchr(p->path.data, '/', p->path.len);
    size_t folder = slash ? (size_t)(slash - p->path.data) : 0;
    struct str host = a->options.settings->registry_files;
    char target[TARGET_ROOM], url[TARGET_ROOM];
    struct endpoint endpoint;
    struct buf answer;
    struct question q = {.endpoint = &endpoint, .answer = &answer, .idle_timeout_ms = IDLE_MS};
    int r = endpoint_parse(&endpoint, host, err);

    if (r < 0)
        return r;
    snprintf(target, sizeof target, "/api/models/%.*s/tree/main%s%.*s", STR_ARG(p->repository),
             folder ? "/" : "", (int)folder, p->path.data);
    snprintf(url, sizeof url, "%.*s/%.*s/resolve/main/%.*s", STR_ARG(host), STR_ARG(p->repository),
             STR_ARG(p->path));
    q.target = str_from(target);
    buf_init(&answer, LIST_MAX);
    r = question_ask(asker, &q, err);
    if (r == 200)
        r = read_list(&known->manifest, p, str_from(url), buf_str(&answer), err);
    else if (r >= 0)
        r = err_set(
            err, r == 404 || r == 401 || r == 403 ? -ENOENT : -EAGAIN,
            "%.*s: the list of its files is answered with status %d%s", STR_ARG(p->repository), r,
            r == 401 || r == 403 ? ": it wants somebody logged in, so fetch it by hand" : "");
    buf_fini(&answer);
    return r;
}

static int read_list(struct manifest *m, const struct published *p, struct str url, struct str text,
                     struct err *err)
{
    struct json json = {0};
    yyjson_val *entry;
    int r = 0;

    if (json_read(&json, text, JSON_MEMORY(text.len), NULL) < 0)
        return err_set(err, -EBADMSG, "%.*s: the list of its files is no JSON",
                       STR_ARG(p->repository));
    entry = find_entry(json.root, p->path);
    if (!entry)
        r = err_set(err, -ENOENT, "%.*s has no file %.*s: is it spelled as there?",
                    STR_ARG(p->repository), STR_ARG(p->path));
    else if ((r = add_file(m, p, url, entry)) == -EBADMSG)
        err_set(err, r, "%.*s says no SHA-256 of %.*s", STR_ARG(p->repository), STR_ARG(p->path));
    json_fini(&json);
    return r;
}

static yyjson_val *find_entry(yyjson_val *list, struct str path)
{
    yyjson_val *entry;
    size_t i, count;

    yyjson_arr_foreach(list, i, count, entry)
    {
        if (str_equal(json_find_str(entry, "path"), path))
            return entry;
    }
    return NULL;
}

static int add_file(struct manifest *m, const struct published *p, struct str url,
                    yyjson_val *entry)
{
    struct manifest_blob *b = &m->blobs[m->count];
    yyjson_val *lfs = json_find(entry, "lfs");
    char digest[DIGEST_LENGTH + 1];

    snprintf(digest, sizeof digest, "sha256:%.*s", STR_ARG(json_find_str(lfs, "oid")));
    if (!digest_is_good(str_from(digest)))
        return -EBADMSG;
    *b = (struct manifest_blob){.size = json_find_u64(lfs, "size"),
                                .role = p->flag.len ? BLOB_is_beside : BLOB_is_model,
                                .url = strndup(url.data, url.len)};
    memcpy(b->digest, digest, sizeof b->digest);
    if (p->flag.len)
        b->flag = strndup(p->flag.data, p->flag.len);
    m->count++;
    m->bytes += b->size;
    return b->url && (b->flag || !p->flag.len) ? 0 : -ENOMEM;
}

const struct plan_copy *files_copy(const struct apply *a, const struct fleet_engine *engine)
{
    const struct plan *plan = &a->declared->plan;

    for (uint32_t i = 0; i < plan->copies_count; i++)
        if (plan->copies[i].engine == engine)
            return &plan->copies[i];
    return NULL;
}

int files_service(const struct apply *a, const struct fleet_engine *engine, struct service *ret,
                  struct err *err)
{
    const struct plan_copy *copy = files_copy(a, engine);
    const struct seen *seen = apply_seen(a, engine);
    const struct known_manifest *known = copy ? apply_manifest(a, copy->line->pull) : NULL;
    union address address;

    if (!copy)
        return err_set(err, -ENOENT, "no line of the file is for it");
    if (known && known->r < 0)
        return err_set(err, known->r, "%s", known->words);
    *ret = (struct service){.machine = seen->machine,
                            .engine = engine,
                            .copy = copy,
                            .files = known ? &known->manifest : NULL,
                            .address = dns_read_address(&address, seen->endpoint.host, 0)
                                           ? seen->endpoint.host
                                           : "0.0.0.0"};
    return 0;
}

uint64_t files_lacking(const struct apply *a, const struct service *s)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; s->files && i < s->files->count; i++)
        if (files_lacks(a, s->engine, &s->files->blobs[i]))
            bytes += s->files->blobs[i].size;
    return bytes;
}

bool files_lacks(const struct apply *a, const struct fleet_engine *engine,
                 const struct manifest_blob *blob)
{
    const struct seen *seen = apply_seen(a, engine);
    char name[DIGEST_LENGTH + 2];

    snprintf(name, sizeof name, "sha256-%s\n", blob->digest + sizeof "sha256:" - 1);
    return blob->role != BLOB_is_other &&
           !(seen->files.len && memmem(seen->files.data, seen->files.len, name, strlen(name)));
}

int files_write(struct buf *out, const struct apply *a, const struct service *s, struct err *err)
{
    const struct seen *seen = apply_seen(a, s->engine);
    char reach[128] = "", path[TARGET_ROOM];
    int r = a->depot ? depot_reach(a->depot, &seen->endpoint, reach, sizeof reach, err) : 0;

    for (uint32_t i = 0; s->files && i < s->files->count && r == 0; i++) {
        const struct manifest_blob *b = &s->files->blobs[i];

        if (!files_lacks(a, s->engine, b))
            continue;
        if (b->url)
            snprintf(path, sizeof path, "%s", b->url);
        else
            r = blob_url(path, a, s->copy->line->pull, b);
        if (r == 0 && a->depot)
            r = depot_expect_file(a->depot, str_from(b->digest), b->size, path);
        if (r == 0 && a->depot)
            snprintf(path, sizeof path, "http://%s/v2/" EXPECTED_FILES "/%u/blobs/%s", reach,
                     apply_place(a, seen), b->digest);
        if (r == 0)
            r = buf_printf(out, "%s %llu %s\n", b->digest, (unsigned long long)b->size, path);
    }
    return r;
}

/* Of a model that Ollama's registry publishes. */
static int blob_url(char out[TARGET_ROOM], const struct apply *a, struct str name,
                    const struct manifest_blob *b)
{
    struct str tag, path = str_cut(name, ':', &tag),
                    upstream = a->options.settings->registry_upstream;
    bool has_space = str_index(path, '/') < path.len;
    int length = snprintf(out, TARGET_ROOM, "%.*s/v2/%s%.*s/blobs/%s", STR_ARG(upstream),
                          has_space ? "" : "library/", STR_ARG(path), b->digest);

    return length < 0 || length >= TARGET_ROOM ? -EMSGSIZE : 0;
}
