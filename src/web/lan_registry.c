/* SPDX-License-Identifier: Apache-2.0 */
/* /v2/ on the gateway's port. */
#include "web/lan_registry.h"

#include "apply/lan.h"

static void *begin(const struct stream_request *r);
static void on_writable(void *visit);
static void on_gone(void *visit);

const struct streamer lan_registry = {
    .begin = begin,
    .on_writable = on_writable,
    .on_gone = on_gone,
};

static void *begin(const struct stream_request *r)
{
    struct header json = {STR("content-type"), STR("application/json")};
    const struct lan *lan = r->ctx;

    if (lan && lan->registry)
        return registry_begin(lan->registry, r->loop, r->client, r->stream, r->request);
    stream_answer(
        r->stream, 404, &json, 1,
        STR("{\"errors\":[{\"code\":\"UNSUPPORTED\",\"message\":\"gateway.registry.upstream is "
            "not set: this gateway is no registry\"}]}"));
    return NULL;
}

static void on_writable(void *visit)
{
    registry_on_writable(visit);
}

static void on_gone(void *visit)
{
    registry_on_gone(visit);
}
