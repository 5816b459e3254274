/* SPDX-License-Identifier: Apache-2.0 */
/* What an owner says: answers, whole or in parts. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "http/stream.h"

enum {
    PIECES_MAX = 6,
    COPY_MAX = 16384,        /* smaller parts and answers are gathered until the end of the turn */
    UNREAD_MAX = 256 * 1024, /* a body longer than this is not read for keep-alive's sake */
};

static int put_head(struct stream *s, int status, const struct header *headers, size_t count,
                    int64_t length);
static struct str connection_word(struct stream *s);
static void forget_head(struct stream *s);
static int send_parts(struct stream *s, const struct str *pieces, size_t count, size_t total);
static int end(struct stream *s, bool ok, const struct header *trailers, size_t count);
static void put_last_chunk(struct stream *s, const struct header *trailers, size_t count);
static bool is_over(const struct stream *s);

int stream_refused(const struct stream *s)
{
    return s->refused;
}

void stream_set_ctx(struct stream *s, void *ctx)
{
    s->ctx = ctx;
}

void *stream_ctx(const struct stream *s)
{
    return s->ctx;
}

int stream_answer(struct stream *s, int status, const struct header *headers, size_t count,
                  struct str body)
{
    struct str pieces[2];
    int r = put_head(s, status, headers, count, (int64_t)body.len);

    if (r < 0)
        return r;
    pieces[0] = buf_str(&s->server->scratch);
    pieces[1] = s->out_empty ? STR("") : body;
    s->answer = ANSWER_ended;
    stream_todo(s);
    if (pieces[0].len + pieces[1].len > COPY_MAX)
        r = conn_send(&s->conn, pieces, COUNT_OF(pieces));
    else if ((r = conn_put(&s->conn, pieces[0])) != -EPIPE)
        r = conn_put(&s->conn, pieces[1]);
    return r == -EPIPE ? r : 0;
}

int stream_start(struct stream *s, int status, const struct header *headers, size_t count,
                 int64_t content_length)
{
    int r = put_head(s, status, headers, count, content_length);

    if (r < 0)
        return r;
    stream_todo(s);
    if (s->body_done)
        forget_head(s);
    r = conn_put(&s->conn, buf_str(&s->server->scratch));
    return r == -EPIPE ? r : 0;
}

int stream_send(struct stream *s, const struct str *pieces, size_t count)
{
    size_t total = 0;
    int r;

    assert(s->answer == ANSWER_started || is_over(s));
    if (is_over(s))
        return -EPIPE;
    for (size_t i = 0; i < count; i++)
        total += pieces[i].len;
    if (s->out_left >= 0) {
        if (total > (uint64_t)s->out_left) {
            stream_end(s, false);
            return -EPIPE;
        }
        s->out_left -= (int64_t)total;
    }
    if (!total || s->out_empty)
        return 0;
    stream_todo(s);
    r = send_parts(s, pieces, count, total);
    s->wants_writable = s->wants_writable || r == -EAGAIN;
    return r;
}

int64_t stream_send_file(struct stream *s, int file, uint64_t at, size_t length)
{
    int64_t n;

    assert(s->answer == ANSWER_started || is_over(s));
    if (is_over(s))
        return -EPIPE;
    if (s->out_empty || s->out_left < (int64_t)length)
        return 0;
    n = conn_send_file(&s->conn, file, at, length);
    if (n > 0)
        s->out_left -= n;
    s->wants_writable = s->wants_writable || n == -EAGAIN;
    return n;
}

int stream_wait(struct stream *s)
{
    int r = is_over(s) ? -EPIPE : conn_wait(&s->conn);

    s->wants_writable = s->wants_writable || r == 0;
    return r;
}

int stream_end(struct stream *s, bool ok)
{
    return end(s, ok, NULL, 0);
}

int stream_end_with(struct stream *s, const struct header *trailers, size_t count)
{
    return end(s, true, trailers, count);
}

