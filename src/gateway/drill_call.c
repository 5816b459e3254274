/* SPDX-License-Identifier: Apache-2.0 */
/* One question of a drill. */
#include "gateway/drill_call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/json_out.h"
#include "wire/silence.h"

enum {
    BODY_MAX = 128 << 10,
    ANSWER_MAX = 32 << 20,
    CONNECT_MS = 5000,
};

struct drill_call {
    struct drill_question question;
    struct call *call;
    struct buf body, dead, answer;
    struct str pieces[1];
    int status;
    char machine[128];
    struct drill_answer said;
    drill_answer_fn *on_answer;
    void *ctx;
};

static int write_body(struct drill_call *c);
static void on_head(void *ctx, const struct reply *r);
static void on_body(void *ctx, struct str chunk);
static void on_end(void *ctx);
static void on_fail(void *ctx, enum failure why, const char *words);
static void judge(struct drill_call *c);
static void keep(char *out, size_t room, struct str text);
static void finish(struct drill_call *c);

static const struct call_events events = {on_head, on_body, on_end, on_fail};

int drill_call_start(struct drill_call **ret, struct client *client,
                     const struct drill_question *question, drill_answer_fn *on_answer, void *ctx)
{
    struct drill_call *c = calloc(1, sizeof *c);
    const struct golden *golden = golden_of(question->row->category);
    int r;

    if (!c)
        return -ENOMEM;
    *c = (struct drill_call){.question = *question, .on_answer = on_answer, .ctx = ctx};
    buf_init(&c->body, BODY_MAX);
    buf_init(&c->dead, DRILL_HEADER_MAX);
    buf_init(&c->answer, ANSWER_MAX);
    r = drill_write_dead(&c->dead, question->view, question->row->machine);
    if (r == 0)
        r = golden->is_form ? silence_write_form(&c->body, question->row->category->name)
                            : write_body(c);
    if (r == 0) {
        const struct header headers[] = {
            {STR("content-type"), golden->is_form ? STR(SILENCE_TYPE) : STR("application/json")},
            {STR(DRILL_HEADER), buf_str(&c->dead)},
            {STR(DRILL_TOKEN_HEADER), str_from(question->token)}};

        c->pieces[0] = buf_str(&c->body);
        *ret = c;
        r = call_start(&c->call, client,
                       &(struct call_request){.endpoint = question->gateway,
                                              .method = METHOD_POST,
                                              .target = str_from(golden->path),
                                              .headers = headers,
                                              .header_count = COUNT_OF(headers),
                                              .body = c->pieces,
                                              .body_count = 1,
                                              .connect_timeout_ms = CONNECT_MS,
                                              .total_timeout_ms = question->timeout_ms},
                       &events, c);
    }
    if (r < 0)
        drill_call_cancel(c);
    return r;
}

void drill_call_cancel(struct drill_call *c)
{
    if (!c)
        return;
    if (c->call)
        call_cancel(c->call);
    buf_fini(&c->body);
    buf_fini(&c->dead);
    buf_fini(&c->answer);
    free(c);
}

static int write_body(struct drill_call *c)
{
    const struct golden *golden = golden_of(c->question.row->category);
    struct json_out o = {.out = &c->body};

    json_open(&o, '{');
    json_text(json_key(&o, "model"), c->question.row->category->name);
    if (o.error)
        return o.error;
    return buf_printf(&c->body, ",%s}", golden->text);
}

static void on_head(void *ctx, const struct reply *r)
{
    struct drill_call *c = ctx;

    c->status = r->status;
    keep(c->machine, sizeof c->machine, reply_header(r, STR("x-tampu-machine")));
    keep(c->said.model, sizeof c->said.model, reply_header(r, STR("x-tampu-model")));
    keep(c->said.parity, sizeof c->said.parity, reply_header(r, STR("x-tampu-parity")));
    keep(c->said.request, sizeof c->said.request, reply_header(r, STR("x-tampu-request-id")));
}

static void on_body(void *ctx, struct str chunk)
{
    struct drill_call *c = ctx;

    if (buf_put(&c->answer, chunk) < 0)
        c->status = 0; /* nothing that long was asked for */
}

static void on_end(void *ctx)
{
    struct drill_call *c = ctx;

    c->call = NULL;
    judge(c);
    finish(c);
}

static void on_fail(void *ctx, enum failure why, const char *words)
{
    struct drill_call *c = ctx;

    c->call = NULL;
    snprintf(c->said.found, sizeof c->said.found, "%s: %s", failure_row(why)->name, words);
    finish(c);
}

static void judge(struct drill_call *c)
{
    struct json json = {0};
    const struct golden *golden = golden_of(c->question.row->category);
    bool is_json = json_read(&json, buf_str(&c->answer), JSON_MEMORY(c->answer.len), NULL) == 0;
    struct str message = json_find_str(json_find(json.root, "error"), "message");
    struct str wanted = c->question.row->machine->name;

    if (c->status != 200)
        snprintf(c->said.found, sizeof c->said.found, "status %d%s%.*s", c->status,
                 message.len ? ": " : "", STR_ARG(message));
    else if (!str_is(wanted, c->machine))
        snprintf(c->said.found, sizeof c->said.found, "%s answered", c->machine);
    else if (*golden->pointer ? !is_json || !json_proof(json.root, golden->pointer)
                              : !c->answer.len)
        snprintf(c->said.found, sizeof c->said.found, "the answer has nothing at %s",
                 *golden->pointer ? golden->pointer : "all");
    else
        c->said.is_proven = true;
    json_fini(&json);
}

static void keep(char *out, size_t room, struct str text)
{
    snprintf(out, room, "%.*s", STR_ARG(text));
}

static void finish(struct drill_call *c)
{
    c->on_answer(c->ctx, &c->said);
    drill_call_cancel(c);
}
