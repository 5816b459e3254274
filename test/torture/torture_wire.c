/* SPDX-License-Identifier: Apache-2.0 */
/* Parsers, readers and writers of wire/ and dialect/ when memory runs out. */
#include "torture.h"

#include "testing.h"

#include <errno.h>

#include "dialect/dialect.h"
#include "wire/base64.h"
#include "wire/form.h"
#include "wire/json_out.h"
#include "wire/ndjson.h"
#include "wire/sse.h"
#include "wire/url.h"

enum { EVENT_MAX = 1 << 20, ARENA_MAX = 1 << 20 };

#define TOOL \
    "{\"type\":\"function\",\"function\":{\"name\":\"f\"," \
    "\"parameters\":{\"a\":[1,2.5]}}}"
#define PICTURE "data:image/png;base64,iVBORw0KGgo="

static const char openai_chat[] =
    "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"t\"},{\"type\":\"image_url\","
    "\"image_url\":{\"url\":\"" PICTURE "\"}},{\"type\":\"input_audio\",\"input_audio\":{"
    "\"data\":\"AAAA\",\"format\":\"wav\"}}]},{\"role\":\"assistant\",\"tool_calls\":[{\"id\":"
    "\"1\","
    "\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]},{\"role\":\"tool\","
    "\"tool_call_id\":\"1\",\"content\":\"r\"}],\"tools\":[" TOOL "],\"stop\":[\"a\",\"b\"],"
    "\"user\":\"u\",\"seed\":7,\"reasoning_effort\":\"low\",\"response_format\":{\"type\":"
    "\"json_schema\",\"json_schema\":{\"schema\":{\"type\":\"object\"}}}}";
static const char ollama_chat[] =
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"c\",\"images\":[\"iVBOR\"]},"
    "{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1}}"
    "}]},"
    "{\"role\":\"tool\",\"tool_name\":\"f\",\"content\":\"r\"}],\"tools\":[" TOOL "],"
    "\"options\":{\"num_ctx\":1,\"temperature\":0.5,\"stop\":[\"x\"]},\"keep_alive\":5,"
    "\"format\":{\"type\":\"object\"},\"think\":true}";
