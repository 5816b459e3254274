/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks through tailscale serve. */
#include "gateway/tailnet.h"

#include <errno.h>
#include <stdio.h>

#define LOGIN_HEADER "tailscale-user-login"

static int read_rules(struct rules *ret, const struct fleet_login *login, struct err *err);
static struct admission check_person(const struct tailnet_ask *ask, enum who who);
static const struct tailnet_row *find_row(const struct tailnet *tailnet, struct str login);
static struct admission refused(enum failure why, const char *found);

bool tailnet_is_named(const struct request *r)
{
    return request_header(r, STR(LOGIN_HEADER)).data != NULL;
}

int tailnet_read(struct tailnet *ret, const struct fleet *fleet, struct arena *arena,
                 struct err *err)
{
    size_t count = fleet->tailnet_count;
    struct tailnet_row *rows = arena_alloc(arena, (count + 1) * sizeof *rows);

    if (!rows)
        return err_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const struct fleet_login *login = &fleet->tailnet[i];
        int r;

        rows[i] = (struct tailnet_row){.login = login->login, .key = login->key};
        rows[i].own.row.name = login->login;
        snprintf(rows[i].own.row.id, sizeof rows[i].own.row.id, "ts%014llx",
                 (unsigned long long)str_hash(login->login) & 0xffffffffffffffull);
        if ((r = read_rules(&rows[i].own.rules, login, err)) < 0)
            return r;
    }
    *ret = (struct tailnet){rows, count};
    return 0;
}

static int read_rules(struct rules *ret, const struct fleet_login *login, struct err *err)
{
    *ret = rules_none;
    if (!login->login.len)
        return err_set(err, -EINVAL, PLACE "found an empty login, expected somebody's",
                       PLACE_ARG(login->at));
    if (login->key.len && login->rules_count)
        return err_set(err, -EINVAL, PLACE "found a key and rules, expected one of them",
                       PLACE_ARG(login->at));
    for (uint32_t i = 0; i < login->rules_count; i++)
        if (rules_set(ret, login->rules[i].key, login->rules[i].value, err) < 0)
            return err_wrap(err, -EINVAL, PLACE "tailnet", PLACE_ARG(login->rules[i].at));
    return 0;
}

struct admission tailnet_check(const struct tailnet_ask *ask, enum who who, enum body_kind body)
{
    struct request from_elsewhere = *ask->request;
    enum who first = who == WHO_loopback ? WHO_loopback : WHO_anyone;
    struct admission a;

    from_elsewhere.peer_is_loopback = false; /* whoever asks is not on this machine */
    a = admission_check(&from_elsewhere, first, body, ask->ring, ask->settings, ask->now_us);
    if (a.why || who == WHO_anyone)
        return a;
    if (admission_has_key(ask->request))
        return admission_check(&from_elsewhere, who, body, ask->ring, ask->settings, ask->now_us);
    return check_person(ask, who);
}

static struct admission check_person(const struct tailnet_ask *ask, enum who who)
{
    struct str login = request_header(ask->request, STR(LOGIN_HEADER));
    const struct tailnet_row *row = find_row(ask->tailnet, login);
    const struct key_entry *entry = row ? &row->own : NULL;

    if (!login.len)
        return refused(FAILURE_unauthorized, "tailscale serve names nobody (a tagged machine, or "
                                             "Funnel): send a key");
    if (!row)
        return refused(FAILURE_forbidden, "no row of the fleet file's tailnet fits your login");
    if (row->key.len && keyring_take(ask->ring, row->key, ask->now_us, &entry) != KEY_ok)
        return refused(FAILURE_unauthorized,
                       "the key that the fleet file's tailnet names for you is "
                       "none, or is good no longer");
    if (who == WHO_operator && entry->row.role != KEY_operator)
        return refused(FAILURE_forbidden, "this needs an operator's key");
    return (struct admission){.key = entry};
}

/* The first that fits. A login with a comma or a wildcard is none that there is. */
static const struct tailnet_row *find_row(const struct tailnet *tailnet, struct str login)
{
    for (size_t i = 0; i < tailnet->count && login.len; i++)
        if (rules_list_has(tailnet->rows[i].login, login))
            return &tailnet->rows[i];
    return NULL;
}

static struct admission refused(enum failure why, const char *found)
{
    return (struct admission){.why = why, .found = found};
}
