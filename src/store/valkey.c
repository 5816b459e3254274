/* SPDX-License-Identifier: Apache-2.0 */
/* Valkey or Redis, by a deadline. */
#include "store/valkey.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/clock.h"
#include "net/door.h"

struct valkey {
    redisContext *link;
    char *host, *path, *password;
    int port, number;
    bool is_ready; /* signed in, and in its database */
    bool is_owed;  /* the answer to the last question is still to come */
    uint64_t owed_since_us;
    uint64_t rest_until_us;
};

static int read_url(struct valkey *v, struct str url, struct err *err);
static int connect_by(struct valkey *v, uint64_t deadline_us);
static int prepare(struct valkey *v, uint64_t deadline_us);
static int exchange(struct valkey *v, int argc, const char **argv, const size_t *lengths,
                    uint64_t deadline_us, redisReply **ret);
static int take_owed(struct valkey *v, uint64_t deadline_us);
static int take_reply(struct valkey *v, uint64_t deadline_us, void **ret);
static int wait_for(struct valkey *v, short events, uint64_t deadline_us);
static void give_up(struct valkey *v);

int valkey_open(struct valkey **ret, struct str url, struct err *err)
{
    struct valkey *v = calloc(1, sizeof *v);
    const char *password = getenv("TAMPU_VALKEY_PASSWORD");
    int r;

    if (!v)
        return err_set(err, -ENOMEM, "out of memory");
    v->password = password ? strdup(password) : NULL;
    if ((r = read_url(v, url, err)) < 0)
        valkey_close(v);
    else
        *ret = v;
    return r;
}

void valkey_close(struct valkey *v)
{
    if (!v)
        return;
    if (v->link)
        redisFree(v->link);
    free(v->host);
    free(v->path);
    free(v->password);
    free(v);
}

int valkey_call(struct valkey *v, int argc, const char **argv, const size_t *lengths,
                uint64_t deadline_us, redisReply **ret)
{
    int r = v->link ? 0 : connect_by(v, deadline_us);

    if (r == 0 && !v->is_ready)
        r = prepare(v, deadline_us);
    if (r == 0 && v->is_owed)
        r = take_owed(v, deadline_us);
    if (r == -EAGAIN)
        return -ENOTCONN;
    if (r < 0) {
        give_up(v);
        return -ENOTCONN;
    }
    r = exchange(v, argc, argv, lengths, deadline_us, ret);
    if (r < 0 && !v->is_owed)
        give_up(v);
    return r;
}

/* -EAGAIN: not yet. One that has waited for it in vain lets the next ones fail at once. */
static int take_owed(struct valkey *v, uint64_t deadline_us)
{
    bool may_wait = clock_true_us() >= v->rest_until_us;
    void *reply = NULL;
    int r = take_reply(v, may_wait ? deadline_us : 0, &reply);
    uint64_t now_us = clock_true_us();

    freeReplyObject(reply);
    v->is_owed = r == -ETIMEDOUT;
    if (v->is_owed && may_wait)
        v->rest_until_us = now_us + VALKEY_REST_MS * 1000ull;
    return v->is_owed && now_us - v->owed_since_us < VALKEY_OWED_MS * 1000ull ? -EAGAIN : r;
}

static int read_url(struct valkey *v, struct str url, struct err *err)
{
    struct str port, number, path, scheme = str_cut(url, ':', &path);
    uint64_t value = 6379, which = 0;
    int bad = 0;

    if (str_is(scheme, "unix")) {
        v->path = strndup(path.data, path.len);
        return v->path ? 0 : err_set(err, -ENOMEM, "out of memory");
    }
    if ((!str_is(scheme, "redis") && !str_is(scheme, "valkey")) || !str_starts(path, STR("//")))
        return err_set(err, -EINVAL, "expected redis://HOST:PORT/NUMBER or unix:PATH");
    path = str_cut(str_slice(path.data + 2, path.len - 2), '/', &number);
    path = str_cut(path, ':', &port);
    bad = (port.len && str_to_u64(&value, port) < 0) || value == 0 || value > 65535 ||
          (number.len && str_to_u64(&which, number) < 0) || which > 1000 || !path.len ||
          str_index(path, '@') < path.len;
    if (bad)
        return err_set(err, -EINVAL,
                       "expected redis://HOST:PORT/NUMBER, a password in TAMPU_VALKEY_PASSWORD");
    if (!str_is(path, "127.0.0.1") && !str_is(path, "::1") && door_check_name(path) < 0)
        return err_set(err, -EPERM, "%.*s: only this machine may be reached now", STR_ARG(path));
    v->port = (int)value;
    v->number = (int)which;
    v->host = strndup(path.data, path.len);
    return v->host ? 0 : err_set(err, -ENOMEM, "out of memory");
}

