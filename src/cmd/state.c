/* SPDX-License-Identifier: Apache-2.0 */
/* Where state is kept. */
#include "cmd/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { URL_ROOM = 4096 };

static bool is_file(const char *url);
static int store_url(char out[URL_ROOM], const struct fleet *f, const char *given, struct err *err);

static const char scheme[] = "sqlite:";

int state_url(char *out, size_t room, const char *given, struct err *err)
{
    const char *service = getenv("STATE_DIRECTORY"), *base = getenv("XDG_STATE_HOME"),
               *home = getenv("HOME");
    int len;

    if (given && given[0])
        len = snprintf(out, room, "sqlite:%s/tampu.db", given);
    else if (service && service[0] == '/') /* with several, the first: systemd.exec(5) */
        len = snprintf(out, room, "sqlite:%.*s/tampu.db", (int)strcspn(service, ":"), service);
    else if (base && base[0] == '/') /* a relative one counts as none: XDG base directories */
        len = snprintf(out, room, "sqlite:%s/tampu/tampu.db", base);
    else if (home && home[0])
        len = snprintf(out, room, "sqlite:%s/.local/state/tampu/tampu.db", home);
    else
        return err_set(err, -ENOENT,
                       "neither XDG_STATE_HOME nor HOME is set: name a folder with "
                       "--state DIR");
    if (len < 0 || (size_t)len >= room)
        return err_set(err, -ENAMETOOLONG, "the name of the state folder is too long");
    return 0;
}

int state_open(struct store **ret, const char *given, struct err *err)
{
    return state_fleet_open(ret, NULL, given, err);
}

int state_find(struct store **ret, const char *given, struct err *err)
{
    return state_fleet_find(ret, NULL, given, err);
}

int state_fleet_open(struct store **ret, const struct fleet *f, const char *given, struct err *err)
{
    char url[URL_ROOM];
    int r = store_url(url, f, given, err);

    return r < 0 ? r : store_open(ret, str_from(url), err);
}

int state_fleet_find(struct store **ret, const struct fleet *f, const char *given, struct err *err)
{
    struct stat status;
    char url[URL_ROOM];
    int r = store_url(url, f, given, err);

    if (r < 0)
        return r;
    if (!is_file(url))
        return store_open(ret, str_from(url), err);
    if (given && given[0] && (stat(given, &status) < 0 || !S_ISDIR(status.st_mode)))
        return err_set(err, -ENOENT,
                       "%s: there is no such folder; 'tampu key create' and 'tampu serve' make "
                       "one",
                       given);
    *ret = NULL;
    if (stat(url + strlen(scheme), &status) < 0 && errno == ENOENT)
        return 0;
    return store_open(ret, str_from(url), err);
}

bool state_is_file(const struct fleet *f, const char *given)
{
    struct err err = {0};
    char url[URL_ROOM];

    return store_url(url, f, given, &err) == 0 && is_file(url);
}

static bool is_file(const char *url)
{
    return strncmp(url, scheme, strlen(scheme)) == 0;
}

/* A store's own URL, given, in the environment or in the file, counts before any folder. */
static int store_url(char out[URL_ROOM], const struct fleet *f, const char *given, struct err *err)
{
    const char *url = given ? given : getenv("TAMPU_STORE");
    struct str own = STR("");

    for (uint32_t i = 0; f && i < f->settings_count; i++)
        if (str_is(f->settings[i].key, "gateway.store"))
            own = f->settings[i].value;
    if (url && strstr(url, "://"))
        own = str_from(url);
    if (!own.len)
        return state_url(out, URL_ROOM, given, err);
    if ((size_t)snprintf(out, URL_ROOM, "%.*s", STR_ARG(own)) >= URL_ROOM)
        return err_set(err, -ENAMETOOLONG, "the store's URL is too long");
    return 0;
}
