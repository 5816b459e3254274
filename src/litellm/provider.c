/* SPDX-License-Identifier: Apache-2.0 */
/* LiteLLM's providers, and the addresses that are near. */
#include "litellm/provider.h"

#include <errno.h>

static bool read_numbers(uint64_t out[4], struct str host);
static struct str without_end(struct str s, struct str end);

static const struct litellm_provider rows[] = {
#define LITELLM_PROVIDER(prefix, runs, kind, url, key) {prefix, RUNS_##runs, kind, url, key},
#include "tables/litellm_providers.def"
};

const struct litellm_provider *litellm_provider_find(struct str prefix)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (str_is(prefix, rows[i].prefix))
            return &rows[i];
    return NULL;
}

int litellm_address_read(struct litellm_address *ret, struct str url)
{
    struct litellm_address a = {.tls = str_starts(url, STR("https://"))};
    struct str rest, port;
    uint64_t number;

    if (!a.tls && !str_starts(url, STR("http://")))
        return -EINVAL;
    rest = str_slice(url.data + (a.tls ? 8 : 7), url.len - (a.tls ? 8 : 7));
    a.path = str_slice(rest.data + str_index(rest, '/'), rest.len - str_index(rest, '/'));
    rest.len -= a.path.len;
    if (rest.len && rest.data[0] == '[') {
        a.host = str_slice(rest.data + 1, str_index(rest, ']') - 1);
        port = str_slice(rest.data + a.host.len + 1, rest.len - a.host.len - 1);
        if (!port.len)
            return -EINVAL;
        port = str_slice(port.data + 1, port.len - 1);
        if (port.len && port.data[0] != ':')
            return -EINVAL;
        port = port.len ? str_slice(port.data + 1, port.len - 1) : port;
    } else {
        a.host = str_cut(rest, ':', &port);
    }
    number = a.tls ? 443 : 80;
    if (!a.host.len || str_index(rest, '@') < rest.len || str_index(url, '?') < url.len ||
        (port.len && (str_to_u64(&number, port) < 0 || number == 0 || number > 65535)))
        return -EINVAL;
    a.port = (uint32_t)number;
    a.path = without_end(a.path, STR("/"));
    a.ends_with_v1 = str_ends(a.path, STR("/v1"));
    a.path = without_end(a.path, STR("/v1"));
    *ret = a;
    return 0;
}

bool litellm_address_is_near(const struct litellm_address *a)
{
    static const struct str endings[] = {STR(".local"),    STR(".lan"),       STR(".home"),
                                         STR(".internal"), STR(".home.arpa"), STR(".ts.net"),
                                         STR(".localhost")};
    uint64_t n[4];

    if (read_numbers(n, a->host))
        return n[0] == 10 || n[0] == 127 || (n[0] == 192 && n[1] == 168) ||
               (n[0] == 172 && n[1] >= 16 && n[1] < 32) || (n[0] == 169 && n[1] == 254) ||
               litellm_host_is_tailnet(a->host);
    if (str_index(a->host, ':') < a->host.len)
        return str_is(a->host, "::1") || str_starts(a->host, STR("fd")) ||
               str_starts(a->host, STR("fe80"));
    for (size_t i = 0; i < COUNT_OF(endings); i++)
        if (str_ends(a->host, endings[i]))
            return true;
    return str_index(a->host, '.') == a->host.len;
}

bool litellm_host_is_number(struct str host)
{
    uint64_t n[4];

    return read_numbers(n, host) || str_index(host, ':') < host.len;
}

bool litellm_host_is_tailnet(struct str host)
{
    uint64_t n[4];

    return read_numbers(n, host) && n[0] == 100 && n[1] >= 64 && n[1] < 128;
}

static bool read_numbers(uint64_t out[4], struct str host)
{
    for (int i = 0; i < 4; i++) {
        struct str part = str_cut(host, '.', &host);

        if (str_to_u64(&out[i], part) < 0 || out[i] > 255)
            return false;
    }
    return !host.len;
}

static struct str without_end(struct str s, struct str end)
{
    while (s.len >= end.len && str_ends(s, end))
        s.len -= end.len;
    return s;
}
