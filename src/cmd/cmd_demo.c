/* SPDX-License-Identifier: Apache-2.0 */
/* tampu demo: a whole fleet on this machine, imagined machines on loopback. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/embedded.h"
#include "cmd/command.h"
#include "cmd/run.h"
#include "cmd/usage.h"
#include "net/clock.h"
#include "net/door.h"
#include "sim/imagined.h"

enum { URL_MAX = 128, URLS_MAX = 4 << 20 };

struct demo {
    const char *path;        /* NULL: the fleet that the program carries */
    const char *catalog_dir; /* NULL: only what the program carries */
    struct fleet *fleet;     /* what the imagined machines were made of */
    struct catalog *catalog;
    struct imagined *imagined;
    struct arena urls; /* of the imagined machines, for the fleets that were loaded */
    double speed;
    char folder[64];
};

/* Times as fast: above that a gateway's own milliseconds are as long as its deadlines. */
enum { HURRY_MAX = 100 };

static load_fn load;
static int load_fleet(struct fleet **ret, const char *path, struct err *err);
static int open_world(struct demo *d, struct foreground *run, const struct options *o,
                      struct err *err);
static int choose_state(struct demo *d, struct foreground *run, const char *given, struct err *err);
static void close_world(struct demo *d);
static const char *address_of(void *ctx, const struct machine *machine,
                              const struct fleet_engine *engine);
static int point_at_imagined(struct demo *d, struct fleet *fleet, struct err *err);
static page_fn imagined_page, imagine_page;
static void on_ready(void *ctx, const char *address);

int cmd_demo(int argc, char **argv)
{
    struct run_flags flags = {0};
    struct options o = {.other = run_take_flag, .ctx = &flags};
    struct demo d = {.speed = 1};
    struct foreground run = {.command = "demo", .on_ready = on_ready};
    struct err err = {0};
    int status;

    if (!options_read(&o, argc, argv, &status))
        return status;
    arena_init(&d.urls, URLS_MAX);
    d.catalog_dir = option_value(&o, "catalog");
    d.path = o.operand_count ? o.operands[0] : NULL;
    if (open_world(&d, &run, &o, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        status = EXIT_usage;
    } else {
        status = run_gateway(&run, load, &d);
    }
    close_world(&d);
    arena_fini(&run.texts);
    return status;
}

/* Secrets are never read and nothing but loopback is ever reached, whatever the file says. */
static int open_world(struct demo *d, struct foreground *run, const struct options *o,
                      struct err *err)
{
    const char *speed = option_value(o, "speed");
    char *end = NULL;
    int r = load_fleet(&d->fleet, d->path, err);

    door_close_to_loopback();
    if (r == 0)
        r = catalog_load(&d->catalog, d->catalog_dir, err);
    if (r == 0)
        r = run_settings(run, d->fleet, o, err);
    if (r == 0)
        r = choose_state(d, run, option_value(o, "state"), err);
    if (r == 0 && speed)
        d->speed = strtod(speed, &end);
    /* Written so that "nan" fails it, too. */
    if (r == 0 && speed && !(d->speed > 0 && d->speed <= 1e6 && *end == '\0'))
        r = err_set(err, -EINVAL, "tampu demo: --speed: found '%s', expected a number above 0",
                    speed);
    if (r == 0 && option_given(o, "gateway-too") && d->speed > HURRY_MAX)
        r = err_set(err, -EINVAL,
                    "tampu demo: --gateway-too: found --speed %s, expected at most %d: sockets are "
                    "not hurried",
                    speed, HURRY_MAX);
    if (r < 0)
        return r;
    if (option_given(o, "gateway-too"))
        clock_hurry(d->speed);
    run->ctx = d;
    run->parts.address = address_of;
    run->parts.ctx = d;
    run->pages.fns[ENDPOINT_imagined] = imagined_page;
    run->pages.fns[ENDPOINT_imagine] = imagine_page;
    run->pages.ctx[ENDPOINT_imagined] = run->pages.ctx[ENDPOINT_imagine] = d;
    return imagined_open(&d->imagined, d->fleet, d->catalog,
                         &(struct imagined_options){.speed = d->speed, .seed = 1}, err);
}

static int load_fleet(struct fleet **ret, const char *path, struct err *err)
{
    const struct embedded_file *file = embedded_find("fleets/homelab.yaml");

    if (path)
        return fleet_load(ret, path, err);
    if (!file)
        return err_set(err, -ENOENT, "this program carries no fleet: name a file");
    return fleet_parse(ret, str_slice((const char *)file->data, file->size), file->name, err);
}

static int choose_state(struct demo *d, struct foreground *run, const char *given, struct err *err)
{
    if (!given) {
        snprintf(d->folder, sizeof d->folder, "/tmp/tampu-demo-XXXXXX");
        if (!mkdtemp(d->folder)) {
            *d->folder = '\0';
            return err_set(err, -errno, "no temporary folder in /tmp: give --state DIR");
        }
        given = d->folder;
    }
    snprintf(run->store_url, sizeof run->store_url, "sqlite:%s/tampu.db", given);
    return 0;
}

static void close_world(struct demo *d)
{
    static const char *const files[] = {"tampu.db",    "tampu.db-wal", "tampu.db-shm",
                                        "drills.json", "duties.json",  "alerts.json",
                                        "habits.json"};
    char path[128];

    imagined_close(d->imagined);
    fleet_free(d->fleet);
    catalog_free(d->catalog);
    arena_fini(&d->urls);
    if (!*d->folder)
        return;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        snprintf(path, sizeof path, "%s/%s", d->folder, files[i]);
        unlink(path);
    }
    rmdir(d->folder);
}

