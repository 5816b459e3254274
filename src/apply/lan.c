/* SPDX-License-Identifier: Apache-2.0 */
/* The LAN registry of this process. */
#include "apply/lan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fleet/fleet.h"
#include "store/store.h"

enum { FOLDER_ROOM = 4096, URL_ROOM = 512 };

static size_t collect(const struct fleet *fleet, struct str *names);
static int open_expected(struct lan *lan);

int lan_expect(struct lan *lan, const struct fleet *fleet)
{
    struct str *names = calloc(collect(fleet, NULL) + 1, sizeof *names);
    int r = names ? open_expected(lan) : -ENOMEM;

    if (r == 0)
        r = expected_set(lan->expected, names, collect(fleet, names));
    free(names);
    return r;
}

/* How many there are; names may be NULL. */
static size_t collect(const struct fleet *fleet, struct str *names)
{
    size_t count = 0;

    for (uint32_t i = 0; i < fleet->machines_count; i++)
        for (uint32_t k = 0; k < fleet->machines[i].models_count; k++) {
            const struct fleet_model *line = &fleet->machines[i].models[k];

            if (!line->engine || line->engine->kind != ENGINE_ollama)
                continue;
            if (names)
                names[count] = line->pull;
            count++;
        }
    return count;
}

static int open_expected(struct lan *lan)
{
    return lan->expected ? 0 : expected_new(&lan->expected);
}

int lan_open(struct lan *lan, const struct settings *settings, struct str store_url,
             struct err *err)
{
    char state[FOLDER_ROOM], folder[FOLDER_ROOM + 8], upstream[URL_ROOM];
    struct shelf_options shelf = {settings->registry_spool_max, settings->registry_free_min};
    struct registry_options options = {.upstream = upstream,
                                       .wan_bytes_per_s = settings->registry_wan_rate,
                                       .lan_bytes_per_s = settings->registry_lan_rate,
                                       .rate_hours = settings->registry_rate_hours};
    int r;

    if (!settings->registry_upstream.len)
        return 0;
    store_folder(state, sizeof state, store_url);
    snprintf(folder, sizeof folder, "%s/blobs", state);
    snprintf(upstream, sizeof upstream, "%.*s", STR_ARG(settings->registry_upstream));
    if ((r = open_expected(lan)) < 0)
        return err_set(err, r, "out of memory");
    r = shelf_open(&lan->shelf, folder, &shelf, err);
    if (r == 0) {
        options.shelf = lan->shelf;
        options.expected = lan->expected;
        r = registry_open(&lan->registry, &options, err);
    }
    if (r < 0) {
        shelf_close(lan->shelf);
        lan->shelf = NULL;
    }
    return r;
}

void lan_close(struct lan *lan)
{
    registry_close(lan->registry);
    shelf_close(lan->shelf);
    expected_free(lan->expected);
    *lan = (struct lan){0};
}
