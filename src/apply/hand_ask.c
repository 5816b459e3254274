/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a step's engine: the one way in which all steps do it. */
#include <errno.h>

#include "apply/apply_inside.h"
#include "wire/json_out.h"

enum { BODY_MAX = 64 << 10, ANSWER_MAX = 1 << 20, IDLE_MS = 120000, SHOWN_MAX = 200 };

static int write_members(struct buf *out, const struct member *members);
static int judge_status(const char *target, int status, struct str answer, struct err *err);

int ask_model(struct hand *h, const struct apply_step *s, enum method method, const char *target,
              const struct member *members, const struct reading *reading, struct err *err)
{
    struct buf json;
    int r;

    buf_init(&json, BODY_MAX);
    r = write_members(&json, members);
    if (r < 0)
        err_set(err, r, "%s: the question is too long", target);
    else
        r = ask_bytes(h, s, method, target, &(struct sending){buf_str(&json), STR("")}, reading,
                      err);
    buf_fini(&json);
    return r;
}

static int write_members(struct buf *out, const struct member *members)
{
    struct json_out o = {.out = out};

    json_open(&o, '{');
    for (; members->key; members++)
        if (members->raw)
            json_raw(json_key(&o, members->key), str_from(members->raw));
        else
            json_text(json_key(&o, members->key), members->text);
    json_close(&o, '}');
    return o.error;
}

int ask_bytes(struct hand *h, const struct apply_step *s, enum method method, const char *target,
              const struct sending *sending, const struct reading *reading, struct err *err)
{
    static const struct reading unread;
    const struct reading *how = reading ? reading : &unread;
    const struct seen *seen = apply_seen(h->apply, s->engine);
    struct buf dropped, *answer = how->answer ? how->answer : &dropped;
    struct question q = {.endpoint = &seen->endpoint,
                         .method = method,
                         .target = str_from(target),
                         .json = sending->bytes,
                         .type = sending->type,
                         .answer = answer,
                         .on_line = how->on_line,
                         .ctx = how->ctx,
                         .idle_timeout_ms = IDLE_MS};
    int r;

    buf_init(&dropped, ANSWER_MAX);
    r = question_ask(&h->asker, &q, err);
    if (r >= 0)
        r = judge_status(target, r, buf_str(answer), err);
    buf_fini(&dropped);
    return r;
}

/* What may be better in a while is told apart from what will not be. */
static int judge_status(const char *target, int status, struct str answer, struct err *err)
{
    if (status == 200)
        return 0;
    return err_set(err,
                   status == 404                    ? -ENOENT
                   : status >= 500 || status == 429 ? -EAGAIN
                                                    : -EINVAL,
                   "%s answers with status %d: %.*s", target, status,
                   (int)(answer.len < SHOWN_MAX ? answer.len : SHOWN_MAX),
                   answer.data ? answer.data : "");
}
