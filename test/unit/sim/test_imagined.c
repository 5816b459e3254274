/* SPDX-License-Identifier: Apache-2.0 */
/* The imagined fleet on real sockets: bytes, errors, downloads, and machines that die. */
#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/clock.h"
#include "sim/imagined.h"
#include "wire/json.h"

static const char fleet_text[] =
    "fleet: test\n"
    "network: {wan: 1 Gbit/s, lan: 10 Gbit/s}\n"
    "machines:\n"
    "  desk:\n"
    "    hardware: {cpu: i9-12900K, gpu: RTX 5090, ram: 64 GB}\n"
    "    engines: [ollama]\n"
    "    keep_loaded: 1\n"
    "    models:\n"
    "      - {pull: 'qwen2.5:7b', context: 8K}\n"
    "      - {pull: 'nomic-embed-text'}\n"
    "  laptop:\n"
    "    hardware: {cpu: i9-12900H, ram: 32 GB}\n"
    "    engines: [ollama]\n"
    "    models:\n"
    "      - {pull: 'qwen2.5:7b', context: 8K}\n"
    "  attic:\n"
    "    hardware: {cpu: i5-12400, ram: 32 GB}\n"
    "    engines: [ollama]\n"
    "    keep_loaded: [nomic-embed-text]\n"
    "    models:\n"
    "      - {pull: 'qwen2.5:7b', context: 8K}\n"
    "      - {pull: 'nomic-embed-text'}\n"
    "  box:\n"
    "    hardware: {cpu: i5-12400, ram: 32 GB}\n"
    "    engines: [llama-server, {kind: whisper-server, port: 8081}, {kind: sd-server, port: "
    "1235}]\n"
    "    models:\n"
    "      - {pull: 'qwen2.5:7b', context: 8K, engine: llama-server}\n";

enum { DESK, LAPTOP, ATTIC, BOX, REPLY_MAX = 4 << 20, DEADLINE_MS = 10000 };

static struct fleet *fleet;
static struct catalog *catalog;
static struct imagined *im;
static char reply[REPLY_MAX];

