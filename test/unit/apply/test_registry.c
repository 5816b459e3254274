/* SPDX-License-Identifier: Apache-2.0 */
/* The LAN registry between a registry that stands in for the WAN's and pullers, all on one loop. */
#include "apply/registry.h"

#include "../testing.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "../http/wires.h"
#include "apply/manifest.h"
#include "http/client.h"
#include "net/door.h"

enum { SIZE = 3000000, PULLERS = 4, TARGET_ROOM = 256 };

#define CONFIG      "{\"model_format\":\"gguf\"}"
#define MODEL       "/v2/library/tiny"
#define MANIFEST    MODEL "/manifests/1b"
#define MANIFEST_IS "application/vnd.docker.distribution.manifest.v2+json"

static char bytes[SIZE], digest[DIGEST_LENGTH + 1], config_digest[DIGEST_LENGTH + 1];
static char manifest[1024], blob_path[TARGET_ROOM], folder[64];
static struct err err;

/* What the WAN's registry is told to do wrong, and what it saw. */
static struct wan {
    struct server *server;
    uint64_t cut_after; /* bytes of a blob after which the connection breaks, once; 0: never */
    bool lies, redirects, is_away;
    unsigned manifests, blobs;
    uint64_t bytes;
} wan;

static struct lan {
    struct loop *loop;
    struct client *client;
    struct server *server;
    struct shelf *shelf;
    struct expected *expected;
    struct registry *registry;
} lan;

/* One puller's request. */
struct pull {
    struct endpoint endpoint;
    struct call *call;
    struct header range;
    struct call_request request;
    int status;
    uint64_t length;
    char location[TARGET_ROOM], content_range[64];
    struct buf body;
    bool is_over, has_failed;
};

static uint64_t range_from(const struct request *r)
{
    struct str range = request_header(r, STR("range")), from, rest;
    uint64_t at = 0;

    from = str_cut(range, '=', &rest);
    from = str_cut(rest, '-', &rest);
    return range.data && str_to_u64(&at, from) == 0 ? at : 0;
}

static void give_blob(struct stream *s, const struct request *r)
{
    uint64_t from = range_from(r), end = SIZE;
    char words[96];
    struct header header = {STR("content-range"), {0}};
    struct str piece;

    wan.blobs++;
    snprintf(words, sizeof words, "bytes %llu-%d/%d", (unsigned long long)from, SIZE - 1, SIZE);
    header.value = str_from(words);
    assert_int_equal(
        stream_start(s, from ? 206 : 200, &header, from ? 1 : 0, (int64_t)(SIZE - from)), 0);
    if (wan.cut_after && from < wan.cut_after)
        end = wan.cut_after;
    piece = str_slice(bytes + from, end - from);
    wan.bytes += piece.len;
    if (wan.lies) {
        piece.len--;
        assert_true(stream_send(s, (struct str[]){STR("?"), piece}, 2) <= 0);
    } else {
        assert_true(stream_send(s, &piece, 1) <= 0);
    }
    stream_end(s, end == SIZE);
}

static void wan_request(void *ctx, struct stream *s, const struct request *r)
{
    (void)ctx;
    wan.manifests += memmem(r->path.data, r->path.len, "/manifests/", 11) != NULL;
    if (wan.is_away) {
        stream_answer(s, 503, NULL, 0, STR(""));
    } else if (str_is(r->path, MANIFEST)) {
        assert_true(str_equal(request_header(r, STR("accept")), STR(MANIFEST_IS)));
        stream_answer(s, 200, NULL, 0, str_from(manifest));
    } else if (str_is(r->path, blob_path) && wan.redirects && !r->query.len) {
        char where[TARGET_ROOM + 32];
        struct header location = {STR("location"), {0}};

        snprintf(where, sizeof where, "http://%s%s?signed=1", server_address(wan.server),
                 blob_path);
        location.value = str_from(where);
        stream_answer(s, 307, &location, 1, STR(""));
    } else if (str_is(r->path, blob_path)) {
        give_blob(s, r);
    } else {
        stream_answer(s, 404, NULL, 0, STR(""));
    }
}

