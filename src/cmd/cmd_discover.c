/* SPDX-License-Identifier: Apache-2.0 */
/* tampu discover: who of a tailnet, a hosts file or a network answers as engines do. */
#include <errno.h>
#include <stdio.h>

#include "base/file.h"
#include "cmd/command.h"
#include "cmd/discover.h"
#include "cmd/option.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"
#include "engine/question.h"
#include "engine/sweep.h"

enum {
    STATUS_MAX = 16 << 20,
    HOSTS_FILE_MAX = 4 << 20,
    OUTPUT_MAX = 4 << 20,
    ANSWER_MAX = 1 << 20,
    ARENA_MAX = 64 << 20,
    IDLE_MS = 2000,
    CONNECT_MS = 1000,
};

/* What is asked of whom, and what is written. */
struct search {
    struct options options;
    struct fleet *fleet; /* NULL: none was named */
    struct hosts hosts;
    struct asker asker;
    struct buf out;
    unsigned found;
};

static int collect(struct search *s, struct err *err);
static int read_tailscale(struct search *s, struct err *err);
static int run_tailscale(struct buf *out, struct err *err);
static int read_hosts(struct search *s, const char *path, struct err *err);
static int sweep(struct search *s, struct err *err);
static int ask_host(struct search *s, struct host *host, const struct sweep_point *points);
static bool point_at(struct sweep_point *point, struct str address, uint32_t port);
static bool answers(struct search *s, struct str address, const struct engine_kind_row *kind);
static int finish(struct search *s);
static int write_host(struct search *s, const struct host *host);

int cmd_discover(int argc, char **argv)
{
    struct search s = {0};
    struct err err = {0};
    int status, r;

    if (!options_read(&s.options, argc, argv, &status))
        return status;
    buf_init(&s.out, OUTPUT_MAX);
    arena_init(&s.hosts.arena, ARENA_MAX);
    r = s.options.operand_count ? fleet_load(&s.fleet, s.options.operands[0], &err) : 0;
    if (r < 0) {
        fprintf(stderr, "%s\n", err.text);
        status = EXIT_usage;
    } else if (option_given(&s.options, "write") && !s.fleet) {
        status = usage_error("discover", "--write needs a fleet file to write into");
    } else if ((r = collect(&s, &err)) < 0 || (r = asker_open(&s.asker, &err)) < 0 ||
               (r = sweep(&s, &err)) < 0) {
        status = command_no("discover", "%s", err.text);
    } else {
        status = finish(&s);
    }
    asker_close(&s.asker);
    fleet_free(s.fleet);
    arena_fini(&s.hosts.arena);
    buf_fini(&s.out);
    return status;
}

/* What the user named; the tailnet where nothing was. */
static int collect(struct search *s, struct err *err)
{
    const char *hosts = option_value(&s->options, "hosts");
    const char *network = option_value(&s->options, "network");
    bool tailnet = option_given(&s->options, "tailscale") || (!hosts && !network);
    int r = tailnet ? read_tailscale(s, err) : 0;

    if (r == 0 && hosts)
        r = read_hosts(s, hosts, err);
    if (r == 0 && network)
        r = hosts_from_network(&s->hosts, str_from(network), err);
    if (r == 0 && s->fleet)
        hosts_match(&s->hosts, s->fleet);
    return r;
}

/* What `tailscale status --json` says, or said into a file. */
static int read_tailscale(struct search *s, struct err *err)
{
    const char *path = option_value(&s->options, "tailscale");
    struct json json = {0};
    struct buf text;
    int r;

    buf_init(&text, STATUS_MAX);
    r = path ? file_read(&text, path, err) : run_tailscale(&text, err);
    if (r == 0 && (r = json_read(&json, buf_str(&text), JSON_MEMORY(text.len), err)) < 0)
        err_wrap(err, r, "tailscale status --json");
    if (r == 0 && (r = hosts_from_tailscale(&s->hosts, json.root)) < 0)
        err_set(err, r, "the tailnet has more than %d peers", HOSTS_MAX);
    json_fini(&json);
    buf_fini(&text);
    return r;
}

static int run_tailscale(struct buf *out, struct err *err)
{
    FILE *pipe = popen("tailscale status --json", "re");
    char piece[4096];
    size_t n;
    int r = pipe ? 0 : -errno;

    while (r == 0 && (n = fread(piece, 1, sizeof piece, pipe)) > 0)
        r = buf_put(out, str_slice(piece, n));
    if (pipe && pclose(pipe) != 0 && r == 0)
        r = -ENOENT;
    if (r == 0)
        return 0;
    return err_set(err, r,
                   "tailscale does not say who is there: is it installed, and up? What it said "
                   "elsewhere can be read with --tailscale FILE; --hosts FILE and --network CIDR "
                   "do without it");
}

static int read_hosts(struct search *s, const char *path, struct err *err)
{
    struct buf text;
    int r;

    buf_init(&text, HOSTS_FILE_MAX);
    r = file_read(&text, path, err);
    if (r == 0 && (r = hosts_from_file(&s->hosts, buf_str(&text))) < 0)
        err_set(err, r, "%s: more than %d names", path, HOSTS_MAX);
    buf_fini(&text);
    return r;
}

