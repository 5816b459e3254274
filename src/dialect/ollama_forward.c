/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A caller's Ollama request, written again for a copy that speaks it too.
 *
 * Rather than spliced, because what makes Ollama load a model anew, or throw it out, is the copy's
 * and not the caller's to say. All else is kept, known or not.
 */
#include <errno.h>

#include "dialect/ollama.h"
#include "wire/json_out.h"

static const char *const ours[] = {"keep_alive", "shift"};

/* Each of these makes Ollama start its runner anew when it changes. */
static const char *const our_options[] = {"num_ctx",  "num_batch",  "num_gpu",          "main_gpu",
                                          "use_mmap", "num_thread", "draft_num_predict"};

static bool is_among(struct str name, const char *const *names, size_t count);
static void put_options(struct json_out *o, yyjson_val *options, const struct copy_shape *shape);
static int note(struct chat *chat, yyjson_val *obj, const char *prefix, const char *const *names,
                size_t count, struct arena *arena);

int ollama_forward(struct buf *out, const struct ask *ask, const struct copy_shape *shape)
{
    static const char *const rewritten[] = {"model", "options"};
    yyjson_val *root = yyjson_doc_get_root(ask->doc), *key;
    yyjson_obj_iter each = yyjson_obj_iter_with(root);
    struct json_out o = {.out = out};

    json_open(&o, '{');
    json_text(json_key(&o, "model"), shape->model);
    while ((key = yyjson_obj_iter_next(&each)))
        if (!is_among(json_str(key), rewritten, COUNT_OF(rewritten)) &&
            !is_among(json_str(key), ours, COUNT_OF(ours)))
            json_value(json_key_str(&o, json_str(key)), yyjson_obj_iter_get_val(key));
    put_options(&o, json_find(root, "options"), shape);
    if (shape->keep_alive.len)
        json_raw(json_key(&o, "keep_alive"), shape->keep_alive);
    json_close(&o, '}');
    return o.error;
}

int ollama_note_dropped(struct chat *chat, struct arena *arena)
{
    yyjson_val *root = yyjson_doc_get_root(chat->ask->doc);
    int r = note(chat, root, "", ours, COUNT_OF(ours), arena);

    return r < 0 ? r
                 : note(chat, json_find(root, "options"), "options.", our_options,
                        COUNT_OF(our_options), arena);
}

static bool is_among(struct str name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(name, names[i]))
            return true;
    return false;
}

static void put_options(struct json_out *o, yyjson_val *options, const struct copy_shape *shape)
{
    yyjson_obj_iter each = yyjson_obj_iter_with(options);
    yyjson_val *key;

    json_open(json_key(o, "options"), '{');
    while ((key = yyjson_obj_iter_next(&each)))
        if (!is_among(json_str(key), our_options, COUNT_OF(our_options)))
            json_value(json_key_str(o, json_str(key)), yyjson_obj_iter_get_val(key));
    if (shape->num_ctx)
        json_number(json_key(o, "num_ctx"), shape->num_ctx);
    json_close(o, '}');
}

static int note(struct chat *chat, yyjson_val *obj, const char *prefix, const char *const *names,
                size_t count, struct arena *arena)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        yyjson_val *value = json_find(obj, names[i]);
        char *name;

        if (!value || yyjson_is_null(value))
            continue;
        name = arena_printf(arena, "%s%s", prefix, names[i]);
        r = name ? chat_drop(chat, arena, str_from(name)) : -ENOMEM;
    }
    return r;
}
