/* SPDX-License-Identifier: Apache-2.0 */
/* From one dialect to another and back: what both can say means the same as before. */
#include "testing.h"

#include <stdio.h>

#include "base/attr.h"
#include "dialect/dialect.h"

enum { ROOM = 1 << 20 };

static const struct copy_shape shape = {.model = STR("m"),
                                        .can_think = true,
                                        .can_fetch = true,
                                        .reads_files = true,
                                        .max_output = 64000};

/* Each bit of a number is a feature that a request has or has not. */
static const struct {
    const char *with, *without;
} features[] = {
    {"\"system\":[{\"type\":\"text\",\"text\":\"Be \\u00e9 brief.\"}],", ""},
    {"\"temperature\":0.25,", "\"top_p\":0.5,"},
    {"\"stop_sequences\":[\"END\",\"STOP\"],", ""},
    {"\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"input_schema\":{\"type\":\"object\"}}],"
     "\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":true},",
     ""},
    {"\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}},",
     ""},
    {"\"metadata\":{\"user_id\":\"u\"},\"service_tier\":\"standard_only\",", ""},
    {"\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"What?\"},"
     "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\","
     "\"data\":\"iVBORw==\"}}]},",
     "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"What?\"}]},"},
    {"{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"I look.\"},{\"type\":"
     "\"tool_use\",\"id\":\"call_1\",\"name\":\"f\",\"input\":{\"a\":[1,null,\"\\\"\"]}},{\"type\":"
     "\"tool_use\",\"id\":\"call_2\",\"name\":\"f\",\"input\":{}}]},"
     "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"call_1\","
     "\"content\":[{\"type\":\"text\",\"text\":\"rain\"}]},{\"type\":\"tool_result\","
     "\"tool_use_id\":\"call_2\",\"content\":[{\"type\":\"text\",\"text\":\"sun\"}]},"
     "{\"type\":\"text\",\"text\":\"So?\"}]}]}",
     "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"It\"}]}]}"},
};

static void make_body(struct buf *out, unsigned bits)
{
    assert_int_equal(buf_put(out, STR("{\"model\":\"m\",\"max_tokens\":99,")), 0);
    for (unsigned i = 0; i < COUNT_OF(features); i++)
        assert_int_equal(
            buf_put(out, str_from(bits & 1u << i ? features[i].with : features[i].without)), 0);
}

/* The body as an engine of the other dialect is asked for the same. */
static void translate(struct buf *out, enum dialect_id from, enum dialect_id to, struct str body)
{
    const struct dialect *caller = dialect_get(from), *engine = dialect_get(to);
    struct arena arena;
    struct ask ask;
    struct chat chat;
    struct err err = {0};

    arena_init(&arena, ROOM);
    buf_reset(out);
    if (caller->scan(&ask, TASK_chat, body, &err) < 0 ||
        caller->read_request(&chat, &ask, &arena, &err) < 0 ||
        engine->write_request(out, &chat, &shape, ask.stream, &arena, &err) < 0)
        fail_msg("%.*s: %s", STR_ARG(body), err.text);
    if (chat.dropped_count)
        fail_msg("%.*s: dropped %.*s", STR_ARG(body), STR_ARG(chat.dropped[0]));
    ask_fini(&ask);
    arena_fini(&arena);
}

static void a_request_comes_back_as_it_was(void **state)
{
    struct buf body, here, there, back;

    (void)state;
    buf_init(&body, ROOM);
    buf_init(&here, ROOM);
    buf_init(&there, ROOM);
    buf_init(&back, ROOM);
    for (unsigned bits = 0; bits < 1u << COUNT_OF(features); bits++) {
        buf_reset(&body);
        make_body(&body, bits);
        translate(&here, DIALECT_anthropic, DIALECT_anthropic, buf_str(&body));
        translate(&there, DIALECT_anthropic, DIALECT_openai, buf_str(&body));
        translate(&back, DIALECT_openai, DIALECT_anthropic, buf_str(&there));
        if (!str_equal(buf_str(&here), buf_str(&back)))
            fail_msg("went as %.*s\ncame back as %.*s\nthrough %.*s", STR_ARG(buf_str(&here)),
                     STR_ARG(buf_str(&back)), STR_ARG(buf_str(&there)));
    }
    buf_fini(&body);
    buf_fini(&here);
    buf_fini(&there);
    buf_fini(&back);
}

struct ear {
    const struct dialect *dialect;
    struct writer *writer;
};

static int hear(void *ctx, const struct delta *delta)
{
    const struct ear *ear = ctx;

    return ear->dialect->writer_put(ear->writer, delta);
}

/* The answer as a caller of the other dialect gets it. */
static void retell(struct buf *out, enum dialect_id from, enum dialect_id to, struct str answer)
{
    const struct dialect *engine = dialect_get(from);
    const struct reply_shape reply = {.task = TASK_chat,
                                      .stream = true,
                                      .include_usage = true,
                                      .id = STR("1"),
                                      .model = STR("m")};
    struct ear ear = {.dialect = dialect_get(to)};
    struct reader *reader;

    buf_reset(out);
    assert_int_equal(ear.dialect->writer_new(&ear.writer, &reply, out), 0);
    assert_int_equal(engine->reader_new(&reader, TASK_chat, true, ROOM, (struct sink){hear, &ear}),
                     0);
    assert_int_equal(engine->reader_feed(reader, answer, NULL), 0);
    assert_int_equal(engine->reader_end(reader), 0);
    assert_int_equal(ear.dialect->writer_end(ear.writer), 0);
    engine->reader_free(reader);
    ear.dialect->writer_free(ear.writer);
}

static void an_answer_comes_back_as_it_was(void **state)
{
    static const char *const told[] = {
        "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"Hm.\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"a \\\"b\\\" \\n\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c0\",\"function\":"
        "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":\"}}]}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":"
        "{\"arguments\":\"1}\"}}]}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"c1\",\"function\":"
        "{\"name\":\"g\",\"arguments\":\"{}\"}}]}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":5,"
        "\"prompt_tokens_details\":{\"cached_tokens\":12}}}\n\n",
        "data: [DONE]\n\n",
    };
    struct buf answer, here, there, back;

    (void)state;
    buf_init(&answer, ROOM);
    buf_init(&here, ROOM);
    buf_init(&there, ROOM);
    buf_init(&back, ROOM);
    for (size_t i = 0; i < COUNT_OF(told); i++)
        assert_int_equal(buf_put(&answer, str_from(told[i])), 0);
    retell(&there, DIALECT_openai, DIALECT_anthropic, buf_str(&answer));
    retell(&back, DIALECT_anthropic, DIALECT_openai, buf_str(&there));
    /* A call of Anthropic's begins without arguments; put together they are what they were. */
    retell(&here, DIALECT_openai, DIALECT_anthropic, buf_str(&back));
    if (!str_equal(buf_str(&here), buf_str(&there)))
        fail_msg("%.*s\n%.*s", STR_ARG(buf_str(&there)), STR_ARG(buf_str(&here)));
    buf_fini(&answer);
    buf_fini(&here);
    buf_fini(&there);
    buf_fini(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_comes_back_as_it_was),
        cmocka_unit_test(an_answer_comes_back_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
