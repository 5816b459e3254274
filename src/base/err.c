/* SPDX-License-Identifier: Apache-2.0 */
/* Errors in words. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *format, ...)
{
    va_list args;

    if (!err)
        return code;
    err->code = code;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return code;
}

int err_wrap(struct err *err, int code, const char *format, ...)
{
    char old[ERR_TEXT_MAX];
    va_list args;

    if (!err)
        return code;
    err->code = code;
    memcpy(old, err->text, sizeof old);
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    strncat(err->text, ": ", sizeof err->text - 1 - strlen(err->text));
    strncat(err->text, old, sizeof err->text - 1 - strlen(err->text));
    return code;
}
