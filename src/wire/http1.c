/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 messages: llhttp splits the head into pieces, http1_rules.c judges it, the body is
 * counted here or read by chunked.c.
 */
#include "wire/http1.h"

#include <assert.h>
#include <stdlib.h>

#include "wire/bytes.h"
#include "wire/http1_rules.h"

enum {
    KEPT_TEXT = 1024, /* bytes and headers that a quiet connection may keep */
    KEPT_HEADERS = 16,
};

enum step {
    STEP_start,    /* nothing of the message has come */
    STEP_empty_lf, /* an empty line before the request has begun */
    STEP_first,    /* one empty line was skipped; a second is refused */
    STEP_line,
    STEP_headers,
    STEP_counted, /* a body with a length, or none */
    STEP_chunked,
    STEP_until_eof,
    STEP_end,
    STEP_wrong,
};

static enum http1_event feed_start(struct http1 *h, struct str *in);
static enum http1_event feed_line(struct http1 *h, struct str *in);
static enum http1_event feed_headers(struct http1 *h, struct str *in);
static enum http1_event head_complete(struct http1 *h);
static enum http1_event feed_counted(struct http1 *h, struct str *in, struct str *ret_piece);
static enum http1_event feed_chunked(struct http1 *h, struct str *in, struct str *ret_piece);
static enum http1_event wrong(struct http1 *h, int status, const char *words);
static enum http1_event wrong_head(struct http1 *h);
static void begin(struct http1 *h);
static bool put_text(struct http1 *h, const char *at, size_t length);
static int on_name(llhttp_t *parser, const char *at, size_t length);
static int on_value(llhttp_t *parser, const char *at, size_t length);
static int on_name_complete(llhttp_t *parser);
static int on_headers_complete(llhttp_t *parser);

void http1_init(struct http1 *h, enum http1_kind kind, size_t head_max, size_t header_count_max)
{
    *h =
        (struct http1){.kind = (uint8_t)kind, .head_max = head_max, .header_max = header_count_max};
    buf_init(&h->text, head_max);
    begin(h);
}

void http1_fini(struct http1 *h)
{
    http1_release(h);
}

void http1_release(struct http1 *h)
{
    buf_release(&h->text);
    free(h->headers);
    h->headers = NULL;
    h->header_room = h->header_count = 0;
}

void http1_reset(struct http1 *h)
{
    if (h->text.room > KEPT_TEXT || h->header_room > KEPT_HEADERS)
        http1_release(h);
    buf_reset(&h->text);
    begin(h);
}

void http1_expect_no_body(struct http1 *h)
{
    h->has_no_body = true;
}

enum http1_event http1_feed(struct http1 *h, struct str *in, struct str *ret_piece)
{
    enum http1_event event = HTTP1_more;

    while (h->step < STEP_line && event == HTTP1_more && in->len)
        event = feed_start(h, in);
    if (h->step == STEP_line)
        event = feed_line(h, in);
    if (event == HTTP1_more && h->step == STEP_headers)
        return feed_headers(h, in);

    switch ((enum step)h->step) {
    case STEP_counted:
        return feed_counted(h, in, ret_piece);
    case STEP_chunked:
        return feed_chunked(h, in, ret_piece);
    case STEP_until_eof:
        *ret_piece = *in;
        *in = str_slice(in->data + in->len, 0);
        return ret_piece->len ? HTTP1_body : HTTP1_more;
    case STEP_wrong:
        return HTTP1_wrong;
    default:
        assert(h->step != STEP_end && "http1_reset() comes between two messages");
        return event;
    }
}

enum http1_event http1_finish(struct http1 *h)
{
    if (h->step == STEP_until_eof) {
        h->step = STEP_end;
        return HTTP1_end;
    }
    if (h->step == STEP_start || h->step == STEP_first || h->step == STEP_end)
        return HTTP1_more;
    return wrong(h, 400, "the connection ended in the middle of a message");
}

/* RFC 9112 2.2: one empty line before a request is forgiven. */
static enum http1_event feed_start(struct http1 *h, struct str *in)
{
    char first = in->data[0];

    if (h->kind == HTTP1_request && h->step == STEP_start && first == '\r') {
        h->step = STEP_empty_lf;
    } else if (h->step == STEP_empty_lf) {
        if (first != '\n')
            return wrong(h, 400, "a CR without LF");
        h->step = STEP_first;
    } else {
        if (!byte_is_token((unsigned char)first))
            return wrong(h, 400, "the first line does not begin with a token");
        h->step = STEP_line;
        return HTTP1_more;
    }
    *in = str_slice(in->data + 1, in->len - 1);
    return HTTP1_more;
}

/* The first line is collected and read here, because llhttp forgives double spaces, RTSP/1.0 and
 * a missing version; it gets the line too, to know where it is. */
static enum http1_event feed_line(struct http1 *h, struct str *in)
{
    size_t room = h->head_max - h->head_bytes;
    size_t at = str_index(*in, '\n');
    size_t n = at < in->len ? at + 1 : in->len;
    struct str line;

    if (n > room || (n == room && at == in->len))
        return wrong(h, h->kind == HTTP1_request ? 414 : 431, "the first line is too long");
    if (!put_text(h, in->data, n))
        return wrong_head(h);
    h->head_bytes += n;
    *in = str_slice(in->data + n, in->len - n);
    if (n == 0 || h->text.data[h->text.len - 1] != '\n')
        return HTTP1_more;

