/* SPDX-License-Identifier: Apache-2.0 */
/* The one door outwards. */
#include "net/door.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

enum { NETWORKS_MAX = 16, NETWORK_TEXT_MAX = 64 };

struct network {
    int family;
    unsigned bits;
    unsigned char address[16];
};

/* Written by door_open() before any thread starts, read by all. */
static struct {
    bool is_open, loopback_only;
    const char *program;
    struct network allowed[NETWORKS_MAX];
    size_t allowed_count;
} door;

static void allow(struct str text);
static bool is_loopback(int family, const unsigned char *address);
static bool is_inside(const struct network *n, int family, const unsigned char *address);
static int address_bytes(const struct sockaddr *address, unsigned char bytes[16]);

void door_open(void)
{
    const char *only = getenv("TAMPU_LOOPBACK_ONLY");
    const char *nets = getenv("TAMPU_ALLOW_NET");
    struct str rest = str_from(nets);

    door.loopback_only = only && strcmp(only, "1") == 0;
    door.program = getenv("TAMPU_ALLOW_PROGRAM");
    door.allowed_count = 0;
    while (rest.len)
        allow(str_trim(str_cut(rest, ',', &rest)));
    door.is_open = true;
}

void door_close_to_loopback(void)
{
    door.loopback_only = true;
}

int door_check_address(const struct sockaddr *address)
{
    unsigned char bytes[16] = {0};
    int family;

    assert(door.is_open && "door_open() comes first");
    if (!door.loopback_only || address->sa_family == AF_UNIX)
        return 0;
    family = address_bytes(address, bytes);
    if (is_loopback(family, bytes))
        return 0;
    for (size_t i = 0; i < door.allowed_count; i++)
        if (is_inside(&door.allowed[i], family, bytes))
            return 0;
    return -EPERM;
}

int door_check_name(struct str name)
{
    assert(door.is_open && "door_open() comes first");
    return !door.loopback_only || str_equal_nocase(name, STR("localhost")) ? 0 : -EPERM;
}

int door_check_program(const char *path)
{
    assert(door.is_open && "door_open() comes first");
    if (!door.loopback_only || (door.program && strcmp(door.program, path) == 0))
        return 0;
    return -EPERM;
}

bool door_is_loopback(const struct sockaddr *address)
{
    unsigned char bytes[16] = {0};
    int family = address_bytes(address, bytes);

    return address->sa_family == AF_UNIX || is_loopback(family, bytes);
}

/* What cannot be read allows nothing: the door stays the tighter for it. */
static void allow(struct str text)
{
    struct network n = {0};
    struct str bits, address = str_cut(text, '/', &bits);
    char copy[NETWORK_TEXT_MAX];
    uint64_t count;

    if (door.allowed_count == NETWORKS_MAX || address.len >= sizeof copy ||
        str_to_u64(&count, bits) < 0)
        return;
    snprintf(copy, sizeof copy, "%.*s", STR_ARG(address));
    n.family = memchr(copy, ':', address.len) ? AF_INET6 : AF_INET;
    if (inet_pton(n.family, copy, n.address) != 1 || count > (n.family == AF_INET ? 32 : 128))
        return;
    n.bits = (unsigned)count;
    door.allowed[door.allowed_count++] = n;
}

static bool is_loopback(int family, const unsigned char *address)
{
    static const unsigned char one[16] = {[15] = 1};

    if (family == AF_INET)
        return address[0] == 127;
    return family == AF_INET6 && memcmp(address, one, sizeof one) == 0;
}

static bool is_inside(const struct network *n, int family, const unsigned char *address)
{
    unsigned whole = n->bits / 8, rest = n->bits % 8;
    unsigned char mask = (unsigned char)(0xff00u >> rest);

    return n->family == family && memcmp(n->address, address, whole) == 0 &&
           (!rest || ((n->address[whole] ^ address[whole]) & mask) == 0);
}

/* The family, with ::ffff:1.2.3.4 taken for what it is; 0 for a family that has no business here.
 */
static int address_bytes(const struct sockaddr *address, unsigned char bytes[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (address->sa_family == AF_INET) {
        memcpy(bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
        return AF_INET;
    }
    if (address->sa_family != AF_INET6)
        return 0;
    memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    if (memcmp(bytes, mapped, sizeof mapped) != 0)
        return AF_INET6;
    memmove(bytes, bytes + 12, 4);
    return AF_INET;
}
