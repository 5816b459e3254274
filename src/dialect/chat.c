/* SPDX-License-Identifier: Apache-2.0 */
/* What was asked, given back; what was dropped, noted. */
#include "dialect/chat.h"

#include <errno.h>

#include "wire/json.h"

enum { DROPPED_STEP = 8, DROPPED_MAX = 64, LOOKS_MAX = 1024 };

bool task_is_passed(enum task task)
{
    enum { read, passed };
    static const bool answers[TASK_COUNT] = {
#define TASK(id, capability, answer, body, words) [TASK_##id] = answer,
#include "tables/tasks.def"
    };

    return answers[task];
}

void ask_fini(struct ask *ask)
{
    struct json json = {.doc = ask->doc, .copy = ask->copy};

    json_fini(&json);
    ask->doc = NULL;
    ask->copy = NULL;
}

int chat_drop(struct chat *chat, struct arena *arena, struct str name)
{
    size_t count = chat->dropped_count;

    for (size_t i = 0; i < count; i++)
        if (str_equal(chat->dropped[i], name))
            return 0;
    if (count == DROPPED_MAX)
        return 0;
    if (count % DROPPED_STEP == 0) {
        struct str *more = arena_alloc(arena, (count + DROPPED_STEP) * sizeof *more);

        if (!more)
            return -ENOMEM;
        if (count)
            memcpy(more, chat->dropped, count * sizeof *more);
        chat->dropped = more;
    }
    chat->dropped[chat->dropped_count++] = name;
    return 0;
}

const struct tool_call *chat_find_call(const struct chat *chat, struct str name)
{
    size_t results = 0, looks = LOOKS_MAX;

    for (size_t i = chat->message_count; i-- > 0 && looks-- > 0;) {
        const struct message *message = &chat->messages[i];
        const struct tool_call *found = NULL;

        if (message->role == ROLE_tool && (!name.len || str_equal(message->name, name)))
            results++;
        for (size_t j = 0; j < message->call_count && looks-- > 0; j++) {
            if (name.len && !str_equal(message->calls[j].name, name))
                continue;
            found = &message->calls[j];
            if (results-- == 0)
                return found;
        }
        if (message->call_count)
            return found;
    }
    return NULL;
}

/* Results stand close behind their calls: a history made to be long is not searched to its end. */
struct str chat_called_name(const struct chat *chat, struct str id)
{
    size_t looks = LOOKS_MAX;

    for (size_t i = chat->message_count; id.len && i-- > 0 && looks-- > 0;) {
        const struct message *message = &chat->messages[i];

        for (size_t j = 0; j < message->call_count && looks > 0; j++, looks--)
            if (str_equal(message->calls[j].id, id))
                return message->calls[j].name;
    }
    return (struct str){0};
}

int chat_lose(struct chat *chat, struct arena *arena, struct str name)
{
    for (const struct own_word *word = chat->words; word && word->openai.len; word++)
        if (str_equal(word->openai, name))
            name = word->own;
    return chat_drop(chat, arena, name);
}

int chat_lose_given(struct chat *chat, struct arena *arena, const struct loss *lost, size_t count)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++)
        if (lost[i].given)
            r = chat_lose(chat, arena, lost[i].name);
    return r;
}

uint32_t chat_thinking_tokens(const struct chat *chat)
{
    static const struct {
        const char *effort;
        uint32_t tokens;
    } budgets[] = {{"none", 0},    {"minimal", 1024}, {"low", 1024}, {"medium", 2048},
                   {"high", 4096}, {"xhigh", 8192},   {"max", 16384}};

    if (chat->thinking_tokens)
        return chat->thinking_tokens;
    for (size_t i = 0; i < COUNT_OF(budgets); i++)
        if (str_is(chat->effort, budgets[i].effort))
            return budgets[i].tokens;
    return 2048;
}
