/* SPDX-License-Identifier: Apache-2.0 */
/* A chain of fingerprints, one for each message. */
#include "gateway/prompt.h"

#include "wire/json.h"

/* Values that are looked at in one message: what is larger is told apart by its beginning. */
enum { VALUES_MAX = 4096, TOKEN_BYTES = 4 };

/* What is known of the messages up to one of them; or of one. */
struct reading {
    uint64_t chain, bytes;
};

static yyjson_val *find_messages(const struct exchange *x);
static void read_value(struct reading *r, yyjson_val *value);
static void read_message(struct reading *r, yyjson_val *message);
static void note(struct errand *e, const struct reading *r, size_t left);

uint32_t prompt_pieces(const struct exchange *x)
{
    size_t count = yyjson_arr_size(find_messages(x));

    return count < ERRAND_PIECES_MAX ? (uint32_t)count : ERRAND_PIECES_MAX;
}

void prompt_read(struct exchange *x)
{
    static const char *const before[] = {"system", "systemInstruction", "tools"};
    yyjson_val *messages = find_messages(x), *root, *message;
    struct reading r = {.chain = 1};
    size_t i, count;

    if (!messages)
        return;
    root = yyjson_doc_get_root(x->ask.doc);
    for (size_t k = 0; k < sizeof before / sizeof *before; k++)
        if ((message = yyjson_obj_get(root, before[k])))
            read_message(&r, message);
    count = yyjson_arr_size(messages);
    yyjson_arr_foreach(messages, i, count, message)
    {
        read_message(&r, message);
        note(&x->waiter.errand, &r, count - 1 - i);
    }
}

void prompt_answered(struct exchange *x, struct str text)
{
    if (x->waiter.errand.pieces_count)
        fingerprint_put(&x->answer, text);
}

/* As it would come back: a message of the assistant's, of one text. */
uint64_t prompt_answer_chain(const struct exchange *x)
{
    static const struct str usual[] = {{"role", 4}, {"assistant", 9}, {"content", 7}, {0}};
    static const struct str gemini[] = {{"role", 4}, {"model", 5}, {"parts", 5}, {"text", 4}, {0}};
    const struct errand *e = &x->waiter.errand;
    uint64_t sum = fingerprint_get(&x->answer);

    if (!e->pieces_count || !x->answer.bytes)
        return 0;
    for (const struct str *word = x->dialect == dialect_get(DIALECT_gemini) ? gemini : usual;
         word->len; word++)
        sum += fingerprint_of(*word);
    return fingerprint_join(e->pieces[e->pieces_count - 1].chain, sum);
}

/* NULL: it has none, or they are not read. */
static yyjson_val *find_messages(const struct exchange *x)
{
    yyjson_val *root =
        x->ask.doc && task_has_stream(x->task) ? yyjson_doc_get_root(x->ask.doc) : NULL;
    yyjson_val *messages = yyjson_obj_get(root, "messages");

    if (!messages)
        messages = yyjson_obj_get(root, "contents");
    return yyjson_is_arr(messages) ? messages : NULL;
}

/* The sum of its texts and names: in whichever order they stand. */
static void read_message(struct reading *r, yyjson_val *message)
{
    struct reading own = {0};

    read_value(&own, message);
    r->chain = fingerprint_join(r->chain, own.chain);
    r->bytes += own.bytes;
}

/* A tree lies in memory as it was written: containers, then what is in them. */
static void read_value(struct reading *r, yyjson_val *value)
{
    yyjson_val *end = unsafe_yyjson_get_next(value);

    for (unsigned i = 0; value < end && i < VALUES_MAX; i++, value++) {
        struct str text = {yyjson_get_str(value), yyjson_get_len(value)};

        if (!yyjson_is_str(value))
            continue;
        r->chain += fingerprint_of(text);
        r->bytes += text.len;
    }
}

/* Of a long conversation the youngest pieces: the older ones are in them. */
static void note(struct errand *e, const struct reading *r, size_t left)
{
    if (left >= ERRAND_PIECES_MAX)
        return;
    e->pieces[e->pieces_count++] =
        (struct prompt_piece){r->chain, (uint32_t)(r->bytes / TOKEN_BYTES)};
}
