/* SPDX-License-Identifier: Apache-2.0 */
/* Which roles a machine has, and the files of each. */
#include "roles/roles.h"

#include <stdio.h>

static bool means(struct str service, struct str words);
static bool has_words(struct str text, struct str words);

const struct role_row role_rows[ROLE_COUNT] = {
#define ROLE(id, ...) [ROLE_##id] = {.name = #id, __VA_ARGS__},
#include "tables/roles.def"
};

enum role role_find(struct str name)
{
    enum role role = 0;

    while (role < ROLE_COUNT && !str_is(name, role_rows[role].name))
        role++;
    return role;
}

uint32_t roles_of(const struct machine *m)
{
    uint32_t roles = 0;

    for (enum role role = 0; role < ROLE_COUNT; role++) {
        if (role_rows[role].everywhere)
            roles |= 1u << role;
        for (uint32_t i = 0; role_rows[role].services && i < m->services_count; i++)
            if (means(m->services[i], str_from(role_rows[role].services)))
                roles |= 1u << role;
    }
    return roles;
}

const struct embedded_file *role_file(enum role role, const struct embedded_file *after,
                                      const char **ret_path)
{
    char folder[64];
    int length = snprintf(folder, sizeof folder, "share/roles/%s/", role_rows[role].name);

    for (const struct embedded_file *file = after ? after + 1 : embedded_files; file->name; file++)
        if (strncmp(file->name, folder, (size_t)length) == 0 &&
            strcmp(file->name + length, "setup.sh") != 0) {
            *ret_path = file->name + length - 1;
            return file;
        }
    return NULL;
}

uint32_t role_file_mode(const char *path)
{
    return strncmp(path, "/usr/local/lib/", 15) == 0 ? 0755 : 0644;
}

/* A fleet file may say more: "Prometheus node exporters" has "node exporter" in it. */
static bool means(struct str service, struct str words)
{
    struct str rest = words;

    while (rest.len)
        if (has_words(service, str_cut(rest, '|', &rest)))
            return true;
    return false;
}

static bool has_words(struct str text, struct str words)
{
    for (size_t at = 0; at + words.len <= text.len; at++)
        if (str_equal_nocase(str_slice(text.data + at, words.len), words))
            return true;
    return false;
}
