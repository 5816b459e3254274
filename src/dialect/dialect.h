/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One API family: how it asks, answers and fails. N dialects are N files, each a
 * `const struct dialect`; they meet only in struct chat and struct delta.
 *
 * Pure: no sockets, no clock. Streams may be cut anywhere; every buffer has a ceiling.
 *
 * Same dialect on both sides: the caller's bytes are forwarded with the name of the model spliced
 * in (ask.model_at), the answer's bytes are relayed frame by frame, and the reader only watches.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "dialect/chat.h"

enum dialect_id {
#define DIALECT(name, framing, what) DIALECT_##name,
#include "tables/dialects.def"
    DIALECT_COUNT
};

/* What is fixed per copy, so that no caller can make an engine reload. */
struct copy_shape {
    struct str model;      /* the artifact's name on the engine */
    uint32_t num_ctx;      /* 0: left to the engine */
    struct str keep_alive; /* JSON number or quoted duration; empty: left out */
    bool can_think;        /* the artifact thinks: `think` may be sent */
    bool can_grade;        /* ... and takes low, medium, high; else only on and off */
    bool can_fetch;        /* http(s) URLs of pictures are fetched by the engine itself */
    bool reads_files;      /* documents other than text: PDF */
    bool is_strict;        /* refuses what its API does not document */
    uint32_t max_output;   /* tokens of an answer; 0: not known */
};

/* What every answer to the caller carries. */
struct reply_shape {
    enum task task;
    bool stream;
    bool include_usage;
    bool as_list;             /* the stream is one JSON array */
    bool hides_thoughts;      /* what was thought is not for the caller */
    bool base64;              /* embeddings */
    struct str id;            /* the exchange's id: unique, unlike Ollama's */
    struct str model;         /* as the caller asked for it */
    int64_t created_s;        /* UTC seconds */
    uint32_t prompt_estimate; /* tokens, for who must say so before the engine does */
};

struct reader;
struct writer;

struct dialect {
    const char *name;

    /* Caller's side. body stays borrowed. -EINVAL with words for the caller, -EMSGSIZE: too many
     * JSON values, -ENOMEM. read_request also -ENOTSUP with words: nobody else can say that. */
    int (*scan)(struct ask *ret, enum task task, struct str body, struct err *err);
    int (*read_request)(struct chat *ret, const struct ask *ask, struct arena *arena,
                        struct err *err);

    /* For a dialect that says in the path what others say in the body; NULL otherwise. Called after
     * scan() with what the endpoint's path left open, and the query. Errors as scan(). */
    int (*scan_path)(struct ask *ask, struct str rest, struct str query, struct arena *arena,
                     struct err *err);

    /* The same for a form, whose fields are known and whose files are elsewhere; the value of
     * `model` stands at ask.model_at as it is, without quotes. NULL: no task takes forms. */
    int (*scan_form)(struct ask *ret, enum task task, const struct form *form, struct err *err);

    /* Caller and engine speak this dialect both: the request for that copy. NULL, or 1 returned
     * and nothing written: the body as it is, shape->model (as a JSON string) in the place of
     * ask->model_at when model_len says that it stands there. -ENOMEM, -EMSGSIZE. */
    int (*forward)(struct buf *out, const struct ask *ask, const struct copy_shape *shape);

    /* Lists in chat->dropped what forward() leaves out; of chat only ask is set. NULL: nothing is
     * left out. -ENOMEM. */
    int (*note_dropped)(struct chat *chat, struct arena *arena);

    /* Bytes for the caller; whole answers appear at writer_end(), and so does the end mark of a
     * stream: call it once, after reader_end() said 0. -ENOMEM, -EMSGSIZE (ceiling of out),
     * -EBADMSG (the engine's tool call makes no sense): then out is as before. The shape's slices
     * must outlive the writer. DELTA_failure and DELTA_end write nothing: what to do about them is
     * the gateway's decision. */
    int (*writer_new)(struct writer **ret, const struct reply_shape *shape, struct buf *out);
    int (*writer_put)(struct writer *w, const struct delta *delta);
    int (*writer_end)(struct writer *w);
    void (*writer_free)(struct writer *w);

    /* An error: a whole body, or, in the middle of a stream, the event that makes the dialect's own
     * clients raise an error; nothing may follow it. found: what was found, or empty. */
    int (*write_failure)(struct buf *out, enum failure why, struct str found, bool in_stream);
    const char *(*content_type)(const struct reply_shape *shape);

    /* Names, NULL at the end, or NULL. Headers of the caller that go on to an engine of the same
     * dialect; headers that go to every engine or provider of it, name and value in turn. */
    const char *const *passed_headers;
    const char *const *fixed_headers;
    const char *id_header; /* in which the caller's library looks for the request's id, or NULL */

    /* Engine's side: where and what to ask. chat->dropped lists what could not be carried;
     * -ENOTSUP with words when leaving it out would change the answer's meaning. target: NULL when
     * the dialect has no such task. write_target, for paths that name the model, or NULL. */
    const char *(*target)(enum task task);
    int (*write_target)(struct buf *out, enum task task, const struct copy_shape *shape,
                        bool stream, bool as_list);
    int (*write_request)(struct buf *out, struct chat *chat, const struct copy_shape *shape,
                         bool stream, struct arena *arena, struct err *err);

    /* Engine's answer in, deltas out. streaming false: one JSON body, read at reader_end().
     * feed: 0; -EBADMSG: not this dialect; -EMSGSIZE: an event or body over event_max; or what
     * put() returned. *whole is how many bytes of everything fed so far end on a frame boundary;
     * without streaming it stays 0. whole may be NULL. Feed nothing more after an error. What
     * follows DELTA_end or DELTA_failure is not looked at. */
    int (*reader_new)(struct reader **ret, enum task task, bool streaming, size_t event_max,
                      struct sink next);
    int (*reader_feed)(struct reader *r, struct str chunk, uint64_t *whole);
    /* The bytes are over. -EBADMSG when they were not complete; also after DELTA_failure. */
    int (*reader_end)(struct reader *r);
    void (*reader_free)(struct reader *r);

    /* The engine refused: what an answer with this status (>= 400) and body means. found gets the
     * engine's own words, a slice of the arena. */
    enum failure (*read_failure)(int status, struct str body, struct arena *arena,
                                 struct str *found);

    /* The answer to a task that is passed on came as JSON although a stream was asked for: the
     * same as a stream. -ENOTSUP: there are no such words, and nothing was written. May be NULL. */
    int (*as_stream)(struct buf *out, enum task task, struct str body);

    /* How long the body of such an answer asks to wait, ms; 0: it does not say. May be NULL. */
    uint64_t (*read_patience)(struct str body);
};

const struct dialect *dialect_get(enum dialect_id id);
