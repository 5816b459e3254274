/* SPDX-License-Identifier: Apache-2.0 */
/* Running a gateway in the foreground. */
#include "cmd/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "cmd/command.h"
#include "cmd/usage.h"
#include "net/clock.h"
#include "notify/notify.h"
#include "otlp/otlp.h"
#include "web/metrics.h"
#include "web/pages.h"

enum { TEXTS_MAX = 1 << 20 };

/* Threads that tell others what goes on. */
struct tellers {
    struct notify *notify;
    struct otlp *otlp; /* NULL: nobody collects */
};

static void open_log(const struct settings *s);
static void open_stats(struct foreground *run);
static int load_scene(struct foreground *run, load_fn *load, void *ctx, struct scene **ret,
                      struct err *err);
static int open_tellers(struct tellers *t, struct foreground *run, struct gateway *g,
                        struct err *err);
static void close_tellers(struct tellers *t);
static int open_notify(struct notify **ret, struct foreground *run, struct gateway *g,
                       struct err *err);
static void open_registry(struct foreground *run);
static int open_otlp(struct otlp **ret, struct foreground *run, struct gateway *g, struct err *err);
static void tell_stray_variables(void);
static void forbid_core(void);
static void raise_file_limit(void);
static sigset_t block_signals(void);
static void wait_for_end(struct foreground *run, struct gateway *g, sigset_t *signals,
                         load_fn *load, void *ctx);
static void reload(struct foreground *run, struct gateway *g, load_fn *load, void *ctx);
static void say_ready(const struct foreground *run, struct gateway *g);
static bool is_loopback_only(const char *address);

int run_take_flag(void *ctx, struct str name, struct str value, struct err *err)
{
    struct run_flags *flags = ctx;
    struct settings scratch;
    int r;

    settings_init(&scratch);
    r = settings_set_flag(&scratch, name, value, err);
    if (r < 0)
        return r;
    if (flags->count == RUN_FLAGS_MAX)
        return err_set(err, -E2BIG, "more than %d settings as flags: put them into the fleet file",
                       RUN_FLAGS_MAX);
    flags->names[flags->count] = name;
    flags->values[flags->count++] = value;
    return 0;
}

int run_settings(struct foreground *run, const struct fleet *fleet, const struct options *o,
                 struct err *err)
{
    const struct run_flags *flags = o->ctx;
    const char *listen = option_value(o, "listen");
    char where[64];
    int r = 0;

    settings_init(&run->settings);
    arena_init(&run->texts, TEXTS_MAX);
    for (uint32_t i = 0; i < fleet->settings_count && r == 0; i++) {
        const struct pair *given = &fleet->settings[i];

        r = settings_set(&run->settings, given->key, arena_str(&run->texts, given->value),
                         given->at.file, err);
    }
    if (r == 0)
        r = settings_read_environment(&run->settings, environ, err);
    for (size_t i = 0; i < flags->count && r == 0; i++)
        r = settings_set_flag(&run->settings, flags->names[i], flags->values[i], err);
    snprintf(where, sizeof where, "--listen");
    if (r == 0 && listen)
        r = settings_set(&run->settings, STR("gateway.listen"), str_from(listen), where, err);
    return r;
}

int run_gateway(struct foreground *run, load_fn *load, void *ctx)
{
    struct breaker_rules rules = {
        .failures = run->settings.breaker_failures,
        .cooldown_ms = (uint32_t)run->settings.breaker_cooldown_ms,
        .cooldown_max_ms = (uint32_t)run->settings.breaker_cooldown_max_ms,
    };
    sigset_t signals = block_signals();
    struct gateway *g = NULL;
    struct tellers tellers = {0};
    struct scene *scene = NULL;
    struct err err = {0};
    int r;

    open_log(&run->settings);
    tell_stray_variables();
    raise_file_limit();
    forbid_core();
    open_stats(run);
    run->parts.traffic = traffic_new(&rules);
    web_pages(&run->pages, &run->settings, str_from(run->store_url));
    run->pages.ctx[ENDPOINT_registry] = &run->lan;
    r = load_scene(run, load, ctx, &scene, &err);
    if (r == 0)
        r = gateway_open(&g,
                         &(struct gateway_options){&run->settings, run->parts.stats,
                                                   run->parts.traffic, str_from(run->store_url),
                                                   run->pages},
                         &scene, &err);
    if (r == 0)
        open_registry(run);
    if (r == 0)
        r = gateway_start(g, &err);
    if (r == 0)
        r = open_tellers(&tellers, run, g, &err);
    memory_rest();
    if (r == 0)
        wait_for_end(run, g, &signals, load, ctx);
    close_tellers(&tellers);
    gateway_close(g);
    web_close(&run->pages);
    lan_close(&run->lan);
    traffic_free(run->parts.traffic);
    stats_free(run->parts.stats);
    log_flush();
    if (r == 0)
        return EXIT_done;
    fprintf(stderr, "tampu %s: %s\n", run->command, err.text);
    return EXIT_usage;
}

/* And what it names may be pulled through /v2/. */
static int load_scene(struct foreground *run, load_fn *load, void *ctx, struct scene **ret,
                      struct err *err)
{
    int r = load(ctx, ret, &run->parts, err);

    return r < 0 || lan_expect(&run->lan, (*ret)->fleet) == 0 ? r
                                                              : err_set(err, -ENOMEM, "no memory");
}

static int open_tellers(struct tellers *t, struct foreground *run, struct gateway *g,
                        struct err *err)
{
    int r = open_notify(&t->notify, run, g, err);

    return r < 0 ? r : open_otlp(&t->otlp, run, g, err);
}

