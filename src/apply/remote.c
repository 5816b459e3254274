/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts on machines, through the system's ssh. */
#include "apply/remote.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apply/service.h"
#include "base/embedded.h"
#include "model/kinds.h"
#include "net/clock.h"
#include "net/dns.h"
#include "net/door.h"

enum {
    ARGUMENTS_MAX = 24,
    TIMEOUT_MS = 24 * 3600000, /* a large model over a slow line */
    CONTROL_ROOM = 64,
    PIECE = 4096,
    BY_HAND = 3, /* a script's exit status */
    SSH_FAILED = 255
};

static const char *const verbs[] = {[REMOTE_show] = "show",
                                    [REMOTE_install] = "install",
                                    [REMOTE_fetch] = "fetch",
                                    [REMOTE_set] = "set",
                                    [REMOTE_undo] = "undo"};

static const struct {
    const char *script; /* after share/engines/KIND- */
    const char *begin;
} systems[] = {
    [OS_linux] = {"linux.sh", "set -eu\n"},
    [OS_macos] = {"macos.sh", "set -eu\n"},
    [OS_windows] = {"windows.ps1", "$ErrorActionPreference = 'Stop'\n"},
};

static const struct embedded_file *script_of(const struct machine *m, const struct fleet_engine *e);
static int write_service(struct buf *out, const struct remote_what *what);
static int write_value(struct buf *out, const struct machine *m, const char *name,
                       struct str value);
static int write_variable(struct buf *out, uint32_t os, const struct pair *variable);
static int check_door(const struct machine *m, const struct remote_options *options,
                      struct err *err);
static int run_ssh(struct buf *out, const char *const *arguments, struct str input,
                   struct err *err);
static int make_control_path(char out[CONTROL_ROOM]);
static size_t add_arguments(const char **arguments, const struct remote_options *options,
                            const char *control, const char *target);
static int spawn(pid_t *ret, const char *const *arguments, int in[2], int out[2]);
static int converse(struct buf *out, pid_t pid, int in, int from, struct str input);
static bool talk(struct buf *out, struct pollfd polled[3], struct str *input);
static int wait_for(pid_t pid, int r, const struct buf *out, struct err *err);

bool remote_has_script(const struct machine *m, const struct fleet_engine *e)
{
    return script_of(m, e) != NULL;
}

bool remote_knows(const struct machine *m, const struct fleet_engine *e)
{
    return m->ssh.len && remote_has_script(m, e);
}

static const struct embedded_file *script_of(const struct machine *m, const struct fleet_engine *e)
{
    char name[96];

    snprintf(name, sizeof name, "share/engines/%s-%s",
             !e              ? "gpu-memory"
             : program_of(e) ? "service"
                             : engine_kind_row(e->kind)->name,
             systems[m->os].script);
    return embedded_find(name);
}

int remote_write_wanted(struct buf *out, const struct remote_what *what, struct err *err)
{
    const struct fleet_engine *e = what->engine;
    int r;

    if (!e)
        return buf_printf(out, "%llu",
                          (unsigned long long)what->machine->hardware.gpu_memory_bytes >> 20);
    if (program_of(e))
        return what->service ? service_write(out, what->service, err) : 0;
    r = what->machine->os == OS_linux ? buf_put(out, STR("[Service]\n")) : 0;
    for (uint32_t i = 0; i < e->env_count && r == 0; i++) {
        if (str_index(e->env[i].value, '\n') < e->env[i].value.len)
            return err_set(err, -EINVAL, "%.*s has a line end in its value",
                           STR_ARG(e->env[i].key));
        r = write_variable(out, what->machine->os, &e->env[i]);
    }
    return r < 0 ? err_set(err, r, "out of memory") : 0;
}

/* systemd.exec(5): in double quotes a backslash escapes, and % is a specifier. */
static int write_variable(struct buf *out, uint32_t os, const struct pair *variable)
{
    struct str value = variable->value;
    int r =
        buf_printf(out, os == OS_linux ? "Environment=\"%.*s=" : "%.*s=", STR_ARG(variable->key));

    for (size_t i = 0; i < value.len && r == 0; i++) {
        char c = value.data[i];

        if (os == OS_linux && (c == '"' || c == '\\'))
            r = buf_put_char(out, '\\');
        if (r == 0 && os == OS_linux && c == '%')
            r = buf_put_char(out, '%');
        if (r == 0)
            r = buf_put_char(out, c);
    }
    return r < 0 ? r : buf_put(out, os == OS_linux ? STR("\"\n") : STR("\n"));
}

int remote_write(struct buf *out, const struct remote_what *what, enum remote_do verb,
                 struct err *err)
{
    const struct embedded_file *script = script_of(what->machine, what->engine);
    struct buf wanted;
    int r;

