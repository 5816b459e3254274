/* SPDX-License-Identifier: Apache-2.0 */
/* The Responses dialect: where to ask, how it fails, and the parts put together. */
#include "dialect/responses.h"

#include <errno.h>

#include "dialect/openai.h"
#include "dialect/scan.h"
#include "wire/json_out.h"

static void scan_input(struct ask *ask, yyjson_val *input);
static void scan_content(struct ask *ask, yyjson_val *content);
static int write_failure(struct buf *out, enum failure why, struct str found, bool in_stream);
static const char *content_type(const struct reply_shape *shape);
static const char *target(enum task task);
static int write_request(struct buf *out, struct chat *chat, const struct copy_shape *shape,
                         bool stream, struct arena *arena, struct err *err);
static enum failure read_failure(int status, struct str body, struct arena *arena,
                                 struct str *found);

const struct dialect responses_dialect = {
    .name = "responses",
    .scan = responses_scan,
    .read_request = responses_read_request,
    .writer_new = responses_writer_new,
    .writer_put = responses_writer_put,
    .writer_end = responses_writer_end,
    .writer_free = responses_writer_free,
    .write_failure = write_failure,
    .content_type = content_type,
    .target = target,
    .write_request = write_request,
    .reader_new = responses_reader_new,
    .reader_feed = responses_reader_feed,
    .reader_end = responses_reader_end,
    .reader_free = responses_reader_free,
    .read_failure = read_failure,
};

int responses_scan(struct ask *ret, enum task task, struct str body, struct err *err)
{
    struct ask ask;
    yyjson_val *root, *input;
    struct str effort;
    int r = scan_begin(&ask, task, body, &root, err);

    if (r < 0)
        return r;
    input = json_find(root, "input");
    r = scan_stream(&ask, root, false, err);
    if (r == 0 && !yyjson_is_str(input) && !yyjson_is_arr(input))
        r = err_set(err, -EINVAL, "input: expected text or a list, found %s",
                    input ? yyjson_get_type_desc(input) : "nothing");
    if (r < 0) {
        ask_fini(&ask);
        return r;
    }
    effort = json_find_str(json_find(root, "reasoning"), "effort");
    scan_max_tokens(&ask, root, "max_output_tokens");
    if (yyjson_arr_size(json_find(root, "tools")) &&
        !str_is(json_find_str(root, "tool_choice"), "none"))
        ask.needs |= NEED_tools;
    if (str_is(json_find_str(json_find(json_find(root, "text"), "format"), "type"), "json_schema"))
        ask.needs |= NEED_schema;
    if (effort.len && !str_is(effort, "none"))
        ask.needs |= NEED_thinking;
    scan_text(&ask, json_find(root, "instructions"));
    scan_input(&ask, input);
    *ret = ask;
    return 0;
}

static void scan_input(struct ask *ask, yyjson_val *input)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(input);
    yyjson_val *item;

    if (yyjson_is_str(input))
        scan_text(ask, input);
    while ((item = yyjson_arr_iter_next(&each))) {
        scan_content(ask, json_find(item, "content"));
        scan_content(ask, json_find(item, "output"));
        scan_text(ask, json_find(item, "arguments"));
    }
}

static void scan_content(struct ask *ask, yyjson_val *content)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(content);
    yyjson_val *part;

    if (yyjson_is_str(content))
        scan_text(ask, content);
    while ((part = yyjson_arr_iter_next(&each))) {
        if (str_is(json_find_str(part, "type"), "input_image"))
            ask->needs |= NEED_images;
        else
            scan_text(ask, json_find(part, "text"));
    }
}

/* The official clients raise an error at an event with the member `error`; its words stand also
 * where the API has them. */
static int write_failure(struct buf *out, enum failure why, struct str found, bool in_stream)
{
    static const struct str wrap = {"{\"error\":}", 10};
    size_t before = out->len;
    struct json_out o = {.out = out};
    struct buf body;

    if (!in_stream)
        return openai_dialect.write_failure(out, why, found, false);
    buf_init(&body, out->max);
    o.error = openai_dialect.write_failure(&body, why, found, false);
    if (!o.error)
        o.error = buf_put(out, STR("event: error\ndata: "));
    json_open(&o, '{');
    json_text(json_key(&o, "type"), STR("error"));
    json_text(json_key(&o, "code"), str_from(failure_row(why)->name));
    json_text(json_key(&o, "message"), str_from(failure_row(why)->words));
    json_raw(json_key(&o, "param"), STR("null"));
    if (!o.error)
        json_raw(json_key(&o, "error"), str_slice(body.data + wrap.len - 1, body.len - wrap.len));
    json_close(&o, '}');
    if (!o.error)
        o.error = buf_put(out, STR("\n\n"));
    buf_fini(&body);
    if (o.error)
        out->len = before;
    return o.error;
}

static const char *content_type(const struct reply_shape *shape)
{
    return shape->stream ? "text/event-stream" : "application/json";
}

static const char *target(enum task task)
{
    return task == TASK_chat ? "/v1/responses" : NULL;
}

/* Whoever has this API has chat completions too, and those are what others are translated to. */
static int write_request(struct buf *out, struct chat *chat, const struct copy_shape *shape,
                         bool stream, struct arena *arena, struct err *err)
{
    (void)out, (void)chat, (void)shape, (void)stream, (void)arena;
    return err_set(err, -ENOTSUP, "nothing is translated to the Responses API");
}

static enum failure read_failure(int status, struct str body, struct arena *arena,
                                 struct str *found)
{
    return openai_dialect.read_failure(status, body, arena, found);
}
