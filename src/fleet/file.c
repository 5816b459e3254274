/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet file: reading it and those it includes, and looking things up in it. */
#include "fleet/file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/file.h"
#include "fleet/keys.h"

enum { FILES_MAX = 64 };

/* Trees of several files on their way to one. */
struct loader {
    struct arena *arena;
    struct yaml *root;
    struct str files[FILES_MAX]; /* real paths, or the name of a text */
    size_t count;
    struct err *err;
};

/* The files being read, innermost first. */
struct open_file {
    struct str path;
    const struct open_file *outer;
    unsigned depth;
};

static struct fleet_owner *new_owner(void);
static int load_tree(struct loader *l, const char *path, const struct yaml *from,
                     const struct open_file *outer);
static int add_tree(struct loader *l, struct str text, const char *name,
                    const struct open_file *file);
static int include_all(struct loader *l, const struct yaml *include, const struct open_file *file);
static int include_one(struct loader *l, const struct yaml *y, const struct open_file *file);
static void merge(struct yaml *into, struct yaml *from);
static int build(struct fleet **ret, struct fleet_owner **owner, struct loader *l);

int fleet_load(struct fleet **ret, const char *path, struct err *err)
{
    return fleet_load_with(ret, path, (struct str){0}, NULL, err);
}

int fleet_load_with(struct fleet **ret, const char *path, struct str more, const char *name,
                    struct err *err)
{
    struct fleet_owner *o = new_owner();
    struct loader l = {.err = err};
    int r;

    if (!o)
        return err_set(err, -ENOMEM, "no memory for a fleet");
    l.arena = &o->arena;
    r = load_tree(&l, path, NULL, NULL);
    if (r == 0 && more.len)
        r = add_tree(&l, more, name, NULL);
    if (r == 0)
        r = build(ret, &o, &l);
    fleet_free(o ? &o->fleet : NULL);
    return r;
}

int fleet_parse(struct fleet **ret, struct str text, const char *name, struct err *err)
{
    struct fleet_owner *o = new_owner();
    struct loader l = {.err = err};
    int r;

    if (!o)
        return err_set(err, -ENOMEM, "no memory for a fleet");
    l.arena = &o->arena;
    r = add_tree(&l, text, name, NULL);
    if (r == 0)
        r = build(ret, &o, &l);
    fleet_free(o ? &o->fleet : NULL);
    return r;
}

void fleet_free(struct fleet *f)
{
    struct fleet_owner *o = (struct fleet_owner *)(void *)f;

    if (!o)
        return;
    map_fini(&o->machines);
    map_fini(&o->categories);
    map_fini(&o->cloud);
    map_fini(&o->aliases);
    arena_fini(&o->arena);
    free(o);
}

int fleet_write_reference(struct buf *out)
{
    return schema_write_reference(out, &fleet_section);
}

static struct fleet_owner *new_owner(void)
{
    struct fleet_owner *o = calloc(1, sizeof *o);

    if (o)
        arena_init(&o->arena, FLEET_BYTES_MAX);
    return o;
}

/* Reads one file; `from` is the include line that asks for it. */
static int load_tree(struct loader *l, const char *path, const struct yaml *from,
                     const struct open_file *outer)
{
    struct open_file file = {.outer = outer, .depth = outer ? outer->depth + 1 : 0};
    char real[PATH_MAX];
    struct buf text;
    int r;

    file.path = arena_str(l->arena, str_from(realpath(path, real) ? real : path));
    if (!file.path.data)
        return err_set(l->err, -ENOMEM, "%s: no memory for its name", path);
    for (const struct open_file *at = outer; at; at = at->outer)
        if (str_equal(at->path, file.path))
            return err_set(l->err, -EINVAL,
                           PLACE "found '%s', which includes this file, expected no circle; "
                                 "remove one of the two",
                           PLACE_ARG(from->at), from->text.data);
    buf_init(&text, YAML_BYTES_MAX);
    r = file_read(&text, path, l->err);
    if (r < 0 && from)
        err_wrap(l->err, r, "%s:%u:%u", from->at.file, from->at.line, from->at.column);
    if (r == 0)
        r = add_tree(l, buf_str(&text), path, &file);
    buf_fini(&text);
    return r;
}

