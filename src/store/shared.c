/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of several gateways: three scripts in Valkey, and what waits to be sent there. */
#include "store/shared.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/embedded.h"
#include "store/valkey.h"

enum {
    NAME_ROOM = 320, /* of a key in Valkey */
    NUMBER_ROOM = 24,
    ARGUMENTS_MAX = 40,
    KEYS_MAX = 4096, /* whose open requests are looked at when a gateway dies */
    DAY_S = 86400,
    TOLD = 3 + 2 * SHARED_PERIODS, /* numbers of an answer that says what was used */
};

enum script { SCRIPT_reserve, SCRIPT_settle, SCRIPT_reap, SCRIPT_hints, SCRIPT_COUNT };

/* A settlement that could not be sent. */
struct waiting {
    struct waiting *next;
    struct shared_use use;
    char *key_id, *request_id; /* its texts */
};

struct shared {
    struct valkey *valkey;
    char *gateway;
    struct waiting *first, **last;
    size_t waiting;
    uint64_t dropped;
};

/* A command while it is put together. */
struct command {
    const char *words[ARGUMENTS_MAX];
    size_t lengths[ARGUMENTS_MAX];
    char rooms[ARGUMENTS_MAX][NAME_ROOM];
    int count;
};

static void say(struct command *c, struct str word);
static void say_number(struct command *c, uint64_t number);
static void say_limit(struct command *c, uint64_t limit);
static void say_key(struct command *c, struct str key_id, const char *part);
static void say_use(struct command *c, struct str key_id, unsigned period, int64_t index);
static int run(struct shared *s, enum script script, struct command *c, uint64_t deadline_us,
               redisReply **ret);
static int call(struct shared *s, struct command *c, uint64_t deadline_us, redisReply **ret);
static int settle(struct shared *s, const struct shared_use *use, uint64_t deadline_us);
static void keep(struct shared *s, const struct shared_use *use);
static void send_waiting(struct shared *s, uint64_t deadline_us);
static void reap(struct shared *s, uint64_t deadline_us);
static void waiting_free(struct waiting *w);
static long long number_at(const redisReply *reply, size_t index);

static const char *const files[SCRIPT_COUNT] = {
    [SCRIPT_reserve] = "src/store/valkey/reserve.lua",
    [SCRIPT_settle] = "src/store/valkey/settle.lua",
    [SCRIPT_reap] = "src/store/valkey/reap.lua",
    [SCRIPT_hints] = "src/store/valkey/hints.lua",
};
static const char life[] = "tampu:gateway:", known[] = "tampu:keys", hints[] = "tampu:hints";

int shared_open(struct shared **ret, struct str url, const char *gateway, struct err *err)
{
    struct shared *s = calloc(1, sizeof *s);
    int r;

    if (s)
        s->gateway = strdup(gateway);
    if (!s || !s->gateway) {
        free(s);
        return err_set(err, -ENOMEM, "out of memory");
    }
    s->last = &s->first;
    if ((r = valkey_open(&s->valkey, url, err)) < 0)
        shared_close(s);
    else
        *ret = s;
    return r;
}

void shared_close(struct shared *s)
{
    if (!s)
        return;
    while (s->first) {
        struct waiting *w = s->first;

        s->first = w->next;
        waiting_free(w);
    }
    valkey_close(s->valkey);
    free(s->gateway);
    free(s);
}

struct shared_answer shared_reserve(struct shared *s, const struct shared_ask *ask,
                                    uint64_t deadline_us)
{
    static const uint64_t keep_s[SHARED_PERIODS] = {2 * DAY_S, 9 * DAY_S, 33 * DAY_S};
    struct shared_answer answer = {.verdict = SHARED_no_answer};
    struct command c = {0};
    redisReply *reply = NULL;
    long long verdict;
    int r;

    say_key(&c, ask->key_id, "rate");
    say_key(&c, ask->key_id, "held");
    say_key(&c, ask->key_id, "open");
    for (unsigned p = 0; p < SHARED_PERIODS; p++)
        say_use(&c, ask->key_id, p, ask->periods[p]);
    say(&c, ask->request_id);
    say(&c, str_from(s->gateway));
    say_number(&c, ask->money_micro);
    say_number(&c, ask->tokens);
    say_limit(&c, ask->limits.requests_per_minute);
    say_limit(&c, ask->limits.tokens_per_minute);
    say_limit(&c, ask->limits.parallel);
    say_number(&c, ask->limits.is_soft);
    for (unsigned p = 0; p < SHARED_PERIODS; p++) {
        say_limit(&c, ask->limits.budgets[p].money_micro);
        say_limit(&c, ask->limits.budgets[p].tokens);
        say_number(&c, keep_s[p]);
    }
    r = run(s, SCRIPT_reserve, &c, deadline_us, &reply);
    answer.is_unasked = r == -ENOTCONN;
    if (r < 0)
        return answer;
    verdict = number_at(reply, 0);
    answer.period = (unsigned)number_at(reply, 1);
    answer.retry_us = (uint64_t)number_at(reply, 2);
    answer.is_soft = ask->limits.is_soft && verdict >= SHARED_over_money;
    answer.is_told = reply->elements == TOLD;
    for (size_t p = 0; p < SHARED_PERIODS; p++) {
        answer.used[p].money_micro = (uint64_t)number_at(reply, 3 + 2 * p);
        answer.used[p].tokens = (uint64_t)number_at(reply, 4 + 2 * p);
    }
    answer.verdict = verdict < 0      ? SHARED_not_loaded
                     : answer.is_soft ? SHARED_reserved
                                      : (enum shared_verdict)verdict;
    freeReplyObject(reply);
    return answer;
}

