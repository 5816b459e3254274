/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a path and a query; what is encoded must decode to itself. */
#include <stdlib.h>

#include "wire/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_slice((const char *)data, size);
    struct buf out, back;

    buf_init(&out, 4 * size + 16);
    buf_init(&back, 4 * size + 16);
    (void)url_path_is_clean(text);
    (void)!url_find(&out, text, "name");
    (void)!url_decode(&out, text, true);
    buf_reset(&out);
    if (url_encode(&out, text) < 0)
        abort();
    if (url_decode(&back, buf_str(&out), true) == 0 && !str_equal(buf_str(&back), text))
        abort();
    buf_fini(&out);
    buf_fini(&back);
    return 0;
}
