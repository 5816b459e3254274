/* SPDX-License-Identifier: Apache-2.0 */
/* What two HTTP programs might read in two ways is refused here. */
#include "wire/http1_rules.h"

#include <errno.h>

#include "wire/bytes.h"

enum { LENGTH_DIGITS_MAX = 18 }; /* fits int64_t, with room for sums */

/* What the headers say about the message itself. */
struct framing {
    struct str length, coding, host, expect;
    unsigned lengths, codings, hosts;
    bool close, keep;
};

static bool read_version(struct http1 *h, struct str version);
static bool read_framing(struct http1 *h, struct framing *f);
static void read_connection(struct framing *f, struct str value);
static bool read_length(struct http1 *h, struct str digits);
static bool check_body(struct http1 *h, const struct framing *f);
static bool split_target(struct http1 *h);
static bool split_absolute(struct http1 *h, struct str rest);
static bool host_is_good(struct str host);
static enum method find_method(struct str name);

bool http1_refuse(struct http1 *h, int status, const char *words)
{
    h->wrong = status;
    h->words = words;
    return false;
}

bool http1_read_request_line(struct http1 *h, struct str line)
{
    struct str rest, method = str_cut(line, ' ', &rest);
    struct str target = str_cut(rest, ' ', &rest);

    if (!method.len || !target.len || !rest.len)
        return http1_refuse(h, 400, "the first line is not METHOD TARGET VERSION, one space each");
    for (size_t i = 0; i < method.len; i++)
        if (!byte_is_token((unsigned char)method.data[i]))
            return http1_refuse(h, 400, "the method is not a token");
    if (!read_version(h, rest))
        return false;
    h->method = find_method(method);
    h->target = target;
    if (str_is(method, "CONNECT") || str_is(method, "TRACE"))
        return http1_refuse(h, 501, "CONNECT and TRACE are not spoken here");
    return true;
}