static int set_up(void **state)
{
    struct err err = {0};

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    if (catalog_load(&catalog, NULL, &err) < 0 ||
        fleet_parse(&fleet, str_from(fleet_text), "test", &err) < 0 ||
        imagined_open(&im, fleet, catalog, &(struct imagined_options){.speed = 100, .seed = 1},
                      &err) < 0) {
        print_error("%s\n", err.text);
        return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    imagined_close(im);
    fleet_free(fleet);
    catalog_free(catalog);
    return 0;
}

/* A connection, or -1 when it is refused. */
static int dial(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_port = htons((uint16_t)strtoul(strchr(address, ':') + 1, NULL, 10));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int ask(const char *address, const char *method, const char *path, const char *body)
{
    char request[8192];
    int fd = dial(address);
    int n = snprintf(request, sizeof request,
                     "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
                     "application/json\r\nContent-Length: %zu\r\n\r\n%s",
                     method, path, body ? strlen(body) : 0, body ? body : "");

    assert_true(fd >= 0);
    assert_int_equal(write(fd, request, (size_t)n), n);
    return fd;
}

/* Reads on into reply (from its end when `used`) until `stop` is there or the end has come. False
 * when wait_ms went by. */
static bool read_until(int fd, size_t *used, const char *stop, int wait_ms)
{
    uint64_t until = clock_monotonic_us() + (uint64_t)wait_ms * 1000;

    for (;;) {
        uint64_t now = clock_monotonic_us();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n;

        reply[*used] = '\0';
        if (stop && strstr(reply, stop))
            return true;
        if (now >= until || poll(&p, 1, (int)((until - now) / 1000) + 1) <= 0)
            return false;
        n = read(fd, reply + *used, sizeof reply - 1 - *used);
        if (n <= 0)
            return !stop;
        *used += (size_t)n;
    }
}

/* The whole answer with its head. */
static const char *get(const char *address, const char *method, const char *path, const char *body)
{
    int fd = ask(address, method, path, body);
    size_t used = 0;

    assert_true(read_until(fd, &used, NULL, DEADLINE_MS));
    close(fd);
    return reply;
}

/* What stands behind the head, chunks put together. */
static const char *body_of(const char *answer)
{
    static char whole[REPLY_MAX];
    const char *at = strstr(answer, "\r\n\r\n");
    size_t n = 0;

    assert_non_null(at);
    at += 4;
    if (!strstr(answer, "chunked"))
        return at;
    for (size_t size; (size = strtoul(at, NULL, 16)) > 0;) {
        at = strstr(at, "\r\n") + 2;
        memcpy(whole + n, at, size);
        n += size;
        at += size + 2;
    }
    whole[n] = '\0';
    return whole;
}

/* Times are not the same twice: values under such keys become '?'. */
static void hide(char *text, const char *key)
{
    for (char *at = text; (at = strstr(at, key));) {
        char *end;

        at += strlen(key);
        end = at + strcspn(at, *at == '"' ? "" : ",}");
        if (*at == '"')
            end = strchr(at + 1, '"') + 1;
        memmove(at + 1, end, strlen(end) + 1);
        *at = '?';
    }
}

static void hide_times(char *text)
{
    hide(text, "\"created_at\":");
    hide(text, "_duration\":");
    hide(text, "\"created\":");
}

static void command(const char *json)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    assert_int_equal(imagined_command(im, str_from(json), &out), 200);
    buf_fini(&out);
}

static const char *refusal(const char *json)
{
    static char text[1024];
    struct buf out;

    buf_init(&out, 1 << 20);
    assert_int_equal(imagined_command(im, str_from(json), &out), 400);
    snprintf(text, sizeof text, "%.*s", STR_ARG(buf_str(&out)));
    buf_fini(&out);
    return text;
}

/* A number of the first engine of a machine, out of GET /imagine. */
static uint64_t look(const char *machine, const char *key)
{
    struct buf out;
    struct json tree;
    yyjson_val *item;
    size_t i, max;
    uint64_t found = UINT64_MAX;

    buf_init(&out, 1 << 20);
    assert_int_equal(imagined_list(im, &out), 200);
    assert_int_equal(json_read(&tree, buf_str(&out), JSON_MEMORY(out.len), NULL), 0);
    yyjson_arr_foreach(json_find(tree.root, "machines"), i, max,
                       item) if (str_is(json_find_str(item, "machine"), machine))
    {
        yyjson_val *engine = yyjson_arr_get_first(json_find(item, "engines"));

        found = yyjson_is_arr(json_find(engine, key)) ? yyjson_arr_size(json_find(engine, key))
                                                      : json_find_u64(engine, key);
    }
    json_fini(&tree);
    buf_fini(&out);
    return found;
}

#define CHAT "{\"model\":\"qwen2.5:7b\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]%s}"

static const char *chat(const char *text, const char *extra)
{
    static char body[8192];

    snprintf(body, sizeof body,
             "{\"model\":\"qwen2.5:7b\",\"options\":{\"num_ctx\":8192},\"messages\":[{\"role\":"
             "\"user\",\"content\":\"%s\"}]%s}",
             text, extra);
    return body;
}

/* First of all: at this speed nothing is kept for longer than three seconds. */
static void what_is_kept_loaded_by_name_is_that_alone(void **state)
{
    const char *loaded = get(imagined_address(im, ATTIC, 0), "GET", "/api/ps", NULL);

    (void)state;
    assert_non_null(strstr(loaded, "nomic-embed-text"));
    assert_null(strstr(loaded, "qwen2.5"));
}

static void a_chat_is_framed_as_ollama_frames_it(void **state)
{
    static const char first[] = "{\"model\":\"qwen2.5:7b\",\"created_at\":?,\"message\":{\"role\":"
                                "\"assistant\",\"content\":\"[qwen2\"},\"done\":false}\n";
    static const char last[] =
        "{\"model\":\"qwen2.5:7b\",\"created_at\":?,\"message\":{\"role\":\"assistant\","
        "\"content\":"
        "\"\"},\"done\":true,\"done_reason\":\"stop\",\"total_duration\":?,\"prompt_eval_count\":8,"
        "\"prompt_eval_duration\":?,\"eval_count\":";
    const char *answer =
        get(imagined_address(im, DESK, 0), "POST", "/api/chat", chat("write 4 words", ""));
    char text[65536];

    (void)state;
    assert_true(strncmp(answer, "HTTP/1.1 200 OK\r\n", 17) == 0);
    assert_non_null(strstr(answer, "Content-Type: application/x-ndjson\r\n"));
    assert_non_null(strstr(answer, "Transfer-Encoding: chunked\r\n"));
    snprintf(text, sizeof text, "%s", body_of(answer));
    hide_times(text);
    assert_memory_equal(text, first, strlen(first));
    assert_non_null(strstr(text, last));
    assert_true(text[strlen(text) - 1] == '\n');
}

/* The text of an Ollama's lines. */
static const char *said(const char *body, const char *key)
{
    static char text[65536];
    size_t n = 0;

    for (const char *at = body; (at = strstr(at, key));) {
        at += strlen(key);
        while (*at != '"' && n + 1 < sizeof text) {
            at += *at == '\\';
            text[n++] = *at++;
        }
    }
    text[n] = '\0';
    return text;
}

static void two_machines_say_the_same_and_one_goes_on_for_the_other(void **state)
{
    char whole[8192], body[16384], rest[8192];

    (void)state;
    snprintf(
        whole, sizeof whole, "%s",
        said(body_of(get(imagined_address(im, DESK, 0), "POST", "/api/chat", chat("tell me", ""))),
             "\"content\":\""));
    snprintf(body, sizeof body,
             "{\"model\":\"qwen2.5:7b\",\"messages\":[{\"role\":\"user\",\"content\":\"tell me\"},"
             "{\"role\":\"assistant\",\"content\":\"%.70s\"}]}",
             whole);
    snprintf(rest, sizeof rest, "%s",
             said(body_of(get(imagined_address(im, LAPTOP, 0), "POST", "/api/chat", body)),
                  "\"content\":\""));
    assert_string_equal(rest, whole + 70);
}

static const struct {
    unsigned machine;
    const char *method, *path, *body, *status, *type, *answer;
} errors[] = {
    {DESK, "GET", "/", NULL, "200", "text/plain; charset=utf-8", "Ollama is running"},
    {DESK, "GET", "/api/version", NULL, "200", "application/json; charset=utf-8",
     "{\"version\":\"0.33.0\"}"},
    {DESK, "GET", "/nope", NULL, "404", "text/plain", "404 page not found"},
    {DESK, "GET", "/api/chat", NULL, "405", "text/plain", "405 method not allowed"},
    {DESK, "POST", "/api/chat", "{\"model\":\"nope\",\"messages\":[]}", "404",
     "application/json; charset=utf-8", "{\"error\":\"model 'nope' not found\"}"},
    {DESK, "POST", "/api/chat", "", "400", "application/json; charset=utf-8",
     "{\"error\":\"missing request body\"}"},
    {DESK, "POST", "/api/chat", "xyz", "400", "application/json; charset=utf-8",
     "{\"error\":\"invalid character 'x' looking for beginning of value\"}"},
    {DESK, "POST", "/api/chat", "{}", "400", "application/json; charset=utf-8",
     "{\"error\":\"model is required\"}"},
    {DESK, "POST", "/api/chat",
     "{\"model\":\"nomic-embed-text\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", "400",
     "application/json; charset=utf-8",
     "{\"error\":\"\\\"nomic-embed-text\\\" does not support chat\"}"},
    {DESK, "POST", "/api/chat",
     "{\"model\":\"qwen2.5:7b\",\"think\":true,\"messages\":[{\"role\":\"user\",\"content\":"
     "\"x\"}]}",
     "400", "application/json; charset=utf-8",
     "{\"error\":\"\\\"qwen2.5:7b\\\" does not support thinking\"}"},
    {DESK, "POST", "/v1/chat/completions", "{\"model\":\"nope\",\"messages\":[]}", "404",
     "application/json",
     "{\"error\":{\"message\":\"model 'nope' not found\",\"type\":\"not_found_error\","
     "\"param\":null,\"code\":null}}\n"},
    {DESK, "POST", "/api/copy", "{\"source\":\"a\",\"destination\":\"b\"}", "404",
     "application/json; charset=utf-8", "{\"error\":\"model \\\"a\\\" not found\"}"},
    {DESK, "DELETE", "/api/delete", "{\"model\":\"a\"}", "404", "application/json; charset=utf-8",
     "{\"error\":\"model 'a' not found\"}"},
    {BOX, "GET", "/nope", NULL, "404", "application/json; charset=utf-8",
     "{\"error\":{\"message\":\"File Not Found\",\"type\":\"not_found_error\",\"code\":404}}"},
    {BOX, "GET", "/v1/chat/completions", NULL, "404", "application/json; charset=utf-8",
     "{\"error\":{\"message\":\"File Not Found\",\"type\":\"not_found_error\",\"code\":404}}"},
};

static void errors_are_the_real_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        const char *answer = get(imagined_address(im, errors[i].machine, 0), errors[i].method,
                                 errors[i].path, errors[i].body);
        char type[128];

        snprintf(type, sizeof type, "\r\nContent-Type: %s\r\n", errors[i].type);
        assert_memory_equal(answer + 9, errors[i].status, 3);
        assert_non_null(strstr(answer, type));
        assert_string_equal(body_of(answer), errors[i].answer);
    }
}

