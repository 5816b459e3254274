/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that were found, into the fleet file. */
#include <errno.h>

#include "base/file.h"
#include "cmd/discover.h"
#include "wire/yaml_edit.h"

enum { EDIT_BYTES_MAX = 64 << 20 };

/* One file that is changed. */
struct writing {
    struct arena arena;
    struct yaml_edit edit;
    unsigned count;
};

static int edit_text(struct buf *out, const struct hosts *h, struct str text, const char *path,
                     unsigned *count, struct err *err);
static void edit_machines(struct writing *w, const struct hosts *h, const struct yaml *machines);
static void add_address(struct writing *w, const struct yaml *machine, const struct host *host);
static void add_machine(struct writing *w, const struct yaml *machines, const struct host *host);
static bool is_written(const struct hosts *h, size_t index);
static struct str value_of(struct writing *w, const struct host *host);

int discover_write(const struct hosts *h, const char *path, unsigned *ret_count, struct err *err)
{
    AUTO(fleet) again = NULL;
    struct err none = {0};
    struct buf before, after;
    int r;

    buf_init(&before, YAML_BYTES_MAX);
    buf_init(&after, YAML_BYTES_MAX);
    r = file_read(&before, path, err);
    if (r == 0)
        r = edit_text(&after, h, buf_str(&before), path, ret_count, err);
    if (r == 0 && *ret_count)
        r = file_write(path, buf_str(&after), err);
    if (r == 0 && (r = fleet_load(&again, path, err)) < 0) {
        err_wrap(err, r, "what was written does not read back; nothing was changed");
        (void)!file_write(path, buf_str(&before), &none);
    }
    buf_fini(&before);
    buf_fini(&after);
    return r;
}

static int edit_text(struct buf *out, const struct hosts *h, struct str text, const char *path,
                     unsigned *count, struct err *err)
{
    struct writing w = {0};
    struct yaml *root = NULL;
    const struct yaml *machines = NULL;
    int r;

    arena_init(&w.arena, EDIT_BYTES_MAX);
    r = yaml_read(&root, &w.arena, text, path, err);
    if (r == 0 && !((machines = yaml_find(root, "machines")) && machines->kind == YAML_map))
        r = err_set(err, -EINVAL,
                    "%s: found no machines in it, expected the file that has them: write the lines "
                    "there by hand",
                    path);
    if (r == 0) {
        yaml_edit_init(&w.edit, text, &w.arena);
        edit_machines(&w, h, machines);
        if ((r = yaml_edit_finish(&w.edit, out)) < 0)
            err_set(err, r, "%s: the addresses cannot be written into it", path);
        *count = w.count;
    }
    arena_fini(&w.arena);
    return r;
}

static void edit_machines(struct writing *w, const struct hosts *h, const struct yaml *machines)
{
    for (size_t i = 0; i < h->count; i++) {
        const struct host *host = &h->all[i];
        const struct yaml *machine =
            host->machine ? yaml_find(machines, host->machine->name.data) : NULL;

        if (!host_is_new(host) || is_written(h, i))
            continue;
        if (machine)
            add_address(w, machine, host);
        else if (!host->machine && host->name.len && !yaml_find(machines, host->name.data))
            add_machine(w, machines, host);
    }
}

/* Its first address of that kind counts. */
static bool is_written(const struct hosts *h, size_t index)
{
    const struct host *host = &h->all[index];

    if (!host->engines.len)
        return true;
    for (size_t i = 0; i < index; i++)
        if (h->all[i].engines.len && h->all[i].machine == host->machine &&
            h->all[i].is_tailnet == host->is_tailnet &&
            (host->machine || str_equal_nocase(h->all[i].name, host->name)))
            return true;
    return false;
}

static void add_address(struct writing *w, const struct yaml *machine, const struct host *host)
{
    const struct yaml *addresses = yaml_find(machine, "addresses");
    const char *key = host->is_tailnet ? "tailscale" : "lan";

    if (addresses && addresses->kind == YAML_map && addresses->count)
        yaml_edit_set(&w->edit, addresses, key, yaml_quote(&w->arena, host->address));
    else
        yaml_edit_set(&w->edit, machine, "addresses", value_of(w, host));
    w->count++;
}

static void add_machine(struct writing *w, const struct yaml *machines, const struct host *host)
{
    struct str addresses = value_of(w, host);
    const char *value = arena_printf(&w->arena, "{addresses: %.*s, engines: [%.*s]}",
                                     STR_ARG(addresses), STR_ARG(host->engines));

    if (!value)
        return;
    yaml_edit_set(&w->edit, machines, host->name.data, str_from(value));
    w->count++;
}

/* "{lan: 192.0.2.7, hostname: gtr9-pro.lan}" */
static struct str value_of(struct writing *w, const struct host *host)
{
    struct str address = yaml_quote(&w->arena, host->address);
    struct str full = yaml_quote(&w->arena, host->full);
    const char *value =
        arena_printf(&w->arena, host->full.len ? "{%s: %.*s, hostname: %.*s}" : "{%s: %.*s}",
                     host->is_tailnet ? "tailscale" : "lan", STR_ARG(address), STR_ARG(full));

    return value ? str_from(value) : STR("{}");
}