static void ignore_body(struct stream *s, struct str chunk)
{
    (void)s, (void)chunk;
}

static void ignore(struct stream *s)
{
    (void)s;
}

static void ignore_end(struct stream *s, bool ok)
{
    (void)s, (void)ok;
}

static void lan_request(void *ctx, struct stream *s, const struct request *r)
{
    (void)ctx;
    stream_set_ctx(s, registry_begin(lan.registry, lan.loop, lan.client, s, r));
}

static void lan_body(struct stream *s, struct str chunk)
{
    if (stream_ctx(s))
        registry_on_body(stream_ctx(s), chunk);
}

static void lan_body_end(struct stream *s)
{
    if (stream_ctx(s))
        registry_on_body_end(stream_ctx(s));
}

static void lan_writable(struct stream *s)
{
    if (stream_ctx(s))
        registry_on_writable(stream_ctx(s));
}

static void lan_gone(struct stream *s, bool ok)
{
    (void)ok;
    if (stream_ctx(s))
        registry_on_gone(stream_ctx(s));
}

static const struct server_events wan_events = {.on_request = wan_request,
                                                .on_body = ignore_body,
                                                .on_body_end = ignore,
                                                .on_writable = ignore,
                                                .on_gone = ignore_end},
                                  lan_events = {.on_request = lan_request,
                                                .on_body = lan_body,
                                                .on_body_end = lan_body_end,
                                                .on_writable = lan_writable,
                                                .on_gone = lan_gone};

static void write_manifest(void)
{
    snprintf(manifest, sizeof manifest,
             "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_IS "\",\"config\":{\"mediaType\":"
             "\"application/vnd.docker.container.image.v1+json\",\"digest\":\"%s\",\"size\":%zu},"
             "\"layers\":[{\"mediaType\":\"application/vnd.ollama.image.model\",\"digest\":\"%s\","
             "\"size\":%d}]}",
             config_digest, sizeof CONFIG - 1, digest, SIZE);
    snprintf(blob_path, sizeof blob_path, MODEL "/blobs/%s", digest);
}