static int add_tree(struct loader *l, struct str text, const char *name,
                    const struct open_file *file)
{
    const struct yaml *include;
    struct yaml *root = NULL;
    int r = yaml_read(&root, l->arena, text, name, l->err);

    if (r < 0)
        return r;
    if (root->kind != YAML_map)
        return err_set(
            l->err, -EINVAL, PLACE "found %s, expected a fleet file; begin with 'machines:'",
            PLACE_ARG(root->at), yaml_is_null(root) ? "nothing" : yaml_kind_name(root->kind));
    if (l->count == FILES_MAX)
        return err_set(l->err, -EMSGSIZE, "%s: found more than %d files, expected fewer", name,
                       FILES_MAX);
    l->files[l->count++] = arena_str(l->arena, str_from(name));
    if (!l->files[l->count - 1].data)
        return err_set(l->err, -ENOMEM, "%s: no memory for its name", name);
    include = yaml_find(root, "include");
    if (l->root)
        merge(l->root, root);
    else
        l->root = root;
    return include && !yaml_is_null(include) ? include_all(l, include, file) : 0;
}

static int include_all(struct loader *l, const struct yaml *include, const struct open_file *file)
{
    int r = 0;

    if (!file)
        return err_set(l->err, -EINVAL,
                       PLACE "found 'include', expected a text that stands alone; write out what "
                             "it includes",
                       PLACE_ARG(include->key_at));
    if (file->depth >= FLEET_INCLUDE_DEPTH_MAX)
        return err_set(l->err, -EMSGSIZE, PLACE "found more than %d files within files",
                       PLACE_ARG(include->key_at), FLEET_INCLUDE_DEPTH_MAX);
    if (include->kind == YAML_text)
        return include_one(l, include, file);
    for (const struct yaml *at = include->first; at && r == 0; at = at->next)
        r = include_one(l, at, file);
    return r;
}

static int include_one(struct loader *l, const struct yaml *y, const struct open_file *file)
{
    const char *slash = strrchr(file->path.data, '/');
    char *path;

    if (y->kind != YAML_text || !y->text.len)
        return err_set(l->err, -EINVAL, PLACE "found %s, expected the path of a file",
                       PLACE_ARG(y->at), yaml_kind_name(y->kind));
    if (y->text.data[0] == '/' || !slash)
        path = arena_printf(l->arena, "%s", y->text.data);
    else
        path = arena_printf(l->arena, "%.*s/%s", (int)(slash - file->path.data), file->path.data,
                            y->text.data);
    if (!path)
        return err_set(l->err, -ENOMEM, "%s: no memory for its name", y->text.data);
    return load_tree(l, path, y, file);
}

/* Entries of `from` are added to the maps and lists of the same key; what is neither stands twice
 * and is reported as that. Keys `include` have done their work. */
static void merge(struct yaml *into, struct yaml *from)
{
    for (struct yaml *child = from->first, *next; child; child = next) {
        struct yaml *same = yaml_find(into, child->key.data);

        next = child->next;
        if (str_is(child->key, "include"))
            continue;
        if (!same || same->kind != child->kind || same->kind == YAML_text) {
            yaml_append(into, child);
            continue;
        }
        for (struct yaml *entry = child->first, *after; entry; entry = after) {
            after = entry->next;
            yaml_append(same, entry);
        }
    }
}

/* The merged tree to structs. On success the owner is the caller's no more. */
static int build(struct fleet **ret, struct fleet_owner **owner, struct loader *l)
{
    struct fleet_owner *o = *owner;
    struct schema_reader rd;
    int r;

    schema_reader_init(&rd, &o->arena);
    schema_read(&rd, &fleet_section, l->root, &o->fleet);
    o->fleet.files = arena_alloc(&o->arena, l->count * sizeof *o->fleet.files);
    o->fleet.files_count = o->fleet.files ? (uint32_t)l->count : 0;
    for (uint32_t i = 0; i < o->fleet.files_count; i++)
        o->fleet.files[i] = l->files[i];
    if (!o->fleet.files)
        rd.failed = -ENOMEM;
    fleet_resolve(o, &rd);
    r = schema_finish(&rd, l->err);
    schema_reader_fini(&rd);
    if (r == 0) {
        *ret = &o->fleet;
        *owner = NULL;
    }
    return r;
}
