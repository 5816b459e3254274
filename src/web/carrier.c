/* SPDX-License-Identifier: Apache-2.0 */
/* Carrying out the fleet file from the dashboard. */
#include "web/carrier.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "apply/apply.h"
#include "base/file.h"
#include "base/memory.h"
#include "gateway/scene.h"
#include "store/store.h"
#include "wire/json_out.h"

enum { FOLDER_ROOM = 4200, ADDRESS_ROOM = 512, PATIENCE_MS = 30000 };

enum state { STATE_none, STATE_planning, STATE_ready, STATE_running, STATE_failed };

struct carrier {
    const struct settings *settings;
    char store_url[4096], folder[FOLDER_ROOM];
    char registry[ADDRESS_ROOM]; /* the gateway's own, as machines reach it */
    pthread_mutex_t lock;        /* guards what follows; not held while it is looked around */
    pthread_t thread;
    bool has_thread;
    enum state state;
    struct scene *scene; /* whose fleet is planned */
    struct apply *apply; /* NULL: none was planned, or it failed */
    struct err err;
};

static int begin_plan(struct carrier *c, struct gateway *g, struct err *err);
static int find_registry(struct carrier *c, struct gateway *g, struct err *err);
static void forget(struct carrier *c);
static void *look_around(void *ctx);
static int begin_apply(struct carrier *c, struct err *err);
static bool is_over(struct carrier *c);
static void write_state(struct json_out *o, const struct carrier *c, const char *words);
static void write_cost(struct json_out *o, const char *key, const struct apply_cost *cost);
static void write_progress(struct json_out *o, struct apply *a);
static apply_step_fn write_change, write_step, pass_over;
static int answer(struct buf *out, int r, const struct err *err);

struct carrier *carrier_new(const struct settings *settings, struct str store_url)
{
    struct carrier *c = memory_need(1, sizeof *c);
    char folder[FOLDER_ROOM - 8];

    pthread_mutex_init(&c->lock, NULL);
    c->settings = settings;
    snprintf(c->store_url, sizeof c->store_url, "%.*s", STR_ARG(store_url));
    store_folder(folder, sizeof folder, store_url);
    snprintf(c->folder, sizeof c->folder, "%s/apply", folder);
    return c;
}

