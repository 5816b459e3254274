/* SPDX-License-Identifier: Apache-2.0 */
/* tampu export litellm: the fleet as a LiteLLM configuration. */
#include "litellm/export.h"

#include <stdio.h>

#include "cmd/command.h"
#include "cmd/export.h"
#include "cmd/terminal.h"
#include "cmd/today.h"
#include "cmd/usage.h"

enum { OUTPUT_MAX = 64 << 20 };

int export_litellm(const struct options *o)
{
    AUTO(fleet) fleet = NULL;
    AUTO(catalog) catalog = NULL;
    struct view *view = NULL;
    struct err err = {0};
    char day[DAY_ROOM];
    struct buf out;
    int r, status;

    if (fleet_load(&fleet, o->operands[1], &err) < 0 ||
        catalog_load(&catalog, option_value(o, "catalog"), &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return EXIT_usage;
    }
    write_today(day);
    buf_init(&out, OUTPUT_MAX);
    r = view_new(&view, fleet, catalog, str_from(day), &err);
    if (r == 0)
        r = litellm_export(&out, view, &err);
    status = r < 0 ? command_no("export", "%s", err.text) : terminal_print(buf_str(&out));
    view_free(view);
    buf_fini(&out);
    return status;
}
