/* SPDX-License-Identifier: Apache-2.0 */
/* What a template makes of an answer's beginning. */
#include "dialect/prefill.h"

#include "wire/json.h"

static size_t trimmed_length(struct str text);

static const struct str beginning = STR("A caravan comes to the way station \n");

int prefill_write(struct buf *out, const struct dialect *dialect, const struct copy_shape *shape,
                  struct arena *arena)
{
    struct part parts[] = {{.text = STR("Who comes?")}, {.text = beginning}};
    struct message messages[] = {
        {.role = ROLE_user, .parts = &parts[0], .part_count = 1},
        {.role = ROLE_assistant, .parts = &parts[1], .part_count = 1},
    };
    const struct ask ask = {.task = TASK_chat, .max_tokens = 1};
    struct chat chat = {
        .ask = &ask,
        .task = TASK_chat,
        .messages = messages,
        .message_count = COUNT_OF(messages),
        .goes_on = true,
        .is_shown = true,
    };
    struct err err = {0};

    return dialect->write_request(out, &chat, shape, false, arena, &err);
}

/* llama-server says "prompt", Ollama "_debug_info": {"rendered_template"}. */
enum turn prefill_read(struct str body)
{
    struct json json = {0};
    enum turn turn = TURN_closed;
    struct str shown;

    if (json_read(&json, body, JSON_MEMORY(body.len), NULL) < 0)
        return TURN_closed;
    shown = json_find_str(json.root, "prompt");
    if (!shown.len)
        shown = json_find_str(json_find(json.root, "_debug_info"), "rendered_template");
    if (str_ends(shown, beginning))
        turn = TURN_open;
    else if (str_ends(shown, str_slice(beginning.data, trimmed_length(beginning))))
        turn = TURN_trimmed;
    json_fini(&json);
    return turn;
}

size_t prefill_length(enum turn turn, struct str said)
{
    if (turn == TURN_open)
        return said.len;
    return turn == TURN_trimmed ? trimmed_length(said) : 0;
}

static size_t trimmed_length(struct str text)
{
    size_t length = text.len;

    while (length && strchr(" \t\r\n", text.data[length - 1]))
        length--;
    return length;
}