int shared_load(struct shared *s, struct str key_id, unsigned period, int64_t index,
                uint64_t money_micro, uint64_t tokens, uint64_t deadline_us)
{
    static const char script[] = "if redis.call('HSETNX', KEYS[1], 'loaded', 1) == 1 then "
                                 "redis.call('HINCRBY', KEYS[1], 'money', ARGV[1]) "
                                 "redis.call('HINCRBY', KEYS[1], 'tokens', ARGV[2]) end "
                                 "redis.call('EXPIRE', KEYS[1], 2851200) return 1";
    struct command c = {0};
    redisReply *reply = NULL;
    int r;

    say(&c, STR("EVAL"));
    say(&c, str_slice(script, sizeof script - 1));
    say_number(&c, 1);
    say_use(&c, key_id, period, index);
    say_number(&c, money_micro);
    say_number(&c, tokens);
    r = call(s, &c, deadline_us, &reply);
    freeReplyObject(reply);
    return r;
}

bool shared_settle(struct shared *s, const struct shared_use *use, uint64_t deadline_us)
{
    /* Behind those that wait already. */
    if (s->waiting == 0 && settle(s, use, deadline_us) == 0)
        return true;
    keep(s, use);
    return false;
}

void shared_tend(struct shared *s, uint64_t deadline_us)
{
    struct command c = {0};
    redisReply *reply = NULL;
    char name[NAME_ROOM];

    snprintf(name, sizeof name, "%s%s", life, s->gateway);
    say(&c, STR("SET"));
    say(&c, str_from(name));
    say(&c, STR("1"));
    say(&c, STR("PX"));
    say_number(&c, SHARED_LIFE_MS);
    if (call(s, &c, deadline_us, &reply) < 0)
        return;
    freeReplyObject(reply);
    send_waiting(s, deadline_us);
    reap(s, deadline_us);
}

int shared_exchange(struct shared *s, struct str mine, shared_words_fn *on_words, void *ctx,
                    uint64_t deadline_us)
{
    struct command c = {0};
    redisReply *reply = NULL;
    int r;

    say(&c, str_from(hints));
    say(&c, str_from(s->gateway));
    say(&c, mine.len <= SHARED_WORDS_MAX ? mine : STR(""));
    say_number(&c, SHARED_LIFE_MS);
    say_number(&c, SHARED_OTHERS_MAX);
    r = run(s, SCRIPT_hints, &c, deadline_us, &reply);
    for (size_t i = 1; r == 0 && reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i += 2) {
        const redisReply *words = reply->element[i];

        if (words->type == REDIS_REPLY_STRING && words->len <= SHARED_WORDS_MAX)
            on_words(ctx, str_slice(words->str, words->len));
    }
    freeReplyObject(reply);
    return r;
}

void shared_warm(struct shared *s, uint64_t deadline_us)
{
    struct command c = {0};
    redisReply *reply = NULL;

    say(&c, STR("PING"));
    (void)!call(s, &c, deadline_us, &reply);
    freeReplyObject(reply);
}

size_t shared_waiting(const struct shared *s)
{
    return s->waiting;
}

uint64_t shared_dropped(const struct shared *s)
{
    return s->dropped;
}

static void say(struct command *c, struct str word)
{
    c->words[c->count] = word.len ? word.data : "";
    c->lengths[c->count++] = word.len;
}

static void say_number(struct command *c, uint64_t number)
{
    char *room = c->rooms[c->count];

    snprintf(room, NUMBER_ROOM, "%" PRIu64, number);
    say(c, str_from(room));
}

static void say_limit(struct command *c, uint64_t limit)
{
    if (limit == SHARED_ANY)
        say(c, STR("-1"));
    else
        say_number(c, limit);
}

