/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller sends, until all of it is there. */
#include "gateway/receive.h"

#include <errno.h>
#include <stdlib.h>

#include "config/settings.h"
#include "gateway/endpoints.h"
#include "gateway/exchange.h"
#include "gateway/upload.h"
#include "gateway/worker.h"
#include "wire/multipart.h"

/* Admission has seen to it that this endpoint takes what content-type says. */
void receive_begin(struct exchange *x)
{
    const struct settings *settings = x->worker->gateway->settings;
    struct str type = request_header(x->request, STR("content-type"));
    struct spool_limits limits = {
        .folder = x->worker->gateway->spool_folder,
        .memory_max = settings->upload_memory,
        .bytes_max = settings->upload_max,
        .all_bytes_max = settings->uploads_max,
        .all_bytes = &x->worker->gateway->spooled_bytes,
    };
    int r;

    if (!multipart_is_form(type))
        return;
    r = upload_new(&x->upload, type, &limits, &x->arena);
    if (r == 0 && x->request->content_length > (int64_t)settings->upload_max)
        exchange_fail(x, FAILURE_upload_too_large, STR(""));
    else if (r < 0)
        exchange_fail(x, r == -EINVAL ? FAILURE_bad_form : FAILURE_out_of_room,
                      r == -EINVAL ? STR("content-type names no boundary") : STR(""));
    if (x->why)
        exchange_run(x);
}

void exchange_on_body(struct exchange *x, struct str chunk)
{
    enum failure why = FAILURE_none;
    const char *words = "";
    int r = 0;

    if (x->why)
        return;
    if (x->upload)
        why = upload_feed(x->upload, chunk, &words);
    else if ((r = buf_put(&x->body, chunk)) < 0)
        why = r == -EMSGSIZE ? FAILURE_body_too_large : FAILURE_out_of_room;
    if (!why)
        return;
    exchange_fail(x, why, str_from(words));
    exchange_run(x);
}

int receive_read(struct exchange *x, struct err *err)
{
    int r = x->upload ? x->dialect->scan_form(&x->ask, x->task, &x->upload->form, err)
                      : x->dialect->scan(&x->ask, x->task, buf_str(&x->body), err);

    if (r == 0 && x->dialect->scan_path)
        r = x->dialect->scan_path(&x->ask, endpoint_rest(x->endpoint, x->request->path),
                                  x->request->query, &x->arena, err);
    return r < 0 ? r : receive_keep_asked(x);
}

int receive_keep_asked(struct exchange *x)
{
    x->asked = malloc(x->ask.model.len + 1);
    if (!x->asked)
        return -ENOMEM;
    if (x->ask.model.len)
        memcpy(x->asked, x->ask.model.data, x->ask.model.len);
    x->ask.model.data = x->asked;
    return 0;
}
