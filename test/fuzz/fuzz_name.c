/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a deployment name and selector: a name is written as read, and matches itself. */
#include <assert.h>

#include "fleet/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_slice((const char *)data, size);
    struct deployment_name name;
    struct selector selector;
    struct buf out;

    if (selector_read(&selector, text) < 0 || name_read(&name, text) < 0)
        return 0;
    assert(selector_matches(&selector, &name, 0, 0));
    buf_init(&out, 4096);
    if (name_write(&name, &out) == 0)
        assert(str_equal(buf_str(&out), text));
    buf_fini(&out);
    return 0;
}