    line = buf_str(&h->text);
    h->line_length = h->header_end = line.len;
    if (!(h->kind == HTTP1_request ? http1_read_request_line(h, line)
                                   : http1_read_status_line(h, line)) ||
        llhttp_execute(&h->parser, line.data, line.len) != HPE_OK)
        return wrong_head(h);
    h->step = STEP_headers;
    return HTTP1_more;
}

static enum http1_event feed_headers(struct http1 *h, struct str *in)
{
    size_t room = h->head_max - h->head_bytes;
    size_t n = in->len < room ? in->len : room;
    llhttp_errno_t error = llhttp_execute(&h->parser, in->data, n);

    if (error == HPE_PAUSED)
        n = (size_t)(llhttp_get_error_pos(&h->parser) - in->data);
    else if (error != HPE_OK)
        return wrong_head(h);
    h->head_bytes += n;
    *in = str_slice(in->data + n, in->len - n);
    if (error == HPE_PAUSED)
        return head_complete(h);
    return h->head_bytes < h->head_max ? HTTP1_more : wrong(h, 431, "the headers are too long");
}

/* The text no longer moves: now the slices can point into it. */
static enum http1_event head_complete(struct http1 *h)
{
    const char *at = h->text.data + h->line_length;
    bool is_good;

    for (size_t i = 0; i < h->header_count; i++) {
        struct header *header = &h->headers[i];

        header->name.data = at;
        at += header->name.len;
        header->value.data = at;
        at += header->value.len;
        header->value = str_trim(header->value);
    }
    is_good = h->kind == HTTP1_request ? http1_check_request(h) : http1_check_response(h);
    if (!is_good)
        return wrong_head(h);
    chunked_init(&h->chunked);
    h->left = h->content_length;
    h->step = h->is_chunked ? STEP_chunked : h->is_until_eof ? STEP_until_eof : STEP_counted;
    return HTTP1_head;
}

static enum http1_event feed_counted(struct http1 *h, struct str *in, struct str *ret_piece)
{
    size_t n = (uint64_t)h->left < in->len ? (size_t)h->left : in->len;

    if (!h->left) {
        h->step = STEP_end;
        return HTTP1_end;
    }
    h->left -= (int64_t)n;
    *ret_piece = str_slice(in->data, n);
    *in = str_slice(in->data + n, in->len - n);
    return n ? HTTP1_body : HTTP1_more;
}

static enum http1_event feed_chunked(struct http1 *h, struct str *in, struct str *ret_piece)
{
    switch (chunked_feed(&h->chunked, in, ret_piece)) {
    case CHUNKED_more:
        return HTTP1_more;
    case CHUNKED_data:
        return HTTP1_body;
    case CHUNKED_end:
        h->step = STEP_end;
        return HTTP1_end;
    case CHUNKED_wrong:
        break;
    }
    return wrong(h, 400, h->chunked.words);
}

static enum http1_event wrong(struct http1 *h, int status, const char *words)
{
    http1_refuse(h, status, words);
    h->step = STEP_wrong;
    return HTTP1_wrong;
}

/* Whoever found it said why; if nobody did, it was llhttp. */
static enum http1_event wrong_head(struct http1 *h)
{
    const char *words = llhttp_get_error_reason(&h->parser);

    if (!h->wrong)
        http1_refuse(h, 400, words && *words ? words : "the head is not HTTP/1");
    h->step = STEP_wrong;
    return HTTP1_wrong;
}

static void begin(struct http1 *h)
{
    static const llhttp_settings_t callbacks = {
        .on_header_field = on_name,
        .on_header_field_complete = on_name_complete,
        .on_header_value = on_value,
        .on_headers_complete = on_headers_complete,
    };

    llhttp_init(&h->parser, h->kind == HTTP1_request ? HTTP_REQUEST : HTTP_RESPONSE, &callbacks);
    h->header_count = h->line_length = h->head_bytes = 0;
    h->step = STEP_start;
    h->wrong = 0;
    h->is_chunked = h->is_until_eof = h->has_no_body = h->expects_continue = false;
}

static bool put_text(struct http1 *h, const char *at, size_t length)
{
    /* head_max bounds the text, so only memory can be missing. */
    return buf_put(&h->text, str_slice(at, length)) == 0 || http1_refuse(h, 503, "out of memory");
}

static struct http1 *owner(llhttp_t *parser)
{
    return CONTAINER(parser, struct http1, parser);
}

static bool make_room(struct http1 *h)
{
    size_t room = h->header_room ? h->header_room * 2 : KEPT_HEADERS / 2;
    struct header *headers;

    if (h->header_count == h->header_max)
        return http1_refuse(h, 431, "there are too many headers");
    if (h->header_count < h->header_room)
        return true;
    headers = realloc(h->headers, room * sizeof *headers);
    if (!headers)
        return http1_refuse(h, 503, "out of memory");
    h->headers = headers;
    h->header_room = room;
    return true;
}

/* header_end is where the text of the headers counted so far ends. */
static int on_name(llhttp_t *parser, const char *at, size_t length)
{
    return put_text(owner(parser), at, length) ? 0 : HPE_USER;
}

static int on_name_complete(llhttp_t *parser)
{
    struct http1 *h = owner(parser);

    if (!make_room(h))
        return HPE_USER;
    h->headers[h->header_count++] = (struct header){.name.len = h->text.len - h->header_end};
    h->header_end = h->text.len;
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t length)
{
    struct http1 *h = owner(parser);

    if (!put_text(h, at, length))
        return HPE_USER;
    h->headers[h->header_count - 1].value.len += length;
    h->header_end = h->text.len;
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}
