/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner of golden cases: each whole, cut at every position, and byte by byte.
 *
 *     run [--accept] FOLDER      --accept writes what came out as what must come out
 *
 * A folder without case.json is a folder of cases. Adding a case is adding a folder: write
 * case.json, request.json and upstream.*, accept, and read what was accepted.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "golden.h"

enum { FILE_MAX = 1 << 18, ARENA_MAX = 256 << 20 };

static bool is_accepting;
static unsigned passed, failed;
static size_t cuts;

static void walk(const char *folder);
static bool has_file(const char *folder, const char *name);
static bool read_file(struct str *ret, struct arena *arena, const char *folder, const char *name);
static bool run_case(const char *folder);
static bool open_case(struct golden *g);
static bool find_dialects(struct golden *g);
static bool check_request(struct golden *g);
static bool check_engine_request(struct golden *g, struct chat *chat);
static int forward(struct golden *g, struct buf *out, struct chat *chat);
static int splice(const struct ask *ask, struct buf *out, struct str model);
static bool check_target(struct golden *g);
static bool check_answer(struct golden *g);
static bool check_cuts(struct golden *g, const struct replay *expected);
static bool check_dropped(struct golden *g, const struct chat *chat);
static bool expect(struct golden *g, const char *name, struct str got);
static bool is_same(struct golden *g, const char *what, size_t cut, struct str got,
                    struct str want);
static void accept(struct golden *g, const char *name, struct str got);

int main(int argc, char **argv)
{
    is_accepting = argc > 2 && strcmp(argv[1], "--accept") == 0;
    if (argc < 2 + is_accepting) {
        fprintf(stderr, "usage: %s [--accept] FOLDER\n", argv[0]);
        return 2;
    }
    walk(argv[1 + is_accepting]);
    printf("golden: %zu replays\n%u passed, %u failed\n", cuts, passed, failed);
    return failed > 0;
}

static void walk(const char *folder)
{
    struct dirent **entries;
    int count;

    if (has_file(folder, "case.json")) {
        *(run_case(folder) ? &passed : &failed) += 1;
        return;
    }
    count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char path[1024];
        struct stat s;

        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && stat(path, &s) == 0 && S_ISDIR(s.st_mode))
            walk(path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static bool has_file(const char *folder, const char *name)
{
    char path[1024];
    struct stat s;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &s) == 0;
}

static bool read_file(struct str *ret, struct arena *arena, const char *folder, const char *name)
{
    char path[1024], *bytes = arena_alloc(arena, FILE_MAX);
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert(bytes);
    if (!(file = fopen(path, "re")))
        return false;
    *ret = str_slice(bytes, fread(bytes, 1, FILE_MAX, file));
    fclose(file);
    return true;
}

static bool run_case(const char *folder)
{
    struct golden g = {.folder = folder};
    bool is_good;

    arena_init(&g.arena, ARENA_MAX);
    is_good = open_case(&g) && check_request(&g) && (!g.upstream.data || check_answer(&g));
    ask_fini(&g.ask);
    json_fini(&g.setup);
    arena_fini(&g.arena);
    return is_good;
}

static bool open_case(struct golden *g)
{
    static const char *const upstreams[] = {"upstream.sse", "upstream.ndjson", "upstream.json"};
    struct str setup;
    yyjson_val *root;

    if (!read_file(&setup, &g->arena, g->folder, "case.json") ||
        json_read(&g->setup, setup, JSON_MEMORY(setup.len), NULL) < 0) {
        printf("%s: case.json is not JSON\n", g->folder);
        return false;
    }
    root = g->setup.root;
    g->status = (int)json_find_u64(root, "status");
    g->copy = (struct copy_shape){
        .model = json_find_str(root, "model"),
        .num_ctx = (uint32_t)json_find_u64(root, "num_ctx"),
        .keep_alive = json_find_str(root, "keep_alive"),
        .can_think = json_find_true(root, "can_think"),
        .can_grade = json_find_true(root, "can_grade"),
        .can_fetch = json_find_true(root, "can_fetch"),
        .reads_files = json_find_true(root, "reads_files"),
        .is_strict = json_find_true(root, "is_strict"),
        .max_output = (uint32_t)json_find_u64(root, "max_output"),
    };
    for (size_t i = 0; i < COUNT_OF(upstreams); i++)
        if (read_file(&g->upstream, &g->arena, g->folder, upstreams[i]))
            g->upstream_streams = i < 2;
    return find_dialects(g);
}

