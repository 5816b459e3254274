/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that engines are started with: what a copy consists of, where that is published, and what a
 * machine lacks of it.
 *
 *     r = files_service(a, engine, &service, err);      what starts that engine
 *     bytes = files_lacking(a, &service);
 *     r = files_write(&text, a, &service, err);         what its script is to fetch
 */
#pragma once

#include "apply/service.h"
#include "engine/question.h"

struct apply;
struct known_manifest;

/* Must it be known what files that copy consists of? */
bool apply_wants_manifest(const struct plan_copy *copy);

/* Asks where they are published; what r says also stands in known->words. */
int files_ask(struct apply *a, struct asker *asker, const struct artifact *artifact,
              struct known_manifest *known);

/* What an engine is started with; NULL: the file has no model for it. */
const struct plan_copy *files_copy(const struct apply *a, const struct fleet_engine *engine);

/* What starts that engine. -ENOENT: the file has no model for it; or why its files are not known.
 */
MUST_USE int files_service(const struct apply *a, const struct fleet_engine *engine,
                           struct service *ret, struct err *err);

/* Bytes of its files that are not there; is that one such? */
uint64_t files_lacking(const struct apply *a, const struct service *s);
bool files_lacks(const struct apply *a, const struct fleet_engine *engine,
                 const struct manifest_blob *blob);

/* Those, for its script, and makes them known to the registry. */
MUST_USE int files_write(struct buf *out, const struct apply *a, const struct service *s,
                         struct err *err);