/* In braces: all keys of one caller lie on one server of a cluster. */
static void say_key(struct command *c, struct str key_id, const char *part)
{
    char *room = c->rooms[c->count];

    snprintf(room, NAME_ROOM, "tampu:{%.*s}:%s", STR_ARG(key_id), part);
    say(c, str_from(room));
}

static void say_use(struct command *c, struct str key_id, unsigned period, int64_t index)
{
    static const char *const names[SHARED_PERIODS] = {"day", "week", "month"};
    char part[40];

    snprintf(part, sizeof part, "%s:%" PRId64, names[period], index);
    say_key(c, key_id, part);
}

/* The command holds keys and arguments; scripts are small, and Valkey keeps them compiled. */
static int run(struct shared *s, enum script script, struct command *c, uint64_t deadline_us,
               redisReply **ret)
{
    static const int keys[SCRIPT_COUNT] = {6, 7, 3, 1};
    const struct embedded_file *file = embedded_find(files[script]);
    struct command whole = {0};

    say(&whole, STR("EVAL"));
    say(&whole, str_slice(file->data, file->size));
    say_number(&whole, (uint64_t)keys[script]);
    for (int i = 0; i < c->count; i++)
        say(&whole, str_slice(c->words[i], c->lengths[i]));
    return call(s, &whole, deadline_us, ret);
}

/* An error that the server says is a failure, too. */
static int call(struct shared *s, struct command *c, uint64_t deadline_us, redisReply **ret)
{
    int r = valkey_call(s->valkey, c->count, c->words, c->lengths, deadline_us, ret);

    if (r == 0 && (*ret)->type == REDIS_REPLY_ERROR) {
        freeReplyObject(TAKE(*ret));
        r = -EIO;
    }
    return r;
}

static int settle(struct shared *s, const struct shared_use *use, uint64_t deadline_us)
{
    struct command c = {0};
    redisReply *reply = NULL;
    int r;

    say_key(&c, use->key_id, "rate");
    say_key(&c, use->key_id, "held");
    say_key(&c, use->key_id, "open");
    say_key(&c, use->key_id, "presumed");
    for (unsigned p = 0; p < SHARED_PERIODS; p++)
        say_use(&c, use->key_id, p, use->periods[p]);
    say(&c, use->request_id);
    say_number(&c, use->money_micro);
    say_number(&c, use->tokens);
    say_limit(&c, use->tokens_per_minute);
    say_number(&c, use->is_unanswered);
    r = run(s, SCRIPT_settle, &c, deadline_us, &reply);
    freeReplyObject(reply);
    return r;
}

static void keep(struct shared *s, const struct shared_use *use)
{
    struct waiting *w = s->waiting < SHARED_WAITING_MAX ? calloc(1, sizeof *w) : NULL;

    if (w) {
        w->use = *use;
        w->key_id = strndup(use->key_id.data, use->key_id.len);
        w->request_id = strndup(use->request_id.data, use->request_id.len);
    }
    if (!w || !w->key_id || !w->request_id) {
        waiting_free(w);
        s->dropped++;
        return;
    }
    w->use.key_id = str_from(w->key_id);
    w->use.request_id = str_from(w->request_id);
    *s->last = w;
    s->last = &w->next;
    s->waiting++;
}

/* In their order; a second time changes nothing. */
static void send_waiting(struct shared *s, uint64_t deadline_us)
{
    while (s->first && settle(s, &s->first->use, deadline_us) == 0) {
        struct waiting *w = s->first;

        s->first = w->next;
        if (!s->first)
            s->last = &s->first;
        s->waiting--;
        waiting_free(w);
    }
}

/* Any gateway may do it: what is done already is not there any more. */
static void reap(struct shared *s, uint64_t deadline_us)
{
    const char *words[] = {"SMEMBERS", known};
    redisReply *keys = NULL;

    if (valkey_call(s->valkey, 2, words, NULL, deadline_us, &keys) < 0)
        return;
    for (size_t i = 0; i < keys->elements && i < KEYS_MAX; i++) {
        struct str key_id = str_slice(keys->element[i]->str, keys->element[i]->len);
        struct command c = {0};
        redisReply *reply = NULL;

        say_key(&c, key_id, "held");
        say_key(&c, key_id, "open");
        say_key(&c, key_id, "presumed");
        say(&c, str_from(life));
        if (run(s, SCRIPT_reap, &c, deadline_us, &reply) < 0)
            break;
        freeReplyObject(reply);
    }
    freeReplyObject(keys);
}

static void waiting_free(struct waiting *w)
{
    if (!w)
        return;
    free(w->key_id);
    free(w->request_id);
    free(w);
}

static long long number_at(const redisReply *reply, size_t index)
{
    return reply->type == REDIS_REPLY_ARRAY && index < reply->elements
               ? reply->element[index]->integer
               : 0;
}
