/* SPDX-License-Identifier: Apache-2.0 */
/* Admission: who may call what, and what keeps browsers of other sites out. */
#include "testing.h"

#include "../store/suite.h"
#include "base/attr.h"
#include "gateway/admission.h"

enum { NOW_US = 1000000, HEADERS = 3 };

/* Keys of the ring: %1 a caller's, %2 an operator's, %3 an expired one, %4 a revoked one. */
static char keys[4][KEY_TEXT_MAX];
static struct keyring *ring, *empty;
static struct settings settings;

static void make_keys(struct store *s)
{
    unsigned char pepper[32];

    assert_int_equal(store_pepper(s, pepper, &suite_err), 0);
    for (int i = 0; i < 4; i++) {
        struct key_row row = {.name = STR("key"), .owner = STR("ana")};

        assert_int_equal(key_make(keys[i], &row, pepper, &suite_err), 0);
        row.role = i == 1 ? KEY_operator : KEY_caller;
        row.expires_us = i == 2 ? NOW_US - 1 : 0;
        row.revoked_us = i == 3 ? 1 : 0;
        assert_int_equal(store_key_put(s, &row, &suite_err), 0);
    }
}

static int set_up(void **state)
{
    struct store *s;

    assert_int_equal(suite_setup(state), 0);
    s = suite_open();
    assert_int_equal(keyring_load(&empty, s, &suite_err), 0);
    make_keys(s);
    assert_int_equal(keyring_load(&ring, s, &suite_err), 0);
    store_close(s);
    settings_init(&settings);
    settings.hosts = STR("llm.example, Other.example");
    return 0;
}

static int tear_down(void **state)
{
    keyring_unref(ring);
    keyring_unref(empty);
    return suite_teardown(state);
}

/* "name: value" with %1 to %4 for the keys. */
static struct header read_header(const char *text, char *room, size_t size)
{
    struct str value, name = str_cut(str_from(text), ':', &value);
    const char *mark = strchr(text, '%');
    int before = mark ? (int)(mark - text) : (int)strlen(text);

    snprintf(room, size, "%.*s%s", before, text, mark ? keys[mark[1] - '1'] : "");
    name = str_slice(room, name.len);
    return (struct header){name, str_trim(str_from(room + name.len + 1))};
}

