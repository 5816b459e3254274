/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LiteLLM's config.yaml to a fleet file, with a verdict for each of its lines.
 *
 *     r = litellm_import(&in, text, "config.yaml", catalog, day, err);
 *     in.fleet            the fleet file, as text
 *     in.judgement        what became of each line
 *     litellm_import_fini(&in);
 *
 * A deployment whose address is near (loopback, a private network, a tailnet, a bare host name)
 * becomes a model on a machine, any other one a cloud model. A name becomes an alias, or a category
 * where several models or stand-ins answer to it. Credentials are never copied: what is written is
 * the name of an environment variable. The same text gives the same fleet. Pure: nothing is
 * looked up.
 */
#pragma once

#include "base/buf.h"
#include "litellm/judgement.h"
#include "model/catalog.h"

struct litellm_import {
    struct buf fleet;
    struct judgement judgement;
    struct arena arena;
};

/* day: "2026-11-23", for what providers have retired. 0, then litellm_import_fini() is due; -EINVAL
 * when the text is no configuration of LiteLLM's; -EMSGSIZE; -ENOMEM. */
MUST_USE int litellm_import(struct litellm_import *ret, struct str text, const char *name,
                            const struct catalog *catalog, struct str day, struct err *err);
void litellm_import_fini(struct litellm_import *in);