static int open_all(void **state)
{
    struct server_options server = {.listen = "127.0.0.1:0",
                                    .body_max = 1 << 30,
                                    .header_max = 8192,
                                    .header_count_max = 64,
                                    .head_timeout_ms = 5000,
                                    .body_timeout_ms = 5000,
                                    .keep_alive_ms = 5000,
                                    .write_timeout_ms = 5000,
                                    .connections_max = 64,
                                    .write_high = 256 << 10};
    struct client_options client = {.idle_max = 4, .idle_timeout_ms = 5000, .header_max = 8192};
    char upstream[64];

    (void)state;
    wan = (struct wan){0};
    for (unsigned i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    assert_int_equal(digest_of_bytes(str_slice(bytes, SIZE), digest), 0);
    assert_int_equal(digest_of_bytes(STR(CONFIG), config_digest), 0);
    write_manifest();
    snprintf(folder, sizeof folder, "/tmp/tampu-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(loop_open(&lan.loop, 0), 0);
    assert_int_equal(client_open(&lan.client, lan.loop, &client, &err), 0);
    assert_int_equal(server_open(&wan.server, lan.loop, &server, &wan_events, NULL, &err), 0);
    assert_int_equal(server_open(&lan.server, lan.loop, &server, &lan_events, NULL, &err), 0);
    assert_int_equal(shelf_open(&lan.shelf, folder, &(struct shelf_options){0}, &err), 0);
    snprintf(upstream, sizeof upstream, "http://%s", server_address(wan.server));
    assert_int_equal(expected_new(&lan.expected), 0);
    assert_int_equal(
        expected_set(lan.expected,
                     (struct str[]){STR("tiny:1b"), STR("tiny:none"), STR("tiny:away")}, 3),
        0);
    assert_int_equal(registry_open(&lan.registry,
                                   &(struct registry_options){.shelf = lan.shelf,
                                                              .expected = lan.expected,
                                                              .upstream = upstream},
                                   &err),
                     0);
    return 0;
}

static int close_all(void **state)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;

    (void)state;
    server_close(lan.server);
    server_close(wan.server);
    registry_leave(lan.registry, lan.loop);
    client_close(lan.client);
    loop_stop(lan.loop);
    loop_run(lan.loop);
    registry_close(lan.registry);
    expected_free(lan.expected);
    shelf_close(lan.shelf);
    loop_close(lan.loop);
    while ((entry = readdir(entries)))
        unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
    return rmdir(folder);
}

static void pull_head(void *ctx, const struct reply *r)
{
    struct pull *p = ctx;
    struct str location = reply_header(r, STR("location"));

    p->status = r->status;
    if (str_to_u64(&p->length, reply_header(r, STR("content-length"))) < 0)
        p->length = 0;
    snprintf(p->location, sizeof p->location, "%.*s", STR_ARG(location));
    snprintf(p->content_range, sizeof p->content_range, "%.*s",
             STR_ARG(reply_header(r, STR("content-range"))));
}

static void pull_body(void *ctx, struct str chunk)
{
    assert_int_equal(buf_put(&((struct pull *)ctx)->body, chunk), 0);
}

static void pull_end(void *ctx)
{
    ((struct pull *)ctx)->is_over = true;
}

static void pull_fail(void *ctx, enum failure why, const char *words)
{
    (void)why, (void)words;
    ((struct pull *)ctx)->is_over = ((struct pull *)ctx)->has_failed = true;
}

static const struct call_events pull_events = {
    .on_head = pull_head, .on_body = pull_body, .on_end = pull_end, .on_fail = pull_fail};

static void begin_pull(struct pull *p, enum method method, const char *path, const char *range)
{
    char url[64];

    *p = (struct pull){0};
    buf_init(&p->body, SIZE + 1000);
    snprintf(url, sizeof url, "http://%s", server_address(lan.server));
    assert_int_equal(endpoint_parse(&p->endpoint, str_from(url), &err), 0);
    p->range = (struct header){STR("range"), str_from(range)};
    p->request = (struct call_request){.endpoint = &p->endpoint,
                                       .method = method,
                                       .target = str_from(path),
                                       .headers = &p->range,
                                       .header_count = range ? 1 : 0,
                                       .connect_timeout_ms = 5000};
    assert_int_equal(call_start(&p->call, lan.client, &p->request, &pull_events, p), 0);
}

/* The answer, which the caller gives back with buf_fini(). */
static struct pull pull(enum method method, const char *path, const char *range)
{
    static struct pull p;

    begin_pull(&p, method, path, range);
    UNTIL(lan.loop, p.is_over);
    return p;
}

static void learn_manifest(void)
{
    struct pull p = pull(METHOD_GET, MANIFEST, NULL);

    assert_int_equal(p.status, 200);
    assert_true(str_equal(buf_str(&p.body), str_from(manifest)));
    buf_fini(&p.body);
}

static void assert_part(const struct pull *p, uint64_t from, uint64_t to)
{
    assert_false(p->has_failed);
    assert_int_equal(p->status, 206);
    assert_int_equal(p->body.len, to - from + 1);
    assert_memory_equal(p->body.data, bytes + from, p->body.len);
}

static void a_puller_finds_what_ollama_expects(void **state)
{
    struct pull p;

    (void)state;
    p = pull(METHOD_GET, "/v2/", NULL);
    assert_int_equal(p.status, 200);
    buf_fini(&p.body);
    learn_manifest();
    p = pull(METHOD_HEAD, blob_path, NULL);
    assert_int_equal(p.status, 200);
    assert_int_equal(p.length, SIZE);
    buf_fini(&p.body);
    p = pull(METHOD_GET, blob_path, NULL);
    assert_int_equal(p.status, 200);
    assert_string_equal(p.location, blob_path);
    assert_int_equal(p.body.len, 0);
    buf_fini(&p.body);
    assert_int_equal(wan.blobs, 0); /* nothing was brought for that */
    p = pull(METHOD_GET, blob_path, "bytes=100-1099");
    assert_part(&p, 100, 1099);
    assert_string_equal(p.content_range, "bytes 100-1099/3000000");
    buf_fini(&p.body);
}

static void many_pull_parts_and_each_byte_comes_once(void **state)
{
    static struct pull pulls[PULLERS * 2];
    char ranges[PULLERS][48];

    (void)state;
    learn_manifest();
    for (unsigned i = 0; i < PULLERS * 2; i++) {
        unsigned part = i % PULLERS;

        snprintf(ranges[part], sizeof ranges[part], "bytes=%d-%d", part * (SIZE / PULLERS),
                 (part + 1) * (SIZE / PULLERS) - 1);
        begin_pull(&pulls[i], METHOD_GET, blob_path, ranges[part]);
    }
    for (unsigned i = 0; i < PULLERS * 2; i++) {
        unsigned part = i % PULLERS;

        UNTIL(lan.loop, pulls[i].is_over);
        assert_part(&pulls[i], part * (SIZE / PULLERS), (part + 1) * (SIZE / PULLERS) - 1);
        buf_fini(&pulls[i].body);
    }
    assert_int_equal(wan.bytes, SIZE);
    assert_int_equal(wan.blobs, 1);
    assert_int_equal(registry_sum(lan.registry).wan_bytes, SIZE);
    assert_int_equal(registry_sum(lan.registry).lan_bytes, 2 * SIZE);
}

static void a_broken_connection_goes_on_where_it_ended(void **state)
{
    struct pull p;

    (void)state;
    learn_manifest();
    wan.cut_after = 1000000;
    p = pull(METHOD_GET, blob_path, "bytes=0-");
    assert_part(&p, 0, SIZE - 1);
    buf_fini(&p.body);
    assert_int_equal(wan.blobs, 2);
    assert_true(wan.bytes >= SIZE);
    assert_int_equal(registry_sum(lan.registry).wan_bytes, SIZE);
}

static void a_redirect_is_followed(void **state)
{
    struct pull p;

    (void)state;
    learn_manifest();
    wan.redirects = true;
    p = pull(METHOD_GET, blob_path, "bytes=5-9");
    assert_part(&p, 5, 9);
    buf_fini(&p.body);
}

static void a_lie_reaches_nobody_twice(void **state)
{
    struct pull p;

    (void)state;
    learn_manifest();
    wan.lies = true;
    p = pull(METHOD_GET, blob_path, "bytes=0-");
    buf_fini(&p.body); /* whoever pulled checks the digest, too */
    wan.lies = false;
    do {
        p = pull(METHOD_GET, blob_path, "bytes=2999990-");
        buf_fini(&p.body);
    } while (p.has_failed);
    p = pull(METHOD_GET, blob_path, "bytes=0-");
    assert_part(&p, 0, SIZE - 1);
    buf_fini(&p.body);
    assert_int_equal(wan.blobs, 2);
}

static void what_is_not_there_is_refused(void **state)
{
    static const struct {
        enum method method;
        const char *path, *range;
        int status;
    } cases[] = {
        {METHOD_GET, MODEL "/manifests/none", NULL, 404},
        {METHOD_GET, MODEL "/tags/list", NULL, 404},
        {METHOD_GET, "/v2/library/tiny/blobs/sha256:12", NULL, 404},
        {METHOD_GET, "/v2//manifests/1b", NULL, 404},
        {METHOD_DELETE, MANIFEST, NULL, 405},
        {METHOD_GET, blob_path, "bytes=3000000-", 416},
        {METHOD_GET, blob_path, "bytes=9-5", 416},
        {METHOD_GET, blob_path, "bytes=-5", 416},
        {METHOD_GET, blob_path, "bytes=0-0,5-9", 416},
        {METHOD_POST, MODEL "/blobs/uploads/", NULL, 405},
        {METHOD_PUT, "/v2/00000000000000000000000000000000/tiny/blobs/uploads/1", NULL, 405},
        {METHOD_GET, blob_path, "lines=1-2", 416},
    };

    (void)state;
    learn_manifest();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pull p = pull(cases[i].method, cases[i].path, cases[i].range);

        assert_int_equal(p.status, cases[i].status);
        assert_true(contains(&p.body, "\"errors\":[{\"code\":"));
        buf_fini(&p.body);
    }
    wan.is_away = true;
    {
        struct pull p = pull(METHOD_GET, MODEL "/manifests/away", NULL);

        assert_int_equal(p.status, 502);
        buf_fini(&p.body);
    }
}

