/* SPDX-License-Identifier: Apache-2.0 */
/* Whether what came is what was wanted: its digest, and one prompt for each thing it can do. */
#include <errno.h>
#include <stdio.h>

#include "apply/apply_inside.h"
#include "dialect/dialect.h"
#include "dialect/ways.h"
#include "wire/json_out.h"
#include "wire/silence.h"

#define GREY_PNG \
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAAAAABWESUoAAAAFklEQVR42mNoIAAYRhWMKhhVMFIVAABCAAAfN5c2AAAA" \
    "AABJR" \
    "U5ErkJggg=="
#define TOOL_ORDER "What time is it? Call the function that knows."
#define TOOL \
    "{\"type\":\"function\",\"function\":{\"name\":\"tell_time\",\"description\":\"Tells the " \
    "time\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}}"

enum {
    BODY_MAX = 128 << 10,
    ANSWER_MAX = 32 << 20,
    PATH_MAX_BYTES = 512,
    WORDS_MAX = 8,
    TOOL_WORDS_MAX = 256,
};

struct proof {
    enum dialect_id dialect;
    enum capability capability;
    enum task task;
    bool is_form;
    const char *pointer, *text, *words;
};

static const struct proof proofs[] = {
#define PROOF(dialect, capability, task, body, pointer, text, words) \
    {DIALECT_##dialect, CAPABILITY_##capability, TASK_##task, BODY_IS_##body, pointer, text, words},
#define BODY_IS_json false
#define BODY_IS_form true
#include "tables/proofs.def"
};

static int verify_digest(struct hand *h, struct apply_step *s, struct err *err);
static bool applies(const struct proof *p, const struct apply_step *s);
static int prove(struct hand *h, const struct apply_step *s, const struct proof *p,
                 struct err *err);
static int write_path(struct buf *out, const struct apply_step *s, const struct proof *p);
static int write_body(struct buf *out, const struct apply_step *s, const struct proof *p);
static int write_options(struct buf *out, const struct apply_step *s, const struct proof *p);
static int judge(const struct apply_step *s, const struct proof *p, struct str answer,
                 struct err *err);
static int judge_vector(const struct apply_step *s, const struct proof *p, yyjson_val *root,
                        struct err *err);

int hand_verify(struct hand *h, struct apply_step *s, struct err *err)
{
    int r = s->engine->kind == ENGINE_ollama ? verify_digest(h, s, err) : 0;

    for (size_t i = 0; i < COUNT_OF(proofs) && r == 0; i++)
        if (applies(&proofs[i], s))
            r = prove(h, s, &proofs[i], err);
    return r;
}

static int verify_digest(struct hand *h, struct apply_step *s, struct err *err)
{
    const struct seen_model *model;
    struct seen now;
    int r = 0;

    observe(&now, &h->asker, s->machine, s->engine);
    model = seen_model(&now, s->name);
    if (!now.is_up)
        r = err_set(err, -EPIPE, "%s", now.words);
    else if (!model)
        r = err_set(err, -EAGAIN, "the engine does not list it");
    else if (s->manifest && strcmp(model->digest, s->manifest->digest) != 0)
        r = err_set(err, -EBADMSG, "it has digest %.19s…, the registry says %.19s…", model->digest,
                    s->manifest->digest);
    seen_fini(&now);
    return r;
}

static bool applies(const struct proof *p, const struct apply_step *s)
{
    return str_is(str_from(engine_kind_row(s->engine->kind)->dialect),
                  dialect_get(p->dialect)->name) &&
           s->copy->artifact->model->capabilities & 1u << p->capability;
}

static int prove(struct hand *h, const struct apply_step *s, const struct proof *p, struct err *err)
{
    struct sending sending = {.type = p->is_form ? STR(SILENCE_TYPE) : STR("")};
    struct buf path, body, answer;
    int r;

    buf_init(&path, PATH_MAX_BYTES);
    buf_init(&body, BODY_MAX);
    buf_init(&answer, ANSWER_MAX);
    r = write_path(&path, s, p);
    if (r == 0)
        r = p->is_form ? silence_write_form(&body, s->name) : write_body(&body, s, p);
    sending.bytes = buf_str(&body);
    if (r == 0)
        r = ask_bytes(h, s, METHOD_POST, path.data, &sending, &(struct reading){.answer = &answer},
                      err);
    if (r == 0)
        r = judge(s, p, buf_str(&answer), err);
    buf_fini(&path);
    buf_fini(&body);
    buf_fini(&answer);
    return r;
}

/* Ends with a NUL. */
static int write_path(struct buf *out, const struct apply_step *s, const struct proof *p)
{
    struct str extra;
    int r = way_find(out, &extra, s->engine, p->task);

    if (r == -ENOENT)
        r = buf_put(out, str_from(dialect_get(p->dialect)->target(p->task)));
    return r < 0 ? r : buf_put_char(out, '\0');
}

static int write_body(struct buf *out, const struct apply_step *s, const struct proof *p)
{
    struct json_out o = {.out = out};

    json_open(&o, '{');
    json_text(json_key(&o, "model"), s->name);
    if (o.error < 0 || (o.error = buf_printf(out, ",%s", p->text)) < 0)
        return o.error;
    if (p->dialect == DIALECT_ollama && (o.error = write_options(out, s, p)) < 0)
        return o.error;
    return buf_put_char(out, '}');
}

/* As requests will ask for it, or it would be loaded anew; in memory afterwards only what is to
 * stay there. */
static int write_options(struct buf *out, const struct apply_step *s, const struct proof *p)
{
    struct json_out o = {.out = out, .comma = true};
    bool thinks = s->copy->artifact->model->capabilities & 1u << CAPABILITY_thinking;

    json_bool(json_key(&o, "stream"), false);
    json_raw(json_key(&o, "keep_alive"), s->copy->keep_loaded ? STR("-1") : STR("0"));
    if (thinks && p->task == TASK_chat)
        json_bool(json_key(&o, "think"), false);
    json_open(json_key(&o, "options"), '{');
    if (s->copy->context)
        json_number(json_key(&o, "num_ctx"), s->copy->context);
    if (p->task == TASK_chat)
        json_number(json_key(&o, "num_predict"),
                    p->capability == CAPABILITY_tools ? TOOL_WORDS_MAX : WORDS_MAX);
    json_close(&o, '}');
    return o.error;
}

/* A model that might call a tool and did not may do it the next time; the rest stays as it is. */
static int judge(const struct apply_step *s, const struct proof *p, struct str answer,
                 struct err *err)
{
    struct json json = {0};
    int r = 0;

    if (!*p->pointer)
        return answer.len ? 0 : err_set(err, -EBADMSG, "%s", p->words);
    if (json_read(&json, answer, JSON_MEMORY(answer.len), NULL) < 0)
        r = err_set(err, -EAGAIN, "the engine answers a prompt with something that is no JSON");
    else if (!json_proof(json.root, p->pointer))
        r = err_set(err, p->capability == CAPABILITY_tools ? -EAGAIN : -EBADMSG, "%s", p->words);
    else if (p->capability == CAPABILITY_embedding)
        r = judge_vector(s, p, json.root, err);
    json_fini(&json);
    return r;
}

/* The pointer names its first number: the vector is what that stands in. */
static int judge_vector(const struct apply_step *s, const struct proof *p, yyjson_val *root,
                        struct err *err)
{
    const char *first = strrchr(p->pointer, '/');
    yyjson_val *vector = yyjson_ptr_getn(root, p->pointer, (size_t)(first - p->pointer));
    size_t wanted = s->copy->artifact->model->dimensions, found = yyjson_arr_size(vector);

    return wanted && found != wanted
               ? err_set(err, -EBADMSG, "its vectors have %zu numbers, expected %zu", found, wanted)
               : 0;
}
