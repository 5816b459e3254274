/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway remembers. */
#include "gateway/kept.h"

#include "base/file.h"

struct json kept_read(const char *path, size_t max)
{
    struct json json = {0};
    struct buf text;

    buf_init(&text, max);
    if (*path && file_read(&text, path, NULL) == 0)
        (void)!json_read(&json, buf_str(&text), JSON_MEMORY(text.len), NULL);
    buf_fini(&text);
    return json;
}
