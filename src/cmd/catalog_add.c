/* SPDX-License-Identifier: Apache-2.0 */
/* A new row for the catalog, read from what an engine or a file says of itself. */
#include "cmd/catalog_add.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/ask.h"
#include "model/catalog.h"
#include "model/catalog_keys.h"
#include "model/header.h"
#include "wire/gguf.h"
#include "wire/json_out.h"
#include "wire/schema_write.h"
#include "wire/yaml.h"

enum { TEXTS_MAX = 8 << 20, NAME_ROOM = 256, PATH_ROOM = 4096, FILES_MAX = 999 };

static int from_engine(struct buf *out, const char *tag, const char *url, struct err *err);
static int ask_json(struct json *ret, const char *url, const char *target, struct str body,
                    struct err *err);
static int read_show(struct header *h, const char *tag, const char *url, struct err *err);
static int read_bytes(uint64_t *ret, const char *tag, const char *url, struct err *err);
static bool is_tag(struct str listed, const char *tag);
static int from_file(struct buf *out, const char *path, struct err *err);
static int read_file(struct header *h, const char *path, uint64_t *bytes, struct err *err);
static bool next_file(char path[static PATH_ROOM], uint64_t number, uint64_t count);
static struct str stem_of(const char *path);
static int write_row(struct buf *out, struct model *m, struct artifact *a, const char *name,
                     struct err *err);
static void name_row(char out[static NAME_ROOM], struct str tag);

int catalog_row(struct buf *out, const char *what, const char *engine, struct err *err)
{
    struct str text = str_from(what);

    if (str_starts(text, STR("ollama:")) && text.len > 7)
        return from_engine(out, what + 7, engine, err);
    if (str_ends(text, STR(".gguf")))
        return from_file(out, what, err);
    return err_set(err, -EINVAL, "found '%s', expected ollama:TAG or a FILE.gguf", what);
}

int catalog_append(const char *path, struct str row, struct err *err)
{
    struct catalog *read = NULL;
    struct err wrong;
    struct buf text;
    int r = 0;

    buf_init(&text, YAML_BYTES_MAX);
    if (access(path, F_OK) == 0)
        r = file_read(&text, path, err);
    if (r == 0 && !text.len)
        r = buf_put(&text, STR("# Models beside those that the program knows; see 'tampu help "
                               "catalog'.\n\nmodels:\n"));
    if (r == 0 && text.data[text.len - 1] != '\n')
        r = buf_put_char(&text, '\n');
    if (r == 0)
        r = buf_put(&text, row);
    if (r == 0 && (r = catalog_parse(&read, buf_str(&text), STR(""), STR(""), &wrong)) < 0)
        err_set(err, r, "%s: with the new row behind it it does not read (%s); nothing was written",
                path, wrong.text);
    else if (r == 0)
        r = file_write(path, buf_str(&text), err);
    catalog_free(read);
    buf_fini(&text);
    return r;
}

static int from_engine(struct buf *out, const char *tag, const char *url, struct err *err)
{
    struct model m = {0};
    struct artifact a = {.tag = str_from(tag)};
    char name[NAME_ROOM];
    struct arena arena;
    struct header h;
    int r;

    arena_init(&arena, TEXTS_MAX);
    header_init(&h, &arena);
    r = read_show(&h, tag, url, err);
    if (r == 0)
        r = read_bytes(&a.bytes, tag, url, err);
    if (r == 0 && (r = header_model(&h, &m, err)) < 0)
        err_wrap(err, r, "%s", tag);
    if (r == 0) {
        m.engines = 1u << ENGINE_ollama;
        a.quant = h.quant.len ? h.quant : STR("unknown");
        m.source = STR("as the engine that holds it says (/api/show)");
        name_row(name, a.tag);
        r = write_row(out, &m, &a, name, err);
    }
    arena_fini(&arena);
    return r;
}

static int ask_json(struct json *ret, const char *url, const char *target, struct str body,
                    struct err *err)
{
    struct buf answer;
    int r;

    buf_init(&answer, ANSWER_MAX);
    r = ask_engine(&answer, url, target, body, err);
    if (r == 0 && (r = json_read(ret, buf_str(&answer), JSON_MEMORY(answer.len), err)) < 0)
        err_wrap(err, r, "%s%s answered what is no JSON", url, target);
    buf_fini(&answer);
    return r;
}

static int read_show(struct header *h, const char *tag, const char *url, struct err *err)
{
    struct json json = {0};
    struct buf body;
    struct json_out o = {.out = &body};
    int r;

    buf_init(&body, PATH_ROOM);
    json_open(&o, '{');
    json_text(json_key(&o, "model"), str_from(tag));
    json_close(&o, '}');
    r = o.error ? err_set(err, -EINVAL, "%s: that is too long for a tag", tag)
                : ask_json(&json, url, "/api/show", buf_str(&body), err);
    if (r == -ENOENT)
        err_set(err, r, "the engine at %s has no '%s': pull it there first", url, tag);
    if (r == 0)
        r = header_read_show(h, json.root, err);
    json_fini(&json);
    buf_fini(&body);
    return r;
}