static void who_leaves_leaves_nothing(void **state)
{
    struct pull p;

    (void)state;
    learn_manifest();
    begin_pull(&p, METHOD_GET, blob_path, "bytes=0-");
    UNTIL(lan.loop, p.status);
    call_cancel(p.call);
    buf_fini(&p.body);
    begin_pull(&p, METHOD_GET, MANIFEST, NULL);
    turn(lan.loop, -1);
    call_cancel(p.call);
    buf_fini(&p.body);
    UNTIL(lan.loop,
          server_connections(lan.server) == 0 || registry_sum(lan.registry).wan_bytes == SIZE);
}

#define WITH_ALL(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

/* One request of a push, its path under the gate's token; the answer's status. */
static int push(const struct registry_gate *gate, enum method method, const char *path,
                struct str body, const char *range)
{
    char full[TARGET_ROOM];
    struct pull p;
    int status;

    snprintf(full, sizeof full, "/v2/%s/tiny/%s", registry_gate_token(gate), path);
    begin_pull(&p, method, "/v2/", NULL);
    call_cancel(p.call);
    p.range = (struct header){STR("content-range"), str_from(range)};
    p.request.target = str_from(full);
    p.request.headers = &p.range;
    p.request.header_count = range ? 1 : 0;
    p.request.body = &body;
    p.request.body_count = method == METHOD_HEAD ? 0 : 1;
    assert_int_equal(call_start(&p.call, lan.client, &p.request, &pull_events, &p), 0);
    UNTIL(lan.loop, p.is_over);
    status = p.status;
    buf_fini(&p.body);
    return status;
}

