/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to tell somebody. */
#include "notify/tell.h"

#include <errno.h>
#include <stdio.h>

#include "engine/question.h"
#include "notify/mail.h"
#include "notify/notify.h"
#include "wire/json_out.h"

enum { NOTICE_MAX = 256 << 10, ANSWER_MAX = 64 << 10 };

typedef int read_fn(struct channel *c, bool read_secrets, struct err *err);
typedef int tell_fn(const struct channel *c, struct buf *text, const struct alert_row *rows,
                    size_t count, struct str gateway_url, struct err *err);

static read_fn read_webhook, read_ntfy, read_mail;
static tell_fn tell_webhook, tell_ntfy, tell_mail;
static int read_url(struct channel *c, const char *key, struct str url, struct str *ret_path,
                    struct err *err);
static int read_key(struct channel *c, const char *key, struct str reference, struct err *err);
static int write_ntfy(struct buf *out, const struct channel *c, const struct alert_row *rows,
                      size_t count);
static int post(const struct channel *c, struct str json, struct err *err);

static const struct {
    const char *name;
    size_t setting; /* the text that configures it */
    read_fn *read;
    tell_fn *tell;
} kinds[CHANNEL_COUNT] = {
    [CHANNEL_webhook] = {"webhook", offsetof(struct settings, alert_webhook), read_webhook,
                         tell_webhook},
    [CHANNEL_ntfy] = {"ntfy", offsetof(struct settings, alert_ntfy), read_ntfy, tell_ntfy},
    [CHANNEL_mail] = {"mail", offsetof(struct settings, alert_mail_to), read_mail, tell_mail},
};

const char *channel_name(enum channel_kind kind)
{
    return kinds[kind].name;
}

int channels_read(struct channels *ret, const struct settings *s, bool read_secrets,
                  struct err *err)
{
    int r = 0;

    *ret = (struct channels){0};
    for (enum channel_kind kind = 0; kind < CHANNEL_COUNT && r == 0; kind++) {
        const struct str *setting =
            (const struct str *)(const void *)((const char *)s + kinds[kind].setting);

        if (!setting->len)
            continue;
        ret->rows[ret->count] = (struct channel){.kind = kind, .settings = s};
        r = kinds[kind].read(&ret->rows[ret->count++], read_secrets, err);
    }
    return r;
}

int tell(const struct channel *c, const struct alert_row *rows, size_t count,
         struct str gateway_url, struct err *err)
{
    struct buf text;
    int r;

    buf_init(&text, NOTICE_MAX);
    r = kinds[c->kind].tell(c, &text, rows, count, gateway_url, err);
    buf_fini(&text);
    return r;
}

static int read_webhook(struct channel *c, bool read_secrets, struct err *err)
{
    const struct settings *s = c->settings;
    int r = read_url(c, "gateway.alert_webhook", s->alert_webhook, &c->target, err);

    if (r < 0 || !read_secrets)
        return r;
    return read_key(c, "gateway.alert_webhook_key", s->alert_webhook_key, err);
}

/* A topic is the last word of its address; what is posted to the address before it names it. */
static int read_ntfy(struct channel *c, bool read_secrets, struct err *err)
{
    const struct settings *s = c->settings;
    struct str path = {0}, rest;
    int r = read_url(c, "gateway.alert_ntfy", s->alert_ntfy, &path, err);

    c->target = STR("/");
    c->topic = path;
    while (r == 0 && str_cut(c->topic, '/', &rest).len < c->topic.len)
        c->topic = rest;
    if (r == 0 && (!c->topic.len || c->topic.len + 1 != path.len))
        r = err_set(err, -EINVAL, "gateway.alert_ntfy: expected https://HOST/TOPIC, found '%.*s'",
                    STR_ARG(s->alert_ntfy));
    if (r < 0 || !read_secrets)
        return r;
    return read_key(c, "gateway.alert_ntfy_key", s->alert_ntfy_key, err);
}

static int read_mail(struct channel *c, bool read_secrets, struct err *err)
{
    (void)read_secrets;
    if (c->settings->alert_sendmail.data[0] != '/')
        return err_set(err, -EINVAL, "gateway.alert_sendmail: expected a whole path, found '%.*s'",
                       STR_ARG(c->settings->alert_sendmail));
    return 0;
}