/* What it takes on disk stands only in the list of all. */
static int read_bytes(uint64_t *ret, const char *tag, const char *url, struct err *err)
{
    struct json json = {0};
    yyjson_val *model;
    size_t i, max;
    int r = ask_json(&json, url, "/api/tags", STR(""), err);

    if (r < 0)
        return r;
    yyjson_arr_foreach(json_find(json.root, "models"), i, max, model)
    {
        if (is_tag(json_find_str(model, "name"), tag))
            *ret = json_find_u64(model, "size");
    }
    json_fini(&json);
    return *ret ? 0 : err_set(err, -ENOENT, "the engine at %s does not list '%s'", url, tag);
}

static bool is_tag(struct str listed, const char *tag)
{
    struct str want = str_from(tag);

    return str_equal_nocase(listed, want) ||
           (str_ends(listed, STR(":latest")) &&
            str_equal_nocase(str_slice(listed.data, listed.len - 7), want));
}

static int from_file(struct buf *out, const char *path, struct err *err)
{
    struct model m = {0};
    struct artifact a = {.tag = stem_of(path)};
    char name[NAME_ROOM], file[PATH_ROOM];
    struct arena arena;
    struct header h;
    int r = 0;

    arena_init(&arena, TEXTS_MAX);
    header_init(&h, &arena);
    if (snprintf(file, sizeof file, "%s", path) >= (int)sizeof file)
        r = err_set(err, -ENAMETOOLONG, "%s: its path is too long", path);
    for (uint64_t number = 1; r == 0 && number <= (h.files ? h.files : 1); number++) {
        if (number > 1 && !next_file(file, number, h.files))
            r = err_set(err, -EINVAL,
                        "%s: it is one of %llu files, and its name does not end in "
                        "-00001-of-%05llu.gguf",
                        path, (unsigned long long)h.files, (unsigned long long)h.files);
        else
            r = read_file(&h, file, &a.bytes, err);
    }
    if (r == 0 && (r = header_model(&h, &m, err)) < 0)
        err_wrap(err, r, "%s", path);
    if (r == 0) {
        m.engines = 1u << ENGINE_llama_server;
        a.quant = h.quant.len ? h.quant : STR("unknown");
        m.source = STR("read from the file's header");
        name_row(name, a.tag);
        r = write_row(out, &m, &a, name, err);
    }
    arena_fini(&arena);
    return r;
}

/* Only as much of it as a header may take. */
static int read_file(struct header *h, const char *path, uint64_t *bytes, struct err *err)
{
    struct stat status;
    struct buf head;
    ssize_t got = 0;
    int r, fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &status) < 0) {
        r = err_set(err, -errno, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return r;
    }
    *bytes += (uint64_t)status.st_size;
    buf_init(&head, GGUF_HEAD_MAX);
    do {
        head.len += (size_t)got;
        r = buf_reserve(&head, head.len < GGUF_HEAD_MAX - (1 << 20) ? 1 << 20 : 1);
        got = r == 0 ? read(fd, head.data + head.len, head.room - head.len) : 0;
    } while (got > 0);
    close(fd);
    if (got < 0)
        r = err_set(err, -errno, "%s: %s", path, strerror(errno));
    else if ((r = header_read_gguf(h, buf_str(&head), err)) < 0)
        err_wrap(err, r, "%s", path);
    buf_fini(&head);
    return r;
}

/* "x-00001-of-00003.gguf" to "x-00002-of-00003.gguf". */
static bool next_file(char path[static PATH_ROOM], uint64_t number, uint64_t count)
{
    char tail[32];
    size_t len = strlen(path), tail_len;

    if (count > FILES_MAX)
        return false;
    tail_len = (size_t)snprintf(tail, sizeof tail, "-%05u-of-%05u.gguf", (unsigned)number - 1,
                                (unsigned)count);
    if (len < tail_len || strcmp(path + len - tail_len, tail) != 0)
        return false;
    snprintf(path + len - tail_len, tail_len + 1, "-%05u-of-%05u.gguf", (unsigned)number,
             (unsigned)count);
    return true;
}

static struct str stem_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return str_from(slash ? slash + 1 : path);
}

static int write_row(struct buf *out, struct model *m, struct artifact *a, const char *name,
                     struct err *err)
{
    const struct schema_section *section = catalog_models_section.rows[0].section;
    int r = buf_printf(out, "  %s:\n", name);

    m->artifacts = a;
    m->artifacts_count = 1;
    if (r == 0)
        r = schema_write(out, section, m, 4);
    return r < 0 ? err_set(err, r, "no memory for the row") : 0;
}

/* "library/Qwen3:8b" is the row qwen3-8b; "x-00001-of-00003.gguf" is x. */
static void name_row(char out[static NAME_ROOM], struct str tag)
{
    size_t len = 0, end;

    if (str_starts(tag, STR("library/")))
        tag = str_slice(tag.data + 8, tag.len - 8);
    if (str_ends(tag, STR(".gguf")))
        tag.len -= 5;
    if (tag.len > 15 && str_starts(str_slice(tag.data + tag.len - 15, 15), STR("-00001-of-")))
        tag.len -= 15;
    for (end = tag.len < NAME_ROOM - 1 ? tag.len : NAME_ROOM - 1; len < end; len++) {
        char c = tag.data[len];

        out[len] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A'))
                   : (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ? c
                                                                                  : '-';
    }
    out[len] = '\0';
}
