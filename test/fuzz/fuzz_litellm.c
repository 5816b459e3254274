/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a LiteLLM configuration: refused in words, or a fleet that reads back. */
#include <assert.h>

#include "fleet/fleet.h"
#include "litellm/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct catalog *catalog;
    struct litellm_import in;
    struct err err = {0};
    int r;

    if (!catalog) {
        r = catalog_load(&catalog, NULL, &err);
        assert(r == 0);
    }
    r = litellm_import(&in, str_slice((const char *)data, size), "fuzz", catalog, STR("2026-11-23"),
                       &err);
    assert((r < 0) == (err.text[0] != '\0'));
    if (r == 0) {
        struct fleet *fleet = NULL;

        r = fleet_parse(&fleet, buf_str(&in.fleet), "imported", &err);
        assert(r == 0);
        fleet_free(fleet);
        litellm_import_fini(&in);
    }
    return 0;
}
