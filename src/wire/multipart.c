/* SPDX-License-Identifier: Apache-2.0 */
/* Where the parts of a form begin and end. */
#include "wire/multipart.h"

#include <errno.h>

#include "wire/multipart_head.h"

enum step {
    STEP_before, /* the first boundary has not come */
    STEP_mark,   /* behind a boundary: CRLF or "--" */
    STEP_head,
    STEP_data,
    STEP_last, /* behind the last boundary's "--": CRLF or nothing */
    STEP_after,
};

static int feed_data(struct multipart *m, struct str chunk, size_t *used);
static size_t plain_run(struct str chunk);
static int put_matched(struct multipart *m, size_t at);
static int put_data(struct multipart *m, struct str piece, uint64_t at);
static int take_mark(struct multipart *m, uint64_t at);
static int feed_mark(struct multipart *m, char c);
static int feed_head(struct multipart *m, char c);
static int take_head(struct multipart *m);
static int feed_last(struct multipart *m, char c);
static int outside(struct multipart *m, size_t more);
static int wrong(struct multipart *m, int r, const char *words);
static bool is_boundary(struct str boundary);

bool multipart_is_form(struct str content_type)
{
    struct str rest;

    return str_equal_nocase(str_trim(str_cut(content_type, ';', &rest)),
                            STR("multipart/form-data"));
}

int multipart_boundary(struct str *ret, struct str content_type)
{
    struct str rest, found = {0};
    struct buf text;
    const char *refused = NULL;
    size_t at = 0;

    if (!multipart_is_form(content_type) || content_type.len > MULTIPART_HEAD_MAX)
        return -EINVAL;
    str_cut(content_type, ';', &rest);
    buf_init(&text, MULTIPART_HEAD_MAX);
    if (buf_reserve(&text, content_type.len) < 0)
        return -ENOMEM;
    while (rest.len && !refused) {
        struct str name, value;

        refused = multipart_parameter(&rest, &name, &value, &text);
        if (refused || !str_equal_nocase(name, STR("boundary")))
            continue;
        if (found.data)
            refused = "two boundaries";
        found = value;
    }
    /* A boundary has no byte that would have been escaped: it stands in the header as it is. */
    if (!refused && is_boundary(found))
        while (at + found.len <= content_type.len &&
               memcmp(content_type.data + at, found.data, found.len) != 0)
            at++;
    if (refused || !is_boundary(found) || at + found.len > content_type.len) {
        buf_fini(&text);
        return -EINVAL;
    }
    *ret = str_slice(content_type.data + at, found.len);
    buf_fini(&text);
    return 0;
}

/* RFC 2046 5.1.1, but for the space: some programs cut there. */
static bool is_boundary(struct str boundary)
{
    static const char extra[] = "'()+_,-./:=?";

    for (size_t i = 0; i < boundary.len; i++) {
        char c = boundary.data[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!is_plain && !memchr(extra, c, sizeof extra - 1))
            return false;
    }
    return boundary.len && boundary.len <= MULTIPART_BOUNDARY_MAX;
}

void multipart_init(struct multipart *m, struct str boundary, const struct multipart_events *events,
                    void *ctx)
{
    *m = (struct multipart){.events = *events, .ctx = ctx, .words = ""};
    memcpy(m->mark, "\r\n--", 4);
    memcpy(m->mark + 4, boundary.data, boundary.len);
    m->mark_length = boundary.len + 4;
    m->matched = 2; /* the first boundary needs no line before it */
    buf_init(&m->head, MULTIPART_HEAD_MAX);
    buf_init(&m->text, MULTIPART_HEAD_MAX);
}

void multipart_fini(struct multipart *m)
{
    buf_fini(&m->head);
    buf_fini(&m->text);
}

int multipart_feed(struct multipart *m, struct str chunk)
{
    size_t used = 0;
    int r = 0;

    while (used < chunk.len && r == 0) {
        struct str rest = str_slice(chunk.data + used, chunk.len - used);
        size_t took = 1;

        switch ((enum step)m->step) {
        case STEP_before:
        case STEP_data:
            r = feed_data(m, rest, &took);
            break;
        case STEP_mark:
            r = feed_mark(m, rest.data[0]);
            break;
        case STEP_head:
            r = feed_head(m, rest.data[0]);
            break;
        case STEP_last:
            r = feed_last(m, rest.data[0]);
            break;
        case STEP_after:
            took = rest.len;
            r = outside(m, took);
        }
        used += took;
        m->fed += took;
    }
    return r;
}

int multipart_end(struct multipart *m)
{
    if (m->step == STEP_after || (m->step == STEP_last && !m->tail))
        return 0;
    if (m->step == STEP_before)
        return wrong(m, -EBADMSG, "the boundary that content-type names is not in it");
    return wrong(m, -EBADMSG, "it ends before its last boundary");
}

