/* SPDX-License-Identifier: Apache-2.0 */
/* Methods and headers by name. */
#include "wire/message.h"

const char *method_name(enum method m)
{
    static const char *const names[] = {
        [METHOD_GET] = "GET",         [METHOD_HEAD] = "HEAD",     [METHOD_POST] = "POST",
        [METHOD_PUT] = "PUT",         [METHOD_DELETE] = "DELETE", [METHOD_PATCH] = "PATCH",
        [METHOD_OPTIONS] = "OPTIONS", [METHOD_other] = "other",
    };

    return (size_t)m < COUNT_OF(names) ? names[m] : "other";
}

struct str header_find(const struct header *headers, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal_nocase(headers[i].name, name))
            return headers[i].value;
    return (struct str){0};
}
