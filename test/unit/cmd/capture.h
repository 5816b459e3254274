/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command printed: standard output and standard error, caught in files of memory.
 *
 *     status = captured(cmd_version, "version", "--json", NULL);
 *     assert_string_equal(caught_out, "…");
 */
#pragma once

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd/command.h"

enum { CAUGHT_MAX = 1 << 20, WORDS_MAX = 16 };

static char caught_out[CAUGHT_MAX], caught_err[CAUGHT_MAX];

static inline int catch_start(FILE *stream, int fd, int *saved)
{
    int file = memfd_create("caught", MFD_CLOEXEC);

    fflush(stream);
    *saved = dup(fd);
    dup2(file, fd);
    return file;
}

static inline void catch_end(FILE *stream, int fd, int saved, int file, char *text)
{
    ssize_t n;

    fflush(stream);
    dup2(saved, fd);
    close(saved);
    n = pread(file, text, CAUGHT_MAX - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    close(file);
}

/* Runs it with these words, the last one NULL; words are copied, as argv may be written to. */
static inline int captured(command_fn *run, const char *name, ...)
{
    char words[WORDS_MAX][256], *argv[WORDS_MAX + 1];
    int argc = 0, saved_out, saved_err, out, err, status;
    va_list args;

    va_start(args, name);
    for (const char *word = name; word && argc < WORDS_MAX; word = va_arg(args, const char *)) {
        snprintf(words[argc], sizeof words[argc], "%s", word);
        argv[argc] = words[argc];
        argc++;
    }
    va_end(args);
    argv[argc] = NULL;
    out = catch_start(stdout, STDOUT_FILENO, &saved_out);
    err = catch_start(stderr, STDERR_FILENO, &saved_err);
    status = run(argc, argv);
    catch_end(stdout, STDOUT_FILENO, saved_out, out, caught_out);
    catch_end(stderr, STDERR_FILENO, saved_err, err, caught_err);
    return status;
}
