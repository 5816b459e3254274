/* SPDX-License-Identifier: Apache-2.0 */
/* A caller's Gemini request, looked at once. Model and streaming stand in the path. */
#include <errno.h>

#include "dialect/gemini.h"
#include "dialect/scan.h"
#include "wire/url.h"

enum { NAME_BYTES_MAX = 1024 };

static int scan_name(struct ask *ask, struct str encoded, struct arena *arena, struct err *err);
static int scan_framing(struct ask *ask, struct str query);
static int scan_chat(struct ask *ask, yyjson_val *root, struct err *err);
static int scan_embeds(struct ask *ask, yyjson_val *requests, struct err *err);
static int scan_content(struct ask *ask, yyjson_val *content, struct err *err);
static void scan_part(struct ask *ask, yyjson_val *part);
static void scan_settings(struct ask *ask, yyjson_val *root);
static void scan_thinking(struct ask *ask, yyjson_val *config);

int gemini_scan(struct ask *ret, enum task task, struct str body, struct err *err)
{
    struct ask ask;
    yyjson_val *root;
    int r = scan_object(&ask, task, body, &root, err);

    if (r < 0)
        return r;
    if (task == TASK_embed)
        r = scan_embeds(&ask, json_find(root, "requests"), err);
    else if (task == TASK_embed_one)
        r = scan_content(&ask, json_find(root, "content"), err);
    else
        r = scan_chat(&ask, root, err);
    if (r < 0) {
        ask_fini(&ask);
        return r;
    }
    *ret = ask;
    return 0;
}

int gemini_scan_path(struct ask *ask, struct str rest, struct str query, struct arena *arena,
                     struct err *err)
{
    struct str verb = {0};
    int r;

    for (size_t i = rest.len; i-- > 0 && !verb.data;)
        if (rest.data[i] == ':')
            verb = str_slice(rest.data + i, rest.len - i);
    r = scan_name(ask, str_slice(rest.data, rest.len - verb.len), arena, err);
    ask->stream = str_is(verb, ":streamGenerateContent");
    ask->include_usage = ask->stream; /* every piece may have it */
    if (r == 0 && ask->stream)
        r = scan_framing(ask, query);
    return r;
}

static int scan_name(struct ask *ask, struct str encoded, struct arena *arena, struct err *err)
{
    struct buf name;
    int r;

    buf_init(&name, NAME_BYTES_MAX);
    r = url_decode(&name, encoded, false);
    if (r == 0) {
        ask->model = arena_str(arena, buf_str(&name));
        r = ask->model.data ? 0 : -ENOMEM;
    }
    buf_fini(&name);
    return r == -EINVAL || r == -EMSGSIZE ? err_set(err, -EINVAL, "the path names no model") : r;
}

/* Events when ?alt=sse says so, else an array. */
static int scan_framing(struct ask *ask, struct str query)
{
    struct buf alt;
    int r;

    buf_init(&alt, NAME_BYTES_MAX);
    r = url_find(&alt, query, "alt");
    ask->as_list = !str_is(buf_str(&alt), "sse");
    buf_fini(&alt);
    return r == -ENOMEM ? r : 0;
}

/* Of a request to count tokens, what is to be counted may stand one level below. */
static int scan_chat(struct ask *ask, yyjson_val *root, struct err *err)
{
    yyjson_val *inner = gemini_find(root, "generateContentRequest");
    yyjson_val *contents, *content, *system;
    yyjson_arr_iter each;
    int r = 0;

    if (ask->task == TASK_tokens && inner)
        root = inner;
    contents = json_find(root, "contents");
    system = gemini_find(root, "systemInstruction");
    if (!yyjson_is_arr(contents))
        return err_set(err, -EINVAL, "contents: expected a list, found %s",
                       contents ? yyjson_get_type_desc(contents) : "nothing");
    each = yyjson_arr_iter_with(contents);
    while (r == 0 && (content = yyjson_arr_iter_next(&each)))
        if ((r = scan_content(ask, content, err)) < 0)
            err_wrap(err, r, "contents[%zu]", each.idx - 1);
    if (r == 0 && system && !yyjson_is_null(system))
        if ((r = scan_content(ask, system, err)) < 0)
            err_wrap(err, r, "systemInstruction");
    scan_settings(ask, root);
    return r;
}

static int scan_embeds(struct ask *ask, yyjson_val *requests, struct err *err)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(requests);
    yyjson_val *request;
    int r = 0;

    if (!yyjson_is_arr(requests))
        return err_set(err, -EINVAL, "requests: expected a list");
    while (r == 0 && (request = yyjson_arr_iter_next(&each)))
        if ((r = scan_content(ask, json_find(request, "content"), err)) < 0)
            err_wrap(err, r, "requests[%zu].content", each.idx - 1);
    return r;
}

static int scan_content(struct ask *ask, yyjson_val *content, struct err *err)
{
    yyjson_val *parts = json_find(content, "parts"), *part;
    yyjson_arr_iter each = yyjson_arr_iter_with(parts);

    /* Google's own servers take one part that is no list. */
    if (yyjson_is_obj(parts)) {
        scan_part(ask, parts);
        return 0;
    }
    if (!yyjson_is_arr(parts))
        return err_set(err, -EINVAL, "parts: expected a list, found %s",
                       parts ? yyjson_get_type_desc(parts) : "nothing");
    while ((part = yyjson_arr_iter_next(&each)))
        scan_part(ask, part);
    return 0;
}

static void scan_part(struct ask *ask, yyjson_val *part)
{
    struct str type = gemini_find_str(gemini_find(part, "inlineData"), "mimeType");

    scan_text(ask, json_find(part, "text"));
    if (str_starts(type, STR("image/")))
        ask->needs |= NEED_images;
    else if (str_starts(type, STR("audio/")))
        ask->needs |= NEED_audio;
}

static void scan_settings(struct ask *ask, yyjson_val *root)
{
    yyjson_val *config = gemini_find(root, "generationConfig");
    yyjson_val *calling = gemini_find(gemini_find(root, "toolConfig"), "functionCallingConfig");

    scan_max_tokens(ask, config, "maxOutputTokens");
    scan_max_tokens(ask, config, "max_output_tokens");
    scan_choices(ask, config, "candidateCount");
    scan_choices(ask, config, "candidate_count");
    if (yyjson_arr_size(json_find(root, "tools")) &&
        !str_is(json_find_str(calling, "mode"), "NONE"))
        ask->needs |= NEED_tools;
    if (yyjson_is_obj(gemini_find(config, "responseSchema")) ||
        yyjson_is_obj(gemini_find(config, "responseJsonSchema")))
        ask->needs |= NEED_schema;
    scan_thinking(ask, gemini_find(config, "thinkingConfig"));
}

/* Thoughts are shown to those who ask for them. */
static void scan_thinking(struct ask *ask, yyjson_val *config)
{
    yyjson_val *budget = gemini_find(config, "thinkingBudget");

    ask->hides_thoughts = !yyjson_is_true(gemini_find(config, "includeThoughts"));
    if (gemini_find_str(config, "thinkingLevel").len ||
        (yyjson_is_num(budget) && yyjson_get_num(budget) != 0))
        ask->needs |= NEED_thinking;
}
