/* SPDX-License-Identifier: Apache-2.0 */
/* One question to a running gateway, on a loop of its own. */
#include "cmd/ask.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/command.h"
#include "cmd/option.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"
#include "http/client.h"

enum {
    CONNECT_MS = 2000,
    TOTAL_MS = 10000,
    SILENCE_MS = 60000, /* a stream that has nothing to tell says so four times as often */
    HEADER_MAX = 32 << 10,
    KEY_HEADER_MAX = 512,
    TARGET_MAX = 256,
};

const char ask_default_url[] = "http://127.0.0.1:4000";

struct question {
    const char *url;
    bool of_engine;
    struct str json;    /* what is sent */
    piece_fn *on_piece; /* not NULL: a stream, that has no end */
    void *ctx;
    struct loop *loop;
    struct client *client;
    struct buf *answer;
    struct err *err;
    int status, result;
};

static int ask_with(const struct options *o, const char *target, show_fn *show);
static int ask(struct question *q, const char *target);
static int call_once(struct question *q, const struct endpoint *endpoint, const char *target);
static int start(struct question *q, const struct endpoint *endpoint, const char *target);
static void on_head(void *ctx, const struct reply *r);
static void on_body(void *ctx, struct str chunk);
static void hand_on(struct question *q, struct str piece);
static void on_end(void *ctx);
static void on_fail(void *ctx, enum failure why, const char *words);
static bool tell_words(const struct question *q);
static int judge(const struct question *q);
static int print(const struct buf *answer, const char *url, show_fn *show);

static const struct call_events events = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};

int ask_gateway(struct buf *answer, const char *url, const char *target, struct err *err)
{
    return ask(&(struct question){.url = url, .answer = answer, .err = err}, target);
}

int ask_gateway_to(struct buf *answer, const char *url, const char *target, struct str json,
                   struct err *err)
{
    return ask(&(struct question){.url = url, .json = json, .answer = answer, .err = err}, target);
}

int ask_gateway_on(const char *url, const char *target, piece_fn *fn, void *ctx, struct err *err)
{
    struct buf refused;
    int r;

    buf_init(&refused, ANSWER_MAX);
    r = ask(
        &(struct question){.url = url, .on_piece = fn, .ctx = ctx, .answer = &refused, .err = err},
        target);
    buf_fini(&refused);
    return r;
}

int ask_engine(struct buf *answer, const char *url, const char *target, struct str json,
               struct err *err)
{
    return ask(
        &(struct question){
            .url = url, .of_engine = true, .json = json, .answer = answer, .err = err},
        target);
}

int ask_and_show(int argc, char **argv, const char *target, show_fn *show)
{
    struct options o = {0};
    int status;

    return options_read(&o, argc, argv, &status) ? ask_with(&o, target, show) : status;
}

int ask_about_and_show(int argc, char **argv, const char *target, show_fn *show)
{
    struct options o = {0};
    char whole[TARGET_MAX];
    int status;

    if (!options_read(&o, argc, argv, &status))
        return status;
    if (o.operand_count != 1)
        return usage_error(o.command, "found %zu words, expected one", o.operand_count);
    snprintf(whole, sizeof whole, "%s%s", target, o.operands[0]);
    return ask_with(&o, whole, show);
}

static int ask_with(const struct options *o, const char *target, show_fn *show)
{
    struct err err = {0};
    struct buf answer;
    const char *url;
    int status, r;

    url = option_given(o, "gateway") ? option_value(o, "gateway") : ask_default_url;
    buf_init(&answer, ANSWER_MAX);
    r = ask_gateway(&answer, url, target, &err);
    if (r == -EINVAL)
        status = usage_error(o->command, "--gateway: %s", err.text);
    else if (r < 0)
        status = command_no(o->command, "%s", err.text);
    else if (!option_given(o, "json"))
        status = print(&answer, url, show);
    else if (buf_put_char(&answer, '\n') < 0)
        status = command_no(o->command, "the answer is too long");
    else
        status = terminal_print(buf_str(&answer));
    buf_fini(&answer);
    return status;
}

static int ask(struct question *q, const char *target)
{
    struct endpoint endpoint;
    int r = endpoint_parse(&endpoint, str_from(q->url), q->err);

    if (r < 0)
        return r;
    signal(SIGPIPE, SIG_IGN); /* who closes early is an error to tell, not a death */
    if ((r = loop_open(&q->loop, 0)) < 0)
        return err_set(q->err, r, "no event loop: %s", strerror(-r));
    r = call_once(q, &endpoint, target);
    loop_close(q->loop);
    return r;
}

static int call_once(struct question *q, const struct endpoint *endpoint, const char *target)
{
    const struct client_options options = {
        .idle_max = 1, .idle_timeout_ms = TOTAL_MS, .header_max = HEADER_MAX};
    int r = client_open(&q->client, q->loop, &options, q->err);

    if (r < 0)
        return r;
    r = start(q, endpoint, target);
    client_close(q->client);
    return r;
}

