/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names to addresses, off the loop, remembered for 30 seconds.
 *
 *     dns_open(&dns, loop);
 *     dns_find(&lookup, dns, "api.example.com", 443, on_found, ctx);
 *     dns_cancel(lookup);          then on_found is not called
 *     dns_close(dns);              after the last lookup was answered or cancelled
 *
 * on_found comes from the loop, never from inside dns_find(). Addresses written as numbers need no
 * lookup. Everything passes the door (net/door.h).
 */
#pragma once

#include <netinet/in.h>

#include "base/attr.h"
#include "net/loop.h"

enum { DNS_ADDRESSES_MAX = 8, DNS_NAMES_MAX = 256, DNS_KEEP_MS = 30000 };

struct dns;
struct dns_lookup;

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* count 0: words say why. The addresses die when this returns. */
typedef void dns_fn(void *ctx, const union address *addresses, size_t count, const char *words);

MUST_USE int dns_open(struct dns **ret, struct loop *l);
void dns_close(struct dns *d);

/* 0, -ENOMEM, -EPERM when the door forbids the name. */
MUST_USE int dns_find(struct dns_lookup **ret, struct dns *d, const char *host, uint16_t port,
                      dns_fn *fn, void *ctx);
void dns_cancel(struct dns_lookup *lookup);

/* Reads an address written as a number. False: it is a name. */
bool dns_read_address(union address *ret, const char *host, uint16_t port);
