/* SPDX-License-Identifier: Apache-2.0 */
/* What starts an engine as a service. */
#include "apply/service.h"

#include <errno.h>
#include <string.h>

enum { ARGUMENTS_MAX_BYTES = 64 << 10 };

/* What stands for what in the table's texts. */
struct word {
    const char *name;
    struct str value;
    uint64_t number; /* where value has no data */
};

static int put_arguments(struct buf *out, const struct service *s);
static int put_files(struct buf *out, const struct service *s, const struct program *p);
static bool has_beside(const struct manifest *files);
static int put_template(struct buf *out, const struct service *s, const char *text);
static int put_word(struct buf *out, const struct service *s, struct str word);
static int put_argument(struct buf *out, struct str text);
static bool says_context(const struct fleet_engine *e);
static int write_unit(struct buf *out, const struct service *s, struct str arguments);
static int write_agent(struct buf *out, const struct service *s, struct str arguments);
static int write_commands(struct buf *out, const struct service *s, struct str arguments);
static int put_quoted(struct buf *out, struct str text, bool is_command);
static int put_xml(struct buf *out, struct str text);
static struct str next_argument(struct str *rest);
static int each_variable(struct buf *out, const struct service *s,
                         int (*put)(struct buf *out, struct str name, struct str value));
static int put_unit_variable(struct buf *out, struct str name, struct str value);
static int put_agent_variable(struct buf *out, struct str name, struct str value);
static int put_command_variable(struct buf *out, struct str name, struct str value);

static const struct program programs[] = {
#define PROGRAM(id, text, engine, ...) {.name = text, .kind = ENGINE_##engine, __VA_ARGS__},
#include "tables/programs.def"
};

static const struct {
    const char *folder;
    int (*write)(struct buf *out, const struct service *s, struct str arguments);
    const char *quote; /* inside single quotes, in its shell */
} systems[] = {
    [OS_linux] = {"/var/lib/tampu/models", write_unit, "'\\''"},
    [OS_macos] = {"/Users/Shared/tampu/models", write_agent, "'\\''"},
    [OS_windows] = {"C:\\ProgramData\\tampu\\models", write_commands, "''"},
};

const struct program *program_of(const struct fleet_engine *e)
{
    for (size_t i = 0; i < COUNT_OF(programs); i++)
        if (programs[i].kind == e->kind &&
            (e->kind != ENGINE_openai || str_is(e->name, programs[i].name)))
            return &programs[i];
    return NULL;
}

const char *program_install(const struct program *p, const struct machine *m)
{
    return m->os == OS_linux ? p->on_linux : m->os == OS_macos ? p->on_macos : p->on_windows;
}

const char *program_binary(const struct program *p)
{
    return p->binary ? p->binary : p->name;
}

const char *service_folder(const struct machine *m)
{
    return systems[m->os].folder;
}

int service_write(struct buf *out, const struct service *s, struct err *err)
{
    struct buf arguments;
    int r;

    buf_init(&arguments, ARGUMENTS_MAX_BYTES);
    r = put_arguments(&arguments, s);
    if (r == 0)
        r = systems[s->machine->os].write(out, s, buf_str(&arguments));
    buf_fini(&arguments);
    if (r == -EINVAL)
        return err_set(err, r, "an argument or a variable of %.*s has a line end",
                       STR_ARG(s->engine->name));
    return r < 0 ? err_set(err, r, "what starts %.*s is too long", STR_ARG(s->engine->name)) : 0;
}

int service_write_after(struct buf *out, const struct service *s)
{
    const char *after = program_of(s->engine)->after;
    struct buf words;
    struct str rest;
    int r;

    if (!after)
        return 0;
    buf_init(&words, ARGUMENTS_MAX_BYTES);
    r = put_template(&words, s, after);
    for (rest = buf_str(&words); rest.len && r == 0;) {
        r = service_quote(out, s->machine, next_argument(&rest));
        if (r == 0 && rest.len)
            r = buf_put_char(out, ' ');
    }
    buf_fini(&words);
    return r;
}

int service_quote(struct buf *out, const struct machine *m, struct str text)
{
    int r = buf_put_char(out, '\'');

    for (size_t i = 0; i < text.len && r == 0; i++)
        r = text.data[i] == '\'' ? buf_put(out, str_from(systems[m->os].quote))
                                 : buf_put_char(out, text.data[i]);
    return r < 0 ? r : buf_put_char(out, '\'');
}

