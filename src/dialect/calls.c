/* SPDX-License-Identifier: Apache-2.0 */
/* Tool calls put together from pieces. */
#include "dialect/calls.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/json_out.h"

int calls_put(struct calls *c, const struct tool_call *piece)
{
    struct call *call;
    int r = 0;

    if (piece->index >= CALLS_MAX)
        return -EMSGSIZE;
    if (!c->list && !(c->list = calloc(CALLS_MAX, sizeof *c->list)))
        return -ENOMEM;
    for (; c->count <= piece->index; c->count++) {
        call = &c->list[c->count];
        buf_init(&call->id, c->max);
        buf_init(&call->name, c->max);
        buf_init(&call->arguments, c->max);
    }
    call = &c->list[piece->index];
    /* Some engines repeat the id in every piece. */
    if (!call->id.len)
        r = buf_put(&call->id, piece->id);
    if (r == 0 && !call->name.len)
        r = buf_put(&call->name, piece->name);
    return r < 0 ? r : buf_put(&call->arguments, piece->arguments);
}

void call_put_arguments(struct json_out *o, struct str text)
{
    struct json json = {0};
    int r;

    if (!str_trim(text).len)
        text = STR("{}");
    r = json_read(&json, text, JSON_MEMORY(text.len), NULL);
    if (r == -EINVAL || (r == 0 && !yyjson_is_obj(json.root)))
        r = -EBADMSG;
    if (r == 0)
        json_value(o, json.root);
    else if (!o->error)
        o->error = r;
    json_fini(&json);
}

void calls_fini(struct calls *c)
{
    for (unsigned i = 0; i < c->count; i++) {
        buf_fini(&c->list[i].id);
        buf_fini(&c->list[i].name);
        buf_fini(&c->list[i].arguments);
    }
    free(c->list);
    *c = (struct calls){.max = c->max};
}
