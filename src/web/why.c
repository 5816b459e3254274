/* SPDX-License-Identifier: Apache-2.0 */
/* The decision about one request. */
#include "web/why.h"

#include "gateway/decisions.h"
#include "wire/json_out.h"

int why_page(const struct page_request *r, struct buf *out, const char **type)
{
    struct json_out o = {.out = out};

    (void)type;
    if (decisions_find(gateway_decisions(r->gateway), r->rest, out) == 0)
        return 200;
    json_open(&o, '{');
    json_text(json_key(&o, "error"),
              STR("no decision is kept for that request: it was too long ago, still runs, or was "
                  "refused before one was made; ids stand in x-tampu-request-id"));
    json_close(&o, '}');
    return o.error ? 500 : 404;
}
