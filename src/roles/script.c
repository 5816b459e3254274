/* SPDX-License-Identifier: Apache-2.0 */
/* An install script: a block of values, then the text of share/roles. */
#include "roles/roles.h"

#include <errno.h>
#include <stdio.h>

enum { LOGS_PORT = 19532, VALUE_MAX = 1024 };

/* Of the fleet, in a script's words. */
struct values {
    struct buf gateway_url, gateway_name, logs_url, backup_to;
};

static void values_init(struct values *v);
static void values_fini(struct values *v);
static int values_read(struct values *v, const struct fleet *f);
static const struct machine *find_with(const struct fleet *f, enum role role);
static struct str address_of(const struct machine *m);
static struct str gateway_port(const struct fleet *f);
static int write_begin(struct buf *out, const struct fleet *f, const struct machine *m,
                       uint32_t roles, const struct values *v);
static int write_value(struct buf *out, const char *name, struct str value);
static int write_role(struct buf *out, enum role role, struct str fleet_file);
static int write_file(struct buf *out, const char *verb, const char *path, struct str text);
static int write_text(struct buf *out, const char *name);

int roles_write(struct buf *out, const struct fleet *f, const struct machine *m, uint32_t roles,
                struct str fleet_file, struct err *err)
{
    struct values v;
    int r = 0;

    if (m && m->os != OS_linux)
        return err_set(err, -EINVAL,
                       "%.*s: scripts are for Debian and Raspberry Pi OS, and its os is another",
                       STR_ARG(m->name));
    values_init(&v);
    r = values_read(&v, f);
    if (r == 0)
        r = write_begin(out, f, m, roles, &v);
    for (enum role role = 0; role < ROLE_COUNT && r == 0; role++)
        if (roles & 1u << role)
            r = write_role(out, role, fleet_file);
    if (r == 0)
        r = write_text(out, "share/roles/end.sh");
    values_fini(&v);
    return r < 0 ? err_set(err, r, "the script is too long, or memory has run out") : 0;
}

static void values_init(struct values *v)
{
    buf_init(&v->gateway_url, VALUE_MAX);
    buf_init(&v->gateway_name, VALUE_MAX);
    buf_init(&v->logs_url, VALUE_MAX);
    buf_init(&v->backup_to, VALUE_MAX);
}

static void values_fini(struct values *v)
{
    buf_fini(&v->gateway_url);
    buf_fini(&v->gateway_name);
    buf_fini(&v->logs_url);
    buf_fini(&v->backup_to);
}

/* What has no address yet stays empty, and is said when the script runs. */
static int values_read(struct values *v, const struct fleet *f)
{
    const struct machine *gateway = find_with(f, ROLE_gateway), *logs = find_with(f, ROLE_logs),
                         *backup = find_with(f, ROLE_backup);
    struct str name = gateway ? gateway->addresses.hostname : STR("");
    int r = 0;

    /* A name of a tailnet has Tailscale in front of the gateway, with a certificate. */
    if (str_ends(name, STR(".ts.net"))) {
        r = buf_printf(&v->gateway_url, "https://%.*s", STR_ARG(name));
        if (r == 0)
            r = buf_put(&v->gateway_name, name);
    } else if (gateway) {
        r = buf_printf(&v->gateway_url, "http://%.*s:%.*s", STR_ARG(address_of(gateway)),
                       STR_ARG(gateway_port(f)));
    }
    if (r == 0 && logs)
        r = buf_printf(&v->logs_url, "http://%.*s:%d", STR_ARG(address_of(logs)), LOGS_PORT);
    if (r == 0 && backup)
        r = buf_printf(&v->backup_to, "tampu-backup@%.*s", STR_ARG(address_of(backup)));
    return r;
}

/* The first machine of that role with an address. */
static const struct machine *find_with(const struct fleet *f, enum role role)
{
    for (uint32_t i = 0; i < f->machines_count; i++)
        if (roles_of(&f->machines[i]) & 1u << role && address_of(&f->machines[i]).len)
            return &f->machines[i];
    return NULL;
}