    buf_init(&wanted, out->max);
    r = remote_write_wanted(&wanted, what, err);
    if (r == 0)
        r = buf_put(out, str_from(systems[what->machine->os].begin));
    if (r == 0)
        r = write_value(out, what->machine, "DO", str_from(verbs[verb]));
    if (r == 0 && what->engine && program_of(what->engine))
        r = write_service(out, what);
    if (r == 0)
        r = write_value(out, what->machine, "WANTED", buf_str(&wanted));
    if (r == 0)
        r = buf_put(out, str_slice(script->data, script->size));
    buf_fini(&wanted);
    return r;
}

static int write_service(struct buf *out, const struct remote_what *what)
{
    const struct program *p = program_of(what->engine);
    struct buf after;
    int r = write_value(out, what->machine, "NAME", what->engine->name);

    buf_init(&after, out->max);
    if (r == 0)
        r = write_value(out, what->machine, "BINARY", str_from(program_binary(p)));
    if (r == 0)
        r = write_value(out, what->machine, "INSTALL", str_from(program_install(p, what->machine)));
    if (r == 0)
        r = write_value(out, what->machine, "FILES", what->files);
    if (r == 0 && what->service)
        r = service_write_after(&after, what->service);
    if (r == 0)
        r = write_value(out, what->machine, "AFTER", buf_str(&after));
    buf_fini(&after);
    return r;
}

static int write_value(struct buf *out, const struct machine *m, const char *name, struct str value)
{
    int r = buf_printf(out, m->os == OS_windows ? "$%s = " : "%s=", name);

    if (r == 0)
        r = service_quote(out, m, value);
    return r < 0 ? r : buf_put_char(out, '\n');
}

int remote_run(struct buf *out, const struct machine *m, struct str script,
               const struct remote_options *options, struct err *err)
{
    const char *arguments[ARGUMENTS_MAX];
    char control[CONTROL_ROOM], target[512];
    size_t count;
    int r = check_door(m, options, err);

    if (r < 0)
        return r;
    if (make_control_path(control) < 0)
        return err_set(err, -EACCES, "/tmp/tampu-ssh-%u: it is not a folder of this user's alone",
                       (unsigned)getuid());
    snprintf(target, sizeof target, "%.*s", STR_ARG(m->ssh));
    count = add_arguments(arguments, options, control, target);
    if (m->os == OS_windows) {
        arguments[count++] = "powershell";
        arguments[count++] = "-NoProfile";
        arguments[count++] = "-Command";
        arguments[count++] = "-";
    } else {
        arguments[count++] = "sh";
        arguments[count++] = "-s";
    }
    arguments[count] = NULL;
    return run_ssh(out, arguments, script, err);
}

/* Sockets have short paths: ssh's own %C is 40 bytes, and 108 are all there may be. */
static int make_control_path(char out[CONTROL_ROOM])
{
    struct stat status;
    char folder[32];

    snprintf(folder, sizeof folder, "/tmp/tampu-ssh-%u", (unsigned)getuid());
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return -errno;
    if (lstat(folder, &status) < 0 || !S_ISDIR(status.st_mode) || status.st_uid != getuid() ||
        status.st_mode & 077)
        return -EACCES;
    snprintf(out, CONTROL_ROOM, "ControlPath=%s/%%C", folder);
    return 0;
}

static size_t add_arguments(const char **arguments, const struct remote_options *options,
                            const char *control, const char *target)
{
    size_t count = 0;

    arguments[count++] = "ssh";
    if (options->config) {
        arguments[count++] = "-F";
        arguments[count++] = options->config;
    }
    arguments[count++] = "-o";
    arguments[count++] = "BatchMode=yes";
    arguments[count++] = "-o";
    arguments[count++] = "ControlMaster=auto";
    arguments[count++] = "-o";
    arguments[count++] = control;
    arguments[count++] = "-o";
    arguments[count++] = "ControlPersist=10";
    arguments[count++] = "-o";
    arguments[count++] = "ConnectTimeout=10";
    arguments[count++] = "-o";
    arguments[count++] = "ServerAliveInterval=20"; /* who is gone is noticed after a minute */
    arguments[count++] = "--";
    arguments[count++] = target;
    return count;
}

/* ssh connects by itself: where only loopback is allowed, it is asked first where it would go. */
static int check_door(const struct machine *m, const struct remote_options *options,
                      struct err *err)
{
    const struct sockaddr_in elsewhere = {.sin_family = AF_INET,
                                          .sin_addr = {htonl(0xc0000201)}}; /* 192.0.2.1 */
    char target[512];
    const char *arguments[] = {"ssh", "-G", "--", target, NULL, NULL, NULL};
    struct str line, rest, value;
    union address address;
    struct buf said;
    int r;