static int start(struct question *q, const struct endpoint *endpoint, const char *target)
{
    const char *key = q->of_engine ? NULL : getenv("TAMPU_KEY");
    char authorization[KEY_HEADER_MAX];
    int len = snprintf(authorization, sizeof authorization, "Bearer %s", key ? key : "");
    struct header headers[3] = {
        {STR("Accept"), q->on_piece ? STR("text/event-stream") : STR("application/json")}};
    size_t header_count = 1;
    struct call_request request = {
        .endpoint = endpoint,
        .method = q->json.len ? METHOD_POST : METHOD_GET,
        .target = str_from(target),
        .headers = headers,
        .body = &q->json,
        .body_count = q->json.len ? 1 : 0,
        .connect_timeout_ms = CONNECT_MS,
        .first_byte_timeout_ms = q->on_piece ? TOTAL_MS : 0,
        .idle_timeout_ms = q->on_piece ? SILENCE_MS : 0,
        .total_timeout_ms = q->on_piece ? 0 : TOTAL_MS,
    };
    struct call *call;
    int r = -EINVAL;

    if (key && key[0])
        headers[header_count++] = (struct header){STR("Authorization"), str_from(authorization)};
    if (q->json.len)
        headers[header_count++] = (struct header){STR("Content-Type"), STR("application/json")};
    request.header_count = header_count;
    if ((size_t)len < sizeof authorization)
        r = call_start(&call, q->client, &request, &events, q);
    if (r == -EINVAL)
        return err_set(q->err, -EBADMSG,
                       "TAMPU_KEY is no key: it is too long, or has bytes that "
                       "no header may have");
    if (r == -EPERM)
        return err_set(q->err, r, "%s: TAMPU_LOOPBACK_ONLY allows only this machine", q->url);
    if (r < 0)
        return err_set(q->err, r, "%s: cannot be asked: %s", q->url, strerror(-r));
    loop_run(q->loop);
    return q->result < 0 ? q->result : judge(q);
}

static void on_head(void *ctx, const struct reply *r)
{
    struct question *q = ctx;

    q->status = r->status;
}

/* Beyond the ceiling nothing is kept; the rest is read so that the call ends as usual. */
static void on_body(void *ctx, struct str chunk)
{
    struct question *q = ctx;

    if (q->on_piece && q->status == 200)
        hand_on(q, chunk);
    else if (q->result == 0 && (q->result = buf_put(q->answer, chunk)) < 0)
        err_set(q->err, q->result, "%s: the answer is longer than %d bytes", q->url, ANSWER_MAX);
}

/* Nothing more is wanted after it has refused one. */
static void hand_on(struct question *q, struct str piece)
{
    if (q->result < 0 || (q->result = q->on_piece(q->ctx, piece)) == 0)
        return;
    err_set(q->err, q->result, "%s: what came cannot be used: %s", q->url, strerror(-q->result));
    loop_stop(q->loop);
}

static void on_end(void *ctx)
{
    struct question *q = ctx;

    loop_stop(q->loop);
}

static void on_fail(void *ctx, enum failure why, const char *words)
{
    struct question *q = ctx;

    (void)why;
    if (q->of_engine)
        q->result = err_set(q->err, -ECONNREFUSED,
                            "no engine answers at %s (%s): start it, or name another with "
                            "--engine URL",
                            q->url, words);
    else
        q->result = err_set(q->err, -ECONNREFUSED,
                            "no gateway answers at %s (%s): start one with 'tampu serve FLEET', "
                            "or name another with --gateway URL",
                            q->url, words);
    loop_stop(q->loop);
}

/* What a gateway has not got it says in words. */
static bool tell_words(const struct question *q)
{
    struct json body = {0};
    struct str words = {0};

    if (json_read(&body, buf_str(q->answer), JSON_MEMORY(q->answer->len), NULL) == 0)
        words = json_find_str(body.root, "error");
    if (words.len)
        err_set(q->err, -ENOENT, "%.*s", STR_ARG(words));
    json_fini(&body);
    return words.len > 0;
}

static int judge(const struct question *q)
{
    if (q->status == 200)
        return 0;
    if (q->of_engine)
        return err_set(q->err, q->status == 404 ? -ENOENT : -EIO, "%s answered with status %d",
                       q->url, q->status);
    if (q->status == 401 || q->status == 403)
        return err_set(q->err, -EACCES,
                       "%s wants an operator's key: put it into TAMPU_KEY ('tampu key create "
                       "--operator' makes one)",
                       q->url);
    if (q->status == 404 && tell_words(q))
        return -ENOENT;
    if (q->status == 404)
        return err_set(q->err, -ENOENT,
                       "%s answers, but is no tampu gateway: name one with --gateway URL", q->url);
    return err_set(q->err, -EIO, "%s answered with status %d", q->url, q->status);
}

static int print(const struct buf *answer, const char *url, show_fn *show)
{
    struct json json = {0};
    struct err err = {0};
    struct buf out;
    int status;

    buf_init(&out, ANSWER_MAX);
    if (json_read(&json, buf_str(answer), JSON_MEMORY(answer->len), &err) < 0)
        status = command_no(NULL, "%s answered what is no JSON: %s", url, err.text);
    else if (show(&out, json.root, terminal_takes_colors()) < 0)
        status = command_no(NULL, "out of memory");
    else
        status = terminal_print(buf_str(&out));
    json_fini(&json);
    buf_fini(&out);
    return status;
}