void carrier_free(struct carrier *c)
{
    if (!c || (c->state == STATE_running && !is_over(c)))
        return;
    forget(c);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

int plan_begin_page(const struct page_request *r, struct buf *out, const char **type)
{
    struct err err = {0};

    (void)type;
    return answer(out, begin_plan(r->ctx, r->gateway, &err), &err);
}

int apply_begin_page(const struct page_request *r, struct buf *out, const char **type)
{
    struct err err = {0};

    (void)type;
    return answer(out, begin_apply(r->ctx, &err), &err);
}

static int answer(struct buf *out, int r, const struct err *err)
{
    struct json_out o = {.out = out};

    json_open(&o, '{');
    if (r < 0) {
        json_open(json_key(&o, "error"), '{');
        json_text(json_key(&o, "message"), str_from(err->text));
        json_close(&o, '}');
    }
    json_close(&o, '}');
    return o.error ? 500 : r == 0 ? 202 : r == -EBUSY ? 409 : 500;
}

static int begin_plan(struct carrier *c, struct gateway *g, struct err *err)
{
    int r = 0;

    pthread_mutex_lock(&c->lock);
    if (c->state == STATE_planning || (c->state == STATE_running && !is_over(c)))
        r = err_set(err, -EBUSY, "a plan is being made or carried out: wait until it is over");
    if (r == 0)
        r = find_registry(c, g, err);
    if (r == 0) {
        forget(c);
        c->scene = gateway_scene(g);
        c->state = STATE_planning;
        r = -pthread_create(&c->thread, NULL, look_around, c);
        c->has_thread = r == 0;
        if (r < 0) {
            c->state = STATE_none;
            err_set(err, r, "no thread can be made");
        }
    }
    pthread_mutex_unlock(&c->lock);
    return r;
}

/* Machines pull through the registry on the gateway's own port. */
static int find_registry(struct carrier *c, struct gateway *g, struct err *err)
{
    const char *address = gateway_address(g);

    if (strncmp(address, "0.0.0.0:", 8) == 0 || strncmp(address, "[::]:", 5) == 0 ||
        strncmp(address, "unix:", 5) == 0)
        return err_set(err, -EBUSY,
                       "%s is no address at which machines reach the registry: set gateway.listen "
                       "to one, or use tampu apply",
                       address);
    snprintf(c->registry, sizeof c->registry, "%s", address);
    return 0;
}

/* Of a state in which nothing runs any more, or nobody asks any more. */
static void forget(struct carrier *c)
{
    if (c->has_thread)
        pthread_join(c->thread, NULL);
    c->has_thread = false;
    apply_close(c->apply);
    c->apply = NULL;
    scene_unref(c->scene);
    c->scene = NULL;
    c->state = STATE_none;
}

static void *look_around(void *ctx)
{
    struct carrier *c = ctx;
    struct apply_options options = {
        .fleet = c->scene->fleet,
        .catalog = c->scene->catalog,
        .day = str_from(c->scene->day),
        .settings = c->settings,
        .store_url = str_from(c->store_url),
        .folder = c->folder,
        .registry = c->registry,
        .patience_ms = PATIENCE_MS,
        .measures = true,
    };
    struct apply *apply = NULL;
    struct err err = {0};
    int r = file_make_folders(c->folder, &err);

    if (r == 0)
        r = apply_open(&apply, &options, &err);
    pthread_mutex_lock(&c->lock);
    c->apply = apply;
    c->err = err;
    c->state = r == 0 ? STATE_ready : STATE_failed;
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static int begin_apply(struct carrier *c, struct err *err)
{
    int r;

    pthread_mutex_lock(&c->lock);
    if (c->state != STATE_ready)
        r = err_set(err, -EBUSY, "there is no plan to carry out: make one first");
    else
        r = apply_start(c->apply, err);
    if (r == 0)
        c->state = STATE_running;
    pthread_mutex_unlock(&c->lock);
    return r;
}

static bool is_over(struct carrier *c)
{
    return apply_look(c->apply, pass_over, NULL);
}

static void pass_over(void *ctx, uint32_t number, const struct apply_step *step)
{
    (void)ctx;
    (void)number;
    (void)step;
}

int plan_page(const struct page_request *r, struct buf *out, const char **type)
{
    static const char *const words[] = {[STATE_none] = "none",
                                        [STATE_planning] = "planning",
                                        [STATE_ready] = "ready",
                                        [STATE_running] = "ready",
                                        [STATE_failed] = "failed"};
    struct carrier *c = r->ctx;
    struct json_out o = {.out = out};

    (void)type;
    pthread_mutex_lock(&c->lock);
    json_open(&o, '{');
    write_state(&o, c, words[c->state]);
    if (c->apply) {
        struct apply_sum sum = apply_sum(c->apply);

        json_open(json_key(&o, "changes"), '[');
        apply_look(c->apply, write_change, &o);
        json_close(&o, ']');
        write_cost(&o, "bill", &sum.bill);
        json_text(json_key(&o, "kept"), apply_kept(c->apply));
    }
    json_close(&o, '}');
    pthread_mutex_unlock(&c->lock);
    return o.error ? 500 : 200;
}

int apply_page(const struct page_request *r, struct buf *out, const char **type)
{
    struct carrier *c = r->ctx;
    struct json_out o = {.out = out};

    (void)type;
    pthread_mutex_lock(&c->lock);
    json_open(&o, '{');
    if (c->state == STATE_running) {
        struct apply_sum sum = apply_sum(c->apply);

        write_state(&o, c,
                    !is_over(c)                  ? "running"
                    : sum.states[STEP_IS_failed] ? "failed"
                                                 : "done");
        json_open(json_key(&o, "steps"), '[');
        apply_look(c->apply, write_step, &o);
        json_close(&o, ']');
        write_cost(&o, "bill", &sum.bill);
        write_cost(&o, "spent", &sum.spent);
        write_progress(&o, c->apply);
    } else {
        write_state(&o, c, "none");
    }
    json_close(&o, '}');
    pthread_mutex_unlock(&c->lock);
    return o.error ? 500 : 200;
}

static void write_state(struct json_out *o, const struct carrier *c, const char *words)
{
    json_text(json_key(o, "state"), str_from(words));
    json_text(json_key(o, "error"), str_from(c->state == STATE_failed ? c->err.text : ""));
}

static void write_cost(struct json_out *o, const char *key, const struct apply_cost *cost)
{
    json_open(json_key(o, key), '{');
    json_number(json_key(o, "wan_bytes"), cost->wan_bytes);
    json_number(json_key(o, "lan_bytes"), cost->lan_bytes);
    json_number(json_key(o, "seconds"), cost->seconds > 0 ? (uint64_t)(cost->seconds + 0.5) : 0);
    json_double(json_key(o, "measure_s"), cost->measure_s);
    json_close(o, '}');
}

static void write_progress(struct json_out *o, struct apply *a)
{
    const struct apply_progress p = apply_progress(a);

    json_open(json_key(o, "progress"), '{');
    json_number(json_key(o, "bytes"), p.bytes);
    json_number(json_key(o, "bytes_done"), p.bytes_done);
    json_double(json_key(o, "seconds"), p.seconds);
    json_number(json_key(o, "bytes_per_s"), (uint64_t)p.bytes_per_s);
    json_double(json_key(o, "left_s"), p.left_s);
    json_close(o, '}');
}

static void write_change(void *ctx, uint32_t number, const struct apply_step *step)
{
    if (step_is_change(step->kind))
        write_step(ctx, number, step);
}

static void write_step(void *ctx, uint32_t number, const struct apply_step *step)
{
    struct json_out *o = ctx;

    (void)number;
    json_open(o, '{');
    json_text(json_key(o, "do"), str_from(step_name(step->kind)));
    json_text(json_key(o, "machine"), step->machine->name);
    json_text(json_key(o, "engine"), step->engine ? step->engine->name : STR(""));
    json_text(json_key(o, "artifact"), step->name);
    json_text(json_key(o, "state"), str_from(step_state_name(step->state)));
    json_text(json_key(o, "words"), str_from(step->words));
    json_number(json_key(o, "bytes"), step->bytes);
    json_number(json_key(o, "bytes_done"), step->bytes_done);
    json_close(o, '}');
}
