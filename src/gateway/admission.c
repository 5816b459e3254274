/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call what. */
#include "gateway/admission.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "wire/multipart.h"
#include "wire/url.h"

enum { QUERY_KEY_MAX = 256 };

static bool changes_state(enum method method);
static bool is_type_taken(struct str type, enum body_kind body);
static bool is_host_ours(struct str host, const struct settings *settings);
static bool is_listed(struct str host, struct str list);
static struct str without_port(struct str authority);
static bool is_address(struct str host);
static bool is_origin_ours(struct str origin, const struct request *r,
                           const struct settings *settings);
static bool find_credential(const struct request *r, struct str *ret, struct buf *decoded);
static bool add_credential(struct str *ret, struct str found);
static struct admission check_key(const struct request *r, enum who who, const struct keyring *ring,
                                  const struct settings *settings, int64_t now_us);
static struct admission check_given(const struct request *r, enum who who, struct str given,
                                    const struct keyring *ring, const struct settings *settings,
                                    int64_t now_us);

static struct admission refused(enum failure why, const char *found)
{
    return (struct admission){.why = why, .found = found};
}

struct admission admission_check(const struct request *r, enum who who, enum body_kind body,
                                 const struct keyring *ring, const struct settings *settings,
                                 int64_t now_us)
{
    struct str origin = request_header(r, STR("origin"));
    struct str type = request_header(r, STR("content-type"));

    if (r->host.len && !is_host_ours(r->host, settings))
        return refused(FAILURE_forbidden, "that Host is not one of gateway.hosts");
    if (origin.data && !is_origin_ours(origin, r, settings))
        return refused(FAILURE_forbidden, "pages of other sites may not call this gateway");
    if (changes_state(r->method) && !is_type_taken(type, body))
        return refused(FAILURE_bad_request, body == BODY_json
                                                ? "content-type must be application/json"
                                                : "content-type must be multipart/form-data");
    if (who == WHO_loopback && !r->peer_is_loopback)
        return refused(FAILURE_forbidden, "only this machine may ask that");
    if (who == WHO_anyone || who == WHO_loopback)
        return (struct admission){0};
    return check_key(r, who, ring, settings, now_us);
}

static bool is_type_taken(struct str type, enum body_kind body)
{
    bool is_json = str_starts(type, STR("application/json"));

    return (is_json && body != BODY_form) || (multipart_is_form(type) && body != BODY_json);
}

static bool changes_state(enum method method)
{
    return method != METHOD_GET && method != METHOD_HEAD;
}

/* This machine needs no key unless the settings say so; an operator from elsewhere always does. */
static struct admission check_key(const struct request *r, enum who who, const struct keyring *ring,
                                  const struct settings *settings, int64_t now_us)
{
    struct admission answer;
    struct str given = {0};
    struct buf decoded;

    buf_init(&decoded, QUERY_KEY_MAX);
    if (find_credential(r, &given, &decoded))
        answer = check_given(r, who, given, ring, settings, now_us);
    else
        answer = refused(FAILURE_bad_request, "two different keys were given");
    buf_fini(&decoded);
    return answer;
}

static struct admission check_given(const struct request *r, enum who who, struct str given,
                                    const struct keyring *ring, const struct settings *settings,
                                    int64_t now_us)
{
    bool free_entry = r->peer_is_loopback && !settings->require_keys;
    const struct key_entry *entry = NULL;

    if (given.len && keyring_count(ring)) {
        switch (keyring_find(ring, given, now_us, &entry)) {
        case KEY_ok:
            if (who == WHO_operator && entry->row.role != KEY_operator && !free_entry)
                return refused(FAILURE_forbidden, "this needs an operator's key");
            return (struct admission){.key = entry};
        case KEY_expired:
            return refused(FAILURE_unauthorized, "this key has expired");
        case KEY_revoked:
            return refused(FAILURE_unauthorized, "this key was revoked");
        case KEY_unknown:
            break;
        }
    }
    if (free_entry)
        return (struct admission){0};
    if (!keyring_count(ring))
        return refused(FAILURE_forbidden,
                       "no key is configured, so only this machine is served: tampu key create");
    return refused(FAILURE_unauthorized, given.len ? "this key is not known" : "");
}

static bool find_credential(const struct request *r, struct str *ret, struct buf *decoded)
{
    struct str bearer = request_header(r, STR("authorization"));
    struct str rest, scheme = str_cut(bearer, ' ', &rest);
    bool has_query = r->query.len && url_find(decoded, r->query, "key") == 0;

    if (bearer.data && str_equal_nocase(scheme, STR("bearer")) &&
        !add_credential(ret, str_trim(rest)))
        return false;
    return add_credential(ret, request_header(r, STR("x-api-key"))) &&
           add_credential(ret, request_header(r, STR("x-goog-api-key"))) &&
           (!has_query || add_credential(ret, buf_str(decoded)));
}

/* False: another one was given before. */
static bool add_credential(struct str *ret, struct str found)
{
    if (!found.len)
        return true;
    if (ret->len && !str_equal(*ret, found))
        return false;
    *ret = found;
    return true;
}

/* Addresses cannot be rebound; names must be ours. */
static bool is_host_ours(struct str host, const struct settings *settings)
{
    struct str name = without_port(host);
    char machine[256] = "";

    if (is_address(name) || str_equal_nocase(name, STR("localhost")))
        return true;
    gethostname(machine, sizeof machine - 1);
    return str_equal_nocase(name, str_from(machine)) || is_listed(name, settings->hosts);
}

static bool is_listed(struct str host, struct str list)
{
    while (list.len) {
        struct str rest, item = str_trim(str_cut(list, ',', &rest));

        if (item.len && str_equal_nocase(item, host))
            return true;
        list = rest;
    }
    return false;
}

static struct str without_port(struct str authority)
{
    size_t end = authority.len;

    if (authority.len && authority.data[0] == '[')
        return str_slice(authority.data,
                         str_index(authority, ']') + 1 < end ? str_index(authority, ']') + 1 : end);
    return str_slice(authority.data, str_index(authority, ':'));
}

static bool is_address(struct str host)
{
    char text[64];
    unsigned char binary[16];

    if (host.len >= sizeof text)
        return false;
    if (host.len > 2 && host.data[0] == '[')
        host = str_slice(host.data + 1, host.len - 2);
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    return inet_pton(AF_INET, text, binary) == 1 || inet_pton(AF_INET6, text, binary) == 1;
}

static bool is_origin_ours(struct str origin, const struct request *r,
                           const struct settings *settings)
{
    struct str authority = origin;

    if (str_starts(authority, STR("http://")))
        authority = str_slice(authority.data + 7, authority.len - 7);
    else if (str_starts(authority, STR("https://")))
        authority = str_slice(authority.data + 8, authority.len - 8);
    else
        return false;
    return str_equal_nocase(authority, r->host) ||
           is_listed(without_port(authority), settings->hosts);
}
