/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A form as a whole: what its fields say, and where its files stand. The bytes of files are not
 * kept.
 *
 *     if (form_init(&f, content_type, &arena) < 0)
 *         -EINVAL: content-type is not that of a form
 *     form_feed(&f, chunk) … form_end(&f)          as multipart_feed(); f.reader.words say why
 *     form_find_once(&f, "model", &field);
 *     form_fini(&f);
 *
 * Fields live in the arena. Pure.
 */
#pragma once

#include "base/arena.h"
#include "wire/multipart.h"

enum { FORM_TEXT_MAX = 256 << 10 }; /* bytes of all fields that are no files */

struct form_field {
    struct form_field *next;
    struct str name, filename, type;
    struct str value;  /* empty for a file */
    uint64_t at, size; /* where in the body the value stands */
    bool is_file;
};

struct form {
    struct multipart reader;
    struct form_field *first, *last;

    /* Private. */
    struct arena *arena;
    struct buf value;
    size_t text;
};

/* -EINVAL, or 0; then form_fini() is due. */
MUST_USE int form_init(struct form *f, struct str content_type, struct arena *arena);
void form_fini(struct form *f);

/* -EBADMSG, -EMSGSIZE, -ENOMEM. */
MUST_USE int form_feed(struct form *f, struct str chunk);
MUST_USE int form_end(struct form *f);

/* The first field of that name; NULL. "image" also finds "image[]". */
const struct form_field *form_find(const struct form *f, const char *name);

/* The same; -EEXIST when it stands there twice. *ret NULL: it is not there. */
MUST_USE int form_find_once(const struct form *f, const char *name, const struct form_field **ret);

/* What a field that is no file says; empty when it is not there. */
struct str form_text(const struct form *f, const char *name);

/* "--BOUNDARY", slice of the form. */
struct str form_mark(const struct form *f);
