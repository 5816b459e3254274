/* SPDX-License-Identifier: Apache-2.0 */
/* Memory at the start. */
#include "base/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int drop_code(struct dl_phdr_info *object, size_t size, void *ctx);

void *memory_need(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);

    if (!p) {
        fprintf(stderr, "tampu: out of memory\n");
        abort();
    }
    return p;
}

void memory_rest(void)
{
    malloc_trim(0);
    dl_iterate_phdr(drop_code, NULL);
}

/* Segments that nobody may write are as they are in their files. */
static int drop_code(struct dl_phdr_info *object, size_t size, void *ctx)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    (void)size, (void)ctx;
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        uintptr_t from = (object->dlpi_addr + part->p_vaddr + page - 1) & ~(page - 1);
        uintptr_t to = (object->dlpi_addr + part->p_vaddr + part->p_memsz) & ~(page - 1);

        if (part->p_type == PT_LOAD && !(part->p_flags & PF_W) && to > from)
            madvise((void *)from, to - from, MADV_DONTNEED);
    }
    return 0;
}
