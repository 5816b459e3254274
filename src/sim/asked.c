/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies in Ollama's or OpenAI's words become struct asked. */
#include "sim/asked.h"

#include <errno.h>
#include <stdlib.h>

static int read_messages(struct asked *a, yyjson_val *list, struct arena *arena);
static int read_message(struct asked_message *m, yyjson_val *value, struct arena *arena);
static int read_parts(struct asked_message *m, yyjson_val *parts, struct arena *arena);
static int read_prompt(struct asked *a, yyjson_val *root, struct arena *arena);
static void link_messages(struct asked *a);
static int read_tools(struct asked *a, yyjson_val *root, struct arena *arena);
static int read_texts(struct str **ret, size_t *ret_count, yyjson_val *value, struct arena *arena);
static int read_native(struct asked *a, yyjson_val *root, struct arena *arena);
static int read_openai(struct asked *a, yyjson_val *root, struct arena *arena);
static uint64_t runner_options(yyjson_val *options);
static void read_think(struct asked *a, yyjson_val *value);
static void read_tool_choice(struct asked *a, yyjson_val *choice);
static int read_duration(double *ret_ms, struct str text);
static double unit_ms(struct str *rest);

enum {
    MESSAGE_TOKENS = 4, /* what a template puts around a message */
    IMAGE_TOKENS = 576,
};

int asked_read(struct asked *ret, yyjson_val *root, enum asked_words words, struct arena *arena)
{
    struct asked a = {.max_tokens = -1};
    yyjson_val *messages = json_find(root, "messages");
    int r;

    a.model = json_find_str(root, "model");
    a.stream_said = json_find(root, "stream") != NULL;
    a.stream = json_find_true(root, "stream") || (!a.stream_said && words == ASKED_native);
    a.suffix = json_find_str(root, "suffix");
    a.dimensions = (uint32_t)json_find_u64(root, "dimensions");
    if ((r = messages ? read_messages(&a, messages, arena) : read_prompt(&a, root, arena)) < 0)
        return r;
    link_messages(&a);
    if ((r = read_tools(&a, root, arena)) < 0)
        return r;
    if ((r = read_texts(&a.inputs, &a.input_count, json_find(root, "input"), arena)) < 0)
        return r;
    r = words == ASKED_native ? read_native(&a, root, arena) : read_openai(&a, root, arena);
    if (r == 0)
        *ret = a;
    return r;
}

void asked_pieces(const struct asked *asked, struct visit *v)
{
    uint32_t tokens = 0;

    for (size_t i = 0; i < asked->message_count; i++) {
        const struct asked_message *m = &asked->messages[i];

        tokens += MESSAGE_TOKENS + asked_tokens(m->text) + m->images * IMAGE_TOKENS;
        if (v->piece_count == VISIT_PIECES_MAX)
            v->piece_count--;
        v->pieces[v->piece_count++] = (struct piece){m->chain, tokens};
    }
}

uint32_t asked_tokens(struct str text)
{
    return (uint32_t)((text.len + 3) / 4);
}

int asked_duration(double *ret_ms, yyjson_val *value)
{
    if (!yyjson_is_num(value))
        return read_duration(ret_ms, json_str(value));
    *ret_ms = yyjson_get_num(value) * 1e3;
    return 0;
}