/* After a reload the file may have changed, but the imagined machines are those of the start:
 * addresses go by name. */
static int load(void *ctx, struct scene **ret, const struct scene_parts *parts, struct err *err)
{
    struct demo *d = ctx;
    AUTO(fleet) fleet = NULL;
    AUTO(catalog) catalog = NULL;
    int r = load_fleet(&fleet, d->path, err);

    if (r == 0)
        r = point_at_imagined(d, fleet, err);
    if (r == 0)
        r = catalog_load(&catalog, d->catalog_dir, err);
    return r < 0 ? r : scene_new(ret, TAKE(fleet), TAKE(catalog), parts, err);
}

/* Whatever asks an engine by what the fleet says, as carrying it out does, asks the imagined one.
 */
static int point_at_imagined(struct demo *d, struct fleet *fleet, struct err *err)
{
    struct buf url;
    int r = 0;

    buf_init(&url, URL_MAX);
    for (uint32_t i = 0; i < fleet->machines_count; i++)
        for (uint32_t k = 0; k < fleet->machines[i].engines_count && r == 0; k++) {
            struct fleet_engine *engine = &fleet->machines[i].engines[k];
            const char *address = address_of(d, &fleet->machines[i], engine);

            if (!address)
                continue;
            buf_reset(&url);
            r = buf_printf(&url, "http://%s", address);
            if (r == 0)
                engine->url = arena_str(&d->urls, buf_str(&url));
            if (r == 0 && !engine->url.data)
                r = -ENOMEM;
            if (r == 0)
                r = buf_put(&url, STR(IMAGINED_EXPORTER));
            if (r == 0)
                fleet->machines[i].exporter = arena_str(&d->urls, buf_str(&url));
        }
    buf_fini(&url);
    return r < 0 ? err_set(err, r, "no memory for the imagined machines' addresses") : 0;
}

static const char *address_of(void *ctx, const struct machine *machine,
                              const struct fleet_engine *engine)
{
    const struct demo *d = ctx;
    const struct machine *first = fleet_machine(d->fleet, machine->name);

    for (uint32_t i = 0; first && i < first->engines_count; i++)
        if (str_equal(first->engines[i].name, engine->name))
            return imagined_address(d->imagined, (size_t)(first - d->fleet->machines), i);
    return NULL;
}

static int imagined_page(const struct page_request *r, struct buf *out, const char **type)
{
    const struct demo *d = r->ctx;

    (void)type;
    return imagined_list(d->imagined, out);
}

static int imagine_page(const struct page_request *r, struct buf *out, const char **type)
{
    const struct demo *d = r->ctx;

    (void)type;
    return imagined_command(d->imagined, r->body, out);
}

static void on_ready(void *ctx, const char *address)
{
    const struct demo *d = ctx;
    const char *model = d->fleet->categories_count ? d->fleet->categories[0].name.data : "MODEL";

    fprintf(stderr,
            "\nThese machines are imagined; the gateway is real. Look at it: http://%s/\n"
            "Ask it something:\n\n"
            "  curl -iN http://%s/v1/chat/completions -H 'content-type: application/json' \\\n"
            "    -d '{\"model\":\"%s\",\"stream\":true,\"messages\":"
            "[{\"role\":\"user\",\"content\":\"hello\"}]}'\n\n"
            "The header x-tampu-machine names the machine that answered. Kill it and ask again:\n\n"
            "  curl -XPOST http://%s/imagine -H 'content-type: application/json' \\\n"
            "    -d '{\"machine\":\"NAME\",\"do\":\"die\"}'\n\n"
            "Ctrl-C stops everything.\n\n",
            address, address, model, address);
}
