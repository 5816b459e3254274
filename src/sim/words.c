/* SPDX-License-Identifier: Apache-2.0 */
/* Deterministic words: answers, JSON by a schema, tool calls, vectors. */
#include "sim/words.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "sim/instance.h"

static int tell(struct answer *a, const struct asked *asked, struct str artifact, uint64_t seed,
                struct arena *arena);
static bool continue_said(struct str *ret, const struct asked *asked, struct str artifact,
                          uint64_t seed, struct buf *full);
static bool continue_header(struct str *ret, struct str said, struct str artifact,
                            struct buf *full);
static int full_text(struct buf *out, const struct asked *asked, size_t messages,
                     struct str artifact, uint64_t seed);
static int plain_text(struct buf *out, uint64_t words, uint32_t seed);
static uint64_t wanted_words(const struct asked *asked, size_t messages, uint32_t seed);
static const struct asked_tool *wanted_tool(const struct asked *asked);
static bool mentions(struct str text, const char *lead, struct str name);
static int call_tool(struct answer *a, const struct asked_tool *tool, uint64_t seed,
                     struct arena *arena);
static int json_text_of(struct buf *out, const struct asked *asked, struct str plain,
                        uint64_t state);
static void cut_at_stop(struct answer *a, const struct asked *asked);
static struct str find_text(struct str in, struct str what);
static void add_word_vector(float *out, uint32_t dimensions, uint64_t state);

enum { TOKEN_BYTES = 6, TEXT_MAX = WORDS_MAX * 10 };

int words_answer(struct answer *ret, const struct asked *asked, struct str artifact, uint64_t seed,
                 bool think, struct arena *arena)
{
    size_t last = asked->message_count;
    uint64_t chain = last ? asked->messages[last - 1].chain : 1;
    const struct asked_tool *tool = wanted_tool(asked);
    struct answer a = {.chain = asked_mix(chain, STR("assistant"))};
    struct buf thought;
    int r;

    buf_init(&thought, TEXT_MAX);
    r = tool ? call_tool(&a, tool, asked_mix(chain ^ seed, artifact), arena)
             : tell(&a, asked, artifact, seed, arena);
    if (r == 0 && think && !str_is(asked->messages[last - 1].role, "assistant"))
        r = plain_text(&thought, 8 + chain % 16, (uint32_t)~chain);
    if (r == 0 && thought.len)
        a.thinking = arena_str(arena, buf_str(&thought));
    buf_fini(&thought);
    if (r == 0)
        *ret = a;
    return r;
}

/* A token is a space and what follows it, or a part of a long word; never a part of a letter. */
bool words_token(struct str text, size_t *at, struct str *ret)
{
    size_t end = *at;

    if (end >= text.len)
        return false;
    while (end < text.len && end - *at < TOKEN_BYTES && (end == *at || text.data[end] != ' '))
        end++;
    while (end < text.len && ((unsigned char)text.data[end] & 0xc0) == 0x80)
        end++;
    *ret = str_slice(text.data + *at, end - *at);
    *at = end;
    return true;
}

uint32_t words_count(struct str text)
{
    uint32_t count = 0;
    struct str token;

    for (size_t at = 0; words_token(text, &at, &token);)
        count++;
    return count;
}

void words_embed(float *out, uint32_t dimensions, struct str artifact, struct str text)
{
    uint64_t space = asked_mix(7, artifact);
    double sum = 0;

    memset(out, 0, dimensions * sizeof *out);
    add_word_vector(out, dimensions, space);
    for (size_t i = 0; i < text.len;) {
        size_t start = i;

        while (i < text.len &&
               (isalnum((unsigned char)text.data[i]) || (unsigned char)text.data[i] >= 0x80))
            i++;
        if (i > start)
            add_word_vector(out, dimensions,
                            asked_mix(space, str_slice(text.data + start, i - start)));
        else
            i++;
    }
    for (uint32_t i = 0; i < dimensions; i++)
        sum += (double)out[i] * out[i];
    for (uint32_t i = 0; i < dimensions && sum > 0; i++)
        out[i] = (float)(out[i] / sqrt(sum));
}

static int tell(struct answer *a, const struct asked *asked, struct str artifact, uint64_t seed,
                struct arena *arena)
{
    struct buf full;
    struct str text;
    int r = 0;

