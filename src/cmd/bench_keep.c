/* SPDX-License-Identifier: Apache-2.0 */
/* What benches found, kept beside the state. */
#include "cmd/bench_keep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "wire/json.h"
#include "wire/json_out.h"

enum { KEPT_MAX = 16 << 20, PATH_ROOM = 4200 };

static int join(struct buf *out, yyjson_val *found, yyjson_val *before);
static int put_copies(struct json_out *o, yyjson_val *copies, yyjson_val *without);
static bool has_copy(yyjson_val *copies, yyjson_val *copy);

int bench_keep(const char *folder, struct str found, struct err *err)
{
    struct json now = {0}, before = {0};
    struct err none = {0};
    struct buf text, out;
    char path[PATH_ROOM];
    int r;

    snprintf(path, sizeof path, "%s/bench.json", folder);
    buf_init(&text, KEPT_MAX);
    buf_init(&out, KEPT_MAX);
    r = json_read(&now, found, JSON_MEMORY(found.len), err);
    /* What was kept and cannot be read any more is no reason to lose what was found now. */
    if (r == 0 && file_read(&text, path, &none) == 0)
        (void)!json_read(&before, buf_str(&text), JSON_MEMORY(text.len), &none);
    if (r == 0 && (r = join(&out, now.root, before.root)) < 0)
        err_set(err, r, "%s: what was measured is too much to keep", path);
    if (r == 0)
        r = file_write(path, buf_str(&out), err);
    json_fini(&now);
    json_fini(&before);
    buf_fini(&text);
    buf_fini(&out);
    return r;
}

static int join(struct buf *out, yyjson_val *found, yyjson_val *before)
{
    struct json_out o = {.out = out};
    int r;

    json_open(&o, '{');
    json_open(json_key(&o, "copies"), '[');
    r = put_copies(&o, json_find(found, "copies"), NULL);
    if (r == 0 && before)
        r = put_copies(&o, json_find(before, "copies"), json_find(found, "copies"));
    json_close(&o, ']');
    json_close(&o, '}');
    return r < 0 ? r : o.error < 0 ? o.error : buf_put_char(out, '\n');
}

/* Those that could be measured. */
static int put_copies(struct json_out *o, yyjson_val *copies, yyjson_val *without)
{
    yyjson_val *copy;
    size_t i, count;

    yyjson_arr_foreach(copies, i, count, copy)
    {
        size_t length = 0;
        char *text;

        if (json_find_str(copy, "wrong").len || has_copy(without, copy))
            continue;
        text = yyjson_val_write(copy, 0, &length);
        if (!text)
            return -ENOMEM;
        json_raw(o, str_slice(text, length));
        free(text);
    }
    return 0;
}

/* And was it measured? */
static bool has_copy(yyjson_val *copies, yyjson_val *copy)
{
    yyjson_val *other;
    size_t i, count;

    yyjson_arr_foreach(copies, i, count, other)
    {
        if (!json_find_str(other, "wrong").len &&
            str_equal(json_find_str(other, "machine"), json_find_str(copy, "machine")) &&
            str_equal(json_find_str(other, "engine"), json_find_str(copy, "engine")) &&
            str_equal(json_find_str(other, "artifact"), json_find_str(copy, "artifact")))
            return true;
    }
    return false;
}
