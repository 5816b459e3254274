/* SPDX-License-Identifier: Apache-2.0 */
/* The turns of a caller's Anthropic chat: what is one user's turn here, tool results and words
 * together, is several messages elsewhere. */
#include <errno.h>

#include "dialect/anthropic.h"

static size_t count_messages(yyjson_val *root);
static size_t count_results(yyjson_val *content);
static int read_system(struct chat *chat, yyjson_val *system, struct arena *arena, struct err *err);
static int read_turn(struct chat *chat, yyjson_val *turn, struct arena *arena, struct err *err);
static int read_results(struct chat *chat, yyjson_val *content, struct arena *arena,
                        struct err *err);
static int read_result(struct chat *chat, yyjson_val *block, struct arena *arena, struct err *err);
static int read_words(struct chat *chat, enum role role, yyjson_val *content, struct arena *arena,
                      struct err *err);
static int read_assistant(struct chat *chat, struct message *ret, yyjson_val *content,
                          struct arena *arena, struct err *err);
static int read_call(struct message *ret, yyjson_val *block, struct arena *arena, struct err *err);
static int read_thought(struct chat *chat, struct message *ret, yyjson_val *block,
                        struct arena *arena);

int anthropic_read_messages(struct chat *chat, yyjson_val *root, struct arena *arena,
                            struct err *err)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(json_find(root, "messages"));
    yyjson_val *turn;
    int r;

    chat->messages = arena_alloc(arena, count_messages(root) * sizeof *chat->messages);
    if (!chat->messages)
        return -ENOMEM;
    if ((r = read_system(chat, json_find(root, "system"), arena, err)) < 0)
        return r;
    while ((turn = yyjson_arr_iter_next(&each)))
        if ((r = read_turn(chat, turn, arena, err)) < 0)
            return err_wrap(err, r, "messages[%zu]", each.idx - 1);
    return 0;
}

static size_t count_messages(yyjson_val *root)
{
    yyjson_val *messages = json_find(root, "messages"), *turn;
    yyjson_arr_iter each = yyjson_arr_iter_with(messages);
    size_t count = 1 + yyjson_arr_size(messages);

    while ((turn = yyjson_arr_iter_next(&each)))
        count += count_results(json_find(turn, "content"));
    return count;
}

static size_t count_results(yyjson_val *content)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(content);
    yyjson_val *block;
    size_t count = 0;

    while ((block = yyjson_arr_iter_next(&each)))
        count += str_is(json_find_str(block, "type"), "tool_result");
    return count;
}

static int read_system(struct chat *chat, yyjson_val *system, struct arena *arena, struct err *err)
{
    int r;

    if (!system || yyjson_is_null(system))
        return 0;
    r = read_words(chat, ROLE_system, system, arena, err);
    return r < 0 ? err_wrap(err, r, "system") : 0;
}

static int read_turn(struct chat *chat, yyjson_val *turn, struct arena *arena, struct err *err)
{
    struct str role = json_find_str(turn, "role");
    yyjson_val *content = json_find(turn, "content");
    size_t results = count_results(content);
    int r = 0;

    if (!yyjson_is_str(content) && !yyjson_is_arr(content))
        return err_set(err, -EINVAL, "content: expected text or a list of blocks");
    if (str_is(role, "assistant"))
        return read_words(chat, ROLE_assistant, content, arena, err);
    if (!str_is(role, "user"))
        return err_set(err, -EINVAL, "role: expected user or assistant, found '%.*s'",
                       STR_ARG(role));
    if (results)
        r = read_results(chat, content, arena, err);
    if (r == 0 && (!results || yyjson_arr_size(content) > results))
        r = read_words(chat, ROLE_user, content, arena, err);
    return r;
}

static int read_results(struct chat *chat, yyjson_val *content, struct arena *arena,
                        struct err *err)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(content);
    yyjson_val *block;
    int r;

    while ((block = yyjson_arr_iter_next(&each)))
        if (str_is(json_find_str(block, "type"), "tool_result") &&
            (r = read_result(chat, block, arena, err)) < 0)
            return err_wrap(err, r, "content[%zu]", each.idx - 1);
    return 0;
}

