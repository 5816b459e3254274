/* SPDX-License-Identifier: Apache-2.0 */
/* What the shelf and its blobs know of each other. Nobody else includes it. */
#pragma once

#include <pthread.h>

#include "apply/shelf.h"

enum {
    APART_MAX = 64,
    NOTE_EVERY = 16 << 20, /* bytes at the beginning, while there are holes */
};

struct blob {
    struct shelf *shelf;
    struct link link;  /* on the shelf: the longest unused first */
    struct link check; /* in the line of those whose digest is to be looked at */
    char digest[DIGEST_LENGTH + 1];
    uint64_t size, have;
    unsigned holders;
    unsigned company;  /* who brings it together with others */
    struct link parts; /* blob_part: what they bring just now */
    struct {
        uint64_t from, end;
    } apart[APART_MAX]; /* what is there behind holes */
    unsigned apart_count;
    uint64_t noted; /* what its file remembers, while there are holes */
    int file;       /* -1 while nobody holds it */
    enum blob_state state;
    bool is_claimed;
    bool is_left_over; /* of an earlier run: how long it will be is not known */
    bool has_room;     /* the disk counts what is missing as taken */
    struct link waiters;
};

struct shelf {
    int folder;
    struct shelf_options options;
    pthread_mutex_t mutex; /* guards everything of its blobs but the bytes */
    pthread_cond_t wanted; /* a digest is to be looked at, or it is over */
    struct link blobs, unchecked;
    uint64_t bytes;
    pthread_t thread;
    bool closing;
};

/* Its file only. 0, or what the disk says. */
MUST_USE int blob_write(const struct blob *b, uint64_t at, struct str bytes);

/* A file with holes ends before the first of them from now on. */
void blob_close_holes(int file);

/* With the shelf's mutex held: */

/* So much of its beginning is there, or more: parts that follow on it, too. */
void blob_grow(struct blob *b, uint64_t have);

/* What its beginning has reached lies apart no more; its file learns of the holes that are left. */
void blob_tell_holes(struct blob *b);

/* Whoever waited for what is there now hears of it. */
void blob_wake(struct blob *b);

/* Has its digest looked at once all of it is there. */
void blob_look_at_digest(struct blob *b);

/* Its digest is right, or it is not; whoever waits hears of it. */
void blob_end(struct blob *b, enum blob_state state);

/* Nobody has looked at its digest yet. */
bool blob_is_open(const struct blob *b);
