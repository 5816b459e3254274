/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks that a person or a tool may show: texts, pictures, documents. */
#include <errno.h>

#include "dialect/anthropic.h"

static int read_image(struct part *ret, yyjson_val *block, struct err *err);
static int read_document(struct chat *chat, struct part *ret, yyjson_val *block,
                         struct arena *arena, struct err *err);
static int read_source(struct part *ret, yyjson_val *source, struct err *err);

int anthropic_read_parts(struct chat *chat, struct part *ret, size_t *ret_count,
                         yyjson_val *content, struct arena *arena, struct err *err)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(content);
    yyjson_val *block;
    size_t count = 0;
    int r = 0;

    if (yyjson_is_str(content))
        ret[count++].text = json_str(content);
    else if (!yyjson_is_arr(content))
        return err_set(err, -EINVAL, "content: expected text or a list of blocks");
    while ((block = yyjson_arr_iter_next(&each))) {
        if (str_is(json_find_str(block, "type"), "tool_result"))
            continue;
        if (json_find(block, "cache_control"))
            r = chat_drop(chat, arena, STR("cache_control"));
        if (r == 0)
            r = anthropic_read_block(chat, &ret[count++], block, arena, err);
        if (r < 0)
            return err_wrap(err, r, "content[%zu]", each.idx - 1);
    }
    *ret_count = count;
    return 0;
}

int anthropic_read_block(struct chat *chat, struct part *ret, yyjson_val *block,
                         struct arena *arena, struct err *err)
{
    struct str type = json_find_str(block, "type");

    if (str_is(type, "image"))
        return read_image(ret, block, err);
    if (str_is(type, "document"))
        return read_document(chat, ret, block, arena, err);
    if (!str_is(type, "text"))
        return err_set(err, -ENOTSUP, "type: no engine for this model reads '%.*s'", STR_ARG(type));
    ret->kind = PART_text;
    ret->text = json_find_str(block, "text");
    return ret->text.data ? 0 : err_set(err, -EINVAL, "text: expected text");
}

bool anthropic_is_foreign_thought(yyjson_val *block)
{
    struct str signature = json_find_str(block, "signature");

    return str_is(json_find_str(block, "type"), "thinking") &&
           (!signature.len || str_equal(signature, ANTHROPIC_OUR_SIGNATURE));
}

static int read_image(struct part *ret, yyjson_val *block, struct err *err)
{
    ret->kind = PART_image;
    return read_source(ret, json_find(block, "source"), err);
}

static int read_document(struct chat *chat, struct part *ret, yyjson_val *block,
                         struct arena *arena, struct err *err)
{
    yyjson_val *source = json_find(block, "source");
    struct str type = json_find_str(source, "type");

    ret->kind = PART_document;
    ret->name = json_find_str(block, "title");
    if (json_find_true(json_find(block, "citations"), "enabled") &&
        chat_drop(chat, arena, STR("citations")) < 0)
        return -ENOMEM;
    if (json_find(block, "context") && chat_drop(chat, arena, STR("context")) < 0)
        return -ENOMEM;
    if (str_is(type, "text"))
        ret->text = json_find_str(source, "data");
    else if (str_is(type, "content"))
        ret->text = json_find_str(source, "content");
    else
        return read_source(ret, source, err);
    ret->media_type = STR("text/plain");
    return ret->text.data ? 0 : err_set(err, -ENOTSUP, "source: expected text");
}

static int read_source(struct part *ret, yyjson_val *source, struct err *err)
{
    struct str type = json_find_str(source, "type");

    if (str_is(type, "url")) {
        ret->url = json_find_str(source, "url");
        return str_starts(ret->url, STR("http://")) || str_starts(ret->url, STR("https://"))
                   ? 0
                   : err_set(err, -EINVAL, "source.url: expected http(s)://…");
    }
    if (!str_is(type, "base64"))
        return err_set(err, -ENOTSUP, "source.type: no engine for this model has '%.*s'",
                       STR_ARG(type));
    ret->media_type = json_find_str(source, "media_type");
    ret->base64 = json_find_str(source, "data");
    return ret->media_type.len && ret->base64.len
               ? 0
               : err_set(err, -EINVAL, "source: expected media_type and data");
}