uint64_t asked_mix(uint64_t seed, struct str s)
{
    uint64_t x = seed ^ (str_hash(s) + UINT64_C(0x9e3779b97f4a7c15) + (seed << 6) + (seed >> 2));

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static int read_messages(struct asked *a, yyjson_val *list, struct arena *arena)
{
    yyjson_val *value;
    size_t i, max;

    a->messages = arena_alloc(arena, (yyjson_arr_size(list) + 1) * sizeof *a->messages);
    if (!a->messages)
        return -ENOMEM;
    yyjson_arr_foreach(list, i, max, value)
    {
        int r = read_message(&a->messages[a->message_count++], value, arena);

        if (r < 0)
            return r;
    }
    return 0;
}

static int read_message(struct asked_message *m, yyjson_val *value, struct arena *arena)
{
    yyjson_val *content = json_find(value, "content");

    m->role = json_find_str(value, "role");
    m->text = json_str(content);
    m->images = (unsigned)yyjson_arr_size(json_find(value, "images"));
    m->has_calls = yyjson_arr_size(json_find(value, "tool_calls")) > 0;
    return yyjson_is_arr(content) ? read_parts(m, content, arena) : 0;
}

/* Text parts are joined, so that a text says the same in one part or in several. */
static int read_parts(struct asked_message *m, yyjson_val *parts, struct arena *arena)
{
    size_t i, max, room = 1;
    yyjson_val *part;
    char *at;

    yyjson_arr_foreach(parts, i, max, part) room += json_find_str(part, "text").len;
    at = arena_alloc(arena, room);
    if (!at)
        return -ENOMEM;
    m->text = str_slice(at, 0);
    yyjson_arr_foreach(parts, i, max, part)
    {
        struct str text = json_find_str(part, "text");

        if (text.len)
            memcpy(at + m->text.len, text.data, text.len);
        m->text.len += text.len;
        m->images += json_find(part, "image_url") != NULL;
    }
    return 0;
}

/* A prompt is a user's message; before it, what "system" says. */
static int read_prompt(struct asked *a, yyjson_val *root, struct arena *arena)
{
    yyjson_val *prompt = json_find(root, "prompt");
    struct str system = json_find_str(root, "system"), text = json_str(prompt);

    if (yyjson_is_arr(prompt))
        text = json_str(yyjson_arr_get_first(prompt));
    a->messages = arena_alloc(arena, 2 * sizeof *a->messages);
    if (!a->messages)
        return -ENOMEM;
    a->is_prompt = true;
    a->raw = json_find_true(root, "raw");
    if (text.len == 0)
        return 0;
    if (system.len)
        a->messages[a->message_count++] = (struct asked_message){STR("system"), .text = system};
    a->messages[a->message_count++] = (struct asked_message){
        .role = STR("user"),
        .text = text,
        .images = (unsigned)yyjson_arr_size(json_find(root, "images")),
    };
    return 0;
}

static void link_messages(struct asked *a)
{
    uint64_t chain = 1;

    for (size_t i = 0; i < a->message_count; i++) {
        struct asked_message *m = &a->messages[i];

        chain = asked_mix(asked_mix(chain, m->role), m->text) + m->images;
        m->chain = chain ? chain : 1;
    }
}

static int read_tools(struct asked *a, yyjson_val *root, struct arena *arena)
{
    yyjson_val *list = json_find(root, "tools"), *value;
    size_t i, max;

    a->tools = arena_alloc(arena, (yyjson_arr_size(list) + 1) * sizeof *a->tools);
    if (!a->tools)
        return -ENOMEM;
    yyjson_arr_foreach(list, i, max, value)
    {
        yyjson_val *function = json_find(value, "function");

        a->tools[a->tool_count++] = (struct asked_tool){
            json_find_str(function, "name"),
            json_find(function, "parameters"),
        };
    }
    return 0;
}

/* One text or a list of them. */
static int read_texts(struct str **ret, size_t *ret_count, yyjson_val *value, struct arena *arena)
{
    size_t i, max, count = 0;
    struct str *texts;
    yyjson_val *item;

    if (!value)
        return 0;
    texts = arena_alloc(arena, (yyjson_arr_size(value) + 1) * sizeof *texts);
    if (!texts)
        return -ENOMEM;
    if (yyjson_is_str(value))
        texts[count++] = json_str(value);
    yyjson_arr_foreach(value, i, max, item)
    {
        if (!yyjson_is_str(item))
            return -EINVAL;
        texts[count++] = json_str(item);
    }
    if (!yyjson_is_str(value) && !yyjson_is_arr(value))
        return -EINVAL;
    *ret = texts;
    *ret_count = count;
    return 0;
}

static int read_native(struct asked *a, yyjson_val *root, struct arena *arena)
{
    yyjson_val *options = json_find(root, "options"), *format = json_find(root, "format");
    yyjson_val *keep = json_find(root, "keep_alive"), *predict = json_find(options, "num_predict");
    int r;

    a->num_ctx = (uint32_t)json_find_u64(options, "num_ctx");
    a->options = runner_options(options);
    if (yyjson_is_num(predict))
        a->max_tokens = (int64_t)yyjson_get_num(predict);
    if (yyjson_is_obj(format))
        a->format = ASKED_schema, a->schema = format;
    else if (str_is(json_str(format), "json"))
        a->format = ASKED_json;
    read_think(a, json_find(root, "think"));
    if (keep && !yyjson_is_null(keep)) {
        a->keep_alive_given = true;
        if ((r = asked_duration(&a->keep_alive_ms, keep)) < 0)
            return r;
    }
    return read_texts(&a->stops, &a->stop_count, json_find(options, "stop"), arena);
}

static int read_openai(struct asked *a, yyjson_val *root, struct arena *arena)
{
    yyjson_val *format = json_find(root, "response_format");
    yyjson_val *predict = json_find(root, "max_tokens"), *stop = json_find(root, "stop");
    struct str type = json_find_str(format, "type"),
               effort = json_find_str(root, "reasoning_effort");

    if (!predict)
        predict = json_find(root, "max_completion_tokens");
    if (!predict)
        predict = json_find(root, "n_predict");
    if (yyjson_is_num(predict))
        a->max_tokens = (int64_t)yyjson_get_num(predict);
    a->include_usage = json_find_true(json_find(root, "stream_options"), "include_usage");
    a->base64 = str_is(json_find_str(root, "encoding_format"), "base64");
    if (str_is(type, "json_object"))
        a->format = ASKED_json;
    a->schema = json_find(json_find(format, "json_schema"), "schema");
    if (str_is(type, "json_schema") && a->schema)
        a->format = ASKED_schema;
    if (effort.len)
        a->think = str_is(effort, "none") ? ASKED_think_off : ASKED_think_on;
    read_tool_choice(a, json_find(root, "tool_choice"));
    return stop && !yyjson_is_null(stop) ? read_texts(&a->stops, &a->stop_count, stop, arena) : 0;
}

/* Those of llama-server's start: a change of one makes Ollama start it anew. num_ctx is apart. */
static uint64_t runner_options(yyjson_val *options)
{
    static const char *const names[] = {"num_batch", "num_gpu", "main_gpu", "use_mmap",
                                        "num_thread"};
    uint64_t sum = 0;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        yyjson_val *value = json_find(options, names[i]);

        if (yyjson_is_num(value) && !(i == 1 && yyjson_get_num(value) < 0))
            sum = asked_mix(sum + (uint64_t)(int64_t)yyjson_get_num(value), str_from(names[i]));
        else if (yyjson_is_bool(value))
            sum = asked_mix(sum + yyjson_get_bool(value), str_from(names[i]));
    }
    return sum;
}

