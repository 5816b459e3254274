/* SPDX-License-Identifier: Apache-2.0 */
/* Where to connect: URLs of engines and providers. */
#include <errno.h>
#include <stdio.h>

#include "http/client.h"

static bool read_scheme(struct endpoint *e, struct str *rest);
static int read_authority(struct endpoint *e, struct str authority);
static bool is_host(struct str host);
static int put(char *out, size_t room, struct str text);

int endpoint_parse(struct endpoint *ret, struct str url, struct err *err)
{
    struct endpoint e = {0};
    struct str rest = url, base;
    size_t slash;

    if (!read_scheme(&e, &rest))
        return err_set(err, -EINVAL, "'%.*s': http:// or https:// is expected", STR_ARG(url));
    slash = str_index(rest, '/');
    base = str_slice(rest.data + slash, rest.len - slash);
    while (base.len && base.data[base.len - 1] == '/')
        base.len--;
    for (size_t i = 0; i < base.len; i++)
        if (base.data[i] <= ' ' || base.data[i] >= 0x7f || base.data[i] == '?' ||
            base.data[i] == '#')
            return err_set(err, -EINVAL, "'%.*s': the path may have no query, fragment or space",
                           STR_ARG(url));
    if (read_authority(&e, str_slice(rest.data, slash)) < 0)
        return err_set(err, -EINVAL, "'%.*s': HOST, HOST:PORT or [IPV6]:PORT is expected",
                       STR_ARG(url));
    if (put(e.base, sizeof e.base, base) < 0)
        return err_set(err, -EINVAL, "'%.*s': the path is too long", STR_ARG(url));
    *ret = e;
    return 0;
}

size_t endpoint_authority(const struct endpoint *e, char *out, size_t room)
{
    char digits[STR_U64_ROOM];
    bool is_v6 = strchr(e->host, ':');
    bool has_port = e->port != (e->tls ? 443 : 80);
    const struct str pieces[] = {is_v6 ? STR("[") : STR(""), str_from(e->host),
                                 is_v6 ? STR("]") : STR(""), has_port ? STR(":") : STR(""),
                                 has_port ? str_from_u64(digits, e->port) : STR("")};
    size_t used = 0;

    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        if (pieces[i].len >= room - used)
            return 0;
        memcpy(out + used, pieces[i].data, pieces[i].len);
        used += pieces[i].len;
    }
    out[used] = '\0';
    return used;
}

static bool read_scheme(struct endpoint *e, struct str *rest)
{
    static const struct {
        struct str prefix;
        bool tls;
    } schemes[] = {{{"http://", 7}, false}, {{"https://", 8}, true}};

    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        struct str prefix = schemes[i].prefix;

        if (rest->len >= prefix.len &&
            str_equal_nocase(str_slice(rest->data, prefix.len), prefix)) {
            e->tls = schemes[i].tls;
            *rest = str_slice(rest->data + prefix.len, rest->len - prefix.len);
            return true;
        }
    }
    /* Another scheme has "://" before any path. */
    return str_index(*rest, ':') >= str_index(*rest, '/') ||
           !str_starts(
               str_slice(rest->data + str_index(*rest, ':'), rest->len - str_index(*rest, ':')),
               STR("://"));
}

static int read_authority(struct endpoint *e, struct str authority)
{
    struct str host, port;
    uint64_t number = e->tls ? 443 : 80;
    size_t end;

    if (authority.len && authority.data[0] == '[') {
        end = str_index(authority, ']');
        if (end == authority.len)
            return -EINVAL;
        host = str_slice(authority.data + 1, end - 1);
        end++;
    } else {
        end = str_index(authority, ':');
        host = str_slice(authority.data, end);
        if (str_index(host, ':') < host.len)
            return -EINVAL;
    }
    port = str_slice(authority.data + end, authority.len - end);
    if (port.len &&
        (port.data[0] != ':' || str_to_u64(&number, str_slice(port.data + 1, port.len - 1)) < 0))
        return -EINVAL;
    if (number < 1 || number > 65535 || !is_host(host))
        return -EINVAL;
    e->port = (uint16_t)number;
    return put(e->host, sizeof e->host, host);
}

static bool is_host(struct str host)
{
    static const char extra[] = "-._:%";

    for (size_t i = 0; i < host.len; i++) {
        char c = host.data[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!is_plain && !memchr(extra, c, sizeof extra - 1))
            return false;
    }
    return host.len > 0;
}

static int put(char *out, size_t room, struct str text)
{
    if (text.len >= room)
        return -EINVAL;
    if (text.len)
        memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return 0;
}