static const char responses_chat[] =
    "{\"model\":\"m\",\"instructions\":\"s\",\"store\":true,\"input\":[{\"role\":\"user\","
    "\"content\":[{"
    "\"type\":\"input_text\",\"text\":\"t\"},{\"type\":\"input_image\",\"image_url\":\"" PICTURE
    "\"}]},{\"type\":\"reasoning\",\"content\":[{\"text\":\"r\"}]},{\"type\":\"function_call\","
    "\"call_id\":\"1\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"},{\"type\":\"function_call\","
    "\"call_id\":\"2\",\"name\":\"f\",\"arguments\":\"\"},{\"type\":\"function_call_output\","
    "\"call_id\":"
    "\"1\",\"output\":\"o\"}],\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{}}]"
    "}";
static const char embed[] =
    "{\"model\":\"m\",\"input\":[\"a\",\"b\"],\"encoding_format\":\"base64\"}";

static const char gemini_chat[] =
    "{\"systemInstruction\":{\"parts\":[{\"text\":\"s\"}]},\"contents\":[{\"role\":\"user\","
    "\"parts\":["
    "{\"text\":\"t\"},{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"iVBOR\"}}]},{\"role\":"
    "\"model\",\"parts\":[{\"text\":\"a\",\"thought\":true},{\"text\":\"b\",\"thought\":true,"
    "\"thoughtSignature\":\"c\"},{\"functionCall\":{\"name\":\"f\",\"args\":{\"a\":1}}}]},{"
    "\"role\":"
    "\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{\"a\":1}}}]}],"
    "\"tools\":["
    "{\"functionDeclarations\":[{\"name\":\"f\",\"parameters\":{\"type\":\"OBJECT\"}}]}],"
    "\"generationConfig\":{\"seed\":7,\"stopSequences\":[\"a\"],\"thinkingConfig\":{"
    "\"thinkingLevel\":"
    "\"HIGH\"},\"odd\":1},\"safetySettings\":[]}";

static const char anthropic_chat[] =
    "{\"model\":\"m\",\"max_tokens\":9,\"stream\":true,\"system\":[{\"type\":\"text\",\"text\":"
    "\"s\",\"cache_control\":{}}],\"messages\":[{\"role\":\"user\",\"content\":\"t\"},{\"role\":"
    "\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"a\",\"signature\":\"tampu\"},"
    "{\"type\":\"thinking\",\"thinking\":\"b\",\"signature\":\"x\"},{\"type\":\"tool_use\",\"id\":"
    "\"1\",\"name\":\"f\",\"input\":{\"a\":1}}]},{\"role\":\"user\",\"content\":[{\"type\":"
    "\"tool_result\",\"tool_use_id\":\"1\",\"content\":[{\"type\":\"text\",\"text\":\"r\"}]},{"
    "\"type\":\"text\",\"text\":\"u\"}]}],\"tools\":[{\"name\":\"f\",\"input_schema\":{}}],"
    "\"stop_sequences\":[\"a\"],\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}}";
static const char openai_stream[] =
    ": ping\n\ndata: {\"choices\":[{\"delta\":{\"reasoning\":\"r\"}}]}\n\n"
    "data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"two\"}}]}\n\n"
    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"i\",\"function\":"
    "{\"name\":\"f\",\"arguments\":{\"a\":1}}}]},\"finish_reason\":\"tool_calls\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n"
    "data: [DONE]\n\n";
static const char openai_vectors[] =
    "{\"data\":[{\"index\":0,\"embedding\":\"AAAAPwAAgL4=\"},{\"index\":1,\"embedding\":[0.1,2]}],"
    "\"usage\":{\"prompt_tokens\":1}}";
static const char ollama_stream[] =
    "{\"message\":{\"content\":\"\",\"thinking\":\"t\"},\"done\":false}\n"
    "{\"message\":{\"content\":\"c\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":"
    "{\"a\":1}}}]},\"done\":false}\n"
    "{\"message\":{\"content\":\"\"},\"done\":true,\"eval_count\":2}\n";
static const char anthropic_stream[] =
    "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":1}}}\n\n"
    "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\",\"id\":\"i\","
    "\"name\":\"f\",\"input\":{\"a\":1}}}\n\n"
    "data: {\"type\":\"content_block_stop\"}\n\n"
    "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{}}\n\n"
    "data: {\"type\":\"message_stop\"}\n\n";
static const char gemini_stream[] =
    "data: "
    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"h\",\"thought\":true},{\"text\":\"c\"}]}"
    "}]"
    "}\r\n\r\ndata: "
    "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{"
    "\"a\":1}},\"thoughtSignature\":\"s\"}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{"
    "\"promptTokenCount\":1}}\r\n\r\n";
static const char gemini_list[] = "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"c\"}]}}]}"
                                  ",{\"candidates\":[{\"finishReason\":"
                                  "\"STOP\"}]}]";
static const char ollama_vectors[] = "{\"embeddings\":[[0.1,0.2],[1,2]],\"prompt_eval_count\":1}";

static int json_alone(void)
{
    struct json json = {0};
    struct buf out;
    int r;

    buf_init(&out, EVENT_MAX);
    r = json_read(&json, str_from(openai_chat), JSON_MEMORY(1000), NULL);
    if (r == 0)
        r = json_put_value(&out, json.root);
    if (r == 0)
        r = json_put_string(&out, STR("\n\xff\xc3\xbc"));
    if (r == 0)
        r = json_put_double(&out, 0.1);
    json_fini(&json);
    buf_fini(&out);
    return r;
}

/* One text within the reused memory, one that makes it grow, one beyond it. */
static int json_pooled(void)
{
    static char large[100000];
    struct json_pool pool = {0};
    yyjson_val *root;
    int r = json_pool_read(&pool, STR("[1,2,3]"), &root);

    memset(large, '1', sizeof large);
    if (r == 0)
        r = json_pool_read(&pool, str_from(openai_chat), &root);
    if (r == 0) {
        large[0] = large[sizeof large - 1] = '"';
        r = json_pool_read(&pool, str_slice(large, sizeof large), &root);
    }
    json_pool_fini(&pool);
    return r;
}

