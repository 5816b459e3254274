/* SPDX-License-Identifier: Apache-2.0 */
/* What another gateway says of an engine or a copy. */
#include "route/hint.h"

static const char *const names[HINT_KINDS] = {
    [HINT_down] = "down", [HINT_engine] = "engine_benched", [HINT_copy] = "copy_benched"};

const char *hint_name(enum hint_kind kind)
{
    return names[kind];
}

bool hint_hear(struct hint *h, uint64_t now_ms)
{
    bool is_new = !h->is_told || now_ms - h->heard_ms > HINT_SILENCE_MS;

    if (is_new)
        *h = (struct hint){.begun_ms = now_ms, .is_told = true};
    h->heard_ms = now_ms;
    return is_new;
}

void hint_disprove(struct hint *h)
{
    h->is_disproven = true;
}

bool hint_holds(const struct hint *h, uint64_t now_ms)
{
    return h->is_told && !h->is_disproven && now_ms - h->heard_ms <= HINT_SILENCE_MS &&
           now_ms - h->begun_ms < HINT_LIFE_MS;
}

int hint_write(struct buf *out, enum hint_kind kind, struct str name)
{
    return name.len > HINT_NAME_MAX ? 0 : buf_printf(out, "%s %.*s\n", names[kind], STR_ARG(name));
}

bool hint_read(struct str *text, enum hint_kind *kind, struct str *name)
{
    while (text->len) {
        struct str line = str_cut(*text, '\n', text), word = str_cut(line, ' ', name);

        for (int k = 0; k < HINT_KINDS; k++)
            if (str_is(word, names[k]) && name->len && name->len <= HINT_NAME_MAX) {
                *kind = (enum hint_kind)k;
                return true;
            }
    }
    return false;
}