/* Each ends with a NUL. */
static int put_arguments(struct buf *out, const struct service *s)
{
    const struct program *p = program_of(s->engine);
    bool embeds = s->copy->artifact->model->capabilities & 1u << CAPABILITY_embedding;
    int r = put_argument(out, str_from(program_binary(p)));

    if (r == 0)
        r = put_template(out, s, p->listen);
    if (r == 0)
        r = s->files ? put_files(out, s, p) : put_template(out, s, p->pulls);
    if (r == 0 && p->alias && (r = put_argument(out, str_from(p->alias))) == 0)
        r = put_argument(out, s->copy->line->pull);
    if (r == 0 && s->copy->context && !says_context(s->engine))
        r = put_template(out, s, p->fits);
    if (r == 0 && embeds)
        r = put_template(out, s, p->embeds);
    for (uint32_t i = 0; i < s->engine->args_count && r == 0; i++)
        r = put_argument(out, s->engine->args[i]);
    return r;
}

static int put_files(struct buf *out, const struct service *s, const struct program *p)
{
    const char separator = s->machine->os == OS_windows ? '\\' : '/';
    int r = 0;

    for (uint32_t i = 0; i < s->files->count && r == 0; i++) {
        const struct manifest_blob *b = &s->files->blobs[i];
        const char *flag = b->role == BLOB_is_beside           ? b->flag
                           : b->role == BLOB_is_projector      ? p->projector
                           : b->role != BLOB_is_model          ? NULL
                           : p->beside && has_beside(s->files) ? p->beside
                                                               : p->model;

        if (!flag)
            continue;
        r = put_argument(out, str_from(flag));
        if (r == 0)
            r = buf_printf(out, "%s%csha256-%s", service_folder(s->machine), separator,
                           b->digest + sizeof "sha256:" - 1);
        if (r == 0)
            r = buf_put_char(out, '\0');
    }
    return r;
}

static bool has_beside(const struct manifest *files)
{
    for (uint32_t i = 0; i < files->count; i++)
        if (files->blobs[i].role == BLOB_is_beside)
            return true;
    return false;
}

/* NULL: nothing. */
static int put_template(struct buf *out, const struct service *s, const char *text)
{
    struct str rest = str_from(text ? text : "");
    int r = 0;

    while (rest.len && r == 0) {
        struct str word = str_cut(rest, ' ', &rest);

        r = put_word(out, s, word);
    }
    return r;
}

static int put_word(struct buf *out, const struct service *s, struct str word)
{
    static const char *const devices[] = {[COMPUTE_any] = "AUTO",
                                          [COMPUTE_gpu] = "GPU",
                                          [COMPUTE_npu] = "NPU",
                                          [COMPUTE_cpu] = "CPU"};
    uint64_t slots = s->copy->slots ? s->copy->slots : 1;
    const struct word words[] = {
        {"ADDRESS", str_from(s->address), 0},
        {"PORT", {0}, s->engine->port},
        {"MODEL", s->copy->line->pull, 0},
        {"FOLDER", str_from(service_folder(s->machine)), 0},
        {"DEVICE", str_from(devices[s->engine->compute]), 0},
        {"CONTEXT", {0}, s->copy->context * slots},
        {"SLOTS", {0}, slots},
    };
    char number[STR_U64_ROOM];

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_is(word, words[i].name))
            return put_argument(out, words[i].value.data ? words[i].value
                                                         : str_from_u64(number, words[i].number));
    return put_argument(out, word);
}

static int put_argument(struct buf *out, struct str text)
{
    int r = memchr(text.data ? text.data : "", '\n', text.len) ? -EINVAL : buf_put(out, text);

    return r < 0 ? r : buf_put_char(out, '\0');
}

static bool says_context(const struct fleet_engine *e)
{
    for (uint32_t i = 0; i < e->args_count; i++)
        if (str_is(e->args[i], "-c") || str_starts(e->args[i], STR("--ctx-size")))
            return true;
    return false;
}

static int write_unit(struct buf *out, const struct service *s, struct str arguments)
{
    int r = buf_printf(out,
                       "[Unit]\nDescription=%.*s, as the fleet file wants it\n"
                       "After=network-online.target\nWants=network-online.target\n\n[Service]\n",
                       STR_ARG(s->engine->name));

    if (r == 0)
        r = each_variable(out, s, put_unit_variable);
    if (r == 0)
        r = buf_put(out, STR("ExecStart="));
    for (bool is_first = true; arguments.len && r == 0; is_first = false) {
        r = is_first ? 0 : buf_put_char(out, ' ');
        if (r == 0)
            r = put_quoted(out, next_argument(&arguments), true);
    }
    return r < 0 ? r
                 : buf_put(out, STR("\nRestart=on-failure\nRestartSec=5\n\n[Install]\n"
                                    "WantedBy=multi-user.target\n"));
}

