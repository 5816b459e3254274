/* SPDX-License-Identifier: Apache-2.0 */
/* The store's newest rows become recent requests. */
#include "gateway/recall.h"

#include "base/failure.h"
#include "gateway/gateway.h"

static exchange_fn recall;
static const char *call_name(struct str name);
static const char *failure_name(struct str name);

int recall_requests(struct recent *recent, struct str store_url, struct err *err)
{
    AUTO(store) store = NULL;
    int r = store_open(&store, store_url, err);

    return r < 0 ? r : store_exchange_last(store, RECENT_ROOM, recall, recent, err);
}

static int recall(void *ctx, const struct exchange_row *row)
{
    struct exchange_row shown = *row;
    uint64_t ticket = 0;

    shown.failure = str_from(failure_name(row->failure));
    recent_put(ctx, &ticket, &shown, "settle", call_name(row->endpoint));
    return 0;
}

/* The ring keeps literals; a name that only another program's version knows is left empty. */
static const char *call_name(struct str name)
{
    for (int id = 0; id < ENDPOINT_COUNT; id++) {
        const char *known = endpoint_call_name((enum endpoint_id)id);

        if (known && str_is(name, known))
            return known;
    }
    return "";
}

static const char *failure_name(struct str name)
{
    for (int why = 0; why < FAILURE_COUNT; why++) {
        const char *known = failure_row((enum failure)why)->name;

        if (str_is(name, known))
            return known;
    }
    return "";
}
