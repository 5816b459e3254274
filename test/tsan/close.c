/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linked into what is built with the thread sanitizer: libuv closes by the bare system call, which
 * the sanitizer does not see. The next thread that is given the same number for a descriptor of its
 * own would look as if two had opened it at once.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef long syscall_fn(long number, ...);

enum { ARGS_MAX = 6 };

long syscall(long number, ...)
{
    static _Atomic(syscall_fn *) real;
    long args[ARGS_MAX];
    va_list list;

    va_start(list, number);
    for (unsigned i = 0; i < ARGS_MAX; i++)
        args[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_close)
        return close((int)args[0]);
    if (!real)
        real = (syscall_fn *)dlsym(RTLD_NEXT, "syscall");
    return real(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}
