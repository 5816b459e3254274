/* SPDX-License-Identifier: Apache-2.0 */
/* What drills have proven. */
#include "web/drills.h"

#include <errno.h>

#include "gateway/drill.h"
#include "wire/json_out.h"

static int refuse(struct buf *out, int status, const char *words);

int drills_page(const struct page_request *r, struct buf *out, const char **type)
{
    struct json_out o = {.out = out};

    (void)type;
    drill_write(gateway_drills(r->gateway), &o);
    return o.error ? 500 : 200;
}

int drills_begin_page(const struct page_request *r, struct buf *out, const char **type)
{
    struct json body = {0};
    struct err err = {0};
    int result = json_read(&body, r->body, JSON_MEMORY(r->body.len), &err);

    if (result == 0)
        result = drill_begin(gateway_drills(r->gateway), json_find_str(body.root, "category"),
                             json_find_str(body.root, "machine"), &err);
    json_fini(&body);
    if (result < 0)
        return refuse(out, result == -EALREADY ? 409 : result == -ENOENT ? 404 : 400, err.text);
    return drills_page(r, out, type);
}

static int refuse(struct buf *out, int status, const char *words)
{
    struct json_out o = {.out = out};

    json_open(&o, '{');
    json_text(json_key(&o, "error"), str_from(words));
    json_close(&o, '}');
    return o.error ? 500 : status;
}
