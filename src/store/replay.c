/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a journal after a death: the last word on each request counts. */
#include "store/replay.h"

#include <errno.h>
#include <stdlib.h>

#include "base/map.h"
#include "store/recorder.h"

/* A request that was seen, and the bytes of what it was last. */
struct seen {
    struct link link; /* in the order of their first record */
    enum entry_kind kind;
    struct str bytes;
    char id[ENTRY_TEXT_MAX];
    size_t id_len;
};

struct replay {
    struct pile *pile;
    struct map by_id;
    struct link all;
    uint64_t foreign; /* records that are no entries of ours */
    struct recorder_found *found;
};

static journal_record_fn on_record;
static struct seen *see(struct replay *p, struct str id);
static int end_held(struct replay *p, struct journal *j, struct err *err);
static int end_one(struct journal *j, struct pile *pile, const struct seen *seen);
static void free_all(struct replay *p);

int replay_open(struct journal **ret, const char *folder, const struct journal_options *options,
                struct pile *pile, struct recorder_found *ret_found, struct err *err)
{
    struct replay p = {.pile = pile, .found = ret_found};
    struct journal_options mine = *options;
    struct journal_found found = {0};
    struct journal *j = NULL;
    int r;

    link_init(&p.all);
    /* Its callbacks go to the caller; on_record is called before the journal's thread is made. */
    mine.on_record = on_record;
    mine.record_ctx = &p;
    r = journal_open(&j, folder, &mine, &found, err);
    if (r == 0)
        r = end_held(&p, j, err);
    ret_found->damages = found.damages + p.foreign;
    free_all(&p);
    if (r < 0)
        journal_close(j);
    else
        *ret = j;
    return r;
}

/* What ended goes on in its order; of the others the last record counts. */
static int on_record(void *ctx, uint64_t number, struct str record)
{
    struct replay *p = ctx;
    struct entry entry;
    struct seen *seen;
    char *bytes;

    if (entry_read(&entry, record) < 0) {
        p->foreign++;
        return 0;
    }
    seen = see(p, entry.row.id);
    if (!seen)
        return -ENOMEM;
    if (seen->kind == ENTRY_end)
        return 0;
    seen->kind = entry.kind;
    free((char *)(uintptr_t)seen->bytes.data);
    seen->bytes = (struct str){0};
    if (entry.kind == ENTRY_end) {
        p->found->ended++;
        return pile_put(p->pile, number, record);
    }
    bytes = malloc(record.len);
    if (!bytes)
        return -ENOMEM;
    memcpy(bytes, record.data, record.len);
    seen->bytes = str_slice(bytes, record.len);
    return 0;
}

static struct seen *see(struct replay *p, struct str id)
{
    struct seen *seen = map_find(&p->by_id, id);

    if (seen)
        return seen;
    seen = calloc(1, sizeof *seen);
    if (!seen)
        return NULL;
    seen->id_len = id.len < sizeof seen->id ? id.len : sizeof seen->id;
    memcpy(seen->id, id.data, seen->id_len);
    link_append(&p->all, &seen->link);
    return map_put(&p->by_id, str_slice(seen->id, seen->id_len), seen) < 0 ? NULL : seen;
}

/* They end as they were held, and the journal says so: another replay comes to the same. */
static int end_held(struct replay *p, struct journal *j, struct err *err)
{
    LINK_EACH(&p->all, at)
    {
        const struct seen *seen = CONTAINER(at, struct seen, link);

        if (seen->kind != ENTRY_open)
            continue;
        if (end_one(j, p->pile, seen) < 0)
            return err_set(err, -ENOMEM, "no memory for what the journal holds");
        p->found->held++;
    }
    return 0;
}

static int end_one(struct journal *j, struct pile *pile, const struct seen *seen)
{
    struct entry entry;
    struct buf out;
    int r;

    buf_init(&out, JOURNAL_RECORD_MAX);
    r = entry_read(&entry, seen->bytes);
    if (r == 0)
        r = entry_write(&out, ENTRY_end, &entry.row);
    if (r == 0)
        r = pile_put(pile, journal_append(j, buf_str(&out)), buf_str(&out));
    buf_fini(&out);
    return r;
}

static void free_all(struct replay *p)
{
    while (!link_is_empty(&p->all)) {
        struct seen *seen = CONTAINER(p->all.next, struct seen, link);

        link_remove(&seen->link);
        free((char *)(uintptr_t)seen->bytes.data);
        free(seen);
    }
    map_fini(&p->by_id);
}
