/* SPDX-License-Identifier: Apache-2.0 */
/* What the dashboard reads beside the lists. */
#include "web/watched.h"

#include "web/live.h"
#include "wire/json_out.h"

enum { SETTINGS_MAX = 64 << 10 };

static int document(const struct page_request *r, struct buf *out, enum topic topic);

int fleet_page(const struct page_request *r, struct buf *out, const char **type)
{
    (void)type;
    return document(r, out, TOPIC_facts);
}

int map_page(const struct page_request *r, struct buf *out, const char **type)
{
    (void)type;
    return document(r, out, TOPIC_map);
}

static int document(const struct page_request *r, struct buf *out, enum topic topic)
{
    return live_look(r->ctx, r->gateway) < 0 || live_document(r->ctx, topic, out) < 0 ? 500 : 200;
}

/* None of them is a secret: those stand in env: and file: only. */
int settings_page(const struct page_request *r, struct buf *out, const char **type)
{
    struct json_out o = {.out = out};
    struct buf lines;
    struct str rest;
    int written;

    (void)type;
    buf_init(&lines, SETTINGS_MAX);
    written = settings_write(gateway_settings(r->gateway), &lines);
    json_open(&o, '{');
    json_open(json_key(&o, "settings"), '[');
    for (rest = buf_str(&lines); rest.len && written == 0;) {
        struct str line = str_cut(rest, '\n', &rest), value, key = str_cut(line, ':', &value);

        json_open(&o, '{');
        json_text(json_key(&o, "setting"), key);
        json_text(json_key(&o, "value"), str_trim(value));
        json_text(json_key(&o, "help"), settings_help(key));
        json_close(&o, '}');
    }
    json_close(&o, ']');
    json_close(&o, '}');
    buf_fini(&lines);
    return o.error || written < 0 ? 500 : 200;
}
