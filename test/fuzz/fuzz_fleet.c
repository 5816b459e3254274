/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a fleet file: read or refused in words, and nothing is left behind. */
#include <assert.h>

#include "fleet/fleet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fleet *f = NULL;
    struct err err = {0};
    int r = fleet_parse(&f, str_slice((const char *)data, size), "fuzz", &err);

    assert((r == 0) == (f != NULL));
    assert((r < 0) == (err.text[0] != '\0'));
    fleet_free(f);
    return 0;
}
