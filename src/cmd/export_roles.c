/* SPDX-License-Identifier: Apache-2.0 */
/* tampu export machine, tampu export role: install scripts. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cmd/command.h"
#include "cmd/export.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"
#include "roles/roles.h"

enum { SCRIPT_MAX = 8 << 20, PATH_ROOM = 4096 };

/* The scripts of one run: to the terminal, or each as DIR/NAME.sh. */
struct output {
    const struct fleet *fleet;
    const char *to; /* NULL: the terminal */
    struct buf script, fleet_file;
    unsigned count;
};

typedef int write_fn(struct output *out, struct str name, struct err *err);

static int run(const struct options *o, write_fn *write);
static write_fn write_machines, write_roles;
static int write_machine(struct output *out, const struct machine *m, struct err *err);
static int write_role(struct output *out, enum role role, struct err *err);
static int refuse_role(struct str name, struct err *err);
static int save(struct output *out, struct str name, struct err *err);
static int save_files(const struct output *out, struct str name, uint32_t roles, struct err *err);
static int save_one(const char *path, struct str text, mode_t mode, struct err *err);
static int read_fleet_file(struct output *out, struct err *err);

int export_machine(const struct options *o)
{
    return run(o, write_machines);
}

int export_role(const struct options *o)
{
    return run(o, write_roles);
}

/* Without a name, or for `all`, every one of them: that needs a folder. */
static int run(const struct options *o, write_fn *write)
{
    struct str name = str_from(o->operand_count > 2 ? o->operands[2] : "all");
    struct output out = {.to = option_value(o, "to")};
    struct err err = {0};
    AUTO(fleet) fleet = NULL;
    int r;

    if (str_is(name, "all") && !out.to)
        return usage_error("export", "several scripts go into a folder: --to DIR, or name one");
    buf_init(&out.script, SCRIPT_MAX);
    buf_init(&out.fleet_file, SCRIPT_MAX);
    r = fleet_load(&fleet, o->operands[1], &err);
    out.fleet = fleet;
    if (r == 0)
        r = read_fleet_file(&out, &err);
    if (r == 0)
        r = write(&out, name, &err);
    if (r == 0 && out.to)
        fprintf(stderr, "%u script%s in %s\n", out.count, out.count == 1 ? "" : "s", out.to);
    buf_fini(&out.script);
    buf_fini(&out.fleet_file);
    if (r < 0)
        fprintf(stderr, "%s\n", err.text);
    return r < 0 ? EXIT_usage : EXIT_done;
}

static int write_machines(struct output *out, struct str name, struct err *err)
{
    const struct fleet *f = out->fleet;
    const struct machine *m = fleet_machine(f, name);
    int r = 0;

    if (m)
        return write_machine(out, m, err);
    if (!str_is(name, "all"))
        return err_set(err, -ENOENT, "there is no machine '%.*s' in the fleet file", STR_ARG(name));
    for (uint32_t i = 0; i < f->machines_count && r == 0; i++) {
        if (f->machines[i].os == OS_linux)
            r = write_machine(out, &f->machines[i], err);
        else
            fprintf(stderr, "%.*s is left out: scripts are for Debian and Raspberry Pi OS\n",
                    STR_ARG(f->machines[i].name));
    }
    return r;
}

static int write_machine(struct output *out, const struct machine *m, struct err *err)
{
    uint32_t roles = roles_of(m);
    int r;

    buf_reset(&out->script);
    r = roles_write(&out->script, out->fleet, m, roles, buf_str(&out->fleet_file), err);
    if (r == 0)
        r = save(out, m->name, err);
    return r < 0 ? r : save_files(out, m->name, roles, err);
}

static int write_roles(struct output *out, struct str name, struct err *err)
{
    enum role role = role_find(name);
    int r = 0;

    if (role < ROLE_COUNT)
        return write_role(out, role, err);
    if (!str_is(name, "all"))
        return refuse_role(name, err);
    for (role = 0; role < ROLE_COUNT && r == 0; role++)
        r = write_role(out, role, err);
    return r;
}

static int write_role(struct output *out, enum role role, struct err *err)
{
    struct str name = str_from(role_rows[role].name);
    int r;

    buf_reset(&out->script);
    r = roles_write(&out->script, out->fleet, NULL, 1u << role, buf_str(&out->fleet_file), err);
    if (r == 0)
        r = save(out, name, err);
    return r < 0 ? r : save_files(out, name, 1u << role, err);
}

static int refuse_role(struct str name, struct err *err)
{
    struct buf all;

    buf_init(&all, 1024);
    for (enum role role = 0; role < ROLE_COUNT; role++)
        if (buf_printf(&all, "%s%s", role ? ", " : "", role_rows[role].name) < 0)
            break;
    err_set(err, -ENOENT, "there is no role '%.*s' (have %.*s, all)", STR_ARG(name),
            STR_ARG(buf_str(&all)));
    buf_fini(&all);
    return -ENOENT;
}

static int save(struct output *out, struct str name, struct err *err)
{
    char path[PATH_ROOM];

    out->count++;
    if (!out->to)
        return terminal_print(buf_str(&out->script)) == EXIT_done
                   ? 0
                   : err_set(err, -EIO, "the script could not be printed");
    snprintf(path, sizeof path, "%s/%.*s.sh", out->to, STR_ARG(name));
    return save_one(path, buf_str(&out->script), 0755, err);
}

/* What the script would put on the machine, beside it: to read, and for systemd-analyze. */
static int save_files(const struct output *out, struct str name, uint32_t roles, struct err *err)
{
    char path[PATH_ROOM];
    int r = 0;

    for (enum role role = 0; out->to && role < ROLE_COUNT; role++) {
        const struct embedded_file *file = NULL;
        const char *where;

        while (r == 0 && roles & 1u << role && (file = role_file(role, file, &where))) {
            snprintf(path, sizeof path, "%s/%.*s%s", out->to, STR_ARG(name), where);
            r = save_one(path, str_slice(file->data, file->size), role_file_mode(where), err);
        }
    }
    return r;
}

static int save_one(const char *path, struct str text, mode_t mode, struct err *err)
{
    int r = file_make_folders(path, err);

    if (r == 0)
        r = file_write(path, text, err);
    if (r == 0 && chmod(path, mode) < 0)
        r = err_set(err, -errno, "%s: its mode cannot be set", path);
    return r;
}

/* Of several files the gateway gets none: they name each other by where they are here. */
static int read_fleet_file(struct output *out, struct err *err)
{
    if (out->fleet->files_count != 1)
        return 0;
    return file_read(&out->fleet_file, out->fleet->files[0].data, err);
}
