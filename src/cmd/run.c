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
#include "web/pages.h"

enum { TEXTS_MAX = 1 << 20 };

static void open_log(const struct settings *s);
static void tell_stray_variables(void);
static void raise_file_limit(void);
static sigset_t block_signals(void);
static void wait_for_end(struct run *run, struct gateway *g, sigset_t *signals, load_fn *load,
                         void *ctx);
static void reload(struct run *run, struct gateway *g, load_fn *load, void *ctx);
static void say_ready(const struct run *run, struct gateway *g);
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

int run_settings(struct run *run, const struct fleet *fleet, const struct options *o,
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

int run_gateway(struct run *run, load_fn *load, void *ctx)
{
    struct breaker_rules rules = {
        .failures = run->settings.breaker_failures,
        .cooldown_ms = (uint32_t)run->settings.breaker_cooldown_ms,
        .cooldown_max_ms = (uint32_t)run->settings.breaker_cooldown_max_ms,
    };
    sigset_t signals = block_signals();
    struct gateway *g = NULL;
    struct scene *scene = NULL;
    struct err err = {0};
    int r;

    open_log(&run->settings);
    tell_stray_variables();
    raise_file_limit();
    run->parts.stats = stats_new();
    run->parts.traffic = traffic_new(&rules);
    web_pages(&run->pages);
    r = load(ctx, &scene, &run->parts, &err);
    if (r == 0)
        r = gateway_open(&g,
                         &(struct gateway_options){&run->settings, run->parts.stats,
                                                   run->parts.traffic, str_from(run->store_url),
                                                   run->pages},
                         &scene, &err);
    if (r == 0)
        r = gateway_start(g, &err);
    memory_rest();
    if (r == 0)
        wait_for_end(run, g, &signals, load, ctx);
    gateway_close(g);
    traffic_free(run->parts.traffic);
    stats_free(run->parts.stats);
    log_flush();
    if (r == 0)
        return EXIT_done;
    fprintf(stderr, "tampu %s: %s\n", run->command, err.text);
    return EXIT_usage;
}

static void wait_for_end(struct run *run, struct gateway *g, sigset_t *signals, load_fn *load,
                         void *ctx)
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

static void say_ready(const struct run *run, struct gateway *g)
{
    const char *address = gateway_address(g);
    bool plain = !run->settings.tls_certificate.len;

    if (!gateway_keys(g) && !is_loopback_only(address))
        log_event(EVENT_no_keys, clock_wall_us(),
                  (struct log_field[]){LOG_STR("listen", str_from(address)), LOG_END});
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
static void reload(struct run *run, struct gateway *g, load_fn *load, void *ctx)
{
    struct scene *scene = NULL;
    struct err err = {0};
    bool good = load(ctx, &scene, &run->parts, &err) == 0;
    struct str result = good ? STR("ok") : STR("refused");

    if (good)
        gateway_show(g, &scene);
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
    return signals;
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
