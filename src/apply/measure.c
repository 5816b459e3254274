/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a copy is. */
#include "apply/measure.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "base/rand.h"
#include "net/clock.h"
#include "wire/json_out.h"

enum {
    BODY_MAX = 64 << 10,
    ANSWER_MAX = 1 << 20,
    IDLE_MS = 600000,
    ANSWER_TOKENS = 64,
    TOKENS_A_WORD = 4, /* at most, of a number with its space */
};

/* How long prompts are, in words of two to four tokens. */
static const unsigned bucket_words[MEASURE_BUCKETS] = {100, 800, 3200};

/* Who is asked, by whom, and until when (0: for ever). */
struct whom {
    struct asker *asker;
    const struct endpoint *endpoint;
    const struct plan_copy *copy;
    uint64_t until_us;
};

/* One question on its way. */
struct measuring {
    struct measured_answer *m;
    const struct tongue *tongue;
    uint64_t asked_us, first_us, last_us; /* 0: not yet */
    uint64_t until_us;                    /* 0: for ever */
    bool is_over;
    struct err *err;
};

/* What differs between engines: how they are asked, and how a line of the answer is read. */
static const struct tongue {
    const char *target;
    void (*write)(struct json_out *o, const struct plan_copy *copy);
    ndjson_line_fn *on_line;
} tongues[ENGINE_COUNT];

static const struct tongue *tongue_of(const struct plan_copy *copy);
static int measure_whom(struct measured *ret, const struct whom *whom, struct err *err);
static int measure_talk(struct measured *ret, const struct whom *whom, struct err *err);
static bool is_bucket_wanted(const struct plan_copy *copy, unsigned words);
static int ask_together(struct measured *ret, const struct whom *whom, struct err *err);
static void *ask_one(void *ctx);
static int ask(struct measured_answer *ret, const struct whom *whom, unsigned words,
               struct err *err);
static int on_line(void *ctx, struct str line);
static int write_prompt(struct buf *out, unsigned words);
static void write_ollama(struct json_out *o, const struct plan_copy *copy);
static void write_openai(struct json_out *o, const struct plan_copy *copy);
static int on_ollama_line(void *ctx, struct str line);
static int on_openai_line(void *ctx, struct str line);
static void read_timings(struct measured_answer *m, yyjson_val *timings);
static double rate(double count, double seconds);

static const struct tongue tongues[ENGINE_COUNT] = {
    [ENGINE_ollama] = {"/api/generate", write_ollama, on_ollama_line},
    [ENGINE_llama_server] = {"/v1/completions", write_openai, on_openai_line},
    [ENGINE_openai] = {"/v1/completions", write_openai, on_openai_line},
};

/* One of several at once. */
struct together {
    struct whom whom;
    struct measured_answer answer;
    struct err err;
    pthread_t thread;
    bool has_thread;
    int r;
};

bool measure_knows(const struct plan_copy *copy)
{
    bool talks = tongue_of(copy)->target &&
                 copy->artifact->model->capabilities & 1u << CAPABILITY_completion;

    return talks || measure_work_find(copy);
}

static const struct tongue *tongue_of(const struct plan_copy *copy)
{
    return &tongues[copy->engine->kind];
}

int measure(struct measured *ret, struct asker *a, const struct endpoint *endpoint,
            const struct plan_copy *copy, struct err *err)
{
    const struct whom whom = {a, endpoint, copy, 0};

    return measure_whom(ret, &whom, err);
}

int measure_briefly(struct measured *ret, struct asker *a, const struct endpoint *endpoint,
                    const struct plan_copy *copy, struct err *err)
{
    const struct whom whom = {a, endpoint, copy,
                              clock_monotonic_us() + MEASURE_BRIEF_S * UINT64_C(1000000)};
    int r = measure_whom(ret, &whom, err);

    if (r < 0 && clock_monotonic_us() >= whom.until_us)
        r = err_set(err, -EIO,
                    "it takes longer than %d s, expected %.0f s; `tampu bench` measures it anyway",
                    MEASURE_BRIEF_S, measure_brief_s(copy));
    return r;
}

double measure_brief_s(const struct plan_copy *copy)
{
    const struct measure_work *work = measure_work_find(copy);
    double seconds = copy->load_s;

    if (!measure_knows(copy) ||
        (work ? !measure_work_is_quick(work) : copy->prefill_tps <= 0 || copy->decode_tps <= 0))
        return 0;
    if (!work)
        seconds += 2 * (bucket_words[0] * (double)TOKENS_A_WORD / copy->prefill_tps +
                        ANSWER_TOKENS / copy->decode_tps);
    return seconds < MEASURE_BRIEF_S / 2.0 ? seconds : 0;
}

static int measure_whom(struct measured *ret, const struct whom *whom, struct err *err)
{
    const struct measure_work *work = measure_work_find(whom->copy);
    struct measured m = {0};
    int r =
        work ? measure_work(&m, work, whom->asker, whom->endpoint, whom->copy, whom->until_us, err)
             : measure_talk(&m, whom, err);

    if (r == 0)
        *ret = m;
    return r;
}