/* The path stays where the setting has it; the endpoint has none. */
static int read_url(struct channel *c, const char *key, struct str url, struct str *ret_path,
                    struct err *err)
{
    size_t at = 0, slashes = 0;
    int r;

    while (at < url.len && (url.data[at] != '/' || ++slashes < 3))
        at++;
    if (slashes < 2)
        return err_set(err, -EINVAL, "%s: expected https://HOST…, found '%.*s'", key, STR_ARG(url));
    r = endpoint_parse(&c->endpoint, str_slice(url.data, at), err);
    *ret_path = at < url.len ? str_slice(url.data + at, url.len - at) : STR("/");
    return r < 0 ? err_wrap(err, r, "%s", key) : 0;
}

static int read_key(struct channel *c, const char *key, struct str reference, struct err *err)
{
    char secret[SECRET_MAX];
    int r = reference.len ? secret_read(secret, reference, err) : 0;

    if (r < 0)
        return err_wrap(err, r, "%s", key);
    if (reference.len)
        snprintf(c->bearer, sizeof c->bearer, "Bearer %s", secret);
    return 0;
}

static int tell_webhook(const struct channel *c, struct buf *text, const struct alert_row *rows,
                        size_t count, struct str gateway_url, struct err *err)
{
    int r = notice_write_json(text, rows, count, gateway_url);

    return r < 0 ? err_set(err, r, "the notice is too long") : post(c, buf_str(text), err);
}

static int tell_ntfy(const struct channel *c, struct buf *text, const struct alert_row *rows,
                     size_t count, struct str gateway_url, struct err *err)
{
    int r = write_ntfy(text, c, rows, count);

    (void)gateway_url;
    return r < 0 ? err_set(err, r, "the notice is too long") : post(c, buf_str(text), err);
}

static int write_ntfy(struct buf *out, const struct channel *c, const struct alert_row *rows,
                      size_t count)
{
    bool is_critical = strcmp(notice_severity(rows, count), "critical") == 0;
    struct json_out o = {.out = out};
    struct buf words;
    int r;

    buf_init(&words, NOTICE_MAX);
    json_open(&o, '{');
    json_text(json_key(&o, "topic"), c->topic);
    r = notice_write_title(&words, rows, count);
    json_text(json_key(&o, "title"), buf_str(&words));
    buf_reset(&words);
    if (r == 0)
        r = notice_write_text(&words, rows, count);
    json_text(json_key(&o, "message"), buf_str(&words));
    json_number(json_key(&o, "priority"), is_critical ? 5 : 3);
    json_close(&o, '}');
    buf_fini(&words);
    return r < 0 ? r : o.error;
}

/* Notices are rare: a loop that rested since the last would think that no time has gone by. */
static int post(const struct channel *c, struct str json, struct err *err)
{
    struct asker asker;
    struct buf answer;
    int status = asker_open(&asker, err);

    if (status < 0)
        return status;
    buf_init(&answer, ANSWER_MAX);
    status = question_ask(&asker,
                          &(struct question){.endpoint = &c->endpoint,
                                             .method = METHOD_POST,
                                             .target = c->target,
                                             .json = json,
                                             .credential = str_from(c->bearer),
                                             .answer = &answer,
                                             .idle_timeout_ms = TELL_TIMEOUT_MS},
                          err);
    buf_fini(&answer);
    asker_close(&asker);
    if (status < 0)
        return status;
    return status / 100 == 2 ? 0 : err_set(err, -EPROTO, "it answered with status %d", status);
}

static int tell_mail(const struct channel *c, struct buf *text, const struct alert_row *rows,
                     size_t count, struct str gateway_url, struct err *err)
{
    const struct settings *s = c->settings;
    int r = notice_write_mail(text, rows, count, s->alert_mail_from, s->alert_mail_to);

    (void)gateway_url;
    if (r < 0)
        return err_set(err, r, "the notice is too long");
    return mail_send(s->alert_sendmail.data, buf_str(text), 2 * TELL_TIMEOUT_MS, err);
}