static int hear_event(void *ctx, struct str name, struct str data)
{
    (void)name;
    return buf_put(ctx, data);
}

static int hear_line(void *ctx, struct str line)
{
    return buf_put(ctx, line);
}

static int events_and_lines(void)
{
    struct str text = str_from(openai_stream);
    struct ndjson lines;
    struct sse events;
    struct buf out;
    int r;

    buf_init(&out, EVENT_MAX);
    sse_init(&events, EVENT_MAX, hear_event, &out);
    ndjson_init(&lines, EVENT_MAX, hear_line, &out);
    r = sse_feed(&events, str_slice(text.data, 100));
    if (r == 0)
        r = sse_feed(&events, str_slice(text.data + 100, text.len - 100));
    if (r == 0)
        r = ndjson_feed(&lines, str_slice(ollama_stream, 70));
    if (r == 0)
        r = ndjson_end(&lines);
    sse_fini(&events);
    ndjson_fini(&lines);
    buf_fini(&out);
    return r;
}

static int forms(void)
{
    static const struct str text =
        STR("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"; "
            "filename*=utf-8''%c3%bc\r\nContent-Type: a/b\r\n\r\nbytes\r\n"
            "--b\r\nContent-Disposition: form-data; name=model\r\n\r\nm\r\n--b--");
    struct arena arena;
    struct form form;
    int r;

    arena_init(&arena, ARENA_MAX);
    r = form_init(&form, STR("multipart/form-data; boundary=\"b\""), &arena);
    if (r == 0) {
        r = form_feed(&form, str_slice(text.data, 60));
        if (r == 0)
            r = form_feed(&form, str_slice(text.data + 60, text.len - 60));
        if (r == 0)
            r = form_end(&form);
        form_fini(&form);
    }
    arena_fini(&arena);
    return r;
}

static int urls_and_base64(void)
{
    struct buf out;
    int r;

    buf_init(&out, EVENT_MAX);
    r = url_find(&out, STR("a=1&name=%41+b"), "name");
    if (r == 0)
        r = url_encode(&out, STR("a b"));
    if (r == 0)
        r = base64_put(&out, STR("bytes"));
    if (r == 0)
        r = base64_take(&out, STR("Ynl0ZXM="));
    buf_fini(&out);
    return r;
}

static int request(enum dialect_id from, enum dialect_id to, enum task task, const char *body)
{
    const struct copy_shape shape = {.model = STR("copy"), .num_ctx = 8, .can_think = true};
    const struct dialect *caller = dialect_get(from), *engine = dialect_get(to);
    struct arena arena;
    struct ask ask = {0};
    struct chat chat;
    struct buf out;
    int r;

    arena_init(&arena, ARENA_MAX);
    buf_init(&out, EVENT_MAX);
    r = caller->scan(&ask, task, str_from(body), NULL);
    if (r == 0 && caller->scan_path)
        r = caller->scan_path(&ask, STR("m:generateContent"), STR(""), &arena, NULL);
    if (r == 0 && from == to && caller->forward)
        r = caller->forward(&out, &ask, &shape);
    else if (r == 0 && (r = caller->read_request(&chat, &ask, &arena, NULL)) == 0)
        r = engine->write_request(&out, &chat, &shape, ask.stream, &arena, NULL);
    ask_fini(&ask);
    arena_fini(&arena);
    buf_fini(&out);
    return r;
}

static int openai_asks_ollama(void)
{
    return request(DIALECT_openai, DIALECT_ollama, TASK_chat, openai_chat);
}

static int openai_asks_ollama_for_vectors(void)
{
    return request(DIALECT_openai, DIALECT_ollama, TASK_embed, embed);
}

static int ollama_asks_openai(void)
{
    return request(DIALECT_ollama, DIALECT_openai, TASK_chat, ollama_chat);
}

static int ollama_asks_ollama(void)
{
    return request(DIALECT_ollama, DIALECT_ollama, TASK_chat, ollama_chat);
}

