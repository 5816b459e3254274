/* SPDX-License-Identifier: Apache-2.0 */
/* The LAN registry: what machines push. */
#include "apply/registry.h"

#include "../testing.h"

#include "pull.h"

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

static struct registry_gate *open_gate(const struct manifest *m)
{
    struct registry_gate *gate = NULL;
    char head[128];

    snprintf(head, sizeof head, "blobs/%s", digest);
    assert_int_equal(registry_gate_open(&gate, lan.registry, m), 0);
    assert_int_equal(push(gate, METHOD_HEAD, head, STR(""), NULL), 404);
    assert_int_equal(push(gate, METHOD_POST, "blobs/uploads/", STR(""), NULL), 202);
    return gate;
}

static int push_half(const struct registry_gate *gate, bool is_second)
{
    return push(gate, METHOD_PATCH, "blobs/uploads/1",
                str_slice(bytes + (is_second ? SIZE / 2 : 0), SIZE / 2),
                is_second ? "1500000-2999999" : "0-1499999");
}

static uint64_t pushed(void)
{
    return registry_sum(lan.registry).lan_bytes;
}

static void two_machines_bring_a_part_each(void **state)
{
    struct registry_gate *one, *other;
    struct manifest m;
    struct pull p;

    (void)state;
    learn_manifest();
    assert_int_equal(manifest_read(&m, str_from(manifest)), 0);
    one = open_gate(&m);
    other = open_gate(&m);
    assert_int_equal(push_half(other, true), 202);
    assert_int_equal(shelf_has(lan.shelf, str_from(digest)), 0); /* it lies behind a hole */
    assert_int_equal(push_half(other, true), 202);
    assert_int_equal(pushed(), SIZE / 2); /* and is not taken twice */
    begin_pull(&p, METHOD_GET, blob_path, "bytes=0-");
    assert_int_equal(push_half(one, false), 202);
    assert_int_equal(push_half(one, true), 202);
    assert_int_equal(push_half(other, false), 202);
    UNTIL(lan.loop, p.is_over);
    assert_part(&p, 0, SIZE - 1);
    buf_fini(&p.body);
    assert_int_equal(pushed(), 2 * SIZE); /* what was pulled counts, too */
    assert_int_equal(wan.blobs, 0);
    registry_gate_close(one);
    registry_gate_close(other);
    manifest_fini(&m);
}

static void a_hole_is_all_that_crosses_the_wan(void **state)
{
    struct registry_gate *gate;
    struct manifest m;
    struct pull p;

    (void)state;
    learn_manifest();
    assert_int_equal(manifest_read(&m, str_from(manifest)), 0);
    gate = open_gate(&m);
    assert_int_equal(push_half(gate, true), 202);
    registry_gate_close(gate);
    p = pull(METHOD_GET, blob_path, "bytes=0-");
    assert_part(&p, 0, SIZE - 1);
    buf_fini(&p.body);
    assert_int_equal(wan.bytes, SIZE - SIZE / 2);
    assert_int_equal(registry_sum(lan.registry).wan_bytes, SIZE - SIZE / 2);
    manifest_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ALL(what_a_machine_pushes_need_not_cross_the_wan),
        WITH_ALL(a_push_brings_what_was_asked_for_and_nothing_else),
        WITH_ALL(who_pushes_something_else_is_not_believed),
        WITH_ALL(two_machines_bring_a_part_each),
        WITH_ALL(a_hole_is_all_that_crosses_the_wan),
    };

    door_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