static int end(struct stream *s, bool ok, const struct header *trailers, size_t count)
{
    if (is_over(s) || s->answer == ANSWER_ended)
        return -EPIPE;
    if (s->answer == ANSWER_none || !ok || s->out_left > 0) {
        /* What was promised will not come: the client sees it by the missing end. on_gone comes
         * when the connection is closed. */
        if (s->answer == ANSWER_started)
            (void)!conn_flush(&s->conn);
        s->answer = ANSWER_ended;
        stream_go(s, STATE_closed);
        timer_stop(&s->timer);
        if (s->out_chunked || s->out_left >= 0)
            conn_close(&s->conn);
        else
            conn_reset(&s->conn); /* an end would be taken for the answer's */
        return 0;
    }
    if (s->out_chunked && !s->out_empty)
        put_last_chunk(s, trailers, count);
    s->answer = ANSWER_ended;
    stream_todo(s);
    return 0;
}

static void put_last_chunk(struct stream *s, const struct header *trailers, size_t count)
{
    struct buf *out = &s->server->scratch;

    buf_reset(out);
    if (count && http1_put_trailers(out, trailers, count) == 0)
        (void)!conn_put(&s->conn, buf_str(out));
    else
        (void)!conn_put(&s->conn, STR("0\r\n\r\n"));
}

void stream_pause(struct stream *s)
{
    if (is_over(s) || s->body_done)
        return;
    s->is_paused = true;
    conn_stop_reading(&s->conn);
}

/* What was left over is handed out at the end of the turn, not from in here. */
void stream_resume(struct stream *s)
{
    if (is_over(s) || !s->is_paused)
        return;
    s->is_paused = false;
    stream_todo(s);
}

/* An answer in parts may last for minutes: what was asked is no longer of use. */
static void forget_head(struct stream *s)
{
    struct request *r = &s->request;

    http1_release(&s->in);
    r->headers = NULL;
    r->header_count = 0;
    r->target = r->path = r->query = r->host = (struct str){0};
}

static bool is_over(const struct stream *s)
{
    return s->state == STATE_closed || !s->is_live || s->conn.broken;
}

/* Into the scratch buffer; decides how the answer is framed. */
static int put_head(struct stream *s, int status, const struct header *headers, size_t count,
                    int64_t length)
{
    const struct request *request = &s->request;
    struct buf *out = &s->server->scratch;
    struct http1_out head = {
        .status = status,
        .headers = headers,
        .header_count = count,
        .content_length = length < 0 ? HTTP1_CHUNKED : length,
        .date = loop_date(s->server->loop),
    };
    bool bare = status == 204 || status == 304;
    int r;

    if (is_over(s) || s->answer != ANSWER_none)
        return -EPIPE;
    s->out_chunked = length < 0 && s->in.minor == 1;
    s->out_empty = bare || request->method == METHOD_HEAD;
    if (bare || (length < 0 && !s->out_chunked))
        head.content_length = HTTP1_NO_BODY;
    if (length < 0 && !s->out_chunked && !s->out_empty)
        s->close_after = true; /* HTTP/1.0: the end of the connection is the end of the answer */
    if (!s->body_done && (s->continue_due || request->content_length > UNREAD_MAX))
        s->close_after = true;
    head.connection = connection_word(s);
    buf_reset(out);
    if ((r = http1_put_response(out, &head)) < 0)
        return r;
    s->out_left = length;
    s->answer = ANSWER_started;
    return 0;
}

static struct str connection_word(struct stream *s)
{
    if (s->server->is_draining)
        s->close_after = true;
    if (s->close_after)
        return STR("close");
    return s->in.minor == 0 ? STR("keep-alive") : (struct str){0};
}

static int send_parts(struct stream *s, const struct str *pieces, size_t count, size_t total)
{
    char size[HTTP1_CHUNK_HEAD_MAX];
    struct str all[PIECES_MAX + 2];
    size_t used = 0;
    int r = 0;

    if (s->out_chunked)
        all[used++] = str_slice(size, http1_chunk_head(size, total));
    if (total > COPY_MAX && count <= PIECES_MAX) {
        for (size_t i = 0; i < count; i++)
            all[used++] = pieces[i];
        if (s->out_chunked)
            all[used++] = STR("\r\n");
        return conn_send(&s->conn, all, used);
    }
    if (used)
        r = conn_put(&s->conn, all[0]);
    for (size_t i = 0; i < count && r != -EPIPE; i++)
        r = conn_put(&s->conn, pieces[i]);
    if (s->out_chunked && r != -EPIPE)
        r = conn_put(&s->conn, STR("\r\n"));
    return r;
}