static int responses_asks_openai(void)
{
    return request(DIALECT_responses, DIALECT_openai, TASK_chat, responses_chat);
}

static int anthropic_asks_openai(void)
{
    return request(DIALECT_anthropic, DIALECT_openai, TASK_chat, anthropic_chat);
}

static int anthropic_asks_anthropic(void)
{
    return request(DIALECT_anthropic, DIALECT_anthropic, TASK_chat, anthropic_chat);
}

static int ollama_asks_anthropic(void)
{
    return request(DIALECT_ollama, DIALECT_anthropic, TASK_chat, ollama_chat);
}

static int gemini_asks_openai(void)
{
    return request(DIALECT_gemini, DIALECT_openai, TASK_chat, gemini_chat);
}

static int openai_asks_gemini(void)
{
    return request(DIALECT_openai, DIALECT_gemini, TASK_chat, openai_chat);
}

struct ear {
    const struct dialect *caller;
    struct writer *writer;
};

static int hear(void *ctx, const struct delta *delta)
{
    struct ear *ear = ctx;

    return ear->caller->writer_put(ear->writer, delta);
}

static int feed(const struct dialect *engine, struct reader *reader, struct str text)
{
    size_t cut = text.len / 3;
    int r = engine->reader_feed(reader, str_slice(text.data, cut), NULL);

    if (r == 0)
        r = engine->reader_feed(reader, str_slice(text.data + cut, text.len - cut), NULL);
    return r < 0 ? r : engine->reader_end(reader);
}

static int answer(enum dialect_id from, enum dialect_id to, enum task task, bool stream,
                  const char *text)
{
    const struct reply_shape shape = {.task = task,
                                      .stream = stream,
                                      .include_usage = true,
                                      .base64 = true,
                                      .id = STR("1"),
                                      .model = STR("m")};
    const struct dialect *engine = dialect_get(from);
    struct ear ear = {.caller = dialect_get(to)};
    struct reader *reader = NULL;
    struct buf out;
    int r;

    buf_init(&out, EVENT_MAX);
    r = ear.caller->writer_new(&ear.writer, &shape, &out);
    if (r == 0)
        r = engine->reader_new(&reader, task, task != TASK_embed, EVENT_MAX,
                               (struct sink){hear, &ear});
    if (r == 0)
        r = feed(engine, reader, str_from(text));
    if (r == 0)
        r = ear.caller->writer_end(ear.writer);
    engine->reader_free(reader);
    ear.caller->writer_free(ear.writer);
    buf_fini(&out);
    return r;
}

static int ollama_answers_openai(void)
{
    int r = answer(DIALECT_ollama, DIALECT_openai, TASK_chat, true, ollama_stream);

    return r < 0 ? r : answer(DIALECT_ollama, DIALECT_openai, TASK_chat, false, ollama_stream);
}

static int openai_answers_ollama(void)
{
    int r = answer(DIALECT_openai, DIALECT_ollama, TASK_chat, true, openai_stream);

    return r < 0 ? r : answer(DIALECT_openai, DIALECT_ollama, TASK_chat, false, openai_stream);
}

static int openai_answers_responses(void)
{
    int r = answer(DIALECT_openai, DIALECT_responses, TASK_chat, true, openai_stream);

    return r < 0 ? r : answer(DIALECT_openai, DIALECT_responses, TASK_chat, false, openai_stream);
}

static int openai_answers_anthropic(void)
{
    int r = answer(DIALECT_openai, DIALECT_anthropic, TASK_chat, true, openai_stream);

    return r < 0 ? r : answer(DIALECT_openai, DIALECT_anthropic, TASK_chat, false, openai_stream);
}

static int anthropic_answers_ollama(void)
{
    return answer(DIALECT_anthropic, DIALECT_ollama, TASK_chat, true, anthropic_stream);
}

static int gemini_answers_openai(void)
{
    int r = answer(DIALECT_gemini, DIALECT_openai, TASK_chat, true, gemini_stream);

    return r < 0 ? r : answer(DIALECT_gemini, DIALECT_openai, TASK_chat, true, gemini_list);
}

