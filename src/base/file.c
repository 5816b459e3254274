/* SPDX-License-Identifier: Apache-2.0 */
/* Whole small files into memory. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PIECE = 64 << 10 };

static int read_all(struct buf *out, int fd);

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
