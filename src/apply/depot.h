/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LAN registry on a port of its own, while an apply runs.
 *
 *     depot_open(&d, &options, err);
 *     depot_reach(d, &endpoint, out, room, err);    "192.0.2.7:41234": as that machine reaches it
 *     depot_close(d);
 *
 * It serves on a thread of its own; everything may be called from any thread.
 */
#pragma once

#include "apply/lan.h"
#include "http/client.h"

struct depot;

struct depot_options {
    const struct settings *settings; /* gateway.registry.* */
    struct str store_url;
    const char *listen; /* "0.0.0.0:0" */
};

/* -EBUSY with words: another tampu has the blobs open. */
MUST_USE int depot_open(struct depot **ret, const struct depot_options *options, struct err *err);
void depot_close(struct depot *d);

struct registry *depot_registry(struct depot *d);
struct shelf *depot_shelf(struct depot *d);

/* What machines may pull here: what that file names. -ENOMEM. */
MUST_USE int depot_expect(struct depot *d, const struct fleet *fleet);

/* And that file, from there: as /v2/tampu/files/PLACE/blobs/DIGEST. -E2BIG, -ENOMEM. */
MUST_USE int depot_expect_file(struct depot *d, struct str digest, uint64_t size, const char *url);

/* Which address of ours that engine's machine sees; nothing is sent. -ENOENT with words: no route,
 * or its name cannot be looked up. */
MUST_USE int depot_reach(struct depot *d, const struct endpoint *engine, char *out, size_t room,
                         struct err *err);
