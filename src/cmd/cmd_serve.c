/* SPDX-License-Identifier: Apache-2.0 */
/* tampu serve: the gateway in front of a fleet. */
#include <stdio.h>

#include "cmd/command.h"
#include "cmd/run.h"
#include "cmd/state.h"
#include "cmd/usage.h"

static load_fn load;

int cmd_serve(int argc, char **argv)
{
    struct run_flags flags = {0};
    struct options o = {.other = run_take_flag, .ctx = &flags};
    struct run run = {.command = "serve", .parts = {.read_secrets = true}};
    AUTO(fleet) fleet = NULL;
    struct err err = {0};
    int status;

    if (!options_read(&o, argc, argv, &status))
        return status;
    if (fleet_load(&fleet, o.operands[0], &err) < 0 || run_settings(&run, fleet, &o, &err) < 0 ||
        state_url(run.store_url, sizeof run.store_url, option_value(&o, "state"), &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return EXIT_usage;
    }
    return run_gateway(&run, load, (void *)o.operands[0]);
}

static int load(void *ctx, struct scene **ret, const struct scene_parts *parts, struct err *err)
{
    AUTO(fleet) fleet = NULL;
    AUTO(catalog) catalog = NULL;
    int r = fleet_load(&fleet, ctx, err);

    if (r == 0)
        r = catalog_load(&catalog, NULL, err);
    return r < 0 ? r : scene_new(ret, TAKE(fleet), TAKE(catalog), parts, err);
}
