/* SPDX-License-Identifier: Apache-2.0 */
/* tampu export prometheus, rules, grafana: what watches a fleet. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/embedded.h"
#include "base/file.h"
#include "cmd/command.h"
#include "cmd/export.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"
#include "config/settings.h"
#include "fleet/fleet.h"

enum { FILE_MAX = 1 << 20, PATH_ROOM = 4096 };

#define MARK "@GATEWAY@"

static int put_config(struct buf *out, const struct fleet *f, struct err *err);
static struct str embedded_text(const char *name);
static int print_or_write(const struct options *o, const char *name, struct str text);

int export_prometheus(const struct options *o)
{
    AUTO(fleet) fleet = NULL;
    struct err err = {0};
    struct buf out;
    int status;

    if (fleet_load(&fleet, o->operands[1], &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return EXIT_usage;
    }
    buf_init(&out, FILE_MAX);
    status = put_config(&out, fleet, &err) < 0 ? command_no("export", "%s", err.text)
                                               : print_or_write(o, "prometheus.yml", buf_str(&out));
    buf_fini(&out);
    return status;
}

int export_rules(const struct options *o)
{
    return print_or_write(o, "tampu-rules.yml", embedded_text("share/prometheus/tampu-rules.yml"));
}

/* The dashboards are files of their own: they need --to DIR. */
int export_grafana(const struct options *o)
{
    static const char *const names[] = {"fleet.json", "requests.json", "money.json", "machine.json",
                                        "provisioning.yml"};
    char source[PATH_ROOM];
    int status = EXIT_done;

    if (!option_given(o, "to"))
        return usage_error("export", "grafana writes five files: --to DIR says where");
    for (size_t i = 0; i < COUNT_OF(names) && status == EXIT_done; i++) {
        snprintf(source, sizeof source, "share/grafana/%s", names[i]);
        status = print_or_write(o, names[i], embedded_text(source));
    }
    return status;
}

/* The address of the fleet file's gateway, for every mark. */
static int put_config(struct buf *out, const struct fleet *f, struct err *err)
{
    struct str rest = embedded_text("share/prometheus/prometheus.yml"), mark = STR(MARK);
    struct settings settings;
    int r = 0;

    settings_init(&settings);
    for (uint32_t i = 0; i < f->settings_count && r == 0; i++)
        r = settings_set(&settings, f->settings[i].key, f->settings[i].value,
                         f->settings[i].at.file, err);
    while (r == 0 && rest.len) {
        size_t at = str_index(rest, '@');

        r = buf_put(out, str_slice(rest.data, at));
        rest = str_slice(rest.data + at, rest.len - at);
        if (r == 0 && str_starts(rest, mark)) {
            r = buf_put(out, settings.listen);
            rest = str_slice(rest.data + mark.len, rest.len - mark.len);
        }
    }
    return r;
}

/* Built in, so it is there. */
static struct str embedded_text(const char *name)
{
    const struct embedded_file *file = embedded_find(name);

    return file ? str_slice((const char *)file->data, file->size) : (struct str){0};
}

static int print_or_write(const struct options *o, const char *name, struct str text)
{
    const char *folder = option_value(o, "to");
    struct err err = {0};
    char path[PATH_ROOM];

    if (!folder)
        return terminal_print(text);
    if (mkdir(folder, 0777) < 0 && errno != EEXIST)
        return command_no("export", "%s: cannot make it: %s", folder, strerror(errno));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return file_write(path, text, &err) < 0 ? command_no("export", "%s", err.text) : EXIT_done;
}
