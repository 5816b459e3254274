/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A monotonic clock that is further ahead than the system's: by as many nanoseconds as the first
 * eight bytes of the file $VIRTUAL_CLOCK say, which another program changes as it likes.
 *
 * Preloaded by a test: what takes long on a link may then take no time at all in truth. Whoever
 * waits until a moment waits as long as it lay ahead when the wait began.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NS = 1000000000 };

static const _Atomic int64_t *ahead_ns;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("VIRTUAL_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);

    if (fd >= 0)
        close(fd);
    if (mapped != MAP_FAILED)
        ahead_ns = mapped;
}

static struct timespec later(struct timespec t, int64_t ns)
{
    ns += t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
    return (struct timespec){(time_t)(ns / NS), (long)(ns % NS)};
}

int clock_gettime(clockid_t which, struct timespec *ret)
{
    long r = syscall(SYS_clock_gettime, which, ret);

    if (r == 0 && ahead_ns && (which == CLOCK_MONOTONIC || which == CLOCK_MONOTONIC_COARSE))
        *ret = later(*ret, *ahead_ns);
    return (int)r;
}

/* tampu waits by the monotonic clock everywhere. */
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                           const struct timespec *until)
{
    struct timespec real = later(*until, ahead_ns ? -*ahead_ns : 0);

    return pthread_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, &real);
}
