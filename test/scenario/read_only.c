/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system that becomes read-only, and writable again, under a program that has files open.
 *
 * Preloaded by a test. While the file $READ_ONLY_WHILE exists, whatever writes below
 * $READ_ONLY_BELOW fails with EROFS, as on a disk that the kernel no longer trusts; a kernel would
 * not take that back while somebody has files open there.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITES = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC };

static bool is_below(const char *path)
{
    const char *below = getenv("READ_ONLY_BELOW"), *flag = getenv("READ_ONLY_WHILE");

    return below && flag && strncmp(path, below, strlen(below)) == 0 && access(flag, F_OK) == 0;
}

static bool is_read_only(int fd)
{
    char link[64], path[4096];
    ssize_t len;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof path - 1);
    if (len < 0)
        return false;
    path[len] = '\0';
    return is_below(path);
}

static bool is_read_only_at(int folder, const char *path)
{
    return path[0] == '/' || folder == AT_FDCWD ? is_below(path) : is_read_only(folder);
}

/* Calls the real one unless what it is about is read-only. */
#define UNLESS(refused, type, name, parameters, arguments) \
    type name parameters; \
    type name parameters \
    { \
        type(*real) parameters = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
\
        if (refused) { \
            errno = EROFS; \
            return -1; \
        } \
        return real arguments; \
    }

#define OPENS(name, refused, first, named) \
    int name(first, int flags, ...); \
    int name(first, int flags, ...) \
    { \
        int (*real)(first, int, ...) = (int (*)(first, int, ...))dlsym(RTLD_NEXT, #name); \
        va_list rest; \
        mode_t mode; \
\
        va_start(rest, flags); \
        mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        if ((flags & WRITES) && (refused)) { \
            errno = EROFS; \
            return -1; \
        } \
        return real(named, flags, mode); \
    }
#define PATH   const char *path
#define AT     int folder, const char *path
#define AT_ALL folder, path

OPENS(open, is_below(path), PATH, path)
OPENS(open64, is_below(path), PATH, path)
OPENS(openat, is_read_only_at(folder, path), AT, AT_ALL)
OPENS(openat64, is_read_only_at(folder, path), AT, AT_ALL)
UNLESS(is_read_only(fd), ssize_t, write, (int fd, const void *from, size_t size), (fd, from, size))
UNLESS(is_read_only(fd), ssize_t, pwrite, (int fd, const void *from, size_t size, off_t at),
       (fd, from, size, at))
UNLESS(is_read_only(fd), ssize_t, pwrite64, (int fd, const void *from, size_t size, off_t at),
       (fd, from, size, at))
UNLESS(is_read_only(fd), int, fdatasync, (int fd), (fd))
UNLESS(is_read_only(fd), int, fsync, (int fd), (fd))
UNLESS(is_read_only(fd), int, ftruncate, (int fd, off_t size), (fd, size))
UNLESS(is_read_only(fd), int, ftruncate64, (int fd, off_t size), (fd, size))
UNLESS(is_below(path), int, unlink, (const char *path), (path))
UNLESS(is_read_only_at(folder, path), int, unlinkat, (int folder, const char *path, int flags),
       (folder, path, flags))
