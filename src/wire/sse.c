/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events, without copying an event that arrives in one piece. */
#include "wire/sse.h"

#include <errno.h>

static int skip_mark(struct sse *s, struct str *chunk);
static void skip_lf(struct sse *s, struct str *chunk);
static int take_line(struct sse *s, struct str line);
static int take_field(struct sse *s, struct str name, struct str value);
static int add_data(struct sse *s, struct str value);
static int keep_held(struct sse *s);
static int dispatch(struct sse *s);
static size_t line_end(struct str s);
static struct str skip(struct str s, size_t n);

void sse_init(struct sse *s, size_t event_max, sse_event_fn *on_event, void *ctx)
{
    *s = (struct sse){.on_event = on_event, .ctx = ctx, .event_max = event_max};
    buf_init(&s->line, event_max);
    buf_init(&s->data, event_max);
    buf_init(&s->name, event_max);
}

void sse_fini(struct sse *s)
{
    buf_fini(&s->line);
    buf_fini(&s->data);
    buf_fini(&s->name);
}

int sse_feed(struct sse *s, struct str chunk)
{
    int r = 0;

    s->fed += chunk.len;
    if (s->mark < 3)
        r = skip_mark(s, &chunk);
    while (r == 0 && chunk.len) {
        struct str line;
        size_t end;

        if (s->after_cr)
            skip_lf(s, &chunk);
        end = line_end(chunk);
        line = str_slice(chunk.data, end);
        if (end == chunk.len || s->line.len) {
            if ((r = buf_put(&s->line, line)) < 0 || end == chunk.len)
                break;
            line = buf_str(&s->line);
        }
        s->after_cr = chunk.data[end] == '\r';
        chunk = skip(chunk, end + 1);
        r = take_line(s, line);
        if (r == 0 && !line.len)
            s->whole = s->fed - chunk.len;
        buf_reset(&s->line);
    }
    return r < 0 ? r : keep_held(s);
}

/* Takes the byte order mark off the first chunks; a false start of one is part of the first line.
 */
static int skip_mark(struct sse *s, struct str *chunk)
{
    static const char mark[] = "\xEF\xBB\xBF";
    unsigned came;

    for (; s->mark < 3 && chunk->len; *chunk = skip(*chunk, 1)) {
        if (chunk->data[0] != mark[s->mark]) {
            came = s->mark;
            s->mark = 3;
            return buf_put(&s->line, str_slice(mark, came));
        }
        s->mark++;
    }
    return 0;
}

static void skip_lf(struct sse *s, struct str *chunk)
{
    s->after_cr = false;
    if (chunk->data[0] != '\n')
        return;
    if (s->whole == s->fed - chunk->len)
        s->whole++;
    *chunk = skip(*chunk, 1);
}

static int take_line(struct sse *s, struct str line)
{
    size_t colon;
    struct str value;

    if (line.len > s->event_max)
        return -EMSGSIZE;
    if (!line.len)
        return dispatch(s);
    colon = str_index(line, ':');
    value = skip(line, colon < line.len ? colon + 1 : line.len);
    if (value.len && value.data[0] == ' ')
        value = skip(value, 1);
    return take_field(s, str_slice(line.data, colon), value);
}

static int take_field(struct sse *s, struct str name, struct str value)
{
    if (str_equal(name, STR("data")))
        return add_data(s, value);
    if (!str_equal(name, STR("event")))
        return 0; /* a comment has the empty name */
    buf_reset(&s->name);
    return buf_put(&s->name, value);
}

static int add_data(struct sse *s, struct str value)
{
    int r;

    if (!s->has_data) {
        s->has_data = true;
        s->held = value;
        /* A line that was put together dies with the next one. */
        return s->line.len ? keep_held(s) : 0;
    }
    if ((r = keep_held(s)) < 0 || (r = buf_put_char(&s->data, '\n')) < 0)
        return r;
    return buf_put(&s->data, value);
}

static int keep_held(struct sse *s)
{
    struct str held = s->held;

    s->held = (struct str){0};
    return buf_put(&s->data, held);
}

static int dispatch(struct sse *s)
{
    struct str data = s->held.data ? s->held : buf_str(&s->data);
    int r = s->has_data ? s->on_event(s->ctx, buf_str(&s->name), data) : 0;

    s->has_data = false;
    s->held = (struct str){0};
    buf_reset(&s->data);
    buf_reset(&s->name);
    return r < 0 ? r : 0;
}

/* The offset of the first CR or LF, or s.len. Looks at short windows, so that a flood of either
 * costs no more than its length. */
static size_t line_end(struct str s)
{
    enum { WINDOW = 256 };

    for (size_t at = 0; at < s.len; at += WINDOW) {
        size_t room = s.len - at < WINDOW ? s.len - at : WINDOW;
        const char *lf = memchr(s.data + at, '\n', room);
        const char *cr = memchr(s.data + at, '\r', lf ? (size_t)(lf - s.data) - at : room);

        if (cr || lf)
            return (size_t)((cr ? cr : lf) - s.data);
    }
    return s.len;
}

static struct str skip(struct str s, size_t n)
{
    return str_slice(s.data + n, s.len - n);
}