bool http1_read_status_line(struct http1 *h, struct str line)
{
    struct str rest, version = str_cut(line, ' ', &rest);
    struct str code = rest.len >= 3 ? str_slice(rest.data, 3) : rest;
    uint64_t status = 0;

    for (size_t i = 0; i + 2 < line.len; i++)
        if (!byte_is_text((unsigned char)line.data[i]))
            return http1_refuse(h, 400, "the status line has a control character");
    if (!str_ends(rest, STR("\r\n")) || str_to_u64(&status, code) < 0 || status < 100 ||
        status > 599 || (rest.data[3] != ' ' && rest.data[3] != '\r'))
        return http1_refuse(h, 400, "the status line is not VERSION, three digits and words");
    h->status = (int)status;
    if (str_is(version, "HTTP/1.1") || str_is(version, "HTTP/1.0")) {
        h->minor = (uint8_t)(version.data[7] - '0');
        return true;
    }
    return http1_refuse(h, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
}

static bool read_version(struct http1 *h, struct str version)
{
    if (str_is(version, "HTTP/1.1\r\n") || str_is(version, "HTTP/1.0\r\n")) {
        h->minor = (uint8_t)(version.data[7] - '0');
        return true;
    }
    if (version.len == 10 && str_starts(version, STR("HTTP/")) && str_ends(version, STR("\r\n")))
        return http1_refuse(h, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    return http1_refuse(h, 400, "the first line does not end with HTTP/1.1 and CR LF");
}

bool http1_check_request(struct http1 *h)
{
    struct framing f = {0};

    /* The line lies at the front of the text, which has moved since it was read. */
    h->target.data = h->text.data + str_index(buf_str(&h->text), ' ') + 1;
    if (!read_framing(h, &f))
        return false;
    if (f.hosts > 1 || (f.hosts == 0 && h->minor == 1))
        return http1_refuse(h, 400, "there must be exactly one Host");
    if (f.hosts && !host_is_good(f.host))
        return http1_refuse(h, 400, "Host is not a name or address with an optional port");
    h->host = f.host;
    if (f.expect.data && h->minor == 1) {
        if (!str_equal_nocase(f.expect, STR("100-continue")))
            return http1_refuse(h, 417, "the only Expect known here is 100-continue");
        h->expects_continue = true;
    }
    if (!check_body(h, &f))
        return false;
    h->is_until_eof = false; /* only answers end so */
    if (!h->is_chunked && !f.lengths)
        h->content_length = 0;
    h->expects_continue = h->expects_continue && h->content_length != 0;
    h->keep_alive = !f.close && (h->minor == 1 || f.keep);
    return split_target(h);
}

bool http1_check_response(struct http1 *h)
{
    struct framing f = {0};
    bool bare = h->status < 200 || h->status == 204;

    if (!read_framing(h, &f))
        return false;
    if (h->status == 101)
        return http1_refuse(h, 400, "the protocol was changed, which nobody asked for");
    if (bare && (f.codings || (f.lengths && !str_is(f.length, "0"))))
        return http1_refuse(h, 400, "a status that has no body came with one");
    if (!check_body(h, &f))
        return false;
    if (bare || h->status == 304 || h->has_no_body) {
        h->content_length = 0;
        h->is_chunked = h->is_until_eof = false;
    }
    h->keep_alive = !f.close && !h->is_until_eof && (h->minor == 1 || f.keep);
    return true;
}

static bool read_framing(struct http1 *h, struct framing *f)
{
    for (size_t i = 0; i < h->header_count; i++) {
        struct str name = h->headers[i].name, value = h->headers[i].value;

        switch (name.len) {
        case 4:
            if (str_equal_nocase(name, STR("host"))) {
                f->host = value;
                f->hosts++;
            }
            break;
        case 6:
            if (str_equal_nocase(name, STR("expect"))) {
                if (f->expect.data)
                    return http1_refuse(h, 417, "Expect stands more than once");
                f->expect = value;
            }
            break;
        case 10:
            if (str_equal_nocase(name, STR("connection")))
                read_connection(f, value);
            break;
        case 14:
            if (str_equal_nocase(name, STR("content-length"))) {
                f->length = value;
                f->lengths++;
            }
            break;
        case 17:
            if (str_equal_nocase(name, STR("transfer-encoding"))) {
                f->coding = value;
                f->codings++;
            }
            break;
        }
    }
    return true;
}

static void read_connection(struct framing *f, struct str value)
{
    while (value.len) {
        struct str word = str_trim(str_cut(value, ',', &value));

        f->close = f->close || str_equal_nocase(word, STR("close"));
        f->keep = f->keep || str_equal_nocase(word, STR("keep-alive"));
    }
}

/* RFC 9112 6: how long the body is. Both kinds of length, or one twice, is an attack. */
static bool check_body(struct http1 *h, const struct framing *f)
{
    if (f->lengths && f->codings)
        return http1_refuse(h, 400, "Content-Length and Transfer-Encoding stand together");
    if (f->codings) {
        if (f->codings > 1 || !str_equal_nocase(f->coding, STR("chunked")))
            return http1_refuse(h, 400, "Transfer-Encoding must be chunked, once");
        if (h->minor == 0)
            return http1_refuse(h, 400, "HTTP/1.0 knows no Transfer-Encoding");
        h->is_chunked = true;
        h->content_length = -1;
        return true;
    }
    if (f->lengths > 1)
        return http1_refuse(h, 400, "Content-Length stands more than once");
    if (f->lengths)
        return read_length(h, f->length);
    h->content_length = -1;
    h->is_until_eof = true;
    return true;
}

static bool read_length(struct http1 *h, struct str digits)
{
    uint64_t length;

    if (digits.len > LENGTH_DIGITS_MAX || str_to_u64(&length, digits) < 0)
        return http1_refuse(h, 400, "Content-Length is not a number of at most 18 digits");
    h->content_length = (int64_t)length;
    return true;
}

/* RFC 9112 3.2: origin-form, absolute-form, and * for OPTIONS. */
static bool split_target(struct http1 *h)
{
    struct str target = h->target;

    for (size_t i = 0; i < target.len; i++)
        if (target.data[i] <= ' ' || target.data[i] >= 0x7f || target.data[i] == '#')
            return http1_refuse(h, 400, "the target has a byte that must be percent-encoded");
    if (str_is(target, "*") && h->method == METHOD_OPTIONS) {
        h->path = target;
        h->query = str_slice(target.data + 1, 0);
        return true;
    }
    if (target.len >= 7 && str_equal_nocase(str_slice(target.data, 7), STR("http://")))
        return split_absolute(h, str_slice(target.data + 7, target.len - 7));
    if (target.len >= 8 && str_equal_nocase(str_slice(target.data, 8), STR("https://")))
        return split_absolute(h, str_slice(target.data + 8, target.len - 8));
    if (target.data[0] != '/')
        return http1_refuse(h, 400, "the target is neither a path nor a URL");
    h->path = str_cut(target, '?', &h->query);
    return true;
}

/* The authority of the target and Host are two names for one thing: they must agree. */
static bool split_absolute(struct http1 *h, struct str rest)
{
    size_t slash = str_index(rest, '/');
    struct str authority = str_slice(rest.data, slash);

    if (slash == rest.len || !host_is_good(authority))
        return http1_refuse(h, 400, "the target is not a URL with a host and a path");
    if (h->host.data && !str_equal_nocase(authority, h->host))
        return http1_refuse(h, 400, "the target and Host name two hosts");
    h->host = authority;
    h->path = str_cut(str_slice(rest.data + slash, rest.len - slash), '?', &h->query);
    return true;
}

/* A name, an IPv4 address or [IPv6], then perhaps a port. Nothing percent-encoded, no user. */
static bool host_is_good(struct str host)
{
    struct str port;
    uint64_t number;
    size_t end;

    if (host.len && host.data[0] == '[') {
        end = str_index(host, ']');
        if (end == host.len || end < 3)
            return false;
        for (size_t i = 1; i < end; i++)
            if (byte_hex((unsigned char)host.data[i]) < 0 && host.data[i] != ':' &&
                host.data[i] != '.')
                return false;
        end++;
    } else {
        for (end = 0; end < host.len && host.data[end] != ':'; end++) {
            char c = (char)(host.data[end] | 0x20);

            if (!(c >= 'a' && c <= 'z') && !(host.data[end] >= '0' && host.data[end] <= '9') &&
                host.data[end] != '-' && host.data[end] != '.' && host.data[end] != '_')
                return false;
        }
    }
    if (end == 0 || end == host.len)
        return end > 0;
    port = str_slice(host.data + end + 1, host.len - end - 1);
    return host.data[end] == ':' && port.len <= 5 && str_to_u64(&number, port) == 0 &&
           number <= 65535;
}

static enum method find_method(struct str name)
{
    for (enum method m = METHOD_GET; m < METHOD_other; m++)
        if (str_is(name, method_name(m)))
            return m;
    return METHOD_other;
}
