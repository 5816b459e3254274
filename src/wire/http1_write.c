/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1 heads and chunk heads, written. */
#include <errno.h>

#include "wire/bytes.h"
#include "wire/http1.h"

static int put_headers(struct buf *out, const struct http1_out *head);
static int put_header(struct buf *out, struct str name, struct str value);
static bool is_target(struct str s);

static const struct {
    int status;
    const char *words;
} reasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {529, "Overloaded"},
};

int http1_put_response(struct buf *out, const struct http1_out *head)
{
    size_t before = out->len;
    int r;

    if ((r = buf_put(out, STR("HTTP/1.1 "))) < 0 ||
        (r = buf_put_u64(out, (uint64_t)head->status)) < 0 || (r = buf_put_char(out, ' ')) < 0 ||
        (r = buf_put(out, str_from(http1_reason(head->status)))) < 0 ||
        (r = buf_put(out, STR("\r\n"))) < 0 || (r = put_headers(out, head)) < 0)
        out->len = before;
    return r;
}

int http1_put_request(struct buf *out, const struct http1_out *head)
{
    size_t before = out->len;
    int r;

    if (!is_target(head->base) || !is_target(head->target) || !is_target(head->authority) ||
        head->base.len + head->target.len == 0)
        return -EINVAL;
    if ((r = buf_put(out, head->method)) < 0 || (r = buf_put_char(out, ' ')) < 0 ||
        (r = buf_put(out, head->base)) < 0 || (r = buf_put(out, head->target)) < 0 ||
        (r = buf_put(out, STR(" HTTP/1.1\r\n"))) < 0 ||
        (r = put_header(out, STR("Host"), head->authority)) < 0 || (r = put_headers(out, head)) < 0)
        out->len = before;
    return r;
}

int http1_put_trailers(struct buf *out, const struct header *headers, size_t count)
{
    const struct http1_out rows = {
        .headers = headers, .header_count = count, .content_length = HTTP1_NO_BODY};
    size_t before = out->len;
    int r = buf_put(out, STR("0\r\n"));

    if (r == 0)
        r = put_headers(out, &rows);
    if (r < 0)
        out->len = before;
    return r;
}

size_t http1_chunk_head(char out[HTTP1_CHUNK_HEAD_MAX], size_t size)
{
    char digits[16];
    size_t count = 0, at = 0;

    do
        digits[count++] = "0123456789abcdef"[size & 15];
    while (size >>= 4);
    while (count)
        out[at++] = digits[--count];
    out[at++] = '\r';
    out[at++] = '\n';
    return at;
}

const char *http1_reason(int status)
{
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].words;
    return "Unknown";
}

static int put_headers(struct buf *out, const struct http1_out *head)
{
    int r = 0;

    for (size_t i = 0; i < head->header_count && r == 0; i++)
        r = put_header(out, head->headers[i].name, head->headers[i].value);
    if (r == 0 && head->date.len)
        r = put_header(out, STR("Date"), head->date);
    if (r == 0 && head->connection.len)
        r = put_header(out, STR("Connection"), head->connection);
    if (r == 0 && head->content_length == HTTP1_CHUNKED)
        r = buf_put(out, STR("Transfer-Encoding: chunked\r\n"));
    if (r == 0 && head->content_length >= 0 && (r = buf_put(out, STR("Content-Length: "))) == 0 &&
        (r = buf_put_u64(out, (uint64_t)head->content_length)) == 0)
        r = buf_put(out, STR("\r\n"));
    return r < 0 ? r : buf_put(out, STR("\r\n"));
}

/* The last line of defence against a value that carries a line end. */
static int put_header(struct buf *out, struct str name, struct str value)
{
    int r;

    if (!name.len)
        return -EINVAL;
    for (size_t i = 0; i < name.len; i++)
        if (!byte_is_token((unsigned char)name.data[i]))
            return -EINVAL;
    for (size_t i = 0; i < value.len; i++)
        if (!byte_is_text((unsigned char)value.data[i]))
            return -EINVAL;
    if ((r = buf_reserve(out, name.len + value.len + 4)) < 0)
        return r;
    if ((r = buf_put(out, name)) < 0 || (r = buf_put(out, STR(": "))) < 0 ||
        (r = buf_put(out, value)) < 0)
        return r;
    return buf_put(out, STR("\r\n"));
}

static bool is_target(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.data[i] <= ' ' || (unsigned char)s.data[i] >= 0x7f)
            return false;
    return true;
}
