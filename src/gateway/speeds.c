/* SPDX-License-Identifier: Apache-2.0 */
/* What benches measured, as estimates start from it. */
#include "gateway/speeds.h"

#include "store/store.h"
#include "wire/json.h"

struct recalling {
    struct traffic *traffic;
    const struct scene *scene;
};

static measurement_fn recall;
static const struct copy *find_copy(const struct view *view, const struct measurement_row *row);
static struct bench_speeds read_speeds(yyjson_val *found);

int speeds_recall(struct traffic *t, const struct scene *s, struct str store_url, struct err *err)
{
    struct recalling recalling = {t, s};
    AUTO(store) store = NULL;
    int r = store_open(&store, store_url, err);

    return r < 0 ? r : store_measurement_last(store, 1, recall, &recalling, err);
}

static int recall(void *ctx, const struct measurement_row *row)
{
    struct recalling *r = ctx;
    const struct copy *copy = find_copy(r->scene->view, row);
    struct json json = {0};

    if (copy && json_read(&json, row->found, JSON_MEMORY(row->found.len), NULL) == 0) {
        const struct bench_speeds speeds = read_speeds(json.root);

        traffic_start(r->traffic, r->scene->copies[copy->index].place, &speeds);
    }
    json_fini(&json);
    return 0;
}

static const struct copy *find_copy(const struct view *view, const struct measurement_row *row)
{
    for (uint32_t i = 0; i < view->copies_count; i++) {
        const struct copy *c = &view->copies[i];

        if (c->machine && str_equal(c->machine_name, row->machine) &&
            str_equal(c->engine_name, row->engine) && str_equal(c->tag, row->artifact))
            return c;
    }
    return NULL;
}

/* Prompts stand there shortest first: of reading, the longest tells most, of writing the first. */
static struct bench_speeds read_speeds(yyjson_val *found)
{
    yyjson_val *prompts = json_find(found, "prompts"), *first = yyjson_arr_get_first(prompts),
               *last = yyjson_arr_get_last(prompts);

    return (struct bench_speeds){
        .prompt_tokens = (double)json_find_u64(last, "prompt_tokens"),
        .prefill_tps = json_find_real(last, "prefill_tps"),
        .context_tokens = (double)json_find_u64(first, "prompt_tokens") +
                          (double)json_find_u64(first, "answer_tokens") / 2,
        .decode_tps = json_find_real(first, "decode_tps"),
    };
}
