/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a form: a cut changes neither the parts nor where they stand. */
#include <stdlib.h>

#include "wire/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_it(struct str text, size_t cut, uint64_t *heard)
{
    struct arena arena;
    struct form f;
    int r;

    *heard = 0;
    arena_init(&arena, 1 << 20);
    if (form_init(&f, STR("multipart/form-data; boundary=b"), &arena) < 0)
        abort();
    r = form_feed(&f, str_slice(text.data, cut));
    if (r == 0)
        r = form_feed(&f, str_slice(text.data + cut, text.len - cut));
    if (r == 0)
        r = form_end(&f);
    for (const struct form_field *field = f.first; field && r == 0; field = field->next) {
        if (field->at + field->size > text.len)
            abort();
        *heard = *heard * 31 + str_hash(field->name) + str_hash(field->filename);
        *heard = *heard * 31 + str_hash(field->type) + field->at * 7 + field->size;
    }
    form_fini(&f);
    arena_fini(&arena);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_slice((const char *)data, size), boundary;
    uint64_t whole, cut_up;
    int r = read_it(text, 0, &whole);

    for (size_t cut = 1; cut <= size; cut += 1 + size / 16)
        if (read_it(text, cut, &cut_up) != r || whole != cut_up)
            abort();
    if (multipart_boundary(&boundary, text) == 0 &&
        (boundary.data < text.data || boundary.data + boundary.len > text.data + size))
        abort();
    return 0;
}