    buf_init(&full, TEXT_MAX);
    if (!continue_said(&text, asked, artifact, seed, &full)) {
        buf_reset(&full);
        r = full_text(&full, asked, asked->message_count, artifact, seed);
        text = buf_str(&full);
    }
    if (r == 0)
        a->text = arena_str(arena, text);
    buf_fini(&full);
    if (r < 0 || !a->text.data)
        return -ENOMEM;
    a->chain = asked_mix(a->chain, a->text);
    cut_at_stop(a, asked);
    return 0;
}

/* The request ends in the beginning of an answer: *ret is the rest, in full. */
static bool continue_said(struct str *ret, const struct asked *asked, struct str artifact,
                          uint64_t seed, struct buf *full)
{
    size_t last = asked->message_count - 1;
    struct str said;

    if (asked->message_count == 0)
        return false;
    said = asked->messages[last].text;
    if (asked->is_prompt)
        return continue_header(ret, said, artifact, full);
    if (!str_is(asked->messages[last].role, "assistant") || said.len == 0)
        return false;
    if (full_text(full, asked, last, artifact, seed) == 0 && str_starts(buf_str(full), said)) {
        *ret = str_slice(full->data + said.len, full->len - said.len);
        return true;
    }
    return continue_header(ret, said, artifact, full);
}

/* The last header in what was said holds all that its answer is made of. */
static bool continue_header(struct str *ret, struct str said, struct str artifact, struct buf *full)
{
    unsigned messages, images, tools, seed, end = 0;
    unsigned long long words;
    struct str at = {0}, rest = said;
    char mark[256], copy[128];

    snprintf(mark, sizeof mark, "[%.*s m=", STR_ARG(artifact));
    while ((rest = find_text(rest, str_from(mark))).len) {
        at = rest;
        rest = str_slice(rest.data + 1, rest.len - 1);
    }
    if (at.len == 0)
        return false;
    rest = str_slice(at.data + strlen(mark), at.len - strlen(mark));
    snprintf(copy, sizeof copy, "%.*s", STR_ARG(rest));
    if (sscanf(copy, "%u i=%u t=%u n=%llu #%8x]%n", &messages, &images, &tools, &words, &seed,
               &end) != 5 ||
        end == 0 || words > WORDS_MAX)
        return false;
    buf_reset(full);
    if (buf_put(full, str_slice(at.data, strlen(mark) + end)) < 0 ||
        plain_text(full, words, seed) < 0 || !str_starts(buf_str(full), at))
        return false;
    *ret = str_slice(full->data + at.len, full->len - at.len);
    return true;
}

/* What is said to the first so many messages, from its first byte on. */
static int full_text(struct buf *out, const struct asked *asked, size_t messages,
                     struct str artifact, uint64_t seed)
{
    uint64_t chain = messages ? asked->messages[messages - 1].chain : 1;
    uint64_t state = asked_mix(seed ^ chain, artifact);
    uint64_t words = wanted_words(asked, messages, (uint32_t)state);
    unsigned images = 0;
    struct buf plain;
    struct str whole;
    int r;

    for (size_t i = 0; i < messages; i++)
        images += asked->messages[i].images;
    buf_init(&plain, TEXT_MAX);
    r = buf_printf(&plain, "[%.*s m=%zu i=%u t=%zu n=%llu #%08x]", STR_ARG(artifact), messages,
                   images, asked->tool_count, (unsigned long long)words, (uint32_t)state);
    if (r == 0)
        r = plain_text(&plain, words, (uint32_t)state);
    whole = buf_str(&plain);
    if (r == 0 && asked->format == ASKED_text)
        r = buf_put(out, whole);
    if (r == 0 && asked->format != ASKED_text)
        r = json_text_of(out, asked, whole, state);
    buf_fini(&plain);
    return r;
}

static int json_text_of(struct buf *out, const struct asked *asked, struct str plain,
                        uint64_t state)
{
    struct json_out o = {.out = out};

    if (asked->format == ASKED_schema) {
        instance_write(&o, asked->schema, &plain, state);
        return o.error;
    }
    json_open(&o, '{');
    json_text(json_key(&o, "answer"), plain);
    json_close(&o, '}');
    return o.error;
}