/* All ports of all of them first; who accepts a connection is asked what it is, with GETs only. */
static int sweep(struct search *s, struct err *err)
{
    size_t count = s->hosts.count * ENGINE_COUNT;
    struct sweep_point *points = arena_alloc(&s->hosts.arena, (count + 1) * sizeof *points);
    int r = points ? 0 : err_set(err, -ENOMEM, "out of memory");

    for (size_t i = 0; i < count && r == 0; i++) {
        points[i] = (struct sweep_point){0};
        if (!point_at(&points[i], s->hosts.all[i / ENGINE_COUNT].address,
                      engine_kind_row((enum engine_kind)(i % ENGINE_COUNT))->port))
            points[i].address.any.sa_family = AF_UNSPEC; /* refused */
    }
    if (r == 0)
        r = sweep_connect(points, count, CONNECT_MS, err);
    for (size_t i = 0; i < s->hosts.count && r == 0; i++)
        if ((r = ask_host(s, &s->hosts.all[i], points + i * ENGINE_COUNT)) < 0)
            err_set(err, r, "out of memory");
    return r;
}

static bool point_at(struct sweep_point *point, struct str address, uint32_t port)
{
    return dns_read_address(&point->address, address.data, (uint16_t)port);
}

/* The first kind that answers on a port is the one that is there. */
static int ask_host(struct search *s, struct host *host, const struct sweep_point *points)
{
    struct buf engines;
    uint32_t taken = 0;
    int r = 0;

    buf_init(&engines, OUTPUT_MAX);
    for (enum engine_kind i = 0; i < ENGINE_COUNT && r == 0; i++) {
        const struct engine_kind_row *kind = engine_kind_row(i);

        if (!points[i].is_open || kind->port == taken || !answers(s, host->address, kind))
            continue;
        taken = kind->port;
        r = buf_printf(&engines, "%s{kind: %s, port: %u}", engines.len ? ", " : "", kind->name,
                       kind->port);
    }
    if (r == 0 && engines.len) {
        host->engines = arena_str(&s->hosts.arena, buf_str(&engines));
        r = host->engines.data ? 0 : -ENOMEM;
        s->found++;
    }
    buf_fini(&engines);
    return r;
}

static bool answers(struct search *s, struct str address, const struct engine_kind_row *kind)
{
    bool is_ipv6 = str_index(address, ':') < address.len;
    struct endpoint endpoint;
    struct err err = {0};
    struct buf answer;
    char url[128];
    int r;

    snprintf(url, sizeof url, is_ipv6 ? "http://[%.*s]:%u" : "http://%.*s:%u", STR_ARG(address),
             kind->port);
    if (endpoint_parse(&endpoint, str_from(url), &err) < 0)
        return false;
    buf_init(&answer, ANSWER_MAX);
    r = question_ask(&s->asker,
                     &(struct question){.endpoint = &endpoint,
                                        .target = str_from(kind->health),
                                        .answer = &answer,
                                        .idle_timeout_ms = IDLE_MS},
                     &err);
    buf_fini(&answer);
    return r == 200;
}

static int finish(struct search *s)
{
    struct err err = {0};
    unsigned written = 0;
    int r = 0;

    for (size_t i = 0; i < s->hosts.count && r == 0; i++)
        if (s->hosts.all[i].engines.len)
            r = write_host(s, &s->hosts.all[i]);
    if (r < 0 || terminal_print(buf_str(&s->out)) != EXIT_done)
        return command_no("discover", "what was found cannot be written");
    if (!s->found)
        return command_no("discover", "nobody of %zu answers as an engine does", s->hosts.count);
    if (!option_given(&s->options, "write"))
        return EXIT_done;
    if (discover_write(&s->hosts, s->options.operands[0], &written, &err) < 0)
        return command_no("discover", "%s", err.text);
    fprintf(stderr, written ? "%s: %u written\n" : "%s: says all of this already\n",
            s->options.operands[0], written);
    return EXIT_done;
}

/* A line to add under machines:, or to a machine that has no address yet. */
static int write_host(struct search *s, const struct host *host)
{
    const char *key = host->is_tailnet ? "tailscale" : "lan";
    struct str name = host->name.len ? host->name : STR("NAME");
    int r;

    if (!host_is_new(host))
        return buf_printf(&s->out, "# %.*s is in the file: %.*s\n", STR_ARG(host->machine->name),
                          STR_ARG(host->address));
    if (host->machine)
        r = buf_printf(&s->out, "# %.*s, which has no such address yet:\n",
                       STR_ARG(host->machine->name));
    else
        r = buf_printf(&s->out, "  %.*s:\n", STR_ARG(name));
    if (r == 0)
        r = buf_printf(&s->out, "    addresses: {%s: \"%.*s\"", key, STR_ARG(host->address));
    if (r == 0 && host->full.len)
        r = buf_printf(&s->out, ", hostname: \"%.*s\"", STR_ARG(host->full));
    if (r == 0)
        r = buf_put(&s->out, STR("}\n"));
    if (r < 0 || host->machine)
        return r;
    return buf_printf(&s->out, "    engines: [%.*s]\n", STR_ARG(host->engines));
}
