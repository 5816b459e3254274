/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1: what comes in, what must come out or be refused, whatever the cut. */
#include "testing.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "wire/http1.h"

enum { HEAD_MAX = 2048, HEADERS_MAX = 12 };

#define GET         "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST        "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED     POST "Transfer-Encoding: chunked\r\n\r\n"
#define OK          "HTTP/1.1 200 OK\r\n"
#define TEN         "0123456789"
#define HUNDRED     TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define THOUSAND    HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED
#define SIX_HEADERS "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\n"

struct row {
    const char *what;
    struct str in, out;
};

/* A request is written METHOD PATH ?QUERY @HOST k(ept) e(xpects) [BODY] and . at its end; what is
 * refused is !STATUS. A new case is a new row. */
static const struct row requests[] = {
    {"a request", STR(GET "\r\n"), STR("GET / @a k.")},
    {"a path and a query", STR("GET /a/b?c=d?e HTTP/1.1\r\nHost: a\r\n\r\n"),
     STR("GET /a/b ?c=d?e @a k.")},
    {"two on one connection", STR(GET "\r\n" GET "\r\n"), STR("GET / @a k.GET / @a k.")},
    {"a body with a length", STR(POST "Content-Length: 3\r\n\r\nabc"), STR("POST / @a k[abc].")},
    {"a body of length 0", STR(POST "Content-Length: 0\r\n\r\n"), STR("POST / @a k.")},
    {"leading zeros are digits", STR(POST "Content-Length: 003\r\n\r\nabc"),
     STR("POST / @a k[abc].")},
    {"a body and the next request", STR(POST "Content-Length: 1\r\n\r\nx" GET "\r\n"),
     STR("POST / @a k[x].GET / @a k.")},
    {"no length is no body", STR(POST "\r\n" GET "\r\n"), STR("POST / @a k.GET / @a k.")},
    {"GET may have a body", STR(GET "Content-Length: 2\r\n\r\nab"), STR("GET / @a k[ab].")},
    {"a chunked body", STR(CHUNKED "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), STR("POST / @a k[abcde].")},
    {"a chunked body and the next", STR(CHUNKED "1\r\na\r\n0\r\n\r\n" GET "\r\n"),
     STR("POST / @a k[a].GET / @a k.")},
    {"an empty chunked body", STR(CHUNKED "0\r\n\r\n"), STR("POST / @a k.")},
    {"the coding's case does not matter", STR(POST "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"),
     STR("POST / @a k.")},
    {"hexadecimal in both cases", STR(CHUNKED "A\r\n" TEN "\r\na\r\n" TEN "\r\n0\r\n\r\n"),
     STR("POST / @a k[" TEN TEN "].")},
    {"sixteen digits", STR(CHUNKED "0000000000000001\r\na\r\n0\r\n\r\n"), STR("POST / @a k[a].")},
    {"an extension", STR(CHUNKED "1;a=\"b\"\r\na\r\n0;x\r\n\r\n"), STR("POST / @a k[a].")},
    {"trailers", STR(CHUNKED "1\r\na\r\n0\r\nX: y\r\nZ:\r\n\r\n"), STR("POST / @a k[a].")},
    {"unfinished", STR(POST "Content-Length: 3\r\n\r\nab"), STR("POST / @a k[ab]")},
    {"an unfinished head", STR(GET), STR("")},
    {"HTTP/1.0 closes", STR("GET / HTTP/1.0\r\n\r\n"), STR("GET /.")},
    {"HTTP/1.0 may be kept", STR("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
     STR("GET / k.")},
    {"HTTP/1.0 with a Host", STR("GET / HTTP/1.0\r\nHost: a\r\n\r\n"), STR("GET / @a.")},
    {"HTTP/1.0 knows no Expect", STR("POST / HTTP/1.0\r\nExpect: x\r\nContent-Length: 1\r\n\r\na"),
     STR("POST /[a].")},
    {"Connection: close", STR(GET "Connection: close\r\n\r\n"), STR("GET / @a.")},
    {"close among others", STR(GET "Connection: te , Close,x\r\n\r\n"), STR("GET / @a.")},
    {"close beats keep-alive", STR(GET "Connection: keep-alive\r\nConnection: close\r\n\r\n"),
     STR("GET / @a.")},
    {"an upgrade is not taken", STR(GET "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n" GET "\r\n"),
     STR("GET / @a k.GET / @a k.")},
    {"Expect", STR(POST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\na"),
     STR("POST / @a ke[a].")},
    {"Expect without a body", STR(POST "Expect: 100-Continue\r\n\r\n"), STR("POST / @a k.")},
    {"one empty line before", STR("\r\n" GET "\r\n"), STR("GET / @a k.")},
    {"one empty line between", STR(GET "\r\n\r\n" GET "\r\n"), STR("GET / @a k.GET / @a k.")},
    {"an absolute target", STR("GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n"),
     STR("GET /b ?c @a k.")},
    {"an absolute target, https", STR("GET HTTPS://A:1/ HTTP/1.1\r\nHost: a:1\r\n\r\n"),
     STR("GET / @A:1 k.")},
    {"OPTIONS *", STR("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), STR("OPTIONS * @a k.")},
    {"a rare method", STR("PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n"), STR("other / @a k.")},
    {"a value with all that is allowed", STR(GET "X: a\tb \x80\xff!\r\n\r\n"), STR("GET / @a k.")},
    {"empty values", STR(GET "X:\r\nY: \t \r\n\r\n"), STR("GET / @a k.")},
    {"an IPv6 Host", STR("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), STR("GET / @[::1]:80 k.")},
    {"Host with an empty port", STR("GET / HTTP/1.1\r\nHost: a:\r\n\r\n"), STR("!400")},
    {"twelve headers", STR(GET SIX_HEADERS "G:\r\nH:\r\nI:\r\nJ:\r\nK:\r\n\r\n"),
     STR("GET / @a k.")},

    {"bare LF behind the first line", STR("GET / HTTP/1.1\nHost: a\r\n\r\n"), STR("!400")},
    {"bare LF behind a header", STR("GET / HTTP/1.1\r\nHost: a\n\r\n"), STR("!400")},
    {"bare LF as the last line", STR(GET "\n"), STR("!400")},
    {"bare LF before the request", STR("\n" GET "\r\n"), STR("!400")},
    {"bare CR behind the first line", STR("GET / HTTP/1.1\rHost: a\r\n\r\n"), STR("!400")},
    {"bare CR in a value", STR(GET "X: a\rb\r\n\r\n"), STR("!400")},
    {"bare CR as the last line", STR(GET "\rX"), STR("!400")},
    {"bare CR before the request", STR("\rGET / HTTP/1.1\r\n"), STR("!400")},
    {"CR CR LF", STR("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"), STR("!400")},
    {"two empty lines before", STR("\r\n\r\n" GET "\r\n"), STR("!400")},
    {"a space before", STR(" " GET "\r\n"), STR("!400")},
    {"NUL in a value", STR(GET "X: a\0b\r\n\r\n"), STR("!400")},
    {"NUL in a name", STR(GET "X\0Y: a\r\n\r\n"), STR("!400")},
    {"NUL in the target", STR("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!400")},
    {"NUL before the request", STR("\0" GET "\r\n"), STR("!400")},
    {"a control character in a value", STR(GET "X: a\x01\r\n\r\n"), STR("!400")},
    {"DEL in a value", STR(GET "X: a\x7f\r\n\r\n"), STR("!400")},
    {"a folded line", STR(GET "X: a\r\n b\r\n\r\n"), STR("!400")},
    {"a line folded by a tab", STR(GET "X: a\r\n\tb\r\n\r\n"), STR("!400")},
    {"an empty value, folded", STR(GET "X:\r\n b\r\n\r\n"), STR("!400")},
    {"a first header that is folded", STR("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), STR("!400")},
    {"a space before the colon", STR("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), STR("!400")},
    {"a tab before the colon", STR("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n"), STR("!400")},
    {"an empty name", STR(GET ": a\r\n\r\n"), STR("!400")},
    {"no colon", STR(GET "X\r\n\r\n"), STR("!400")},
    {"a name that is no token", STR(GET "X(: a\r\n\r\n"), STR("!400")},
    {"a name with a space", STR(GET "X Y: a\r\n\r\n"), STR("!400")},
    {"a name of the upper half", STR(GET "X\xfc: a\r\n\r\n"), STR("!400")},
    {"two lengths", STR(POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na"), STR("!400")},
    {"two lengths in one", STR(POST "Content-Length: 1, 1\r\n\r\na"), STR("!400")},
    {"a length with a sign", STR(POST "Content-Length: +1\r\n\r\na"), STR("!400")},
    {"a negative length", STR(POST "Content-Length: -1\r\n\r\na"), STR("!400")},
    {"a hexadecimal length", STR(POST "Content-Length: 0x1\r\n\r\na"), STR("!400")},
    {"a length with an underscore", STR(POST "Content-Length: 1_0\r\n\r\n0123456789"), STR("!400")},
    {"a length with a space", STR(POST "Content-Length: 1 0\r\n\r\n0123456789"), STR("!400")},
    {"a length with a point", STR(POST "Content-Length: 1.0\r\n\r\na"), STR("!400")},
    {"an empty length", STR(POST "Content-Length:\r\n\r\n"), STR("!400")},
    {"a length beyond 64 bits", STR(POST "Content-Length: 18446744073709551617\r\n\r\na"),
     STR("!400")},
    {"length and coding",
     STR(POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), STR("!400")},
    {"coding and length",
     STR(POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n"), STR("!400")},
    {"chunked twice", STR(POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
     STR("!400")},
    {"chunked in two headers",
     STR(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), STR("!400")},
    {"identity", STR(POST "Transfer-Encoding: identity\r\n\r\n"), STR("!400")},
    {"gzip before chunked", STR(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
     STR("!400")},
    {"chunked, not last", STR(POST "Transfer-Encoding: chunked, gzip\r\n\r\n"), STR("!400")},
    {"chunked with a comma", STR(POST "Transfer-Encoding: chunked,\r\n\r\n"), STR("!400")},
    {"chunked with a parameter", STR(POST "Transfer-Encoding: chunked;a=b\r\n\r\n"), STR("!400")},
    {"chunked in quotes", STR(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"), STR("!400")},
    {"chunked behind a vertical tab", STR(POST "Transfer-Encoding: \vchunked\r\n\r\n"),
     STR("!400")},
    {"xchunked", STR(POST "Transfer-Encoding: xchunked\r\n\r\n"), STR("!400")},
    {"an empty coding", STR(POST "Transfer-Encoding:\r\n\r\n"), STR("!400")},
    {"chunked in HTTP/1.0", STR("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     STR("!400")},
    {"a chunk size with a sign", STR(CHUNKED "+1\r\na\r\n"), STR("POST / @a k!400")},
    {"a chunk size with 0x", STR(CHUNKED "0x1\r\na\r\n"), STR("POST / @a k!400")},
    {"a chunk size with a space before", STR(CHUNKED " 1\r\na\r\n"), STR("POST / @a k!400")},
    {"a chunk size with a space behind", STR(CHUNKED "1 \r\na\r\n"), STR("POST / @a k!400")},
    {"a chunk size with an underscore", STR(CHUNKED "1_0\r\n"), STR("POST / @a k!400")},
    {"an empty chunk size", STR(CHUNKED "\r\na\r\n"), STR("POST / @a k!400")},
    {"a chunk size of 17 digits", STR(CHUNKED "00000000000000001\r\na\r\n"),
     STR("POST / @a k!400")},
    {"a chunk size of 2^63", STR(CHUNKED "8000000000000000\r\na\r\n"), STR("POST / @a k!400")},
    {"a chunk size of 2^64", STR(CHUNKED "10000000000000000\r\na\r\n"), STR("POST / @a k!400")},
    {"bare LF behind a chunk size", STR(CHUNKED "1\na\r\n"), STR("POST / @a k!400")},
    {"bare CR behind a chunk size", STR(CHUNKED "1\ra\r\n"), STR("POST / @a k!400")},
    {"bare LF behind a chunk", STR(CHUNKED "1\r\na\n0\r\n\r\n"), STR("POST / @a k[a]!400")},
    {"nothing behind a chunk", STR(CHUNKED "1\r\nab\r\n0\r\n\r\n"), STR("POST / @a k[a]!400")},
    {"bare LF in an extension", STR(CHUNKED "1;a\nb\r\na\r\n"), STR("POST / @a k!400")},
    {"NUL in an extension", STR(CHUNKED "1;\0\r\na\r\n"), STR("POST / @a k!400")},
    {"an extension that is too long", STR(CHUNKED "1;" HUNDRED HUNDRED HUNDRED "\r\na\r\n"),
     STR("POST / @a k!400")},
    {"a last chunk with bare LF", STR(CHUNKED "0\n\n"), STR("POST / @a k!400")},
    {"a trailer with bare LF", STR(CHUNKED "0\r\nX: y\n\r\n"), STR("POST / @a k!400")},
    {"a trailer that is folded", STR(CHUNKED "0\r\nX: y\r\n z\r\n\r\n"), STR("POST / @a k!400")},
    {"a trailer without a colon", STR(CHUNKED "0\r\nX\r\n\r\n"), STR("POST / @a k!400")},
    {"a trailer without a name", STR(CHUNKED "0\r\n: y\r\n\r\n"), STR("POST / @a k!400")},
    {"trailers that are too long",
     STR(CHUNKED
         "0\r\nX: " THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND
         "\r\n\r\n"),
     STR("POST / @a k!400")},
    {"no Host", STR("GET / HTTP/1.1\r\n\r\n"), STR("!400")},
    {"two Hosts", STR(GET "Host: a\r\n\r\n"), STR("!400")},
    {"two Hosts in HTTP/1.0", STR("GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n"), STR("!400")},
    {"an empty Host", STR("GET / HTTP/1.1\r\nHost:\r\n\r\n"), STR("!400")},
    {"Host with a path", STR("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), STR("!400")},
    {"Host with a fragment and a user", STR("GET / HTTP/1.1\r\nHost: a:1/#@x\r\n\r\n"),
     STR("!400")},
    {"Host with a user", STR("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), STR("!400")},
    {"Host with a comma", STR("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"), STR("!400")},
    {"Host with a space", STR("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), STR("!400")},
    {"Host with a port that is none", STR("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"), STR("!400")},
    {"Host with a port too large", STR("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"), STR("!400")},
    {"Host with half a bracket", STR("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), STR("!400")},
    {"Host with something behind the bracket", STR("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"),
     STR("!400")},
    {"Host of the upper half", STR("GET / HTTP/1.1\r\nHost: \xfc\r\n\r\n"), STR("!400")},
    {"two hosts that differ", STR("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!400")},
    {"an absolute target without a path", STR("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n"),
     STR("!400")},
    {"an absolute target with a user", STR("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
     STR("!400")},
    {"another scheme", STR("GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!400")},
    {"an authority as target", STR("GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!400")},
    {"CONNECT", STR("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!501")},
    {"TRACE", STR("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!501")},
    {"GET *", STR("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!400")},
    {"a fragment", STR("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!400")},
    {"a target of the upper half", STR("GET /\xfc HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!400")},
    {"a target with a tab", STR("GET /\ta HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!400")},
    {"two spaces before the target", STR("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!400")},
    {"two spaces before the version", STR("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!400")},
    {"a space behind the version", STR("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"), STR("!400")},
    {"a tab for a space", STR("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!400")},
    {"no version", STR("GET /\r\nHost: a\r\n\r\n"), STR("!400")},
    {"an unknown method", STR("FOO / HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!400")},
    {"a method in lower case", STR("get / HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!400")},
    {"a method that is no token", STR("G@T / HTTP/1.1\r\nHost: a\r\n\r\n"), STR("!400")},
    {"the version in lower case", STR("GET / http/1.1\r\nHost: a\r\n\r\n"), STR("!400")},
    {"HTTP/2", STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), STR("!505")},
    {"HTTP/1.2", STR("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), STR("!505")},
    {"HTTP/0.9 by name", STR("GET / HTTP/0.9\r\nHost: a\r\n\r\n"), STR("!505")},
    {"HTTP/1.10", STR("GET / HTTP/1.10\r\nHost: a\r\n\r\n"), STR("!400")},
    {"RTSP", STR("GET / RTSP/1.0\r\nHost: a\r\n\r\n"), STR("!400")},
    {"TLS on the plain port", STR("\x16\x03\x01\x02\x00\x01"), STR("!400")},
    {"another Expect", STR(POST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\na"), STR("!417")},
    {"two Expects", STR(POST "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n"), STR("!417")},
    {"a first line that is too long", STR("GET /" THOUSAND THOUSAND HUNDRED " HTTP/1.1\r\n"),
     STR("!414")},
    {"a value that is too long", STR(GET "X: " THOUSAND THOUSAND HUNDRED "\r\n\r\n"), STR("!431")},
    {"a name that is too long", STR(GET "X" THOUSAND THOUSAND HUNDRED ": a\r\n\r\n"), STR("!431")},
    {"thirteen headers", STR(GET SIX_HEADERS SIX_HEADERS "\r\n"), STR("!431")},
    {"nothing behind what was refused", STR("GET / HTTP/1.1\r\n\r\n" GET "\r\n"), STR("!400")},
};

/* An answer is written STATUS k(ept) [BODY] and . ; ~ where the connection ended well. */
static const struct row responses[] = {
    {"an answer", STR(OK "Content-Length: 2\r\n\r\nab"), STR("200 k[ab].~")},
    {"two answers", STR(OK "Content-Length: 1\r\n\r\na" OK "Content-Length: 1\r\n\r\nb"),
     STR("200 k[a].200 k[b].~")},
    {"a chunked answer", STR(OK "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
     STR("200 k[a].~")},
    {"until the end", STR(OK "\r\nabc"), STR("200[abc].~")},
    {"until the end, empty", STR(OK "\r\n"), STR("200.~")},
    {"HTTP/1.0 until the end", STR("HTTP/1.0 200 OK\r\n\r\nabc"), STR("200[abc].~")},
    {"HTTP/1.0 with a length", STR("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na"),
     STR("200[a].~")},
    {"HTTP/1.0 kept",
     STR("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na"),
     STR("200 k[a].~")},
    {"close", STR(OK "Connection: close\r\nContent-Length: 1\r\n\r\na"), STR("200[a].~")},
    {"no words", STR("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), STR("200 k.~")},
    {"a space and no words", STR("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"), STR("200 k.~")},
    {"204", STR("HTTP/1.1 204 No Content\r\n\r\n" OK "Content-Length: 0\r\n\r\n"),
     STR("204 k.200 k.~")},
    {"204 with length 0", STR("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
     STR("204 k.~")},
    {"304 with the length of what it is not",
     STR("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"), STR("304 k.~")},
    {"100 and the answer", STR("HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\na"),
     STR("100 k.200 k[a].~")},
    {"cut in the head", STR(OK "Content-Le"), STR("!400")},
    {"cut in the body", STR(OK "Content-Length: 3\r\n\r\nab"), STR("200 k[ab]!400")},
    {"cut before the last chunk", STR(OK "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n"),
     STR("200 k[a]!400")},
    {"cut in the last chunk", STR(OK "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"),
     STR("200 k[a]!400")},
    {"nothing at all", STR(""), STR("~")},
    {"length and coding",
     STR(OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), STR("!400")},
    {"coding and length",
     STR(OK "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n"), STR("!400")},
    {"two lengths", STR(OK "Content-Length: 1\r\nContent-Length: 1\r\n\r\na"), STR("!400")},
    {"gzip", STR(OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), STR("!400")},
    {"204 with a body", STR("HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\na"), STR("!400")},
    {"204 chunked", STR("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     STR("!400")},
    {"101", STR("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), STR("!400")},
    {"a bad chunk", STR(OK "Transfer-Encoding: chunked\r\n\r\nx\r\n"), STR("200 k!400")},
    {"status 099", STR("HTTP/1.1 099 No\r\n\r\n"), STR("!400")},
    {"status 600", STR("HTTP/1.1 600 No\r\n\r\n"), STR("!400")},
    {"two digits", STR("HTTP/1.1 20 OK\r\n\r\n"), STR("!400")},
    {"four digits", STR("HTTP/1.1 2000 OK\r\n\r\n"), STR("!400")},
    {"two spaces", STR("HTTP/1.1  200 OK\r\n\r\n"), STR("!400")},
    {"bare LF", STR("HTTP/1.1 200 OK\n\r\n"), STR("!400")},
    {"bare CR in the words", STR("HTTP/1.1 200 O\rK\r\n\r\n"), STR("!400")},
    {"NUL in the words", STR("HTTP/1.1 200 O\0K\r\n\r\n"), STR("!400")},
    {"HTTP/2", STR("HTTP/2 200 OK\r\n\r\n"), STR("!505")},
    {"another protocol", STR("SSH-2.0-OpenSSH_9.2\r\n"), STR("!400")},
    {"a folded line", STR(OK "X: a\r\n b\r\n\r\n"), STR("!400")},
    {"a space before the colon", STR(OK "X : a\r\n\r\n"), STR("!400")},
    {"an empty line before", STR("\r\n" OK "\r\n"), STR("!400")},
    {"headers that are too long", STR(OK "X: " THOUSAND THOUSAND HUNDRED "\r\n\r\n"), STR("!431")},
};

static void put(struct buf *out, struct str s)
{
    assert_int_equal(buf_put(out, s), 0);
}

static void put_head(struct buf *out, const struct http1 *h, bool is_request)
{
    if (!is_request) {
        assert_int_equal(buf_printf(out, "%d%s", h->status, h->keep_alive ? " k" : ""), 0);
        return;
    }
    assert_int_equal(buf_printf(out, "%s %.*s", method_name(h->method), STR_ARG(h->path)), 0);
    if (h->query.len)
        assert_int_equal(buf_printf(out, " ?%.*s", STR_ARG(h->query)), 0);
    if (h->host.len)
        assert_int_equal(buf_printf(out, " @%.*s", STR_ARG(h->host)), 0);
    put(out, h->keep_alive ? STR(" k") : STR(""));
    put(out, h->expects_continue ? STR("e") : STR(""));
}

/* What the parser said, as text. */
struct trace {
    struct http1 http1;
    struct buf out;
    bool is_request, in_body, is_wrong;
};

static void open_body(struct trace *t, bool open)
{
    if (open != t->in_body)
        put(&t->out, open ? STR("[") : STR("]"));
    t->in_body = open;
}

static void refused(struct trace *t)
{
    open_body(t, false);
    assert_int_equal(buf_printf(&t->out, "!%d", t->http1.wrong), 0);
    assert_non_null(t->http1.words);
    t->is_wrong = true;
}

/* Fed from a copy of its own, so that a slice kept too long is found out. */
static void feed(struct trace *t, struct str part)
{
    char *copy = malloc(part.len + 1);
    struct str in = str_slice(copy, part.len), piece;
    enum http1_event event;

    if (part.len)
        memcpy(copy, part.data, part.len);
    while (!t->is_wrong && (event = http1_feed(&t->http1, &in, &piece)) != HTTP1_more) {
        if (event == HTTP1_wrong) {
            refused(t);
            continue;
        }
        open_body(t, event == HTTP1_body);
        if (event == HTTP1_head)
            put_head(&t->out, &t->http1, t->is_request);
        if (event == HTTP1_body)
            put(&t->out, piece);
        if (event == HTTP1_end) {
            put(&t->out, STR("."));
            http1_reset(&t->http1);
        }
    }
    assert_true(t->is_wrong || in.len == 0);
    free(copy);
}

static void finish(struct trace *t)
{
    if (t->is_wrong || t->is_request) {
        open_body(t, false);
        return;
    }
    switch (http1_finish(&t->http1)) {
    case HTTP1_end:
        open_body(t, false);
        put(&t->out, STR(".~"));
        break;
    case HTTP1_more:
        put(&t->out, STR("~"));
        break;
    default:
        refused(t);
    }
}

static void check(const struct row *row, bool is_request, size_t first, size_t step)
{
    struct trace t = {.is_request = is_request};
    struct str in = row->in;

    http1_init(&t.http1, is_request ? HTTP1_request : HTTP1_response, HEAD_MAX, HEADERS_MAX);
    buf_init(&t.out, 1 << 16);
    feed(&t, str_slice(in.data, first));
    for (size_t at = first; at < in.len; at += step)
        feed(&t, str_slice(in.data + at, at + step < in.len ? step : in.len - at));
    finish(&t);
    if (!str_equal(buf_str(&t.out), row->out))
        fail_msg("%s (cut at %zu): %.*s, expected %.*s (%s)", row->what, first,
                 STR_ARG(buf_str(&t.out)), STR_ARG(row->out), t.is_wrong ? t.http1.words : "");
    http1_fini(&t.http1);
    buf_fini(&t.out);
}

static void requests_are_read_and_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(requests); i++)
        check(&requests[i], true, requests[i].in.len, 1);
}

static void responses_are_read_and_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(responses); i++)
        check(&responses[i], false, responses[i].in.len, 1);
}

static void any_cut_gives_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        check(&requests[i], true, 0, 1);
        for (size_t cut = 0; cut < requests[i].in.len; cut += 1 + cut / 100)
            check(&requests[i], true, cut, requests[i].in.len);
    }
    for (size_t i = 0; i < COUNT_OF(responses); i++) {
        check(&responses[i], false, 0, 1);
        for (size_t cut = 0; cut < responses[i].in.len; cut += 1 + cut / 100)
            check(&responses[i], false, cut, responses[i].in.len);
    }
}

static void answers_to_head_have_no_body(void **state)
{
    struct http1 h;
    struct str in = STR(OK "Content-Length: 5\r\n\r\n"), piece;

    (void)state;
    http1_init(&h, HTTP1_response, HEAD_MAX, HEADERS_MAX);
    http1_expect_no_body(&h);
    assert_int_equal(http1_feed(&h, &in, &piece), HTTP1_head);
    assert_int_equal(http1_feed(&h, &in, &piece), HTTP1_end);
    assert_true(h.keep_alive);
    http1_fini(&h);
}

static void headers_are_found_and_trimmed(void **state)
{
    struct http1 h;
    struct str in = STR(GET "X-One:  a b \t\r\nx-two:\r\n\r\n"), piece;

    (void)state;
    http1_init(&h, HTTP1_request, HEAD_MAX, HEADERS_MAX);
    assert_int_equal(http1_feed(&h, &in, &piece), HTTP1_head);
    assert_int_equal(h.header_count, 3);
    assert_true(str_is(header_find(h.headers, h.header_count, STR("x-one")), "a b"));
    assert_non_null(header_find(h.headers, h.header_count, STR("X-Two")).data);
    assert_null(header_find(h.headers, h.header_count, STR("X-Three")).data);
    http1_fini(&h);
}

static void all_extensions_together_have_a_ceiling(void **state)
{
    struct http1 h;
    struct str in = STR(CHUNKED), piece;
    enum http1_event event = HTTP1_more;
    size_t chunks = 0;

    (void)state;
    http1_init(&h, HTTP1_request, HEAD_MAX, HEADERS_MAX);
    assert_int_equal(http1_feed(&h, &in, &piece), HTTP1_head);
    for (; event != HTTP1_wrong && chunks < 1000; chunks++) {
        in = STR("1;" HUNDRED "\r\na\r\n");
        while ((event = http1_feed(&h, &in, &piece)) == HTTP1_body)
            ;
    }
    assert_int_equal(event, HTTP1_wrong);
    assert_in_range(chunks, CHUNKED_EXTENSIONS_MAX / 110, CHUNKED_EXTENSIONS_MAX / 90);
    http1_fini(&h);
}

static void grown_memory_is_given_back(void **state)
{
    struct http1 h;
    struct str in = STR(GET "X: " THOUSAND HUNDRED "\r\n\r\n"), piece;

    (void)state;
    http1_init(&h, HTTP1_request, HEAD_MAX, HEADERS_MAX);
    assert_int_equal(http1_feed(&h, &in, &piece), HTTP1_head);
    assert_int_equal(http1_feed(&h, &in, &piece), HTTP1_end);
    http1_reset(&h);
    assert_null(h.text.data);
    in = STR(GET "\r\n");
    assert_int_equal(http1_feed(&h, &in, &piece), HTTP1_head);
    http1_reset(&h);
    assert_non_null(h.text.data);
    http1_fini(&h);
}

static void heads_are_written(void **state)
{
    const struct header headers[] = {{STR("X-A"), STR("b")}};
    struct http1_out head = {.status = 404,
                             .headers = headers,
                             .header_count = 1,
                             .date = STR("now"),
                             .connection = STR("close"),
                             .content_length = 12};
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(http1_put_response(&out, &head), 0);
    assert_true(str_is(buf_str(&out), "HTTP/1.1 404 Not Found\r\nX-A: b\r\nDate: now\r\n"
                                      "Connection: close\r\nContent-Length: 12\r\n\r\n"));
    buf_reset(&out);
    head = (struct http1_out){.method = STR("POST"),
                              .base = STR("/v1"),
                              .target = STR("/x?y"),
                              .authority = STR("[::1]:8080"),
                              .content_length = HTTP1_CHUNKED};
    assert_int_equal(http1_put_request(&out, &head), 0);
    assert_true(str_is(buf_str(&out), "POST /v1/x?y HTTP/1.1\r\nHost: [::1]:8080\r\n"
                                      "Transfer-Encoding: chunked\r\n\r\n"));
    buf_fini(&out);
}

static void what_would_split_a_head_is_not_written(void **state)
{
    static const struct header bad[] = {
        {STR("X"), STR("a\r\nY: b")}, {STR("X"), STR("a\nb")}, {STR("X"), STR("a\0b")},
        {STR("X:"), STR("a")},        {STR(""), STR("a")},     {STR("X Y"), STR("a")},
    };
    struct http1_out request = {.method = STR("GET"), .authority = STR("a")};
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct http1_out head = {.status = 200, .headers = &bad[i], .header_count = 1};

        assert_int_equal(http1_put_response(&out, &head), -EINVAL);
        assert_int_equal(out.len, 0);
    }
    assert_int_equal(http1_put_request(&out, &request), -EINVAL); /* no target */
    request.target = STR("/ HTTP/1.1\r\nX: y");
    assert_int_equal(http1_put_request(&out, &request), -EINVAL);
    request.target = STR("/");
    request.authority = STR("a\r\nX: y");
    assert_int_equal(http1_put_request(&out, &request), -EINVAL);
    assert_int_equal(out.len, 0);
    buf_fini(&out);
}

static void a_head_has_a_ceiling_too(void **state)
{
    struct http1_out head = {.status = 200};
    struct buf out;

    (void)state;
    buf_init(&out, 10);
    assert_int_equal(http1_put_response(&out, &head), -EMSGSIZE);
    assert_int_equal(out.len, 0);
    buf_fini(&out);
}

static void a_chunked_body_may_end_in_trailers(void **state)
{
    const struct header good = {STR("x-tampu-machine"), STR("two, three")};
    const struct header wrong = {STR("x-tampu-machine"), STR("two\r\nset-cookie: x")};
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(http1_put_trailers(&out, &wrong, 1), -EINVAL);
    assert_int_equal(http1_put_trailers(&out, &good, 1), 0);
    assert_true(str_is(buf_str(&out), "0\r\nx-tampu-machine: two, three\r\n\r\n"));
    buf_fini(&out);
}

static void chunk_heads_are_written(void **state)
{
    char out[HTTP1_CHUNK_HEAD_MAX];

    (void)state;
    assert_true(str_is(str_slice(out, http1_chunk_head(out, 0)), "0\r\n"));
    assert_true(str_is(str_slice(out, http1_chunk_head(out, 8000)), "1f40\r\n"));
    assert_true(str_is(str_slice(out, http1_chunk_head(out, SIZE_MAX)), "ffffffffffffffff\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_read_and_refused),
        cmocka_unit_test(responses_are_read_and_refused),
        cmocka_unit_test(any_cut_gives_the_same),
        cmocka_unit_test(answers_to_head_have_no_body),
        cmocka_unit_test(headers_are_found_and_trimmed),
        cmocka_unit_test(all_extensions_together_have_a_ceiling),
        cmocka_unit_test(grown_memory_is_given_back),
        cmocka_unit_test(heads_are_written),
        cmocka_unit_test(what_would_split_a_head_is_not_written),
        cmocka_unit_test(a_head_has_a_ceiling_too),
        cmocka_unit_test(a_chunked_body_may_end_in_trailers),
        cmocka_unit_test(chunk_heads_are_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