static int openai_answers_gemini(void)
{
    int r = answer(DIALECT_openai, DIALECT_gemini, TASK_chat, true, openai_stream);

    return r < 0 ? r : answer(DIALECT_openai, DIALECT_gemini, TASK_chat, false, openai_stream);
}

static int vectors(void)
{
    int r = answer(DIALECT_openai, DIALECT_ollama, TASK_embed, false, openai_vectors);

    return r < 0 ? r : answer(DIALECT_ollama, DIALECT_openai, TASK_embed, false, ollama_vectors);
}

static int failures(void)
{
    struct buf out;
    int r = 0;

    buf_init(&out, EVENT_MAX);
    for (unsigned i = 0; i < DIALECT_COUNT && r == 0; i++)
        r = dialect_get(i)->write_failure(&out, FAILURE_stream_cut, STR("x\n"), true);
    buf_fini(&out);
    return r;
}

/* What an engine meant by its no is told without its words when there is no room for them. */
static int understanding(void)
{
    struct arena arena;
    struct str found;
    bool is_told = true;

    for (unsigned i = 0; i < DIALECT_COUNT; i++) {
        arena_init(&arena, ARENA_MAX);
        dialect_get(i)->read_failure(503, STR("{\"error\":{\"message\":\"m\"}}"), &arena, &found);
        is_told = is_told && str_equal(found, STR("m"));
        arena_fini(&arena);
    }
    return is_told ? 0 : -ENOMEM;
}

#define SCENE(name) \
    static void scene_##name(void **state) \
    { \
        (void)state; \
        torture(name); \
    }
SCENE(json_alone)
SCENE(json_pooled)
SCENE(events_and_lines)
SCENE(urls_and_base64)
SCENE(openai_asks_ollama)
SCENE(openai_asks_ollama_for_vectors)
SCENE(ollama_asks_openai)
SCENE(ollama_asks_ollama)
SCENE(ollama_answers_openai)
SCENE(openai_answers_ollama)
SCENE(anthropic_asks_openai)
SCENE(anthropic_asks_anthropic)
SCENE(ollama_asks_anthropic)
SCENE(openai_answers_anthropic)
SCENE(anthropic_answers_ollama)
SCENE(gemini_asks_openai)
SCENE(forms)
SCENE(responses_asks_openai)
SCENE(openai_answers_responses)
SCENE(openai_asks_gemini)
SCENE(gemini_answers_openai)
SCENE(openai_answers_gemini)
SCENE(vectors)
SCENE(failures)

static void scene_understanding(void **state)
{
    (void)state;
    torture_lightly(understanding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scene_json_alone),
        cmocka_unit_test(scene_json_pooled),
        cmocka_unit_test(scene_events_and_lines),
        cmocka_unit_test(scene_urls_and_base64),
        cmocka_unit_test(scene_openai_asks_ollama),
        cmocka_unit_test(scene_openai_asks_ollama_for_vectors),
        cmocka_unit_test(scene_ollama_asks_openai),
        cmocka_unit_test(scene_ollama_asks_ollama),
        cmocka_unit_test(scene_ollama_answers_openai),
        cmocka_unit_test(scene_openai_answers_ollama),
        cmocka_unit_test(scene_anthropic_asks_openai),
        cmocka_unit_test(scene_anthropic_asks_anthropic),
        cmocka_unit_test(scene_ollama_asks_anthropic),
        cmocka_unit_test(scene_openai_answers_anthropic),
        cmocka_unit_test(scene_anthropic_answers_ollama),
        cmocka_unit_test(scene_gemini_asks_openai),
        cmocka_unit_test(scene_forms),
        cmocka_unit_test(scene_responses_asks_openai),
        cmocka_unit_test(scene_openai_answers_responses),
        cmocka_unit_test(scene_openai_asks_gemini),
        cmocka_unit_test(scene_gemini_answers_openai),
        cmocka_unit_test(scene_openai_answers_gemini),
        cmocka_unit_test(scene_vectors),
        cmocka_unit_test(scene_failures),
        cmocka_unit_test(scene_understanding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
