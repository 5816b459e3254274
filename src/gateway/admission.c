/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call what. */
#include "gateway/admission.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "gateway/tailnet.h"
#include "wire/multipart.h"
#include "wire/url.h"

enum { QUERY_KEY_MAX = 256 };

static bool changes_state(enum method method);
static bool is_of_this_machine(const struct request *r);
static bool is_type_taken(struct str type, enum body_kind body);
static bool is_host_ours(struct str host, const struct settings *settings);
static bool is_listed(struct str host, struct str list);
static struct str without_port(struct str authority);
static bool is_address(struct str host);
static bool is_origin_ours(struct str origin, const struct request *r,
                           const struct settings *settings);
static const char *find_credential(const struct request *r, struct str *ret, struct buf *decoded);
static struct str credential_in(const struct header *header);
static const char *find_queried(struct str query, struct str *ret, struct buf *decoded);
static const char *add_credential(struct str *ret, struct str found);
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
    /* Without an Origin, as of a picture's address: nobody has said that the site is ours. */
    if (who != WHO_anyone && !origin.data &&
        str_is(request_header(r, STR("sec-fetch-site")), "cross-site"))
        return refused(FAILURE_forbidden, "pages of other sites may not call this gateway");
    if (who == WHO_loopback && !is_of_this_machine(r))
        return refused(FAILURE_forbidden, "only this machine may ask that");
    if (who == WHO_anyone || who == WHO_loopback)
        return (struct admission){0};
    return check_key(r, who, ring, settings, now_us);
}

bool admission_has_key(const struct request *r)
{
    struct str given = {0};
    struct buf decoded;
    bool has;

    buf_init(&decoded, QUERY_KEY_MAX);
    has = find_credential(r, &given, &decoded) || given.len;
    buf_fini(&decoded);
    return has;
}

/* Whoever asks through a proxy on this machine is not on it: what proxies add says so. */
static bool is_of_this_machine(const struct request *r)
{
    static const char *const proxied[] = {"x-forwarded-for", "forwarded", "x-real-ip", "via",
                                          "cf-connecting-ip"};

    if (!r->peer_is_loopback || tailnet_is_named(r))
        return false;
    for (size_t i = 0; i < COUNT_OF(proxied); i++)
        if (request_header(r, str_from(proxied[i])).data)
            return false;
    return true;
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

/* This machine needs no key unless the settings say so; who comes from elsewhere always does. */
static struct admission check_key(const struct request *r, enum who who, const struct keyring *ring,
                                  const struct settings *settings, int64_t now_us)
{
    struct admission answer;
    struct str given = {0};
    struct buf decoded;
    const char *wrong;

    buf_init(&decoded, QUERY_KEY_MAX);
    wrong = find_credential(r, &given, &decoded);
    answer = wrong ? refused(FAILURE_bad_request, wrong)
                   : check_given(r, who, given, ring, settings, now_us);
    buf_fini(&decoded);
    return answer;
}

static struct admission check_given(const struct request *r, enum who who, struct str given,
                                    const struct keyring *ring, const struct settings *settings,
                                    int64_t now_us)
{
    bool free_entry = !settings->require_keys && is_of_this_machine(r);
    const struct key_entry *entry = NULL;

    if (given.len) {
        switch (keyring_find(ring, given, now_us, &entry)) {
        case KEY_ok:
            if (who == WHO_operator && entry->row.role != KEY_operator && !free_entry)
                return refused(FAILURE_forbidden, "this needs an operator's key");
            return (struct admission){.key = entry};
        case KEY_expired:
            return refused(FAILURE_unauthorized, "this key has expired");
        case KEY_revoked:
            return refused(FAILURE_unauthorized, "this key was revoked");
        case KEY_unread:
            return refused(FAILURE_unauthorized,
                           "this key has rules that this gateway does not know");
        case KEY_unknown:
            break;
        }
    }
    /* tailscale serve, set up to hand over by TCP, brings who is not on this machine. */
    if (r->peer_is_loopback && !settings->require_keys && tailnet_is_named(r))
        return refused(
            FAILURE_unauthorized,
            "what tailscale serve hands over by TCP needs a key; hand it over by "
            "gateway.tailscale.socket, and the fleet file's tailnet says who may come in");
    /* Programs must send something where nobody gave them a key; where keys are, it is a wrong one.
     */
    if (free_entry && !(given.len && keyring_count(ring)))
        return (struct admission){0};
    if (!keyring_count(ring))
        return refused(FAILURE_forbidden,
                       "no key is configured, so only this machine is served: tampu key create");
    return refused(FAILURE_unauthorized, given.len ? "this key is not known" : "");
}

/* NULL, or what is wrong with what was given. A header that comes twice is two places. */
static const char *find_credential(const struct request *r, struct str *ret, struct buf *decoded)
{
    const char *wrong = NULL;

    for (size_t i = 0; i < r->header_count && !wrong; i++)
        wrong = add_credential(ret, credential_in(&r->headers[i]));
    /* LiteLLM's /key/info is asked about the key in its query. */
    if (wrong || !r->query.len || str_is(r->path, "/key/info"))
        return wrong;
    return find_queried(r->query, ret, decoded);
}

static struct str credential_in(const struct header *header)
{
    struct str rest, scheme;

    if (str_equal_nocase(header->name, STR("x-api-key")) ||
        str_equal_nocase(header->name, STR("x-goog-api-key")))
        return header->value;
    if (!str_equal_nocase(header->name, STR("authorization")))
        return (struct str){0};
    scheme = str_cut(header->value, ' ', &rest);
    return str_equal_nocase(scheme, STR("bearer")) ? str_trim(rest) : (struct str){0};
}

static const char *find_queried(struct str query, struct str *ret, struct buf *decoded)
{
    struct str name, value;
    const char *wrong = NULL;

    while (!wrong && url_parameter(&query, &name, &value)) {
        size_t before = decoded->len;

        if (!str_is(name, "key"))
            continue;
        /* All of its room at once: what was found in it must not move. */
        if (buf_reserve(decoded, QUERY_KEY_MAX - before) < 0 ||
            url_decode(decoded, value, true) < 0)
            return "the key in the query is none";
        wrong = add_credential(ret, str_slice(decoded->data + before, decoded->len - before));
    }
    return wrong;
}

static const char *add_credential(struct str *ret, struct str found)
{
    if (!found.len)
        return NULL;
    if (ret->len && !str_equal(*ret, found))
        return "two different keys were given";
    *ret = found;
    return NULL;
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