/* What launchd starts finds programs of Homebrew only where it is told to look. */
static int write_agent(struct buf *out, const struct service *s, struct str arguments)
{
    int r = buf_printf(out,
                       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist "
                       "version=\"1.0\"><dict>\n<key>Label</key><string>tampu.%.*s</string>\n"
                       "<key>RunAtLoad</key><true/>\n<key>KeepAlive</key><true/>\n"
                       "<key>EnvironmentVariables</key><dict>\n<key>PATH</key><string>"
                       "/Users/Shared/tampu/bin:/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin"
                       "</string>\n",
                       STR_ARG(s->engine->name));

    if (r == 0)
        r = each_variable(out, s, put_agent_variable);
    if (r == 0)
        r = buf_put(out, STR("</dict>\n<key>ProgramArguments</key><array>\n"
                             "<string>/usr/bin/env</string>\n"));
    while (arguments.len && r == 0) {
        r = buf_put(out, STR("<string>"));
        if (r == 0)
            r = put_xml(out, next_argument(&arguments));
        if (r == 0)
            r = buf_put(out, STR("</string>\n"));
    }
    return r < 0 ? r : buf_put(out, STR("</array>\n</dict></plist>\n"));
}

/* A file that cmd.exe runs; lines end as it wants them when the script writes it. */
static int write_commands(struct buf *out, const struct service *s, struct str arguments)
{
    int r = buf_put(out, STR("@echo off\nset \"PATH=C:\\ProgramData\\tampu\\bin;%PATH%\"\n"));

    if (r == 0)
        r = each_variable(out, s, put_command_variable);
    for (bool is_first = true; arguments.len && r == 0; is_first = false) {
        r = is_first ? 0 : buf_put_char(out, ' ');
        if (r == 0)
            r = buf_printf(out, "\"%s\"", next_argument(&arguments).data);
    }
    return r < 0 ? r : buf_put_char(out, '\n');
}

/* systemd.syntax(7): in double quotes a backslash escapes, % is a specifier; in commands $ is a
 * variable. */
static int put_quoted(struct buf *out, struct str text, bool is_command)
{
    int r = buf_put_char(out, '"');

    for (size_t i = 0; i < text.len && r == 0; i++) {
        char c = text.data[i];

        if (c == '"' || c == '\\')
            r = buf_put_char(out, '\\');
        else if (c == '%' || (c == '$' && is_command))
            r = buf_put_char(out, c);
        if (r == 0)
            r = buf_put_char(out, c);
    }
    return r < 0 ? r : buf_put_char(out, '"');
}

static int put_xml(struct buf *out, struct str text)
{
    int r = 0;

    for (size_t i = 0; i < text.len && r == 0; i++)
        r = text.data[i] == '&'   ? buf_put(out, STR("&amp;"))
            : text.data[i] == '<' ? buf_put(out, STR("&lt;"))
            : text.data[i] == '>' ? buf_put(out, STR("&gt;"))
                                  : buf_put_char(out, text.data[i]);
    return r;
}

static struct str next_argument(struct str *rest)
{
    return str_cut(*rest, '\0', rest);
}

/* Those of the file, and those that say where it listens. */
static int each_variable(struct buf *out, const struct service *s,
                         int (*put)(struct buf *out, struct str name, struct str value))
{
    const char *env = program_of(s->engine)->env;
    struct str rest = str_from(env ? env : "");
    int r = 0;

    while (rest.len && r == 0) {
        struct str value, name = str_cut(str_cut(rest, ' ', &rest), '=', &value);
        struct buf word;

        buf_init(&word, ARGUMENTS_MAX_BYTES);
        r = put_word(&word, s, value);
        if (r == 0)
            r = put(out, name, str_slice(word.data, word.len - 1));
        buf_fini(&word);
    }
    for (uint32_t i = 0; i < s->engine->env_count && r == 0; i++) {
        const struct pair *v = &s->engine->env[i];

        r = memchr(v->value.data ? v->value.data : "", '\n', v->value.len)
                ? -EINVAL
                : put(out, v->key, v->value);
    }
    return r;
}

static int put_unit_variable(struct buf *out, struct str name, struct str value)
{
    struct buf both;
    int r;

    buf_init(&both, ARGUMENTS_MAX_BYTES);
    r = buf_printf(&both, "%.*s=%.*s", STR_ARG(name), STR_ARG(value));
    if (r == 0)
        r = buf_put(out, STR("Environment="));
    if (r == 0)
        r = put_quoted(out, buf_str(&both), false);
    buf_fini(&both);
    return r < 0 ? r : buf_put_char(out, '\n');
}

static int put_agent_variable(struct buf *out, struct str name, struct str value)
{
    int r = buf_printf(out, "<key>%.*s</key><string>", STR_ARG(name));

    if (r == 0)
        r = put_xml(out, value);
    return r < 0 ? r : buf_put(out, STR("</string>\n"));
}

static int put_command_variable(struct buf *out, struct str name, struct str value)
{
    return buf_printf(out, "set \"%.*s=%.*s\"\n", STR_ARG(name), STR_ARG(value));
}