/* Inside a tailnet everything is encrypted: that address first. */
static struct str address_of(const struct machine *m)
{
    const struct addresses *a = &m->addresses;

    return a->hostname.len ? a->hostname : a->tailscale.len ? a->tailscale : a->lan;
}

static struct str gateway_port(const struct fleet *f)
{
    for (uint32_t i = 0; i < f->settings_count; i++) {
        struct str value = f->settings[i].value, rest;

        if (!str_is(f->settings[i].key, "gateway.listen"))
            continue;
        while (str_cut(value, ':', &rest).len < value.len)
            value = rest;
        return value;
    }
    return STR("4000");
}

static int write_begin(struct buf *out, const struct fleet *f, const struct machine *m,
                       uint32_t roles, const struct values *v)
{
    int r = buf_put(out, STR("#!/bin/sh\n# Made by tampu export. Roles:"));

    for (enum role role = 0; role < ROLE_COUNT && r == 0; role++)
        if (roles & 1u << role)
            r = buf_printf(out, " %s", role_rows[role].name);
    if (r == 0)
        r = buf_put(out, STR("\nset -eu\n\n"));
    if (r == 0)
        r = write_value(out, "MACHINE", m ? m->name : STR(""));
    if (r == 0)
        r = write_value(out, "GATEWAY_URL", buf_str(&v->gateway_url));
    if (r == 0)
        r = write_value(out, "GATEWAY_NAME", buf_str(&v->gateway_name));
    if (r == 0)
        r = write_value(out, "GATEWAY_PORT", gateway_port(f));
    if (r == 0)
        r = write_value(out, "LOGS_URL", buf_str(&v->logs_url));
    if (r == 0)
        r = write_value(out, "BACKUP_TO", buf_str(&v->backup_to));
    if (r == 0)
        r = buf_put_char(out, '\n');
    return r < 0 ? r : write_text(out, "share/roles/begin.sh");
}

/* In single quotes nothing means anything but the quote itself. */
static int write_value(struct buf *out, const char *name, struct str value)
{
    int r = buf_printf(out, "export %s='", name);

    for (size_t i = 0; i < value.len && r == 0; i++)
        r = value.data[i] == '\'' ? buf_put(out, STR("'\\''")) : buf_put_char(out, value.data[i]);
    return r < 0 ? r : buf_put(out, STR("'\n"));
}

static int write_role(struct buf *out, enum role role, struct str fleet_file)
{
    const struct embedded_file *file = NULL;
    const char *path;
    char setup[64];
    int r = buf_printf(out, "\nbegin %s\n", role_rows[role].name);

    while (r == 0 && (file = role_file(role, file, &path)))
        r = write_file(out, "put", path, str_slice(file->data, file->size));
    if (r == 0 && role == ROLE_gateway && fleet_file.len)
        r = write_file(out, "put_once", "/etc/tampu/fleet.yaml", fleet_file);
    snprintf(setup, sizeof setup, "share/roles/%s/setup.sh", role_rows[role].name);
    return r < 0 ? r : write_text(out, setup);
}

/* No line of YAML is END alone: at the start of a line stands a key. */
static int write_file(struct buf *out, const char *verb, const char *path, struct str text)
{
    bool ends = text.len && text.data[text.len - 1] == '\n';
    int r = buf_printf(out, "%s %s %o <<'END'\n", verb, path, role_file_mode(path));
    if (r == 0)
        r = buf_put(out, text);
    if (r == 0 && !ends)
        r = buf_put_char(out, '\n');
    return r < 0 ? r : buf_put(out, STR("END\n"));
}

static int write_text(struct buf *out, const char *name)
{
    const struct embedded_file *file = embedded_find(name);

    return file ? buf_put(out, str_slice(file->data, file->size)) : 0;
}
