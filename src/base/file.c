/* SPDX-License-Identifier: Apache-2.0 */
/* Whole small files into memory, and back. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"

enum { PIECE = 64 << 10 };

static int read_all(struct buf *out, int fd);
static int write_beside(const char *beside, const char *path, struct str text);
static int write_all(int fd, struct str text);

int file_read(struct buf *out, const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), r;

    if (fd < 0)
        return err_set(err, -errno, "%s: cannot open it: %s", path, strerror(errno));
    r = read_all(out, fd);
    close(fd);
    if (r == -EMSGSIZE)
        return err_set(err, r, "%s: it is larger than %zu bytes", path, out->max);
    return r < 0 ? err_set(err, r, "%s: cannot read it: %s", path, strerror(-r)) : 0;
}

static int read_all(struct buf *out, int fd)
{
    char piece[PIECE];

    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        int r;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        if ((r = buf_put(out, str_slice(piece, (size_t)n))) < 0)
            return r;
    }
}

int file_write(const char *path, struct str text, struct err *err)
{
    char real[PATH_MAX], beside[PATH_MAX + 8];
    int r;

    if (!realpath(path, real))
        snprintf(real, sizeof real, "%s", path); /* a new one */
    snprintf(beside, sizeof beside, "%s.new", real);
    r = write_beside(beside, real, text);
    if (r == 0 && rename(beside, real) < 0) {
        r = -errno;
        unlink(beside);
    }
    return r < 0 ? err_set(err, r, "%s: cannot write it: %s", path, strerror(-r)) : 0;
}

int file_keep(const char *path, struct str text, struct err *err)
{
    char beside[PATH_MAX + 8];

    snprintf(beside, sizeof beside, "%s.new", path);
    unlink(beside);
    return file_write(path, text, err);
}

int file_make_folders(const char *path, struct err *err)
{
    AUTO_BYTES(char *) folder = strdup(path);

    if (!folder)
        return err_set(err, -ENOMEM, "out of memory");
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
            return err_set(err, -errno, "%s: cannot be made: %s", folder, strerror(errno));
        *slash = '/';
    }
    return 0;
}

static int write_beside(const char *beside, const char *path, struct str text)
{
    struct stat old;
    mode_t mode = stat(path, &old) == 0 ? old.st_mode & 0777 : 0666;
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode), r;

    if (fd < 0)
        return -errno;
    r = write_all(fd, text);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    close(fd);
    if (r < 0)
        unlink(beside);
    return r;
}

static int write_all(int fd, struct str text)
{
    while (text.len) {
        ssize_t n = write(fd, text.data, text.len);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            text = str_slice(text.data + n, text.len - (size_t)n);
    }
    return 0;
}