/* A mark's only CR is its first byte: what did not become one is data from there on. */
static int feed_data(struct multipart *m, struct str chunk, size_t *used)
{
    size_t at = 0;
    int r = 0;

    while (at < chunk.len && r == 0) {
        size_t run = m->matched ? 0 : plain_run(str_slice(chunk.data + at, chunk.len - at));

        if (run) {
            r = put_data(m, str_slice(chunk.data + at, run), m->fed + at);
            at += run;
            continue;
        }
        if (chunk.data[at] != m->mark[m->matched]) {
            r = put_matched(m, at);
            if (chunk.data[at] == '\r')
                continue;
            m->matched = 0;
            if (r == 0)
                r = put_data(m, str_slice(chunk.data + at, 1), m->fed + at);
            at++;
            continue;
        }
        at++;
        if (++m->matched == m->mark_length) {
            r = take_mark(m, m->fed + at - m->mark_length);
            break;
        }
    }
    *used = at;
    return r;
}

static size_t plain_run(struct str chunk)
{
    const char *cr = memchr(chunk.data, '\r', chunk.len);

    return cr ? (size_t)(cr - chunk.data) : chunk.len;
}

/* The beginning of a mark that turned out to be none. */
static int put_matched(struct multipart *m, size_t at)
{
    size_t n = m->matched;

    m->matched = 0;
    if (m->step == STEP_before && n > m->fed + at) /* the line before all lines */
        n = (size_t)(m->fed + at);
    return put_data(m, str_slice(m->mark, n), m->fed + at - n);
}

static int put_data(struct multipart *m, struct str piece, uint64_t at)
{
    if (!piece.len)
        return 0;
    return m->step == STEP_before ? outside(m, piece.len) : m->events.on_data(m->ctx, piece, at);
}

/* at: where the mark began; before the first byte for a form that begins with its boundary. */
static int take_mark(struct multipart *m, uint64_t at)
{
    int r = 0;

    m->matched = 0;
    if (m->step == STEP_before)
        m->first_at = at + 2;
    else
        r = m->events.on_part_end(m->ctx);
    m->outside = 0;
    m->tail = 0;
    m->step = STEP_mark;
    return r;
}

static int feed_mark(struct multipart *m, char c)
{
    static const char *const tails[] = {"\r\n", "--"};

    if (!m->tail && c != '\r' && c != '-')
        return wrong(m, -EBADMSG, "there is text behind a boundary");
    if (!m->tail) {
        m->tail = (uint8_t)c;
        return 0;
    }
    if (c != tails[m->tail == '-'][1])
        return wrong(m, -EBADMSG, "there is text behind a boundary");
    m->step = m->tail == '-' ? STEP_last : STEP_head;
    m->tail = 0;
    m->end_at = m->fed + 1;
    if (m->step == STEP_last && !m->parts)
        return wrong(m, -EBADMSG, "there is no part in it");
    if (m->step == STEP_head && ++m->parts > MULTIPART_PARTS_MAX)
        return wrong(m, -EMSGSIZE, "there are too many parts");
    return 0;
}

static int feed_head(struct multipart *m, char c)
{
    struct buf *head = &m->head;
    int r = buf_put_char(head, c);

    if (r < 0)
        return r == -EMSGSIZE ? wrong(m, r, "the headers of a part are too long") : r;
    if (c != '\n')
        return 0;
    if (head->len < 2 || head->data[head->len - 2] != '\r')
        return wrong(m, -EBADMSG, "a line of a part's headers does not end with CR LF");
    if (head->len > 2 && head->data[head->len - 3] != '\n')
        return 0;
    return take_head(m);
}

static int take_head(struct multipart *m)
{
    struct multipart_part part = {0};
    const char *refused;
    int r = buf_reserve(&m->text, m->head.len);

    if (r < 0)
        return r;
    refused = multipart_read_head(&part, str_slice(m->head.data, m->head.len - 2), &m->text);
    if (refused)
        return wrong(m, -EBADMSG, refused);
    r = m->events.on_part(m->ctx, &part);
    buf_reset(&m->head);
    buf_reset(&m->text);
    m->step = STEP_data;
    return r;
}

static int feed_last(struct multipart *m, char c)
{
    if (c != "\r\n"[m->tail])
        return wrong(m, -EBADMSG, "there is text behind the last boundary");
    if (++m->tail == 2)
        m->step = STEP_after;
    return 0;
}

static int outside(struct multipart *m, size_t more)
{
    m->outside += more;
    return m->outside > MULTIPART_OUTSIDE_MAX
               ? wrong(m, -EMSGSIZE, "there is too much outside its boundaries")
               : 0;
}

static int wrong(struct multipart *m, int r, const char *words)
{
    m->words = words;
    return r;
}
