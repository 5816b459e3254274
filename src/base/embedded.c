/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a file that travels inside the program. */
#include "base/embedded.h"

#include <string.h>

/* O(n); n is the number of embedded files, tens. */
const struct embedded_file *embedded_find(const char *name)
{
    for (const struct embedded_file *file = embedded_files; file->name; file++)
        if (strcmp(file->name, name) == 0)
            return file;
    return NULL;
}
