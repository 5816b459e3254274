/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a caller's OpenAI chat: texts, pictures, sounds, calls and their results. */
#include <errno.h>

#include "dialect/openai.h"

static int read_message(struct chat *chat, yyjson_val *message, struct arena *arena,
                        struct err *err);
static int read_role(struct message *ret, yyjson_val *message, struct err *err);
static int read_content(struct message *ret, yyjson_val *content, struct arena *arena,
                        struct err *err);
static int read_part(struct part *ret, yyjson_val *part, struct err *err);
static int read_data_url(struct part *ret, struct str url);
static int read_audio(struct part *ret, yyjson_val *part, struct arena *arena, struct err *err);
static int read_calls(struct message *ret, yyjson_val *calls, struct arena *arena, struct err *err);

int openai_read_messages(struct chat *chat, yyjson_val *messages, struct arena *arena,
                         struct err *err)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(messages);
    yyjson_val *message;
    int r;

    chat->messages = arena_alloc(arena, yyjson_arr_size(messages) * sizeof *chat->messages);
    if (!chat->messages)
        return -ENOMEM;
    while ((message = yyjson_arr_iter_next(&each))) {
        if ((r = read_message(chat, message, arena, err)) < 0)
            return err_wrap(err, r, "messages[%zu]", chat->message_count);
        chat->message_count++;
    }
    return 0;
}

static int read_message(struct chat *chat, yyjson_val *message, struct arena *arena,
                        struct err *err)
{
    struct message *ret = &chat->messages[chat->message_count];
    int r = read_role(ret, message, err);

    if (r == 0)
        r = read_content(ret, json_find(message, "content"), arena, err);
    if (r == 0 && ret->role == ROLE_assistant)
        r = read_calls(ret, json_find(message, "tool_calls"), arena, err);
    if (r < 0)
        return r;
    ret->thinking = json_find_str(message, "reasoning_content");
    if (!ret->thinking.len)
        ret->thinking = json_find_str(message, "reasoning");
    ret->name = json_find_str(message, "name");
    if (ret->role == ROLE_tool) {
        ret->call_id = json_find_str(message, "tool_call_id");
        if (!ret->name.len)
            ret->name = chat_called_name(chat, ret->call_id);
    }
    return 0;
}

static int read_role(struct message *ret, yyjson_val *message, struct err *err)
{
    static const struct {
        const char *name;
        enum role role;
    } roles[] = {
        {"system", ROLE_system},       {"developer", ROLE_system}, {"user", ROLE_user},
        {"assistant", ROLE_assistant}, {"tool", ROLE_tool},
    };
    struct str name = json_find_str(message, "role");

    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        if (str_is(name, roles[i].name)) {
            ret->role = roles[i].role;
            return 0;
        }
    }
    return err_set(err, -EINVAL,
                   "role: expected system, developer, user, assistant or tool, found '%.*s'",
                   STR_ARG(name));
}

static int read_content(struct message *ret, yyjson_val *content, struct arena *arena,
                        struct err *err)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(content);
    yyjson_val *part;
    int r;

    if (!content || yyjson_is_null(content))
        return 0;
    if (!yyjson_is_arr(content) && !yyjson_is_str(content))
        return err_set(err, -EINVAL, "content: expected text or a list of parts, found %s",
                       yyjson_get_type_desc(content));
    ret->parts = arena_alloc(arena, (yyjson_is_arr(content) ? yyjson_arr_size(content) : 1) *
                                        sizeof *ret->parts);
    if (!ret->parts)
        return -ENOMEM;
    if (yyjson_is_str(content))
        ret->parts[ret->part_count++].text = json_str(content);
    while ((part = yyjson_arr_iter_next(&each))) {
        struct part *to = &ret->parts[ret->part_count];

        if (str_is(json_find_str(part, "type"), "input_audio"))
            r = read_audio(to, json_find(part, "input_audio"), arena, err);
        else
            r = read_part(to, part, err);
        if (r < 0)
            return err_wrap(err, r, "content[%zu]", ret->part_count);
        ret->part_count++;
    }
    return 0;
}

