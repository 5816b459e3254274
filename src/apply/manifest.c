/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry says a model consists of. */
#include "apply/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/json.h"

static int read_blobs(struct manifest *m, yyjson_val *root);
static int add_blob(struct manifest *m, yyjson_val *layer);
static enum blob_role role_of(struct str type);

int manifest_read(struct manifest *ret, struct str text)
{
    struct manifest m = {0};
    struct json json = {0};
    int r = json_read(&json, text, JSON_MEMORY(text.len), NULL) < 0 ? -EBADMSG : 0;

    if (r == 0)
        r = read_blobs(&m, json.root);
    if (r == 0)
        r = digest_of_bytes(text, m.digest);
    json_fini(&json);
    if (r < 0)
        manifest_fini(&m);
    else
        *ret = m;
    return r;
}

void manifest_fini(struct manifest *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        free(m->blobs[i].flag);
        free(m->blobs[i].url);
    }
    free(m->blobs);
    *m = (struct manifest){0};
}

uint64_t manifest_engine_bytes(const struct manifest *m)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < m->count; i++)
        bytes += m->blobs[i].role != BLOB_is_other ? m->blobs[i].size : 0;
    return bytes;
}

static int read_blobs(struct manifest *m, yyjson_val *root)
{
    yyjson_val *layers = json_find(root, "layers"), *layer;
    size_t i, count = yyjson_arr_size(layers);
    int r;

    if (!yyjson_is_arr(layers) || count >= MANIFEST_BLOBS_MAX)
        return -EBADMSG;
    m->blobs = calloc(count + 1, sizeof *m->blobs);
    if (!m->blobs)
        return -ENOMEM;
    r = add_blob(m, json_find(root, "config"));
    yyjson_arr_foreach(layers, i, count, layer)
    {
        r = r < 0 ? r : add_blob(m, layer);
    }
    return r;
}

static int add_blob(struct manifest *m, yyjson_val *layer)
{
    struct str digest = json_find_str(layer, "digest");
    yyjson_val *size = json_find(layer, "size");

    if (!digest_is_good(digest) || !yyjson_is_uint(size))
        return -EBADMSG;
    for (uint32_t i = 0; i < m->count; i++)
        if (str_is(digest, m->blobs[i].digest))
            return 0;
    memcpy(m->blobs[m->count].digest, digest.data, DIGEST_LENGTH);
    m->blobs[m->count].size = yyjson_get_uint(size);
    m->blobs[m->count].role = role_of(json_find_str(layer, "mediaType"));
    m->bytes += m->blobs[m->count++].size;
    return 0;
}

const struct manifest_blob *manifest_find(const struct manifest *m, struct str digest)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (str_is(digest, m->blobs[i].digest))
            return &m->blobs[i];
    return NULL;
}

bool manifest_target(char *out, size_t room, struct str name)
{
    struct str tag, path = str_cut(name, ':', &tag);
    bool has_space = str_index(path, '/') < path.len;
    int len = snprintf(out, room, "/v2/%s%.*s/manifests/%.*s", has_space ? "" : "library/",
                       STR_ARG(path), tag.len ? (int)tag.len : 6, tag.len ? tag.data : "latest");

    return path.len && len > 0 && (size_t)len < room &&
           str_index(str_from(out), '%') == (size_t)len;
}

static enum blob_role role_of(struct str type)
{
    return str_is(type, "application/vnd.ollama.image.model")       ? BLOB_is_model
           : str_is(type, "application/vnd.ollama.image.projector") ? BLOB_is_projector
                                                                    : BLOB_is_other;
}