/* The first question may find it cold. */
static int measure_talk(struct measured *ret, const struct whom *whom, struct err *err)
{
    const struct plan_copy *copy = whom->copy;
    unsigned buckets = whom->until_us ? 1 : MEASURE_BUCKETS;
    struct measured_answer cold = {0};
    int r = ask(&cold, whom, bucket_words[0], err);

    ret->load_s = cold.load_s;
    for (unsigned i = 0; i < buckets && r == 0; i++)
        if (!i || is_bucket_wanted(copy, bucket_words[i]))
            r = ask(&ret->buckets[ret->buckets_count++], whom, bucket_words[i], err);
    if (r == 0 && !whom->until_us && copy->slots > 1)
        r = ask_together(ret, whom, err);
    return r;
}

/* It must fit, and come to an end. */
static bool is_bucket_wanted(const struct plan_copy *copy, unsigned words)
{
    uint64_t tokens = (uint64_t)words * TOKENS_A_WORD;

    return (!copy->context || tokens + ANSWER_TOKENS < copy->context) &&
           (copy->prefill_tps <= 0 || (double)tokens / copy->prefill_tps < MEASURE_PATIENCE_S);
}

/* As many as it has slots; the shortest prompts, each another. */
static int ask_together(struct measured *ret, const struct whom *whom, struct err *err)
{
    struct together all[MEASURE_TOGETHER_MAX] = {0};
    const struct plan_copy *copy = whom->copy;
    uint32_t count = copy->slots < MEASURE_TOGETHER_MAX ? copy->slots : MEASURE_TOGETHER_MAX;
    uint64_t began_us = clock_monotonic_us(), tokens = 0;
    int r = 0;

    for (uint32_t i = 0; i < count; i++) {
        int failed;

        all[i].whom = *whom;
        failed = pthread_create(&all[i].thread, NULL, ask_one, &all[i]);
        all[i].has_thread = !failed;
        if (failed)
            all[i].r = -failed; /* else it is the thread's */
    }
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].has_thread)
            pthread_join(all[i].thread, NULL);
        if (all[i].r < 0 && r == 0)
            r = err_set(err, all[i].r, "of %u at once: %.200s", count, all[i].err.text);
        tokens += all[i].answer.answer_tokens;
    }
    ret->together = count;
    ret->together_tps = rate((double)tokens, (double)(clock_monotonic_us() - began_us) / 1e6);
    return r;
}

static void *ask_one(void *ctx)
{
    struct together *t = ctx;
    struct asker asker = {0};

    t->whom.asker = &asker;
    t->r = asker_open(&asker, &t->err);
    if (t->r == 0)
        t->r = ask(&t->answer, &t->whom, bucket_words[0], &t->err);
    asker_close(&asker);
    return NULL;
}

static int ask(struct measured_answer *ret, const struct whom *whom, unsigned words,
               struct err *err)
{
    const struct plan_copy *copy = whom->copy;
    const struct tongue *tongue = tongue_of(copy);
    struct measuring now = {.m = ret,
                            .tongue = tongue,
                            .asked_us = clock_monotonic_us(),
                            .until_us = whom->until_us,
                            .err = err};
    struct buf json, answer, prompt;
    struct json_out o = {.out = &json};
    struct question q = {.endpoint = whom->endpoint,
                         .method = METHOD_POST,
                         .target = str_from(tongue->target),
                         .answer = &answer,
                         .on_line = on_line,
                         .ctx = &now,
                         .idle_timeout_ms = measure_left_ms(whom->until_us)};
    int r;

    buf_init(&json, BODY_MAX);
    buf_init(&answer, ANSWER_MAX);
    buf_init(&prompt, BODY_MAX);
    r = write_prompt(&prompt, words);
    json_open(&o, '{');
    json_text(json_key(&o, "model"), copy->line->pull);
    json_text(json_key(&o, "prompt"), buf_str(&prompt));
    json_bool(json_key(&o, "stream"), true);
    tongue->write(&o, copy);
    json_close(&o, '}');
    q.json = buf_str(&json);
    r = r < 0 ? r : o.error < 0 ? o.error : question_ask(whom->asker, &q, err);
    if (r > 0 && r != 200)
        r = err_set(err, -EIO, "%s answers with status %d: %.*s", tongue->target, r,
                    (int)(answer.len < 200 ? answer.len : 200), answer.data ? answer.data : "");
    else if (r == 200)
        r = now.is_over ? 0 : err_set(err, -EIO, "the answer broke off");
    if (r == 0 && !ret->decode_tps && ret->answer_tokens > 1)
        ret->decode_tps =
            rate((double)ret->answer_tokens - 1, (double)(now.last_us - now.first_us) / 1e6);
    if (r == 0 && now.first_us)
        ret->first_token_s = (double)(now.first_us - now.asked_us) / 1e6;
    buf_fini(&json);
    buf_fini(&answer);
    buf_fini(&prompt);
    return r;
}

