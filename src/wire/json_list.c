/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON array that arrives in pieces. */
#include "wire/json_list.h"

#include <errno.h>

static int take_outside(struct json_list *l, char c);
static int take_inside(struct json_list *l, char c);
static int end_value(struct json_list *l);

void json_list_init(struct json_list *l, size_t value_max, json_list_fn *on_value, void *ctx)
{
    *l = (struct json_list){.on_value = on_value, .ctx = ctx};
    buf_init(&l->value, value_max);
}

void json_list_fini(struct json_list *l)
{
    buf_fini(&l->value);
}

int json_list_feed(struct json_list *l, struct str chunk)
{
    int r = 0;

    for (size_t i = 0; i < chunk.len && r == 0; i++) {
        l->fed++;
        if (l->state == JSON_LIST_value)
            r = take_inside(l, chunk.data[i]);
        else
            r = take_outside(l, chunk.data[i]);
    }
    return r;
}

static int take_outside(struct json_list *l, char c)
{
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        l->whole = l->state == JSON_LIST_after ? l->fed : l->whole;
        return 0;
    }
    if (l->state == JSON_LIST_before && c == '[') {
        l->state = JSON_LIST_between;
        return 0;
    }
    if (l->state == JSON_LIST_between && c == ']') {
        l->state = JSON_LIST_after;
        l->whole = l->fed;
        return 0;
    }
    if (l->state == JSON_LIST_between && c == ',')
        return 0;
    if (l->state == JSON_LIST_after || c != '{')
        return -EBADMSG;
    l->is_lone = l->state == JSON_LIST_before;
    l->state = JSON_LIST_value;
    return take_inside(l, c);
}

static int take_inside(struct json_list *l, char c)
{
    int r = buf_put_char(&l->value, c);

    if (r < 0)
        return r;
    if (l->in_string) {
        if (l->after_backslash || c == '\\')
            l->after_backslash = !l->after_backslash;
        else
            l->in_string = c != '"';
        return 0;
    }
    if (c == '"')
        l->in_string = true;
    else if (c == '{' || c == '[')
        l->depth++;
    else if ((c == '}' || c == ']') && --l->depth == 0)
        return end_value(l);
    return 0;
}

static int end_value(struct json_list *l)
{
    int r = l->on_value(l->ctx, buf_str(&l->value));

    l->state = l->is_lone ? JSON_LIST_after : JSON_LIST_between;
    l->whole = l->fed;
    buf_reset(&l->value);
    return r;
}