static void an_empty_request_loads_and_another_unloads(void **state)
{
    static const char load[] = "{\"model\":\"qwen2.5:7b\",\"options\":{\"num_ctx\":8192}}";
    static const char unload[] = "{\"model\":\"qwen2.5:7b\",\"keep_alive\":0}";
    const char *address = imagined_address(im, LAPTOP, 0);
    uint64_t changes = look("laptop", "changes");
    char text[4096];

    (void)state;
    snprintf(text, sizeof text, "%s", body_of(get(address, "POST", "/api/generate", load)));
    hide_times(text);
    assert_string_equal(text, "{\"model\":\"qwen2.5:7b\",\"created_at\":?,\"response\":\"\","
                              "\"done\":true,\"done_reason\":\"load\"}");
    assert_non_null(strstr(get(address, "GET", "/api/ps", NULL), "\"context_length\":8192"));
    snprintf(text, sizeof text, "%s", body_of(get(address, "POST", "/api/generate", unload)));
    hide_times(text);
    assert_string_equal(text, "{\"model\":\"qwen2.5:7b\",\"created_at\":?,\"response\":\"\","
                              "\"done\":true,\"done_reason\":\"unload\"}");
    for (uint64_t until = clock_monotonic_us() + 5000000;
         look("laptop", "loaded") > 0 && clock_monotonic_us() < until;)
        poll(NULL, 0, 1);
    assert_int_equal(look("laptop", "loaded"), 0);
    assert_int_equal(look("laptop", "changes"), changes + 2);
}

