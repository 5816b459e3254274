/* SPDX-License-Identifier: Apache-2.0 */
/* Where the catalog's rows come from. */
#include "model/catalog_files.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/embedded.h"
#include "base/file.h"
#include "model/catalog_keys.h"

enum { PATH_LENGTH_MAX = 4096 };

static int read_file(struct catalog *ret, struct schema_reader *rd, int file,
                     const struct catalog_layer *layers, size_t count, struct err *err);
static void lay_over(struct schema_reader *rd, struct yaml *under, struct yaml *over);
static void replace_rows(struct yaml *under, struct yaml *over);
static void drop(struct yaml *parent, struct yaml *child);

static const struct {
    const char *name;
    const struct schema_section *section;
} files[CATALOG_FILE_COUNT] = {
    [CATALOG_models] = {"models.yaml", &catalog_models_section},
    [CATALOG_hardware] = {"hardware.yaml", &catalog_hardware_section},
    [CATALOG_cloud] = {"cloud.yaml", &catalog_cloud_section},
};

int catalog_layer_embedded(struct catalog_layer *ret, struct err *err)
{
    ret->dir = "catalog";
    for (int i = 0; i < CATALOG_FILE_COUNT; i++) {
        char name[64];
        const struct embedded_file *file;

        snprintf(name, sizeof name, "catalog/%s", files[i].name);
        file = embedded_find(name);
        if (!file)
            return err_set(err, -ENOENT, "%s: it is not in this program; was it built whole?",
                           name);
        ret->texts[i] = str_slice(file->data, file->size);
    }
    return 0;
}

int catalog_layer_read(struct catalog_layer *ret, struct buf bufs[static CATALOG_FILE_COUNT],
                       const char *dir, struct err *err)
{
    int found = 0;

    ret->dir = dir;
    for (int i = 0; i < CATALOG_FILE_COUNT; i++) {
        char path[PATH_LENGTH_MAX];
        int r;

        if (snprintf(path, sizeof path, "%s/%s", dir, files[i].name) >= (int)sizeof path)
            return err_set(err, -ENAMETOOLONG, "%s: its path is too long", dir);
        if (access(path, F_OK) < 0 && errno == ENOENT)
            continue;
        if ((r = file_read(&bufs[i], path, err)) < 0)
            return r;
        ret->texts[i] = buf_str(&bufs[i]);
        found++;
    }
    if (found)
        return 0;
    return err_set(err, -ENOENT,
                   "%s: found no models.yaml, hardware.yaml or cloud.yaml, expected one of them; "
                   "'tampu catalog add' writes one",
                   dir);
}

int catalog_read_layers(struct catalog *ret, struct schema_reader *rd,
                        const struct catalog_layer *layers, size_t count, struct err *err)
{
    int r = 0;

    for (int i = 0; i < CATALOG_FILE_COUNT && r == 0; i++)
        r = read_file(ret, rd, i, layers, count, err);
    return r;
}

static int read_file(struct catalog *ret, struct schema_reader *rd, int file,
                     const struct catalog_layer *layers, size_t count, struct err *err)
{
    struct yaml *whole = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct catalog_layer *layer = &layers[i];
        struct yaml *root = NULL;
        char name[PATH_LENGTH_MAX];
        struct str kept;
        int r;

        if (!layer->texts[file].len)
            continue;
        snprintf(name, sizeof name, "%s/%s", layer->dir, files[file].name);
        kept = arena_str(rd->arena, str_from(name));
        r = kept.data ? yaml_read(&root, rd->arena, layer->texts[file], kept.data, err)
                      : err_set(err, -ENOMEM, "%s: no memory for its name", name);
        if (r < 0)
            return r;
        if (whole)
            lay_over(rd, whole, root);
        else
            whole = root;
    }
    if (whole)
        schema_read(rd, files[file].section, whole, ret);
    return 0;
}

static void lay_over(struct schema_reader *rd, struct yaml *under, struct yaml *over)
{
    if (over->kind != YAML_map) {
        schema_problem(rd, over->at, "found %s, expected '%s:' and rows below it",
                       yaml_is_null(over) ? "nothing" : yaml_kind_name(over->kind),
                       under->first ? under->first->key.data : "models");
        return;
    }
    for (struct yaml *child = over->first, *next; child; child = next) {
        struct yaml *same = yaml_find(under, child->key.data);

        next = child->next;
        if (same && same->kind == YAML_map && child->kind == YAML_map) {
            replace_rows(same, child);
            continue;
        }
        if (same)
            drop(under, same);
        yaml_append(under, child);
    }
}

static void replace_rows(struct yaml *under, struct yaml *over)
{
    for (struct yaml *row = over->first, *next; row; row = next) {
        struct yaml *same = yaml_find(under, row->key.data);

        next = row->next;
        /* A name that stands twice in one file stays, to be reported. */
        if (same && same->at.file != row->at.file)
            drop(under, same);
        yaml_append(under, row);
    }
}

static void drop(struct yaml *parent, struct yaml *child)
{
    struct yaml *before = NULL;

    for (struct yaml *at = parent->first; at != child; at = at->next)
        before = at;
    if (before)
        before->next = child->next;
    else
        parent->first = child->next;
    if (parent->last == child)
        parent->last = before;
    parent->count--;
}