static void push_all(const struct registry_gate *gate, const char *from)
{
    char head[128];

    snprintf(head, sizeof head, "blobs/%s", digest);
    assert_int_equal(push(gate, METHOD_HEAD, head, STR(""), NULL), 404);
    assert_int_equal(push(gate, METHOD_POST, "blobs/uploads/", STR(""), NULL), 202);
    assert_int_equal(
        push(gate, METHOD_PATCH, "blobs/uploads/1", str_slice(from, SIZE / 2), "0-1499999"), 202);
    assert_int_equal(push(gate, METHOD_PATCH, "blobs/uploads/1",
                          str_slice(from + SIZE / 2, SIZE - SIZE / 2), "1500000-2999999"),
                     202);
    assert_int_equal(push(gate, METHOD_PUT, "blobs/uploads/1?digest=x", STR(""), NULL), 201);
}

static void what_a_machine_pushes_need_not_cross_the_wan(void **state)
{
    struct registry_gate *gate;
    struct manifest m;
    struct pull p;

    (void)state;
    learn_manifest();
    assert_int_equal(manifest_read(&m, str_from(manifest)), 0);
    assert_int_equal(registry_gate_open(&gate, lan.registry, &m), 0);
    push_all(gate, bytes);
    p = pull(METHOD_GET, blob_path, "bytes=0-");
    assert_part(&p, 0, SIZE - 1);
    buf_fini(&p.body);
    assert_int_equal(wan.blobs, 0);
    registry_gate_close(gate);
    assert_int_equal(push(gate, METHOD_HEAD, "blobs/x", STR(""), NULL), 403);
    manifest_fini(&m);
}

