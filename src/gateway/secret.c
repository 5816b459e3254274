/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets named in the fleet file. */
#include "gateway/secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/bytes.h"

static int read_environment(char *out, const char *name, struct err *err);
static int read_file(char *out, const char *path, struct err *err);

int secret_read(char out[SECRET_MAX], struct str reference, struct err *err)
{
    struct str rest, kind = str_cut(reference, ':', &rest);
    char name[1024];
    int r;

    if (rest.len >= sizeof name)
        return err_set(err, -EINVAL, "the name of a secret is too long");
    snprintf(name, sizeof name, "%.*s", STR_ARG(rest));
    r = str_is(kind, "file") ? read_file(out, name, err) : read_environment(out, name, err);
    if (r < 0)
        return r;
    for (const char *c = out; *c; c++)
        if (!byte_is_text((unsigned char)*c))
            return err_set(err, -EINVAL, "%s has a byte that no header may have", name);
    return 0;
}

struct str secret_hide(struct str words, struct str credential, struct arena *arena)
{
    static const char mark[] = "***";
    const char *space = memrchr(credential.data ? credential.data : "", ' ', credential.len);
    struct str secret =
        space ? str_slice(space + 1, (size_t)(credential.data + credential.len - space - 1))
              : credential;
    const char *at = secret.len >= sizeof mark - 1
                         ? memmem(words.data, words.len, secret.data, secret.len)
                         : NULL;
    char *out = at ? arena_alloc(arena, words.len) : NULL;
    size_t len = 0;

    if (!at)
        return words;
    if (!out)
        return STR("");
    while (at) {
        size_t before = (size_t)(at - words.data);

        memcpy(out + len, words.data, before);
        memcpy(out + len + before, mark, sizeof mark - 1);
        len += before + sizeof mark - 1;
        words = str_slice(at + secret.len, words.len - before - secret.len);
        at = memmem(words.data, words.len, secret.data, secret.len);
    }
    memcpy(out + len, words.data, words.len);
    return str_slice(out, len + words.len);
}

static int read_environment(char *out, const char *name, struct err *err)
{
    const char *value = getenv(name);

    if (!value || !*value || strlen(value) >= SECRET_MAX)
        return err_set(err, -ENOENT, "the environment has no %s", name);
    snprintf(out, SECRET_MAX, "%s", value);
    return 0;
}

static int read_file(char *out, const char *path, struct err *err)
{
    FILE *file = fopen(path, "re");
    size_t length;

    if (!file)
        return err_set(err, -ENOENT, "%s cannot be read: %s", path, strerror(errno));
    length = fread(out, 1, SECRET_MAX - 1, file);
    fclose(file);
    while (length && (out[length - 1] == '\n' || out[length - 1] == '\r'))
        length--;
    out[length] = '\0';
    return length ? 0 : err_set(err, -ENOENT, "%s is empty", path);
}