static void close_tellers(struct tellers *t)
{
    notify_close(t->notify);
    otlp_close(t->otlp);
}

/* The folder of the state is known where the state is a file. */
static int open_notify(struct notify **ret, struct foreground *run, struct gateway *g,
                       struct err *err)
{
    static const char scheme[] = "sqlite:";
    char *slash = strrchr(run->store_url, '/');
    bool is_file = strncmp(run->store_url, scheme, sizeof scheme - 1) == 0 && slash;

    snprintf(run->state_folder, sizeof run->state_folder, "%.*s",
             is_file ? (int)(slash - run->store_url) - (int)sizeof scheme + 1 : 0,
             run->store_url + sizeof scheme - 1);
    return notify_open(ret,
                       &(struct notify_options){.gateway = g,
                                                .settings = &run->settings,
                                                .stats = run->parts.stats,
                                                .state_folder = run->state_folder,
                                                .read_secrets = run->parts.read_secrets},
                       err);
}

static int open_otlp(struct otlp **ret, struct foreground *run, struct gateway *g, struct err *err)
{
    return otlp_open(ret,
                     &(struct otlp_options){.gateway = g,
                                            .settings = &run->settings,
                                            .stats = run->parts.stats,
                                            .read_secrets = run->parts.read_secrets},
                     err);
}

/* When the state is there, and before anybody asks. Without it everything else is served. */
static void open_registry(struct foreground *run)
{
    struct err err = {0};

    if (lan_open(&run->lan, &run->settings, str_from(run->store_url), &err) < 0)
        log_event(EVENT_registry_off, clock_wall_us(),
                  (struct log_field[]){LOG_STR("found", str_from(err.text)), LOG_END});
}

static void wait_for_end(struct foreground *run, struct gateway *g, sigset_t *signals,
                         load_fn *load, void *ctx)
{
    int signal = 0;

    say_ready(run, g);
    while (sigwait(signals, &signal) == 0 && signal == SIGHUP)
        reload(run, g, load, ctx);
    log_event(EVENT_stopping, clock_wall_us(), (struct log_field[]){LOG_END});
    log_flush();
    gateway_drain(g);
    log_event(EVENT_stopped, clock_wall_us(), (struct log_field[]){LOG_END});
}

static void say_ready(const struct foreground *run, struct gateway *g)
{
    const char *address = gateway_address(g);
    bool plain = !run->settings.tls_certificate.len;

    if (!gateway_keys(g) && !is_loopback_only(address))
        log_event(EVENT_no_keys, clock_wall_us(),
                  (struct log_field[]){LOG_STR("listen", str_from(address)), LOG_END});
    if (run->settings.hosts.len && !run->settings.require_keys)
        log_event(EVENT_proxy_unkeyed, clock_wall_us(),
                  (struct log_field[]){LOG_STR("hosts", run->settings.hosts), LOG_END});
    log_event(EVENT_started, clock_wall_us(),
              (struct log_field[]){LOG_STR("listen", str_from(address)), LOG_END});
    log_flush();
    if (strncmp(address, "unix:", 5) == 0)
        fprintf(stderr, "tampu: ready on %s\n", address);
    else
        fprintf(stderr, "tampu: ready on %s://%s\n", plain ? "http" : "https", address);
    if (run->on_ready)
        run->on_ready(run->ctx, address);
}

static bool is_loopback_only(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]", 5) == 0 ||
           strncmp(address, "unix:", 5) == 0;
}

/* Settings of the gateway itself (ports, limits) need a restart; the fleet does not. */
static void reload(struct foreground *run, struct gateway *g, load_fn *load, void *ctx)
{
    struct scene *scene = NULL;
    struct err err = {0};
    bool good = load_scene(run, load, ctx, &scene, &err) == 0 && gateway_show(g, &scene, &err) == 0;
    struct str result = good ? STR("ok") : STR("refused");

    series_add(stats_series(run->parts.stats, COUNTER_reloads_total, &result), 1);
    log_event(good ? EVENT_reloaded : EVENT_reload_refused, clock_wall_us(),
              (struct log_field[]){LOG_STR("found", str_from(good ? "" : err.text)), LOG_END});
    log_flush();
}

static void tell_stray_variables(void)
{
    for (char *const *at = environ; *at; at++) {
        struct str value, name = str_cut(str_from(*at), '=', &value);
        char nearest[SETTINGS_VARIABLE_MAX];

        if (settings_is_stray(name, nearest))
            log_event(EVENT_stray_variable, clock_wall_us(),
                      (struct log_field[]){LOG_STR("name", name),
                                           LOG_STR("meant", str_from(nearest)), LOG_END});
    }
}

/* Before any thread starts, so that all of them inherit it. */
static sigset_t block_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a quota is an error like a full disk */
    return signals;
}

/* A core would hold prompts, keys and credentials. */
static void forbid_core(void)
{
    const struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
}

/* Every caller and every engine behind it is a file. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void open_stats(struct foreground *run)
{
    run->parts.stats = stats_new();
    if (run->settings.exemplars)
        stats_keep_exemplars(run->parts.stats);
    run->parts.counts_sizes = metrics_also(&run->settings) & STATS_genai;
}

static void open_log(const struct settings *s)
{
    static const struct {
        const char *word;
        enum log_level level;
    } levels[] = {
        {"error", LOG_error}, {"warning", LOG_warning}, {"info", LOG_info}, {"debug", LOG_debug}};

    for (size_t i = 0; i < COUNT_OF(levels); i++)
        if (str_is(s->log_level, levels[i].word))
            log_open(STDERR_FILENO, levels[i].level);
}