/* -EAGAIN: not yet again. */
static int connect_by(struct valkey *v, uint64_t deadline_us)
{
    if (clock_true_us() < v->rest_until_us)
        return -EAGAIN;
    v->link = v->path ? redisConnectUnixNonBlock(v->path) : redisConnectNonBlock(v->host, v->port);
    v->is_ready = false;
    if (!v->link || v->link->err)
        return -EIO;
    return wait_for(v, POLLOUT, deadline_us);
}

/* Who we are, and which of its databases. */
static int prepare(struct valkey *v, uint64_t deadline_us)
{
    char number[12];
    const char *select[] = {"SELECT", number}, *sign_in[] = {"AUTH", v->password};
    redisReply *reply = NULL;
    int r = v->password ? exchange(v, 2, sign_in, NULL, deadline_us, &reply) : 0;

    if (reply && reply->type == REDIS_REPLY_ERROR)
        r = -EACCES;
    freeReplyObject(TAKE(reply));
    snprintf(number, sizeof number, "%d", v->number);
    if (r == 0)
        r = exchange(v, 2, select, NULL, deadline_us, &reply);
    if (r == 0 && reply->type == REDIS_REPLY_ERROR)
        r = -EACCES;
    freeReplyObject(reply);
    v->is_ready = r == 0;
    return r;
}

static int exchange(struct valkey *v, int argc, const char **argv, const size_t *lengths,
                    uint64_t deadline_us, redisReply **ret)
{
    int done = 0, r = redisAppendCommandArgv(v->link, argc, argv, lengths) == REDIS_OK ? 0 : -EIO;
    void *reply = NULL;

    while (r == 0 && !done) {
        if (redisBufferWrite(v->link, &done) != REDIS_OK)
            r = -EIO;
        else if (!done)
            r = wait_for(v, POLLOUT, deadline_us);
    }
    if (r == 0) {
        r = take_reply(v, deadline_us, &reply);
        v->is_owed = r == -ETIMEDOUT;
    }
    if (v->is_owed)
        v->owed_since_us = clock_true_us();
    if (r == 0)
        *ret = reply;
    return r;
}

/* What is there is taken also when the time is over. */
static int take_reply(struct valkey *v, uint64_t deadline_us, void **ret)
{
    int r = 0;

    while (r == 0 && !*ret) {
        if (redisBufferRead(v->link) != REDIS_OK ||
            redisGetReplyFromReader(v->link, ret) != REDIS_OK)
            return -EIO;
        if (!*ret)
            r = wait_for(v, POLLIN, deadline_us);
    }
    return r;
}

static int wait_for(struct valkey *v, short events, uint64_t deadline_us)
{
    uint64_t now_us = clock_true_us();
    struct pollfd fd = {.fd = v->link->fd, .events = events};
    struct timespec left = {0};
    int found;

    if (now_us >= deadline_us)
        return -ETIMEDOUT;
    left.tv_sec = (time_t)((deadline_us - now_us) / 1000000);
    left.tv_nsec = (long)((deadline_us - now_us) % 1000000) * 1000;
    found = ppoll(&fd, 1, &left, NULL);
    if (found < 0)
        return errno == EINTR ? 0 : -EIO;
    if (found == 0)
        return -ETIMEDOUT;
    return fd.revents & (POLLERR | POLLNVAL) ? -EIO : 0;
}

/* Nobody knows where in the stream it stands: the link goes. */
static void give_up(struct valkey *v)
{
    v->is_owed = false;
    if (v->link)
        redisFree(TAKE(v->link));
    v->rest_until_us = clock_true_us() + VALKEY_REST_MS * 1000ull;
}
