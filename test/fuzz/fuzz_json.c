/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as JSON: both readers agree, and what is read can be written and read again. */
#include <stdlib.h>

#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_slice((const char *)data, size);
    struct json_pool pool = {0};
    struct json json;
    yyjson_val *root;
    struct buf out;
    struct err err;
    bool is_json = json_read(&json, text, JSON_MEMORY(size), &err) == 0;

    if (is_json != (json_pool_read(&pool, text, &root) == 0))
        abort();
    buf_init(&out, 8 * size + 16);
    /* Any bytes at all can be a string. */
    if (json_put_string(&out, text) < 0 || json_pool_read(&pool, buf_str(&out), &root) < 0)
        abort();
    buf_reset(&out);
    if (is_json &&
        (json_put_value(&out, json.root) < 0 || json_pool_read(&pool, buf_str(&out), &root) < 0 ||
         !yyjson_equals(json.root, root)))
        abort();
    if (is_json)
        json_fini(&json);
    json_pool_fini(&pool);
    buf_fini(&out);
    return 0;
}
