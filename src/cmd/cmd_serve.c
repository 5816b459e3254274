/* SPDX-License-Identifier: Apache-2.0 */
/* tampu serve: the gateway in front of a fleet. */
#include <stdio.h>

#include "cmd/command.h"
#include "cmd/run.h"
#include "cmd/state.h"
#include "cmd/usage.h"

struct serve {
    const char *path, *catalog; /* catalog: a folder, or NULL */
    struct fleet *first;        /* read for its settings; the first scene is made of it */
};

static load_fn load;

int cmd_serve(int argc, char **argv)
{
    struct run_flags flags = {0};
    struct options o = {.other = run_take_flag, .ctx = &flags};
    struct foreground run = {.command = "serve", .parts = {.read_secrets = true}};
    struct serve serve = {0};
    struct err err = {0};
    int status;

    if (!options_read(&o, argc, argv, &status))
        return status;
    serve.path = o.operands[0];
    serve.catalog = option_value(&o, "catalog");
    if (fleet_load(&serve.first, serve.path, &err) < 0 ||
        run_settings(&run, serve.first, &o, &err) < 0 ||
        state_url(run.store_url, sizeof run.store_url, option_value(&o, "state"), &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        status = EXIT_usage;
    } else {
        status = run_gateway(&run, load, &serve);
    }
    fleet_free(serve.first);
    arena_fini(&run.texts);
    return status;
}

static int load(void *ctx, struct scene **ret, const struct scene_parts *parts, struct err *err)
{
    struct serve *serve = ctx;
    AUTO(fleet) fleet = TAKE(serve->first);
    AUTO(catalog) catalog = NULL;
    int r = fleet ? 0 : fleet_load(&fleet, serve->path, err);

    if (r == 0)
        r = catalog_load(&catalog, serve->catalog, err);
    return r < 0 ? r : scene_new(ret, TAKE(fleet), TAKE(catalog), parts, err);
}