static int read_part(struct part *ret, yyjson_val *part, struct err *err)
{
    struct str type = json_find_str(part, "type");

    if (str_is(type, "image_url"))
        return openai_read_image(ret, part, err);
    if (str_is(type, "file"))
        return openai_read_file(ret, json_find(part, "file"), err);
    if (str_is(type, "text"))
        ret->text = json_find_str(part, "text");
    else if (str_is(type, "refusal"))
        ret->text = json_find_str(part, "refusal");
    else
        return err_set(err, -ENOTSUP, "type: no engine for this model reads '%.*s'", STR_ARG(type));
    return ret->text.data ? 0 : err_set(err, -EINVAL, "text: expected text");
}

/* data:image/png;base64,… or http(s)://… */
int openai_read_image(struct part *ret, yyjson_val *part, struct err *err)
{
    yyjson_val *image = json_find(part, "image_url");
    struct str url = yyjson_is_str(image) ? json_str(image) : json_find_str(image, "url");

    ret->kind = PART_image;
    if (!str_starts(url, STR("data:"))) {
        ret->url = url;
        return str_starts(url, STR("http://")) || str_starts(url, STR("https://"))
                   ? 0
                   : err_set(err, -EINVAL, "image_url.url: expected data:… or http(s)://…");
    }
    if (read_data_url(ret, url) < 0)
        return err_set(err, -EINVAL, "image_url.url: expected data:TYPE;base64,DATA");
    return 0;
}

/* One that was uploaded before is with the provider that it was uploaded to. */
int openai_read_file(struct part *ret, yyjson_val *file, struct err *err)
{
    struct str url = json_find_str(file, "file_data");

    ret->kind = PART_document;
    ret->name = json_find_str(file, "filename");
    if (json_find_str(file, "file_id").len)
        return err_set(err, -ENOTSUP, "file.file_id: no engine for this model has that file");
    if (read_data_url(ret, url) < 0)
        return err_set(err, -EINVAL, "file.file_data: expected data:TYPE;base64,DATA");
    return 0;
}

static int read_data_url(struct part *ret, struct str url)
{
    struct str data, head = str_cut(url, ',', &data);

    if (!str_starts(head, STR("data:")) || !str_ends(head, STR(";base64")) || !data.len)
        return -EINVAL;
    head = str_slice(head.data + 5, head.len - 5);
    ret->media_type = str_cut(head, ';', &head);
    ret->base64 = data;
    return 0;
}

static int read_audio(struct part *ret, yyjson_val *audio, struct arena *arena, struct err *err)
{
    struct str format = json_find_str(audio, "format");
    char *type;

    ret->kind = PART_audio;
    ret->base64 = json_find_str(audio, "data");
    if (!ret->base64.len || !format.len)
        return err_set(err, -EINVAL, "input_audio: expected data and format");
    type = arena_printf(arena, "audio/%.*s", STR_ARG(format));
    if (!type)
        return -ENOMEM;
    ret->media_type = str_from(type);
    return 0;
}

static int read_calls(struct message *ret, yyjson_val *calls, struct arena *arena, struct err *err)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(calls);
    yyjson_val *call;
    int r;

    if (!yyjson_arr_size(calls))
        return 0;
    ret->calls = arena_alloc(arena, yyjson_arr_size(calls) * sizeof *ret->calls);
    if (!ret->calls)
        return -ENOMEM;
    while ((call = yyjson_arr_iter_next(&each))) {
        struct tool_call *to = &ret->calls[ret->call_count];

        to->index = (unsigned)ret->call_count;
        to->id = json_find_str(call, "id");
        if ((r = openai_read_call(to, json_find(call, "function"), err)) < 0)
            return err_wrap(err, r, "tool_calls[%zu].function", ret->call_count);
        ret->call_count++;
    }
    return 0;
}

/* The arguments are a string that must hold an object: other dialects have the object itself. */
int openai_read_call(struct tool_call *ret, yyjson_val *call, struct err *err)
{
    struct json arguments;
    int r;

    ret->name = json_find_str(call, "name");
    ret->arguments = json_find_str(call, "arguments");
    if (!ret->name.len)
        return err_set(err, -EINVAL, "name: expected a name");
    if (!str_trim(ret->arguments).len) {
        ret->arguments = STR("{}");
        return 0;
    }
    if ((r = json_read(&arguments, ret->arguments, JSON_MEMORY(ret->arguments.len), err)) < 0)
        return err_wrap(err, r, "arguments");
    if (!yyjson_is_obj(arguments.root))
        r = err_set(err, -EINVAL, "arguments: expected the text of a JSON object");
    json_fini(&arguments);
    return r;
}
