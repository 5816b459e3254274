/* SPDX-License-Identifier: Apache-2.0 */
/* An uploaded form on its way through. */
#include "gateway/upload.h"

#include <errno.h>
#include <stdlib.h>

enum { FRONT_MAX = 4096, MODEL_MAX = 64 << 10 };

static int write_type(struct upload *u);
static enum failure failure_of(const struct upload *u, int r, const char **ret_words);
static int64_t read_body(void *ctx, uint64_t at, char *out, size_t room);

int upload_new(struct upload **ret, struct str content_type, const struct spool_limits *limits,
               struct arena *arena)
{
    struct upload *u = calloc(1, sizeof *u);
    int r;

    if (!u)
        return -ENOMEM;
    if ((r = form_init(&u->form, content_type, arena)) < 0) {
        free(u);
        return r;
    }
    spool_init(&u->spool, limits);
    buf_init(&u->type, FRONT_MAX);
    buf_init(&u->front, FRONT_MAX);
    buf_init(&u->model, MODEL_MAX);
    if ((r = write_type(u)) < 0) {
        upload_free(u);
        return r;
    }
    *ret = u;
    return 0;
}

void upload_free(struct upload *u)
{
    if (!u)
        return;
    form_fini(&u->form);
    spool_fini(&u->spool);
    buf_fini(&u->type);
    buf_fini(&u->front);
    buf_fini(&u->model);
    free(u);
}

/* Written anew, so that there is one way to read it. */
static int write_type(struct upload *u)
{
    struct str mark = form_mark(&u->form), boundary = str_slice(mark.data + 2, mark.len - 2);
    bool is_token = true;

    for (size_t i = 0; i < boundary.len; i++)
        is_token = is_token && !memchr("(),/:=?", boundary.data[i], 7);
    return buf_printf(&u->type, is_token ? "%s%.*s" : "%s\"%.*s\"",
                      "multipart/form-data; boundary=", STR_ARG(boundary));
}

enum failure upload_feed(struct upload *u, struct str chunk, const char **ret_words)
{
    int r = form_feed(&u->form, chunk);

    if (r < 0)
        return failure_of(u, r, ret_words);
    *ret_words = "";
    r = spool_put(&u->spool, chunk);
    if (r == -EMSGSIZE)
        return FAILURE_upload_too_large;
    if (r == -ENOSPC)
        *ret_words = "too many uploads are under way, or the disk is full";
    else if (r < 0 && r != -ENOMEM)
        *ret_words = "the upload cannot be kept in the folder of the state";
    return r < 0 ? FAILURE_out_of_room : FAILURE_none;
}

enum failure upload_end(struct upload *u, const char **ret_words)
{
    int r = form_end(&u->form);

    return r < 0 ? failure_of(u, r, ret_words) : FAILURE_none;
}

static enum failure failure_of(const struct upload *u, int r, const char **ret_words)
{
    *ret_words = u->form.reader.words;
    return r == -ENOMEM ? FAILURE_out_of_room : FAILURE_bad_form;
}

int upload_aim(struct upload *u, struct str model, struct str extra)
{
    const struct form_field *field = form_find(&u->form, "model");
    struct str value, name = str_cut(extra, '=', &value);
    uint64_t kept = u->form.reader.end_at - u->form.reader.first_at;
    int r = 0;

    buf_reset(&u->front);
    buf_reset(&u->model);
    if (extra.len)
        r = buf_printf(&u->front,
                       "%.*s\r\nContent-Disposition: form-data; name=\"%.*s\"\r\n\r\n%.*s\r\n",
                       STR_ARG(form_mark(&u->form)), STR_ARG(name), STR_ARG(value));
    if (r == 0)
        r = buf_put(&u->model, model);
    if (r < 0)
        return r;
    u->model_at = field->at;
    u->model_size = field->size;
    u->source = (struct call_source){
        .length = u->front.len + kept - field->size + model.len + 2,
        .read = read_body,
        .ctx = u,
    };
    return 0;
}

/* In order: the front, the caller's bytes up to the name, the name, the caller's bytes up to the
 * end of the last boundary, a line's end. */
static int64_t read_body(void *ctx, uint64_t at, char *out, size_t room)
{
    const struct upload *u = ctx;
    uint64_t first = u->form.reader.first_at, behind = u->model_at + u->model_size;
    const struct {
        struct str bytes; /* or, where there are none, of the spool: */
        uint64_t from, length;
    } pieces[] = {
        {buf_str(&u->front), 0, u->front.len},
        {STR(""), first, u->model_at - first},
        {buf_str(&u->model), 0, u->model.len},
        {STR(""), behind, u->form.reader.end_at - behind},
        {STR("\r\n"), 0, 2},
    };

    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        uint64_t rest = at < pieces[i].length ? pieces[i].length - at : 0;
        size_t n = (size_t)(rest < room ? rest : room);

        if (n && !pieces[i].bytes.len)
            return spool_read(&u->spool, pieces[i].from + at, out, n);
        if (n) {
            memcpy(out, pieces[i].bytes.data + at, n);
            return (int64_t)n;
        }
        at -= pieces[i].length;
    }
    return -EIO;
}
