/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who might be a machine of the fleet: names and addresses from what the user named, and whether
 * engines answer there.
 *
 *     hosts_from_tailscale(&hosts, root);  hosts_from_file(&hosts, text);
 *     hosts_from_network(&hosts, STR("192.0.2.0/24"), err);
 *     hosts_match(&hosts, fleet);
 *     discover_write(&hosts, fleet, path, err);      the addresses that were found, into the file
 */
#pragma once

#include "base/arena.h"
#include "fleet/fleet.h"
#include "wire/json.h"

enum { HOSTS_MAX = 4096 };

struct host {
    struct str name;    /* "gtr9-pro"; empty: unknown, or more than letters, digits and ._- */
    struct str full;    /* "gtr9-pro.tail1234.ts.net", or the same */
    struct str address; /* of the tailnet, or of the LAN */
    bool is_tailnet;
    struct str engines;            /* "{kind: ollama, port: 11434}, …"; empty: nobody answers */
    const struct machine *machine; /* of the fleet file; NULL: none */
};

/* Zeroed, after arena_init(). */
struct hosts {
    struct arena arena;
    struct host *all;
    size_t count;
};

/* All: 0, -ENOMEM, -E2BIG with more than HOSTS_MAX. */
MUST_USE int hosts_from_tailscale(struct hosts *h, yyjson_val *root); /* who is online */
/* As /etc/hosts; this machine's own names are left out. */
MUST_USE int hosts_from_file(struct hosts *h, struct str text);
/* -EINVAL with words: no IPv4 network, or one of more than HOSTS_MAX addresses. */
MUST_USE int hosts_from_network(struct hosts *h, struct str network, struct err *err);

/* By name, or by the host name that the file gives; letter case makes no difference. */
void hosts_match(struct hosts *h, const struct fleet *fleet);

/* Has its machine no such address yet? */
bool host_is_new(const struct host *host);

/* Comments and layout stay; what was written reads back, or the file is as before. *ret_count:
 * how many addresses and machines were written. */
MUST_USE int discover_write(const struct hosts *h, const char *path, unsigned *ret_count,
                            struct err *err);