static void read_think(struct asked *a, yyjson_val *value)
{
    if (yyjson_is_bool(value))
        a->think = yyjson_get_bool(value) ? ASKED_think_on : ASKED_think_off;
    else if (yyjson_is_str(value))
        a->think = ASKED_think_on;
}

static void read_tool_choice(struct asked *a, yyjson_val *choice)
{
    a->no_tools = str_is(json_str(choice), "none");
    a->any_tool = str_is(json_str(choice), "required");
    a->tool_name = json_find_str(json_find(choice, "function"), "name");
}

static int read_duration(double *ret_ms, struct str text)
{
    double sum_ms = 0, sign = text.len && text.data[0] == '-' ? -1 : 1;
    struct str rest = text;

    if (rest.len && (rest.data[0] == '-' || rest.data[0] == '+'))
        rest = str_slice(rest.data + 1, rest.len - 1);
    if (rest.len == 0)
        return -EINVAL;
    while (rest.len && !str_is(rest, "0")) {
        char digits[32] = "";
        size_t n = 0;
        double unit;

        while (n < rest.len && n < sizeof digits - 1 && strchr("0123456789.", rest.data[n]))
            n++;
        memcpy(digits, rest.data, n);
        rest = str_slice(rest.data + n, rest.len - n);
        unit = unit_ms(&rest);
        if (n == 0 || unit <= 0)
            return -EINVAL;
        sum_ms += strtod(digits, NULL) * unit;
    }
    *ret_ms = sign * sum_ms;
    return 0;
}

/* Milliseconds of the unit that rest begins with, which is cut off; 0: there is none. */
static double unit_ms(struct str *rest)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"ms", 1}, {"us", 1e-3}, {"ns", 1e-6}, {"s", 1e3}, {"m", 6e4}, {"h", 3.6e6}};

    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (str_starts(*rest, str_from(units[i].name))) {
            size_t n = strlen(units[i].name);

            *rest = str_slice(rest->data + n, rest->len - n);
            return units[i].ms;
        }
    }
    return 0;
}