struct visit {
    const char *title;
    enum who who;
    const char *headers[HEADERS];
    bool from_elsewhere, no_keys, require_keys;
    enum method method;
    enum body_kind body;
    const char *host, *query;
    const char *wanted; /* name of the failure */
};

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct visit visits[] = {
    {"anyone may ask what is for anyone", WHO_anyone, .from_elsewhere = true, .wanted = "none"},
    {"this machine needs no key", WHO_caller, .wanted = "none"},
    {"unless the settings say so", WHO_caller, .require_keys = true, .wanted = "unauthorized"},
    {"others need a key", WHO_caller, .from_elsewhere = true, .wanted = "unauthorized"},
    {"others are not served while there is none", WHO_caller, .from_elsewhere = true,
     .no_keys = true, .wanted = "forbidden"},
    {"a bearer",
     WHO_caller,
     {"authorization: Bearer %1"},
     .from_elsewhere = true,
     .wanted = "none"},
    {"in any letter case",
     WHO_caller,
     {"authorization: bEARER %1"},
     .from_elsewhere = true,
     .wanted = "none"},
    {"an x-api-key", WHO_caller, {"x-api-key: %1"}, .from_elsewhere = true, .wanted = "none"},
    {"an x-goog-api-key",
     WHO_caller,
     {"x-goog-api-key: %1"},
     .from_elsewhere = true,
     .wanted = "none"},
    {"a key in the query", WHO_caller, .from_elsewhere = true, .query = "a=b&key=%1",
     .wanted = "none"},
    {"the same key twice",
     WHO_caller,
     {"authorization: Bearer %1", "x-api-key: %1"},
     .from_elsewhere = true,
     .wanted = "none"},
    {"two keys that differ",
     WHO_caller,
     {"authorization: Bearer %1", "x-api-key: %2"},
     .wanted = "bad_request"},
    {"two keys in one kind of header",
     WHO_caller,
     {"x-api-key: %1", "x-api-key: %2"},
     .wanted = "bad_request"},
    {"one key in a header and another in the query",
     WHO_caller,
     {"x-goog-api-key: %2"},
     .query = "key=%1",
     .wanted = "bad_request"},
    {"two keys in the query", WHO_caller, .query = "key=another&key=%1", .wanted = "bad_request"},
    {"the same key twice in the query",
     WHO_caller,
     {"x-api-key: %1"},
     .from_elsewhere = true,
     .query = "key=&key=%1",
     .wanted = "none"},
    {"a key in the query that is longer than any", WHO_caller, .query = "key=" X64 X64 X64 X64 "%1",
     .wanted = "bad_request"},
    {"a basic password is no key",
     WHO_caller,
     {"authorization: Basic %1"},
     .from_elsewhere = true,
     .wanted = "unauthorized"},
    {"a key that nobody made",
     WHO_caller,
     {"x-api-key: tampu-x"},
     .from_elsewhere = true,
     .wanted = "unauthorized"},
    {"a key that nobody made, from here",
     WHO_caller,
     {"x-api-key: tampu-x"},
     .wanted = "unauthorized"},
    {"something where a key belongs, while there is none",
     WHO_caller,
     {"authorization: Bearer none"},
     .no_keys = true,
     .wanted = "none"},
    {"which opens nothing from elsewhere",
     WHO_caller,
     {"authorization: Bearer none"},
     .from_elsewhere = true,
     .no_keys = true,
     .wanted = "forbidden"},
    {"an expired key",
     WHO_caller,
     {"x-api-key: %3"},
     .from_elsewhere = true,
     .wanted = "unauthorized"},
    {"a revoked key, even from here", WHO_caller, {"x-api-key: %4"}, .wanted = "unauthorized"},
    {"an operator", WHO_operator, {"x-api-key: %2"}, .from_elsewhere = true, .wanted = "none"},
    {"a caller is no operator",
     WHO_operator,
     {"x-api-key: %1"},
     .from_elsewhere = true,
     .wanted = "forbidden"},
    {"this machine may do what an operator may", WHO_operator, .wanted = "none"},
    {"only this machine",
     WHO_loopback,
     {"x-api-key: %2"},
     .from_elsewhere = true,
     .wanted = "forbidden"},
    {"only this machine, from it", WHO_loopback, .wanted = "none"},
    {"who comes by a proxy on this machine is not on it",
     WHO_caller,
     {"x-forwarded-for: 192.0.2.7"},
     .wanted = "unauthorized"},
    {"nor while there is no key",
     WHO_operator,
     {"forwarded: for=192.0.2.7"},
     .no_keys = true,
     .wanted = "forbidden"},
    {"by any word of it", WHO_operator, {"x-real-ip: 192.0.2.7"}, .wanted = "unauthorized"},
    {"by any other word of it", WHO_caller, {"via: 1.1 front"}, .wanted = "unauthorized"},
    {"by a tunnel's word", WHO_caller, {"cf-connecting-ip: 192.0.2.7"}, .wanted = "unauthorized"},
    {"an empty word is one", WHO_caller, {"x-forwarded-for:"}, .wanted = "unauthorized"},
    {"nor may that do what only this machine may",
     WHO_loopback,
     {"x-forwarded-for: 127.0.0.1"},
     .wanted = "forbidden"},
    {"a caller's key makes nobody an operator there",
     WHO_operator,
     {"x-api-key: %1", "via: 1.1 front"},
     .wanted = "forbidden"},
    {"a key by a proxy", WHO_caller, {"x-api-key: %1", "via: 1.1 front"}, .wanted = "none"},
    {"what is for anyone, by a proxy", WHO_anyone, {"via: 1.1 front"}, .wanted = "none"},

    {"another site's picture has no address here",
     WHO_operator,
     {"sec-fetch-site: cross-site"},
     .wanted = "forbidden"},
    {"not even with a key",
     WHO_caller,
     {"sec-fetch-site: cross-site", "x-api-key: %1"},
     .wanted = "forbidden"},
    {"a page of gateway.hosts may ask",
     WHO_operator,
     {"sec-fetch-site: cross-site", "origin: https://llm.example"},
     .wanted = "none"},
    {"what is for anyone may be linked",
     WHO_anyone,
     {"sec-fetch-site: cross-site"},
     .wanted = "none"},
    {"our own page may ask", WHO_operator, {"sec-fetch-site: same-origin"}, .wanted = "none"},

    {"a host by address", WHO_anyone, .host = "192.0.2.1:4000", .wanted = "none"},
    {"a host by IPv6 address", WHO_anyone, .host = "[::1]:4000", .wanted = "none"},
    {"localhost", WHO_anyone, .host = "LocalHost:4000", .wanted = "none"},
    {"a host of gateway.hosts", WHO_anyone, .host = "other.EXAMPLE", .wanted = "none"},
    {"a rebound name", WHO_anyone, .host = "evil.example", .wanted = "forbidden"},
    {"a name that begins as an address", WHO_anyone, .host = "127.0.0.1.evil.example",
     .wanted = "forbidden"},
    {"a name that ends as ours", WHO_anyone, .host = "evil-llm.example", .wanted = "forbidden"},
    {"brackets without an address", WHO_anyone, .host = "[evil]", .wanted = "forbidden"},
    {"a bracket alone", WHO_anyone, .host = "[", .wanted = "forbidden"},

    {"a page of ours",
     WHO_anyone,
     {"origin: http://llm.example"},
     .host = "llm.example",
     .wanted = "none"},
    {"a page of ours on another port",
     WHO_anyone,
     {"origin: https://llm.example:8443"},
     .host = "127.0.0.1:4000",
     .wanted = "none"},
    {"the same host, the same port",
     WHO_anyone,
     {"origin: http://127.0.0.1:4000"},
     .host = "127.0.0.1:4000",
     .wanted = "none"},
    {"the same host, another port",
     WHO_anyone,
     {"origin: http://127.0.0.1:9"},
     .host = "127.0.0.1:4000",
     .wanted = "forbidden"},
    {"a page of somebody else",
     WHO_anyone,
     {"origin: https://evil.example"},
     .host = "127.0.0.1:4000",
     .wanted = "forbidden"},
    {"a page of nobody",
     WHO_anyone,
     {"origin: null"},
     .host = "127.0.0.1:4000",
     .wanted = "forbidden"},
    {"a page without a site",
     WHO_anyone,
     {"origin:"},
     .host = "127.0.0.1:4000",
     .wanted = "forbidden"},

    {"a form cannot be sent",
     WHO_anyone,
     {"content-type: text/plain"},
     .method = METHOD_POST,
     .wanted = "bad_request"},
    {"nor one with files, which a page may fill with JSON",
     WHO_anyone,
     {"content-type: multipart/form-data; boundary=x"},
     .method = METHOD_POST,
     .wanted = "bad_request"},
    {"nothing said of the body", WHO_anyone, .method = METHOD_POST, .wanted = "bad_request"},
    {"JSON",
     WHO_anyone,
     {"content-type: application/json; charset=utf-8"},
     .method = METHOD_POST,
     .wanted = "none"},
    {"a form where files are taken",
     WHO_anyone,
     {"content-type: Multipart/Form-Data; boundary=x"},
     .method = METHOD_POST,
     .body = BODY_form,
     .wanted = "none"},
    {"JSON where only files are taken",
     WHO_anyone,
     {"content-type: application/json"},
     .method = METHOD_POST,
     .body = BODY_form,
     .wanted = "bad_request"},
    {"JSON where both are taken",
     WHO_anyone,
     {"content-type: application/json"},
     .method = METHOD_POST,
     .body = BODY_either,
     .wanted = "none"},
    {"another site's form where files are taken",
     WHO_anyone,
     {"content-type: multipart/form-data; boundary=x", "origin: http://evil.example"},
     .method = METHOD_POST,
     .body = BODY_form,
     .wanted = "forbidden"},
};

