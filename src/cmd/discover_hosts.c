/* SPDX-License-Identifier: Apache-2.0 */
/* Who might be a machine of the fleet. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/discover.h"

enum { PREFIX_MIN = 20, PREFIX_MAX = 32 };

static int add(struct hosts *h, struct host host);
static int add_peer(struct hosts *h, yyjson_val *peer);
static int add_line(struct hosts *h, struct str line);
static bool is_address(struct str text);
static struct str plain_name(struct str name);
static struct str next_word(struct str *line);
static bool is_this_machine(struct str address, struct str name);
static struct str first_label(struct str name);
static bool is_same_name(const struct host *host, const struct machine *m);

static int add(struct hosts *h, struct host host)
{
    if (!h->all && !(h->all = arena_alloc(&h->arena, HOSTS_MAX * sizeof *h->all)))
        return -ENOMEM;
    if (h->count == HOSTS_MAX)
        return -E2BIG;
    host.name = arena_str(&h->arena, plain_name(host.name));
    host.full = arena_str(&h->arena, plain_name(host.full));
    host.address = arena_str(&h->arena, host.address);
    if (!host.address.data)
        return -ENOMEM;
    h->all[h->count++] = host;
    return 0;
}

int hosts_from_tailscale(struct hosts *h, yyjson_val *root)
{
    yyjson_val *key, *peer;
    size_t i, count;
    int r = add_peer(h, json_find(root, "Self"));

    yyjson_obj_foreach(json_find(root, "Peer"), i, count, key, peer)
    {
        r = r < 0 ? r : add_peer(h, peer);
    }
    return r;
}

static int add_peer(struct hosts *h, yyjson_val *peer)
{
    struct host host = {
        .name = json_find_str(peer, "HostName"),
        .full = json_find_str(peer, "DNSName"),
        .address = json_str(yyjson_arr_get_first(json_find(peer, "TailscaleIPs"))),
        .is_tailnet = true,
    };

    if (!is_address(host.address) || !json_find_true(peer, "Online"))
        return 0;
    if (str_ends(host.full, STR(".")))
        host.full.len--;
    return add(h, host);
}

int hosts_from_file(struct hosts *h, struct str text)
{
    int r = 0;

    while (text.len && r == 0) {
        struct str rest, line = str_cut(text, '\n', &rest);

        r = add_line(h, str_cut(line, '#', &line));
        text = rest;
    }
    return r;
}

/* "192.0.2.7  gtr9-pro.lan gtr9-pro" */
static int add_line(struct hosts *h, struct str line)
{
    struct str address = next_word(&line), name = next_word(&line);

    if (!name.len || !is_address(address) || is_this_machine(address, name))
        return 0;
    return add(h, (struct host){.name = first_label(name), .full = name, .address = address});
}

static bool is_address(struct str text)
{
    unsigned char bytes[16];
    char address[INET6_ADDRSTRLEN] = "";

    if (!text.len || text.len >= sizeof address)
        return false;
    memcpy(address, text.data, text.len);
    return inet_pton(AF_INET, address, bytes) == 1 || inet_pton(AF_INET6, address, bytes) == 1;
}

/* Empty for a name that says more than one: peers choose theirs, and it is printed and written. */
static struct str plain_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.data[i]) && !memchr("._-", name.data[i], 3))
            return STR("");
    return name;
}

static struct str next_word(struct str *line)
{
    size_t from = 0, to;

    while (from < line->len && strchr(" \t\r", line->data[from]))
        from++;
    for (to = from; to < line->len && !strchr(" \t\r", line->data[to]);)
        to++;
    struct str word = str_slice(line->data + from, to - from);

    *line = str_slice(line->data + to, line->len - to);
    return word;
}

static bool is_this_machine(struct str address, struct str name)
{
    static const char *const own[] = {"127.0.0.1", "127.0.1.1", "::1", "255.255.255.255"};

    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (str_is(address, own[i]))
            return true;
    return str_starts(name, STR("ip6-")) || str_starts(address, STR("ff0")) ||
           str_starts(address, STR("fe00")) || str_is(name, "localhost");
}

int hosts_from_network(struct hosts *h, struct str network, struct err *err)
{
    struct str bits_text, base_text = str_cut(network, '/', &bits_text);
    char text[INET_ADDRSTRLEN] = "";
    struct in_addr base;
    uint64_t bits = 0;
    uint32_t first, count;
    int r = 0;

    if (base_text.len < sizeof text)
        memcpy(text, base_text.data, base_text.len);
    if (inet_pton(AF_INET, text, &base) != 1 || str_to_u64(&bits, bits_text) < 0 ||
        bits < PREFIX_MIN || bits > PREFIX_MAX)
        return err_set(err, -EINVAL,
                       "found network '%.*s', expected one of IPv4 with at most %d addresses, such "
                       "as 192.0.2.0/24",
                       STR_ARG(network), HOSTS_MAX);
    count = 1u << (32 - bits);
    first = ntohl(base.s_addr) & ~(count - 1);
    for (uint32_t i = 0; i < count && r == 0; i++) {
        struct in_addr one = {.s_addr = htonl(first + i)};

        if (count > 2 && (i == 0 || i == count - 1)) /* the network's own, and everybody's */
            continue;
        inet_ntop(AF_INET, &one, text, sizeof text);
        r = add(h, (struct host){.address = str_from(text)});
    }
    return r < 0 ? err_set(err, r, "the network has too many addresses") : 0;
}

static struct str first_label(struct str name)
{
    struct str rest;

    return str_cut(name, '.', &rest);
}

void hosts_match(struct hosts *h, const struct fleet *fleet)
{
    for (size_t i = 0; i < h->count; i++)
        for (uint32_t k = 0; k < fleet->machines_count && !h->all[i].machine; k++)
            if (is_same_name(&h->all[i], &fleet->machines[k]))
                h->all[i].machine = &fleet->machines[k];
}

/* What only its address is known of is who the file says has it. */
static bool is_same_name(const struct host *host, const struct machine *m)
{
    struct str declared = m->addresses.hostname;

    if (!host->name.len)
        return str_equal(m->addresses.lan, host->address);
    return str_equal_nocase(m->name, host->name) ||
           (declared.len && (str_equal_nocase(declared, host->full) ||
                             str_equal_nocase(first_label(declared), host->name)));
}

bool host_is_new(const struct host *host)
{
    const struct addresses *a = host->machine ? &host->machine->addresses : NULL;

    return !a || !(host->is_tailnet ? a->tailscale.len : a->lan.len);
}