static bool find_dialects(struct golden *g)
{
    static const char *const tasks[TASK_COUNT] = {
#define TASK(id, capability, answer, body, words) #id,
#include "tables/tasks.def"
    };
    struct str task = json_find_str(g->setup.root, "task");
    struct str engine = json_find_str(g->setup.root, "engine");

    for (unsigned i = 0; i < DIALECT_COUNT; i++) {
        const struct dialect *dialect = dialect_get(i);
        char part[64];

        snprintf(part, sizeof part, "/%s/", dialect->name);
        if (strstr(g->folder, part))
            g->caller = dialect;
        if (str_is(engine, dialect->name))
            g->engine = dialect;
    }
    for (g->task = 0; g->task < TASK_COUNT && !str_is(task, tasks[g->task]);)
        g->task++;
    if (g->caller && g->engine && g->task < TASK_COUNT)
        return true;
    printf("%s: case.json: expected a known engine and task\n", g->folder);
    return false;
}

/* Scans, reads and writes the request. */
static bool check_request(struct golden *g)
{
    struct buf text;
    struct chat chat = {0};
    struct str body;
    struct err err;
    bool is_good;
    int r;

    buf_init(&text, FILE_MAX);
    if (!read_file(&body, &g->arena, g->folder, "request.json"))
        return expect(g, "request.json", STR(""));
    r = g->caller->scan(&g->ask, g->task, body, &err);
    if (r == 0 && g->caller->scan_path)
        r = g->caller->scan_path(&g->ask, json_find_str(g->setup.root, "rest"),
                                 json_find_str(g->setup.root, "query"), &g->arena, &err);
    if (r < 0)
        return expect(g, "refused.txt", str_from(err.text));
    describe_ask(&text, &g->ask);
    is_good = expect(g, "ask.json", buf_str(&text));
    buf_fini(&text);
    g->reply = (struct reply_shape){.task = g->task,
                                    .stream = g->ask.stream,
                                    .include_usage = g->ask.include_usage,
                                    .as_list = g->ask.as_list,
                                    .hides_thoughts = g->ask.hides_thoughts,
                                    .id = STR("01GOLDEN"),
                                    .model = g->ask.model,
                                    .created_s = 1763900000};
    g->asked = g->task;
    if (g->caller == g->engine && !g->caller->forward)
        return check_target(g) && is_good;
    if (g->caller != g->engine)
        r = g->caller->read_request(&chat, &g->ask, &g->arena, &err);
    if (r < 0)
        return expect(g, "refused.txt", str_from(err.text)) && is_good;
    if (g->caller != g->engine)
        g->asked = chat.task;
    g->reply.base64 = chat.base64;
    return check_engine_request(g, &chat) && is_good;
}

static bool check_engine_request(struct golden *g, struct chat *chat)
{
    struct buf out;
    struct err err;
    bool is_good;
    int r;

    buf_init(&out, FILE_MAX);
    if (g->caller == g->engine)
        r = forward(g, &out, chat);
    else
        r = g->engine->write_request(&out, chat, &g->copy, g->ask.stream, &g->arena, &err);
    if (r < 0)
        is_good = expect(g, "refused.txt", str_from(err.text));
    else
        is_good =
            expect(g, "engine.json", buf_str(&out)) && check_dropped(g, chat) && check_target(g);
    buf_fini(&out);
    return is_good;
}

static int forward(struct golden *g, struct buf *out, struct chat *chat)
{
    int r = 0;

    chat->ask = &g->ask;
    if (g->caller->note_dropped)
        r = g->caller->note_dropped(chat, &g->arena);
    if (r == 0)
        r = g->caller->forward(out, &g->ask, &g->copy);
    return r > 0 ? splice(&g->ask, out, g->copy.model) : r;
}

/* As the gateway does with a body that goes on as it is. */
static int splice(const struct ask *ask, struct buf *out, struct str model)
{
    size_t after = ask->model_at + ask->model_len;
    int r = buf_put(out, str_slice(ask->body.data, ask->model_at));

    if (r == 0 && ask->model_len)
        r = json_put_string(out, model);
    return r < 0 ? r : buf_put(out, str_slice(ask->body.data + after, ask->body.len - after));
}

