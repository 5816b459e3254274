/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet of imagined machines: real HTTP servers on loopback, imagined time.
 *
 *     r = imagined_open(&im, fleet, catalog, &(struct imagined_options){.speed = 10}, &err);
 *     imagined_address(im, machine, engine)              "127.0.0.1:PORT", to be put in the fleet
 *     status = imagined_command(im, body, &reply);       POST /imagine
 *     status = imagined_list(im, &reply);                GET /imagine
 *     imagined_close(im);
 *
 * Each engine of each machine that serves models speaks its own API, bytes as the real one writes
 * them, and takes the time that sim/world.h says. All of it runs on one thread of its own.
 * docs/internals/imagined.md says what is simplified.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "fleet/fleet.h"
#include "model/catalog.h"

/* Where on each engine's address the node exporter of its machine answers. */
#define IMAGINED_EXPORTER "/node-exporter"

struct imagined;

struct imagined_options {
    double speed;  /* imagined seconds in a real one; 0 counts as 1 */
    uint64_t seed; /* of all that is said */
    bool empty;    /* the disks of engines that pull hold nothing yet */
};

/* Fleet and catalog must outlive it. 0; -ENOMEM and socket errors with words. */
MUST_USE int imagined_open(struct imagined **ret, const struct fleet *f, const struct catalog *c,
                           const struct imagined_options *options, struct err *err);
void imagined_close(struct imagined *im);

/* By the indices in the fleet; the same for life, also while the machine is dead. NULL when this
 * machine serves no models. */
const char *imagined_address(const struct imagined *im, size_t machine, size_t engine);

/* {"machine","do","factor","after_tokens"}: 200 and the machine as it is now, or 400 and words.
 * Any thread but its own; done when this returns. */
int imagined_command(struct imagined *im, struct str json, struct buf *reply);

/* 200 and every machine: state, what is on disk and loaded, and the requests it has seen. */
int imagined_list(struct imagined *im, struct buf *reply);
