/* SPDX-License-Identifier: Apache-2.0 */
/* The LAN registry beside a registry that stands in for the WAN's, both on one loop. */
#pragma once

#include <dirent.h>
#include <unistd.h>

#include "http/client.h"
#include "net/door.h"
#include "wan.h"

static struct lan {
    struct loop *loop;
    struct client *client;
    struct server *server;
    struct shelf *shelf;
    struct expected *expected;
    struct registry *registry;
} lan;

static inline void lan_request(void *ctx, struct stream *s, const struct request *r)
{
    (void)ctx;
    stream_set_ctx(s, registry_begin(lan.registry, lan.loop, lan.client, s, r));
}

static inline void lan_body(struct stream *s, struct str chunk)
{
    if (stream_ctx(s))
        registry_on_body(stream_ctx(s), chunk);
}

static inline void lan_body_end(struct stream *s)
{
    if (stream_ctx(s))
        registry_on_body_end(stream_ctx(s));
}

static inline void lan_writable(struct stream *s)
{
    if (stream_ctx(s))
        registry_on_writable(stream_ctx(s));
}

static inline void lan_gone(struct stream *s, bool ok)
{
    (void)ok;
    if (stream_ctx(s))
        registry_on_gone(stream_ctx(s));
}

static const struct server_events lan_events = {.on_request = lan_request,
                                                .on_body = lan_body,
                                                .on_body_end = lan_body_end,
                                                .on_writable = lan_writable,
                                                .on_gone = lan_gone};

static inline int open_all(void **state)
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

static inline int close_all(void **state)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;

    (void)state;
    server_close(lan.server);
    server_close(wan.server);
    client_close(lan.client);
    loop_stop(lan.loop);
    loop_run(lan.loop);
    loop_close(lan.loop);
    registry_close(lan.registry);
    expected_free(lan.expected);
    shelf_close(lan.shelf);
    while ((entry = readdir(entries)))
        unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
    return rmdir(folder);
}

#define WITH_ALL(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)
