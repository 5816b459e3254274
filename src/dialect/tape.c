/* SPDX-License-Identifier: Apache-2.0 */
/* Deltas as bytes. */
#include "dialect/tape.h"

#include <errno.h>
#include <stdlib.h>

/* In front of each delta; its texts and its vector follow, in this order. */
struct mark {
    enum delta_kind kind;
    enum finish finish;
    unsigned index, call_index;
    size_t text_len, id_len, name_len, arguments_len, dimensions;
    struct usage usage;
    struct engine_times times;
};

/* The smaller one in front of what there is a thousand times: a piece of text. */
struct piece {
    unsigned char kind, index;
    uint16_t len;
};

static int put_mark(struct buf *tape, const struct delta *delta);
static bool is_piece(const struct delta *delta);
static bool take_piece(struct str *rest, struct delta *ret);
static bool take_mark(struct str *rest, struct delta *ret, double **vector, size_t *room);
static bool take(struct str *rest, size_t len, struct str *ret);

/* Behind it a whole mark follows. */
enum { KIND_MARK = 0xff };

int tape_put(struct buf *tape, const struct delta *delta)
{
    size_t before = tape->len;
    int r;

    if (delta->kind == DELTA_failure || delta->kind == DELTA_end)
        return 0;
    if (is_piece(delta)) {
        struct piece piece = {(unsigned char)delta->kind, (unsigned char)delta->index,
                              (uint16_t)delta->text.len};

        r = buf_put(tape, str_slice((const char *)&piece, sizeof piece));
        if (r == 0)
            r = buf_put(tape, delta->text);
    } else {
        r = put_mark(tape, delta);
    }
    if (r < 0)
        tape->len = before;
    return r;
}

static bool is_piece(const struct delta *delta)
{
    return (delta->kind == DELTA_text || delta->kind == DELTA_thinking) && delta->index < 256 &&
           delta->text.len <= UINT16_MAX;
}

static int put_mark(struct buf *tape, const struct delta *delta)
{
    const struct piece before = {.kind = KIND_MARK};
    const struct tool_call *call = &delta->call;
    const struct mark mark = {
        .kind = delta->kind,
        .finish = delta->finish,
        .index = delta->index,
        .call_index = call->index,
        .text_len = delta->text.len,
        .id_len = call->id.len,
        .name_len = call->name.len,
        .arguments_len = call->arguments.len,
        .dimensions = delta->dimensions,
        .usage = delta->usage,
        .times = delta->times,
    };
    const struct str parts[] = {
        str_slice((const char *)&before, sizeof before),
        str_slice((const char *)&mark, sizeof mark),
        delta->text,
        call->id,
        call->name,
        call->arguments,
        str_slice((const char *)delta->vector, delta->dimensions * sizeof *delta->vector),
    };
    int r = 0;

    for (size_t i = 0; i < COUNT_OF(parts) && r == 0; i++)
        r = buf_put(tape, parts[i]);
    return r;
}

int tape_play(struct str tape, struct sink next)
{
    double *vector = NULL;
    size_t room = 0;
    int r = 0;

    while (tape.len && r == 0) {
        struct delta delta = {0};

        if (take_piece(&tape, &delta) || take_mark(&tape, &delta, &vector, &room))
            r = next.put(next.ctx, &delta);
        else
            r = -EBADMSG;
    }
    free(vector);
    return r;
}

static bool take_piece(struct str *rest, struct delta *ret)
{
    struct str head, left = *rest;
    struct piece piece;

    if (!take(&left, sizeof piece, &head))
        return false;
    memcpy(&piece, head.data, sizeof piece);
    if (piece.kind == KIND_MARK || !take(&left, piece.len, &ret->text))
        return false;
    ret->kind = piece.kind;
    ret->index = piece.index;
    *rest = left;
    return true;
}

/* A vector is copied: on the tape it need not lie where a double may. */
static bool take_mark(struct str *rest, struct delta *ret, double **vector, size_t *room)
{
    struct str head, numbers;
    struct mark mark;

    if (!take(rest, sizeof(struct piece), &head) || (unsigned char)head.data[0] != KIND_MARK ||
        !take(rest, sizeof mark, &head))
        return false;
    memcpy(&mark, head.data, sizeof mark);
    ret->kind = mark.kind;
    ret->finish = mark.finish;
    ret->index = mark.index;
    ret->call.index = mark.call_index;
    ret->usage = mark.usage;
    ret->times = mark.times;
    ret->dimensions = mark.dimensions;
    if (!take(rest, mark.text_len, &ret->text) || !take(rest, mark.id_len, &ret->call.id) ||
        !take(rest, mark.name_len, &ret->call.name) ||
        !take(rest, mark.arguments_len, &ret->call.arguments) ||
        mark.dimensions > SIZE_MAX / sizeof **vector ||
        !take(rest, mark.dimensions * sizeof **vector, &numbers))
        return false;
    if (!numbers.len)
        return true;
    if (*room < numbers.len) {
        free(*vector);
        *vector = malloc(numbers.len);
        *room = *vector ? numbers.len : 0;
    }
    if (!*vector)
        return false;
    memcpy(*vector, numbers.data, numbers.len);
    ret->vector = *vector;
    return true;
}

static bool take(struct str *rest, size_t len, struct str *ret)
{
    if (rest->len < len)
        return false;
    *ret = str_slice(rest->data, len);
    *rest = str_slice(rest->data + len, rest->len - len);
    return true;
}
