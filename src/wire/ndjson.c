/* SPDX-License-Identifier: Apache-2.0 */
/* Newline-delimited JSON, without copying a line that arrives in one piece. */
#include "wire/ndjson.h"

#include <errno.h>

static int take_line(struct ndjson *n, struct str line);

void ndjson_init(struct ndjson *n, size_t line_max, ndjson_line_fn *on_line, void *ctx)
{
    *n = (struct ndjson){.on_line = on_line, .ctx = ctx, .line_max = line_max};
    buf_init(&n->line, line_max);
}

void ndjson_fini(struct ndjson *n)
{
    buf_fini(&n->line);
}

int ndjson_feed(struct ndjson *n, struct str chunk)
{
    int r = 0;

    n->fed += chunk.len;
    while (r == 0 && chunk.len) {
        size_t end = str_index(chunk, '\n');
        struct str line = str_slice(chunk.data, end);

        if (end == chunk.len)
            return buf_put(&n->line, line);
        if (n->line.len) {
            if ((r = buf_put(&n->line, line)) < 0)
                break;
            line = buf_str(&n->line);
        }
        chunk = str_slice(chunk.data + end + 1, chunk.len - end - 1);
        if ((r = take_line(n, line)) == 0)
            n->whole = n->fed - chunk.len;
        buf_reset(&n->line);
    }
    return r;
}

int ndjson_end(struct ndjson *n)
{
    int r = n->line.len ? take_line(n, buf_str(&n->line)) : 0;

    if (r == 0)
        n->whole = n->fed;
    buf_reset(&n->line);
    return r;
}

static int take_line(struct ndjson *n, struct str line)
{
    int r;

    if (line.len > n->line_max)
        return -EMSGSIZE;
    if (line.len && line.data[line.len - 1] == '\r')
        line.len--;
    if (!str_trim(line).len)
        return 0;
    r = n->on_line(n->ctx, line);
    return r < 0 ? r : 0;
}