uint32_t measure_left_ms(uint64_t until_us)
{
    uint64_t now_us = clock_monotonic_us();

    if (!until_us || until_us > now_us + IDLE_MS * UINT64_C(1000))
        return IDLE_MS;
    return until_us > now_us + 1000 ? (uint32_t)((until_us - now_us) / 1000) : 1;
}

static int on_line(void *ctx, struct str line)
{
    struct measuring *now = ctx;

    if (now->until_us && clock_monotonic_us() >= now->until_us)
        return err_set(now->err, -EIO, "it takes too long");
    return now->tongue->on_line(now, line);
}

/* Begins with another number each time, so that no cache knows any of it. */
static int write_prompt(struct buf *out, unsigned words)
{
    unsigned salt = (unsigned)(rand_u64() % 1000000000);
    int r = buf_printf(out, "%u ", salt);

    for (unsigned word = 1; word < words && r == 0; word++)
        r = buf_printf(out, "%u ", (word * 7 + 3) * (salt % 997 + 1) % 1000);
    return r < 0 ? r : buf_put(out, STR("\nGo on counting, and do not stop: one, two, three,"));
}

static void write_ollama(struct json_out *o, const struct plan_copy *copy)
{
    json_open(json_key(o, "options"), '{');
    json_number(json_key(o, "num_predict"), ANSWER_TOKENS);
    if (copy->context)
        json_number(json_key(o, "num_ctx"), copy->context);
    json_close(o, '}');
}

static void write_openai(struct json_out *o, const struct plan_copy *copy)
{
    (void)copy;
    json_number(json_key(o, "max_tokens"), ANSWER_TOKENS);
    json_open(json_key(o, "stream_options"), '{');
    json_bool(json_key(o, "include_usage"), true);
    json_close(o, '}');
}

static int on_ollama_line(void *ctx, struct str line)
{
    struct measuring *now = ctx;
    struct json json = {0};
    struct str wrong;
    int r = 0;

    if (json_read(&json, line, JSON_MEMORY(line.len), NULL) < 0)
        return err_set(now->err, -EIO, "the answer has a line that is no JSON");
    wrong = json_find_str(json.root, "error");
    if (wrong.len)
        r = err_set(now->err, -EIO, "%.*s", STR_ARG(wrong));
    now->last_us = clock_monotonic_us();
    if (!now->first_us && json_find_str(json.root, "response").len)
        now->first_us = now->last_us;
    if (json_find_true(json.root, "done")) {
        struct measured_answer *m = now->m;

        now->is_over = true;
        m->prompt_tokens = json_find_u64(json.root, "prompt_eval_count");
        m->answer_tokens = json_find_u64(json.root, "eval_count");
        m->load_s = (double)json_find_u64(json.root, "load_duration") / 1e9;
        m->prefill_tps = rate((double)m->prompt_tokens,
                              (double)json_find_u64(json.root, "prompt_eval_duration") / 1e9);
        m->decode_tps =
            rate((double)m->answer_tokens, (double)json_find_u64(json.root, "eval_duration") / 1e9);
    }
    json_fini(&json);
    return r;
}

/* Events, a line each; the end is [DONE]. */
static int on_openai_line(void *ctx, struct str line)
{
    const struct str data = STR("data: ");
    struct measuring *now = ctx;
    struct json json = {0};
    yyjson_val *usage;

    line = str_trim(line);
    if (line.len && line.data[line.len - 1] == '\r')
        line.len--;
    if (!str_starts(line, data))
        return 0;
    line = str_slice(line.data + data.len, line.len - data.len);
    now->is_over = now->is_over || str_is(line, "[DONE]");
    if (now->is_over || json_read(&json, line, JSON_MEMORY(line.len), NULL) < 0)
        return 0;
    now->last_us = clock_monotonic_us();
    if (!now->first_us)
        now->first_us = now->last_us;
    usage = json_find(json.root, "usage");
    if (yyjson_is_obj(usage)) {
        now->m->prompt_tokens = json_find_u64(usage, "prompt_tokens");
        now->m->answer_tokens = json_find_u64(usage, "completion_tokens");
    }
    read_timings(now->m, json_find(json.root, "timings"));
    json_fini(&json);
    return 0;
}

/* llama-server's own. */
static void read_timings(struct measured_answer *m, yyjson_val *timings)
{
    if (!yyjson_is_obj(timings))
        return;
    m->prompt_tokens = json_find_u64(timings, "prompt_n");
    m->answer_tokens = json_find_u64(timings, "predicted_n");
    m->prefill_tps = yyjson_get_num(json_find(timings, "prompt_per_second"));
    m->decode_tps = yyjson_get_num(json_find(timings, "predicted_per_second"));
}

static double rate(double count, double seconds)
{
    return seconds > 0 ? count / seconds : 0;
}
