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

int read_strings(struct str **ret, size_t *ret_count, yyjson_val *value, struct arena *arena)
{
    size_t number = yyjson_is_arr(value) ? yyjson_arr_size(value) : 1;
    struct str *strings = arena_alloc(arena, number * sizeof *strings);
    yyjson_arr_iter each = yyjson_arr_iter_with(value);
    yyjson_val *entry;

    if (!strings)
        return -ENOMEM;
    if (!yyjson_is_arr(value))
        strings[0] = json_str(value);
    while ((entry = yyjson_arr_iter_next(&each)))
        strings[each.idx - 1] = json_str(entry);
    for (size_t i = 0; i < number; i++)
        if (!strings[i].data)
            return -EINVAL;
    *ret = strings;
    *ret_count = number;
    return 0;
}

int read_stops(struct chat *chat, yyjson_val *stops, const char *words, struct arena *arena,
               struct err *err)
{
    int r;

    if (!stops || yyjson_is_null(stops))
        return 0;
    r = read_strings(&chat->stops, &chat->stop_count, stops, arena);
    return r == -EINVAL ? err_set(err, r, "%s", words) : r;
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