static bool check_target(struct golden *g)
{
    struct buf out;
    bool is_good;

    if (!g->engine->write_target)
        return true;
    buf_init(&out, FILE_MAX);
    assert(g->engine->write_target(&out, g->asked, &g->copy, g->ask.stream,
                                   g->ask.as_list && g->caller == g->engine) == 0);
    is_good = expect(g, "target.txt", buf_str(&out));
    buf_fini(&out);
    return is_good;
}

static bool check_dropped(struct golden *g, const struct chat *chat)
{
    struct buf out;
    bool is_good;

    if (!chat->dropped_count)
        return true;
    buf_init(&out, FILE_MAX);
    for (size_t i = 0; i < chat->dropped_count; i++)
        assert(buf_printf(&out, "%.*s\n", STR_ARG(chat->dropped[i])) == 0);
    is_good = expect(g, "dropped.txt", buf_str(&out));
    buf_fini(&out);
    return is_good;
}

static bool check_answer(struct golden *g)
{
    struct replay whole = {.whole = calloc(g->upstream.len + 1, sizeof(uint64_t))};
    bool is_good;

    replay_answer(&whole, g, SIZE_MAX);
    cuts++;
    is_good = expect(g, "deltas.txt", buf_str(&whole.deltas));
    if (g->caller != g->engine)
        is_good &= expect(g,
                          g->reply.stream && !g->reply.as_list && g->status < 400
                              ? str_is(str_from(g->caller->name), "ollama") ? "client.ndjson"
                                                                            : "client.sse"
                              : "client.json",
                          buf_str(&whole.client));
    is_good = check_cuts(g, &whole) && is_good;
    free(whole.whole);
    replay_fini(&whole);
    return is_good;
}

static bool check_cuts(struct golden *g, const struct replay *expected)
{
    uint64_t *boundaries = calloc(g->upstream.len + 1, sizeof *boundaries);
    bool is_good = true;

    for (size_t cut = 0; is_good && g->status < 400 && cut <= g->upstream.len; cut++) {
        struct replay r = {.whole = boundaries};

        replay_answer(&r, g, cut);
        cuts++;
        is_good = is_same(g, "deltas", cut, buf_str(&r.deltas), buf_str(&expected->deltas)) &&
                  is_same(g, "client's bytes", cut, buf_str(&r.client), buf_str(&expected->client));
        if (is_good && boundaries[cut] != expected->whole[cut]) {
            printf("%s: cut at %zu: frames end at %ju, byte by byte at %ju\n", g->folder, cut,
                   (uintmax_t)boundaries[cut], (uintmax_t)expected->whole[cut]);
            is_good = false;
        }
        replay_fini(&r);
    }
    free(boundaries);
    return is_good;
}

static bool expect(struct golden *g, const char *name, struct str got)
{
    struct str want;

    if (is_accepting)
        accept(g, name, got);
    if (!read_file(&want, &g->arena, g->folder, name)) {
        printf("%s: there is no %s; it would be:\n%.*s\n", g->folder, name, STR_ARG(got));
        return false;
    }
    /* An editor may have ended a file of one line with a line end. */
    if (want.len == got.len + 1 && want.data[got.len] == '\n')
        want.len--;
    return is_same(g, name, SIZE_MAX, got, want);
}

static bool is_same(struct golden *g, const char *what, size_t cut, struct str got, struct str want)
{
    size_t at = 0;

    if (str_equal(got, want))
        return true;
    while (at < got.len && at < want.len && got.data[at] == want.data[at])
        at++;
    printf("%s: %s differ", g->folder, what);
    if (cut != SIZE_MAX)
        printf(" when cut at %zu", cut);
    printf(" from byte %zu\n  expected …%.*s\n  got      …%.*s\n", at,
           (int)(want.len - at < 200 ? want.len - at : 200), want.data + at,
           (int)(got.len - at < 200 ? got.len - at : 200), got.data + at);
    return false;
}

static void accept(struct golden *g, const char *name, struct str got)
{
    bool is_line = got.len && got.data[got.len - 1] != '\n';
    char path[1024];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", g->folder, name);
    if (!(file = fopen(path, "we")))
        return;
    fprintf(file, "%.*s%s", STR_ARG(got), is_line ? "\n" : "");
    fclose(file);
}
