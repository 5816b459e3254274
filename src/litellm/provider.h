/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands before the slash in LiteLLM's model names, and addresses as it writes them.
 *
 *     provider = litellm_provider_find(STR("ollama_chat"));
 *     if (litellm_address_read(&a, STR("http://192.0.2.10:11434/v1")) < 0) …
 *
 * Pure; the parts of an address are borrowed from its text.
 */
#pragma once

#include "model/kinds.h"

enum litellm_runs { RUNS_machine, RUNS_cloud, RUNS_either };

struct litellm_provider {
    const char *prefix;
    enum litellm_runs runs;
    unsigned kind; /* enum engine_kind, of RUNS_cloud enum provider_kind */
    const char *url, *key;
};

/* NULL: none of that prefix. */
const struct litellm_provider *litellm_provider_find(struct str prefix);

struct litellm_address {
    struct str host;
    uint32_t port;
    bool tls;
    struct str path;   /* without a slash at the end, and without /v1 */
    bool ends_with_v1; /* it did */
};

/* 0; -EINVAL: not http(s)://HOST[:PORT][/PATH], or with a user's name. */
MUST_USE int litellm_address_read(struct litellm_address *ret, struct str url);

/* Loopback, a private network, a tailnet, or a name that only a local network knows. */
bool litellm_address_is_near(const struct litellm_address *a);

/* 10.x, 172.16-31.x, 192.168.x, 127.x, 169.254.x, 100.64-127.x: four numbers at least. */
bool litellm_host_is_number(struct str host);
bool litellm_host_is_tailnet(struct str host);
