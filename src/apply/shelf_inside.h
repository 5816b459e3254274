/* SPDX-License-Identifier: Apache-2.0 */
/* What the shelf and its blobs know of each other. Nobody else includes it. */
#pragma once

#include <pthread.h>

#include "apply/shelf.h"

struct blob {
    struct shelf *shelf;
    struct link link;  /* on the shelf: the longest unused first */
    struct link check; /* in the line of those whose digest is to be looked at */
    char digest[DIGEST_LENGTH + 1];
    uint64_t size, have;
    unsigned holders;
    int file; /* -1 while nobody holds it */
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

/* With the shelf's mutex held: */

/* Has its digest looked at once all of it is there. */
void blob_look_at_digest(struct blob *b);

/* Its digest is right, or it is not; whoever waits hears of it. */
void blob_end(struct blob *b, enum blob_state state);

/* Nobody has looked at its digest yet. */
bool blob_is_open(const struct blob *b);
