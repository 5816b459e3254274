/* SPDX-License-Identifier: Apache-2.0 */
/* The last requests. */
#include "web/requests.h"

static void add(void *ctx, const struct recent_row *row);
static void write_ms(struct json_out *o, const char *key, int64_t us);

int requests_page(const struct page_request *r, struct buf *out, const char **type)
{
    struct json_out o = {.out = out};

    (void)type;
    json_open(&o, '{');
    json_open(json_key(&o, "requests"), '[');
    recent_since(gateway_recent(r->gateway), 0, add, &o);
    json_close(&o, ']');
    json_close(&o, '}');
    return o.error ? 500 : 200;
}

static void add(void *ctx, const struct recent_row *row)
{
    request_write(ctx, row);
}

void request_write(struct json_out *o, const struct recent_row *row)
{
    const struct exchange_row *x = &row->row;

    json_open(o, '{');
    json_text(json_key(o, "request"), x->id);
    json_text(json_key(o, "step"), str_from(row->step));
    json_text(json_key(o, "endpoint"), str_from(row->endpoint));
    json_number(json_key(o, "started_ms"), (uint64_t)x->started_us / 1000);
    json_text(json_key(o, "asked"), x->asked);
    json_text(json_key(o, "machine"), x->machine);
    json_text(json_key(o, "name"), x->model);
    json_text(json_key(o, "parity"), x->parity);
    json_text(json_key(o, "key"), x->key_id);
    json_text(json_key(o, "failure"), x->failure);
    json_number(json_key(o, "status"), (uint64_t)x->status);
    json_number(json_key(o, "attempts"), x->attempts);
    json_number(json_key(o, "prompt_tokens"), x->prompt_tokens);
    json_number(json_key(o, "completion_tokens"), x->completion_tokens);
    write_ms(o, "first_token_ms", x->first_token_us);
    write_ms(o, "total_ms", x->total_us);
    json_close(o, '}');
}

/* Negative: it never came. */
static void write_ms(struct json_out *o, const char *key, int64_t us)
{
    if (us < 0)
        json_raw(json_key(o, key), STR("null"));
    else
        json_number(json_key(o, key), (uint64_t)us / 1000);
}
