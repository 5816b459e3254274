/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that callers' requests have in common. */
#include "dialect/fields.h"

#include <errno.h>

int read_number(struct maybe *ret, yyjson_val *value, const char *prefix, const char *name,
                struct err *err)
{
    if (!value || yyjson_is_null(value))
        return 0;
    if (!yyjson_is_num(value))
        return err_set(err, -EINVAL, "%s%s: expected a number, found %s", prefix, name,
                       yyjson_get_type_desc(value));
    *ret = (struct maybe){true, yyjson_get_num(value)};
    return 0;
}

int read_tool_list(struct chat *chat, yyjson_val *tools, read_tool_fn *read_tool,
                   struct arena *arena, struct err *err)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(tools);
    yyjson_val *entry;
    int r;

    if (!tools || yyjson_is_null(tools))
        return 0;
    if (!yyjson_is_arr(tools))
        return err_set(err, -EINVAL, "tools: expected a list");
    chat->tools = arena_alloc(arena, yyjson_arr_size(tools) * sizeof *chat->tools);
    if (!chat->tools)
        return -ENOMEM;
    while ((entry = yyjson_arr_iter_next(&each))) {
        if ((r = read_tool(&chat->tools[chat->tool_count], entry, err)) < 0)
            return err_wrap(err, r, "tools[%zu]", chat->tool_count);
        chat->tool_count++;
    }
    return 0;
}
