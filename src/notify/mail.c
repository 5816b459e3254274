/* SPDX-License-Identifier: Apache-2.0 */
/* A mail through the machine's own sendmail. */
#include "notify/mail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/door.h"

static int start(pid_t *ret, const char *program, int input);
static int finish(pid_t pid, const char *program, uint32_t timeout_ms, struct err *err);
static bool ends_in_time(pid_t pid, uint32_t timeout_ms);

int mail_send(const char *program, struct str message, uint32_t timeout_ms, struct err *err)
{
    int ends[2], r = door_check_program(program);
    ssize_t written;
    pid_t pid;

    if (r < 0)
        return err_set(err, r, "%s is not run: TAMPU_LOOPBACK_ONLY is set", program);
    if (message.len > MAIL_MAX)
        return err_set(err, -EMSGSIZE, "the mail is longer than %d bytes", MAIL_MAX);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, -errno, "no pipe for %s: %s", program, strerror(errno));
    r = start(&pid, program, ends[0]);
    close(ends[0]);
    if (r < 0) {
        close(ends[1]);
        return err_set(err, r, "%s: cannot be run: %s", program, strerror(-r));
    }
    written = write(ends[1], message.data, message.len);
    close(ends[1]);
    r = finish(pid, program, timeout_ms, err);
    if (r == 0 && written != (ssize_t)message.len)
        r = err_set(err, -EPIPE, "%s did not take the whole mail", program);
    return r;
}

/* With no signal blocked or ignored, as a shell would start it. */
static int start(pid_t *ret, const char *program, int input)
{
    char lone_dots_are_text[] = "-oi", receivers_are_inside[] = "-t";
    char *const words[] = {(char *)program, lone_dots_are_text, receivers_are_inside, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int r;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    r = posix_spawn(ret, program, &files, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return -r;
}

static int finish(pid_t pid, const char *program, uint32_t timeout_ms, struct err *err)
{
    bool in_time = ends_in_time(pid, timeout_ms);
    int status = 0;

    if (!in_time)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!in_time)
        return err_set(err, -ETIMEDOUT, "%s took longer than %u ms and was ended", program,
                       timeout_ms);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return err_set(err, -EPROTO, "%s ended with status %d", program,
                       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}

static bool ends_in_time(pid_t pid, uint32_t timeout_ms)
{
    struct pollfd wait = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    int r;

    if (wait.fd < 0)
        return true; /* an old kernel: waitpid() waits as long as it takes */
    while ((r = poll(&wait, 1, (int)timeout_ms)) < 0 && errno == EINTR)
        ;
    close(wait.fd);
    return r > 0;
}