    if (door_check_address((const struct sockaddr *)&elsewhere) == 0)
        return 0;
    snprintf(target, sizeof target, "%.*s", STR_ARG(m->ssh));
    if (options->config)
        memcpy(arguments + 2, (const char *[]){"-F", options->config, "--", target},
               4 * sizeof *arguments);
    buf_init(&said, 64 << 10);
    r = run_ssh(&said, arguments, STR(""), err);
    for (rest = buf_str(&said); r == 0 && rest.len;) {
        char host[256];

        line = str_cut(rest, '\n', &rest);
        line = str_cut(line, ' ', &value);
        snprintf(host, sizeof host, "%.*s", STR_ARG(value));
        if (str_is(line, "proxyjump") || str_is(line, "proxycommand") ||
            (str_is(line, "hostname") &&
             (!dns_read_address(&address, host, 22) || door_check_address(&address.any) < 0)))
            r = err_set(err, -EPERM, "ssh %s: TAMPU_LOOPBACK_ONLY allows only this machine",
                        target);
    }
    buf_fini(&said);
    return r;
}

static int run_ssh(struct buf *out, const char *const *arguments, struct str input, struct err *err)
{
    int in[2] = {-1, -1}, from[2] = {-1, -1}, r = 0;
    pid_t pid;

    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0 ||
        (r = spawn(&pid, arguments, in, from)) < 0)
        r = err_set(err, r < 0 ? r : -errno, "ssh cannot be started: %s",
                    strerror(r < 0 ? -r : errno));
    if (in[0] >= 0)
        close(in[0]);
    if (from[1] >= 0)
        close(from[1]);
    if (r == 0)
        r = wait_for(pid, converse(out, pid, in[1], from[0], input), out, err);
    else if (in[1] >= 0)
        close(in[1]);
    if (from[0] >= 0)
        close(from[0]);
    return r;
}

static int spawn(pid_t *ret, const char *const *arguments, int in[2], int out[2])
{
    posix_spawn_file_actions_t actions;
    int r = posix_spawn_file_actions_init(&actions);

    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, out[1], STDERR_FILENO);
    if (r == 0)
        r = posix_spawnp(ret, "ssh", &actions, NULL, (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

/* Gives the input and takes what is said, side by side, until the program ends: a shared connection
 * outlives it, and holds the pipe. Closes `in`. */
static int converse(struct buf *out, pid_t pid, int in, int from, struct str input)
{
    uint64_t deadline_ms = clock_true_us() / 1000 + TIMEOUT_MS, now_ms = 0;
    struct pollfd polled[] = {{from, POLLIN, 0}, {in, POLLOUT, 0}, {pidfd_open(pid, 0), POLLIN, 0}};
    bool goes_on = polled[2].fd >= 0;

    signal(SIGPIPE, SIG_IGN);
    fcntl(in, F_SETFL, O_NONBLOCK);
    fcntl(from, F_SETFL, O_NONBLOCK);
    while (goes_on && (now_ms = clock_true_us() / 1000) < deadline_ms)
        goes_on = poll(polled, COUNT_OF(polled), (int)(deadline_ms - now_ms)) >= 0 &&
                  talk(out, polled, &input);
    if (polled[1].fd >= 0)
        close(polled[1].fd);
    if (polled[2].fd >= 0)
        close(polled[2].fd);
    return goes_on ? -ETIMEDOUT : 0;
}

/* False when it has ended and everything it said was read. What is beyond out's ceiling is passed
 * over. */
static bool talk(struct buf *out, struct pollfd polled[3], struct str *input)
{
    bool has_ended = polled[2].revents;
    char piece[PIECE];
    ssize_t n;

    if (polled[1].fd >= 0 && polled[1].revents) {
        n = write(polled[1].fd, input->data, input->len);
        if (n > 0)
            *input = str_slice(input->data + n, input->len - (size_t)n);
        if (!input->len || (n < 0 && errno != EAGAIN)) {
            close(polled[1].fd);
            polled[1].fd = -1;
        }
    }
    while ((n = read(polled[0].fd, piece, sizeof piece)) > 0)
        if (out->len + (size_t)n <= out->max && buf_put(out, str_slice(piece, (size_t)n)) < 0)
            break;
    if (n == 0)
        polled[0].fd = -1;
    return !has_ended;
}

static int wait_for(pid_t pid, int r, const struct buf *out, struct err *err)
{
    struct str said = str_trim(buf_str(out)), last;
    int status;

    if (r < 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (r < 0)
        return err_set(err, r, "ssh: no end after %d hours", TIMEOUT_MS / 3600000);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    last = str_slice(said.data, said.len < 300 ? said.len : 300);
    return err_set(err,
                   !WIFEXITED(status)                  ? -EIO
                   : WEXITSTATUS(status) == SSH_FAILED ? -ECONNREFUSED
                   : WEXITSTATUS(status) == BY_HAND    ? -ENOTSUP
                                                       : -EIO,
                   "ssh: %.*s", STR_ARG(last));
}