/* Sentences of such words, a space in front of each. */
static int plain_text(struct buf *out, uint64_t words, uint32_t seed)
{
    uint64_t state = seed;
    unsigned left = 0;
    int r = 0;

    for (uint64_t i = 0; i < words && r == 0; i++) {
        bool begins = left == 0;
        struct str word = dice_word(&state);

        if (begins)
            left = 5 + (unsigned)(dice_draw(&state) % 8);
        left--;
        r = buf_printf(out, " %c%.*s%s", begins ? toupper(word.data[0]) : word.data[0],
                       (int)word.len - 1, word.data + 1, left == 0 || i + 1 == words ? "." : "");
    }
    return r;
}

/* "write N words", or 24 to 87. */
static uint64_t wanted_words(const struct asked *asked, size_t messages, uint32_t seed)
{
    struct str rest = messages ? asked->messages[messages - 1].text : STR("");
    uint64_t words;

    while ((rest = find_text(rest, STR("write "))).len) {
        size_t digits = 0;

        rest = str_slice(rest.data + 6, rest.len - 6);
        while (digits < rest.len && isdigit((unsigned char)rest.data[digits]))
            digits++;
        if (str_to_u64(&words, str_slice(rest.data, digits)) == 0 &&
            str_starts(str_slice(rest.data + digits, rest.len - digits), STR(" word")))
            return words < WORDS_MAX ? words : WORDS_MAX;
    }
    return 24 + seed % 64;
}

static const struct asked_tool *wanted_tool(const struct asked *asked)
{
    const struct asked_message *last;

    if (asked->message_count == 0 || asked->tool_count == 0 || asked->no_tools)
        return NULL;
    last = &asked->messages[asked->message_count - 1];
    if (!str_is(last->role, "user"))
        return NULL;
    for (size_t i = 0; i < asked->tool_count; i++) {
        struct str name = asked->tools[i].name;

        if (asked->tool_name.len
                ? str_equal(asked->tool_name, name)
                : mentions(last->text, "call ", name) || mentions(last->text, "use ", name) ||
                      mentions(last->text, "use the tool ", name))
            return &asked->tools[i];
    }
    return asked->any_tool ? &asked->tools[0] : NULL;
}

static bool mentions(struct str text, const char *lead, struct str name)
{
    struct str rest = text;

    while ((rest = find_text(rest, str_from(lead))).len) {
        rest = str_slice(rest.data + strlen(lead), rest.len - strlen(lead));
        if (str_starts(rest, name) &&
            (rest.len == name.len ||
             !(isalnum((unsigned char)rest.data[name.len]) || rest.data[name.len] == '_')))
            return true;
    }
    return false;
}

static int call_tool(struct answer *a, const struct asked_tool *tool, uint64_t seed,
                     struct arena *arena)
{
    struct str no_text = {0};
    struct json_out o = {0};
    struct buf arguments;

    buf_init(&arguments, TEXT_MAX);
    o.out = &arguments;
    if (tool->parameters)
        instance_write(&o, tool->parameters, &no_text, seed);
    else
        json_raw(&o, STR("{}"));
    a->call_name = tool->name;
    a->call_arguments = arena_str(arena, buf_str(&arguments));
    a->chain = asked_mix(a->chain, tool->name);
    buf_fini(&arguments);
    return o.error < 0 || !a->call_arguments.data ? -ENOMEM : 0;
}

static void cut_at_stop(struct answer *a, const struct asked *asked)
{
    for (size_t i = 0; i < asked->stop_count; i++) {
        struct str rest = asked->stops[i].len ? find_text(a->text, asked->stops[i]) : STR("");

        if (rest.len) {
            a->text.len -= rest.len;
            a->stopped = true;
        }
    }
}

/* From the first `what` on; empty when it is not there. */
static struct str find_text(struct str in, struct str what)
{
    const char *at = in.len ? memmem(in.data, in.len, what.data, what.len) : NULL;

    return at ? str_slice(at, in.len - (size_t)(at - in.data)) : STR("");
}

static void add_word_vector(float *out, uint32_t dimensions, uint64_t state)
{
    for (uint32_t i = 0; i < dimensions; i++)
        out[i] += (float)((double)(dice_draw(&state) >> 11) / 4503599627370496.0 - 1.0);
}