static enum failure visit(const struct visit *v)
{
    char rooms[HEADERS][256], query[512] = "";
    struct header headers[HEADERS];
    struct request r = {
        .method = v->method ? v->method : METHOD_GET,
        .host = v->host ? str_from(v->host) : STR("127.0.0.1:4000"),
        .headers = headers,
        .peer_is_loopback = !v->from_elsewhere,
    };

    for (size_t i = 0; i < HEADERS && v->headers[i]; i++)
        headers[r.header_count++] = read_header(v->headers[i], rooms[i], sizeof rooms[i]);
    if (v->query) {
        snprintf(query, sizeof query, "%.*s%s", (int)(strchr(v->query, '%') - v->query), v->query,
                 keys[0]);
        r.query = str_from(query);
    }
    settings.require_keys = v->require_keys;
    return admission_check(&r, v->who, v->body, v->no_keys ? empty : ring, &settings, NOW_US).why;
}

static void whoever_may_come_in_does_and_nobody_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(visits); i++) {
        const char *found = failure_row(visit(&visits[i]))->name;

        if (strcmp(found, visits[i].wanted) != 0)
            fail_msg("%s: %s, not %s", visits[i].title, found, visits[i].wanted);
    }
}

static void the_key_that_let_somebody_in_is_known(void **state)
{
    struct header header = {STR("x-api-key"), str_from(keys[0])};
    struct request r = {.method = METHOD_GET, .headers = &header, .header_count = 1};
    struct admission a = admission_check(&r, WHO_caller, BODY_json, ring, &settings, NOW_US);

    (void)state;
    assert_int_equal(a.why, FAILURE_none);
    assert_non_null(a.key);
    r.header_count = 0;
    r.peer_is_loopback = true;
    assert_null(admission_check(&r, WHO_caller, BODY_json, ring, &settings, NOW_US).key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_may_come_in_does_and_nobody_else),
        cmocka_unit_test(the_key_that_let_somebody_in_is_known),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