static void a_push_brings_what_was_asked_for_and_nothing_else(void **state)
{
    struct registry_gate *gate;
    struct manifest m;

    (void)state;
    assert_int_equal(manifest_read(&m, str_from(manifest)), 0);
    assert_int_equal(registry_gate_open(&gate, lan.registry, &m), 0);
    assert_int_equal(push(gate, METHOD_POST, "blobs/uploads/", STR(""), NULL), 403);
    assert_int_equal(push(gate, METHOD_PATCH, "blobs/uploads/1", STR("abc"), NULL), 416);
    assert_int_equal(shelf_bytes(lan.shelf), 0);
    registry_gate_close(gate);
    manifest_fini(&m);
}

static void who_pushes_something_else_is_not_believed(void **state)
{
    static char other[SIZE];
    struct registry_gate *gate;
    struct manifest m;
    struct pull p;

    (void)state;
    learn_manifest();
    memcpy(other, bytes, SIZE);
    other[SIZE - 1] ^= 1;
    assert_int_equal(manifest_read(&m, str_from(manifest)), 0);
    assert_int_equal(registry_gate_open(&gate, lan.registry, &m), 0);
    push_all(gate, other);
    UNTIL(lan.loop, shelf_has(lan.shelf, str_from(digest)) == 0);
    p = pull(METHOD_GET, blob_path, "bytes=0-");
    assert_part(&p, 0, SIZE - 1);
    buf_fini(&p.body);
    assert_int_equal(wan.blobs, 1);
    registry_gate_close(gate);
    manifest_fini(&m);
}

static void what_each_machine_is_given_of_files_is_counted(void **state)
{
    char url[TARGET_ROOM + 32], path[TARGET_ROOM];
    struct pull p;

    (void)state;
    snprintf(url, sizeof url, "http://%s%s", server_address(wan.server), blob_path);
    assert_int_equal(expected_file(lan.expected, str_from(digest), SIZE, url), 0);
    snprintf(path, sizeof path, "/v2/tampu/files/7/blobs/%s", digest);
    p = pull(METHOD_GET, path, "bytes=1000-");
    assert_part(&p, 1000, SIZE - 1);
    buf_fini(&p.body);
    snprintf(path, sizeof path, "/v2/tampu/files/8/blobs/%s", digest);
    p = pull(METHOD_GET, path, "bytes=0-9");
    assert_part(&p, 0, 9);
    buf_fini(&p.body);
    assert_int_equal(registry_given(lan.registry, 7), SIZE - 1000);
    assert_int_equal(registry_given(lan.registry, 8), 10);
    assert_int_equal(registry_given(lan.registry, REGISTRY_PLACES), 0);
    assert_int_equal(wan.bytes, SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ALL(a_puller_finds_what_ollama_expects),
        WITH_ALL(many_pull_parts_and_each_byte_comes_once),
        WITH_ALL(a_broken_connection_goes_on_where_it_ended),
        WITH_ALL(a_redirect_is_followed),
        WITH_ALL(a_lie_reaches_nobody_twice),
        WITH_ALL(what_is_not_there_is_refused),
        WITH_ALL(who_leaves_leaves_nothing),
        WITH_ALL(what_a_machine_pushes_need_not_cross_the_wan),
        WITH_ALL(a_push_brings_what_was_asked_for_and_nothing_else),
        WITH_ALL(who_pushes_something_else_is_not_believed),
        WITH_ALL(what_each_machine_is_given_of_files_is_counted),
    };

    door_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