static void openai_words_come_as_ollama_and_llama_server_write_them(void **state)
{
    const char *ollama, *llama;
    char body[8192];

    (void)state;
    snprintf(body, sizeof body, "%s",
             chat("hi", ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
    ollama = get(imagined_address(im, DESK, 0), "POST", "/v1/chat/completions", body);
    assert_non_null(strstr(ollama, "Content-Type: text/event-stream\r\n"));
    ollama = body_of(ollama);
    assert_non_null(strstr(ollama, "\"delta\":{\"role\":\"assistant\",\"content\":\"[qwen2\"},"
                                   "\"finish_reason\":null}]}\n\n"));
    assert_non_null(strstr(ollama, "\"choices\":[],\"usage\":{\"prompt_tokens\":5,"));
    assert_string_equal(ollama + strlen(ollama) - 14, "data: [DONE]\n\n");

    for (int i = 0;
         i < 1000 && !strstr(get(imagined_address(im, BOX, 0), "GET", "/health", NULL), "200 OK");
         i++)
        poll(NULL, 0, 10);
    llama = get(imagined_address(im, BOX, 0), "POST", "/v1/chat/completions", body);
    assert_non_null(strstr(llama, "Server: llama.cpp\r\n"));
    llama = body_of(llama);
    assert_non_null(strstr(llama, "\"delta\":{\"role\":\"assistant\",\"content\":null}}]"));
    assert_non_null(strstr(llama, "\"timings\":{\"cache_n\":"));
    assert_string_equal(llama + strlen(llama) - 14, "data: [DONE]\n\n");
}

static void a_download_tells_how_far_it_is(void **state)
{
    const char *address = imagined_address(im, LAPTOP, 0);
    const char *body;

    (void)state;
    body = body_of(get(address, "POST", "/api/pull", "{\"model\":\"nope:1b\"}"));
    assert_string_equal(body, "{\"status\":\"pulling manifest\"}\n"
                              "{\"error\":\"pull model manifest: file does not exist\"}\n");
    body = body_of(get(address, "POST", "/api/pull", "{\"model\":\"llama3.2:3b\"}"));
    assert_non_null(strstr(body, "\"completed\":"));
    assert_non_null(strstr(body, "{\"status\":\"verifying sha256 digest\"}\n"
                                 "{\"status\":\"writing manifest\"}\n{\"status\":\"success\"}\n"));
    assert_non_null(strstr(get(address, "GET", "/api/tags", NULL), "\"name\":\"llama3.2:3b\""));
    get(address, "POST", "/api/copy", "{\"source\":\"llama3.2:3b\",\"destination\":\"mine\"}");
    assert_non_null(strstr(get(address, "GET", "/api/tags", NULL), "\"name\":\"mine:latest\""));
    get(address, "DELETE", "/api/delete", "{\"model\":\"llama3.2:3b\"}");
    assert_null(strstr(get(address, "GET", "/api/tags", NULL), "llama3.2:3b"));
}

static void a_machine_dies_in_mid_sentence_and_comes_back_on_its_port(void **state)
{
    const char *address = imagined_address(im, DESK, 0);
    int fd = ask(address, "POST", "/api/chat", chat("write 20000 words", ""));
    size_t used = 0;

    (void)state;
    assert_true(read_until(fd, &used, "\"done\":false", DEADLINE_MS));
    command("{\"machine\":\"desk\",\"do\":\"die\"}");
    assert_true(dial(address) < 0);
    read_until(fd, &used, NULL, DEADLINE_MS);
    assert_null(strstr(reply, "\"done\":true"));
    assert_null(strstr(reply, "\r\n0\r\n\r\n"));
    close(fd);
    assert_int_equal(look("desk", "loaded"), 0);
    command("{\"machine\":\"desk\",\"do\":\"revive\"}");
    assert_non_null(strstr(get(address, "POST", "/api/chat", chat("hi", "")), "\"done\":true"));
}

static void a_hung_machine_takes_calls_and_says_nothing(void **state)
{
    const char *address = imagined_address(im, DESK, 0);
    size_t used = 0;
    int fd;

    (void)state;
    command("{\"machine\":\"desk\",\"do\":\"hang\"}");
    fd = ask(address, "GET", "/api/version", NULL);
    assert_false(read_until(fd, &used, NULL, 100));
    assert_int_equal(used, 0);
    command("{\"machine\":\"desk\",\"do\":\"revive\"}");
    read_until(fd, &used, NULL, DEADLINE_MS);
    assert_int_equal(used, 0);
    close(fd);
}

static void a_wedged_machine_answers_who_it_is_but_does_no_work(void **state)
{
    const char *address = imagined_address(im, DESK, 0);
    size_t used = 0;
    int fd;

    (void)state;
    command("{\"machine\":\"desk\",\"do\":\"wedge\"}");
    assert_non_null(strstr(get(address, "GET", "/api/tags", NULL), "200 OK"));
    fd = ask(address, "POST", "/api/chat", chat("hi", ""));
    assert_false(read_until(fd, &used, NULL, 100));
    assert_int_equal(used, 0);
    close(fd);
    command("{\"machine\":\"desk\",\"do\":\"revive\"}");
}

static void other_faults_answer_wrongly(void **state)
{
    const char *address = imagined_address(im, DESK, 0);
    struct json tree;
    unsigned bad = 0;

    (void)state;
    command("{\"machine\":\"desk\",\"do\":\"error\"}");
    assert_non_null(strstr(get(address, "POST", "/api/chat", chat("hi", "")),
                           "{\"error\":\"imagined failure\"}"));
    command("{\"machine\":\"desk\",\"do\":\"garbage\"}");
    for (int i = 0; i < 4; i++) {
        const char *answer = get(address, "GET", "/api/version", NULL);

        assert_non_null(strstr(answer, "200 OK"));
        if (json_read(&tree, str_from(body_of(answer)), 1 << 20, NULL) < 0)
            bad++;
        else
            json_fini(&tree);
    }
    assert_int_equal(bad, 3);
    command("{\"machine\":\"desk\",\"do\":\"cut\",\"after_tokens\":3}");
    assert_non_null(get(address, "POST", "/api/chat", chat("hi", "")));
    assert_null(strstr(reply, "\"done\":true"));
    assert_string_equal(said(reply, "\"content\":\""), "[qwen2.5:7b m=1");
    command("{\"machine\":\"desk\",\"do\":\"revive\"}");
    assert_non_null(strstr(get(address, "POST", "/api/chat", chat("hi", "")), "\"done\":true"));
}

static void what_cannot_be_done_is_said_with_a_suggestion(void **state)
{
    (void)state;
    assert_non_null(strstr(refusal("{\"machine\":\"dekc\",\"do\":\"die\"}"), "desk"));
    assert_non_null(strstr(refusal("{\"machine\":\"desk\",\"do\":\"hnag\"}"), "hang"));
    assert_non_null(strstr(refusal("{\"machine\":\"desk\"}"), "'do' is missing"));
    assert_non_null(strstr(refusal("{"), "error"));
}

static void looking_changes_nothing(void **state)
{
    uint64_t changes = look("desk", "changes"), requests = look("desk", "requests");

    (void)state;
    get(imagined_address(im, DESK, 0), "GET", "/api/tags", NULL);
    get(imagined_address(im, DESK, 0), "GET", "/api/ps", NULL);
    assert_int_equal(look("desk", "changes"), changes);
    assert_int_equal(look("desk", "requests"), requests + 2);
}

static void vectors_sound_and_images_come_too(void **state)
{
    const char *answer;

    (void)state;
    answer = get(imagined_address(im, DESK, 0), "POST", "/api/embed",
                 "{\"model\":\"nomic-embed-text\",\"input\":[\"a\",\"b\"]}");
    assert_non_null(strstr(answer, "\"embeddings\":[["));
    assert_non_null(strstr(answer, "\"prompt_eval_count\":4}"));
    answer = get(imagined_address(im, BOX, 2), "POST", "/v1/images/generations",
                 "{\"prompt\":\"a llama\"}");
    assert_non_null(strstr(answer, "\"b64_json\":\"iVBOR"));
    answer = get(imagined_address(im, BOX, 1), "GET", "/health", NULL);
    assert_non_null(strstr(answer, "{\"status\":\"ok\"}"));
}

static void a_client_that_leaves_frees_the_slot(void **state)
{
    const char *address = imagined_address(im, DESK, 0);
    size_t used = 0;
    int fd = ask(address, "POST", "/api/chat", chat("write 20000 words", ""));

    (void)state;
    assert_true(read_until(fd, &used, "\"done\":false", DEADLINE_MS));
    close(fd);
    assert_non_null(
        strstr(get(address, "POST", "/api/chat", chat("write 2 words", "")), "\"done\":true"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_loaded_by_name_is_that_alone),
        cmocka_unit_test(a_chat_is_framed_as_ollama_frames_it),
        cmocka_unit_test(two_machines_say_the_same_and_one_goes_on_for_the_other),
        cmocka_unit_test(errors_are_the_real_ones),
        cmocka_unit_test(an_empty_request_loads_and_another_unloads),
        cmocka_unit_test(openai_words_come_as_ollama_and_llama_server_write_them),
        cmocka_unit_test(a_download_tells_how_far_it_is),
        cmocka_unit_test(a_machine_dies_in_mid_sentence_and_comes_back_on_its_port),
        cmocka_unit_test(a_hung_machine_takes_calls_and_says_nothing),
        cmocka_unit_test(a_wedged_machine_answers_who_it_is_but_does_no_work),
        cmocka_unit_test(other_faults_answer_wrongly),
        cmocka_unit_test(what_cannot_be_done_is_said_with_a_suggestion),
        cmocka_unit_test(looking_changes_nothing),
        cmocka_unit_test(vectors_sound_and_images_come_too),
        cmocka_unit_test(a_client_that_leaves_frees_the_slot),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