static int read_result(struct chat *chat, yyjson_val *block, struct arena *arena, struct err *err)
{
    struct message *ret = &chat->messages[chat->message_count];
    yyjson_val *content = json_find(block, "content");
    int r = 0;

    *ret = (struct message){.role = ROLE_tool, .call_id = json_find_str(block, "tool_use_id")};
    ret->is_error = json_find_true(block, "is_error");
    ret->name = chat_called_name(chat, ret->call_id);
    if (!ret->call_id.len)
        return err_set(err, -EINVAL, "tool_use_id: expected the id of a tool_use");
    if (json_find(block, "cache_control"))
        r = chat_drop(chat, arena, STR("cache_control"));
    if (r == 0 && content && !yyjson_is_null(content)) {
        ret->parts = arena_alloc(arena, (1 + yyjson_arr_size(content)) * sizeof *ret->parts);
        r = ret->parts
                ? anthropic_read_parts(chat, ret->parts, &ret->part_count, content, arena, err)
                : -ENOMEM;
    }
    if (r == 0)
        chat->message_count++;
    return r;
}

/* All of a turn but its tool results, as one message. */
static int read_words(struct chat *chat, enum role role, yyjson_val *content, struct arena *arena,
                      struct err *err)
{
    struct message *ret = &chat->messages[chat->message_count];
    int r;

    *ret = (struct message){.role = role};
    ret->parts = arena_alloc(arena, (1 + yyjson_arr_size(content)) * sizeof *ret->parts);
    if (!ret->parts)
        return -ENOMEM;
    if (role == ROLE_assistant && yyjson_is_arr(content))
        r = read_assistant(chat, ret, content, arena, err);
    else
        r = anthropic_read_parts(chat, ret->parts, &ret->part_count, content, arena, err);
    if (r == 0)
        chat->message_count++;
    return r;
}

static int read_assistant(struct chat *chat, struct message *ret, yyjson_val *content,
                          struct arena *arena, struct err *err)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(content);
    yyjson_val *block;
    int r = 0;

    ret->calls = arena_alloc(arena, (1 + yyjson_arr_size(content)) * sizeof *ret->calls);
    if (!ret->calls)
        return -ENOMEM;
    while (r == 0 && (block = yyjson_arr_iter_next(&each))) {
        struct str type = json_find_str(block, "type");

        if (str_is(type, "tool_use"))
            r = read_call(ret, block, arena, err);
        else if (str_is(type, "thinking"))
            r = read_thought(chat, ret, block, arena);
        else if (str_is(type, "redacted_thinking"))
            r = chat_drop(chat, arena, type);
        else
            r = anthropic_read_block(chat, &ret->parts[ret->part_count++], block, arena, err);
        if (r == 0 && json_find(block, "cache_control"))
            r = chat_drop(chat, arena, STR("cache_control"));
    }
    return r < 0 ? err_wrap(err, r, "content[%zu]", each.idx - 1) : 0;
}

static int read_call(struct message *ret, yyjson_val *block, struct arena *arena, struct err *err)
{
    struct tool_call *call = &ret->calls[ret->call_count];
    yyjson_val *input = json_find(block, "input");
    struct buf text;
    int r;

    call->index = (unsigned)ret->call_count;
    call->id = json_find_str(block, "id");
    call->name = json_find_str(block, "name");
    if (!call->id.len || !call->name.len || !yyjson_is_obj(input))
        return err_set(err, -EINVAL, "tool_use: expected an id, a name and an input");
    buf_init(&text, arena->max);
    r = json_put_value(&text, input);
    if (r == 0)
        call->arguments = arena_str(arena, buf_str(&text));
    buf_fini(&text);
    if (r < 0 || !call->arguments.data)
        return -ENOMEM;
    ret->call_count++;
    return 0;
}

/* Several thoughts of one turn become one. Their signatures mean nothing to anybody else. */
static int read_thought(struct chat *chat, struct message *ret, yyjson_val *block,
                        struct arena *arena)
{
    struct str text = json_find_str(block, "thinking");

    if (!anthropic_is_foreign_thought(block) && chat_drop(chat, arena, STR("signature")) < 0)
        return -ENOMEM;
    if (!text.len)
        return 0;
    if (ret->thinking.len)
        text = str_from(arena_printf(arena, "%.*s\n\n%.*s", STR_ARG(ret->thinking), STR_ARG(text)));
    ret->thinking = text;
    return text.data ? 0 : -ENOMEM;
}
