/* SPDX-License-Identifier: Apache-2.0 */
/* tampu apply: carries out what a fleet file declares. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/units.h"
#include "cmd/apply_show.h"
#include "cmd/command.h"
#include "cmd/run.h"
#include "cmd/state.h"
#include "cmd/terminal.h"
#include "cmd/today.h"
#include "cmd/usage.h"
#include "model/catalog.h"
#include "store/store.h"

enum { OUTPUT_MAX = 64 << 20, FOLDER_ROOM = 4200, PATIENCE_MS = 30000 };

/* What an apply is made of, until it is over. */
struct applying {
    struct options options;
    struct foreground run; /* its settings */
    struct fleet *fleet;
    struct catalog *catalog;
    char day[DAY_ROOM], folder[FOLDER_ROOM];
    uint64_t patience_ms;
};

static int load(struct applying *p, struct err *err);
static int read_patience(struct applying *p, struct err *err);
static int carry_out(struct applying *p, struct apply *a);
static int print_scripts(const struct applying *p);
static bool is_agreed(const struct applying *p, int *status);
static int show(struct apply *a, int (*write)(struct buf *out, struct apply *a));
static bool is_all_well(struct apply *a);

int cmd_apply(int argc, char **argv)
{
    struct run_flags flags = {0};
    struct applying p = {.options = {.other = run_take_flag, .ctx = &flags},
                         .run = {.command = "apply"}};
    struct apply_options options;
    struct apply *a = NULL;
    struct err err = {0};
    int status;

    if (!options_read(&p.options, argc, argv, &status))
        return status;
    if (load(&p, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        status = EXIT_usage;
    } else if (option_given(&p.options, "scripts")) {
        status = print_scripts(&p);
    } else {
        options = (struct apply_options){
            .fleet = p.fleet,
            .catalog = p.catalog,
            .day = str_from(p.day),
            .settings = &p.run.settings,
            .store_url = str_from(p.run.store_url),
            .folder = p.folder,
            .registry = option_value(&p.options, "registry"),
            .listen = option_value(&p.options, "listen"),
            .patience_ms = p.patience_ms,
            .remote = {option_value(&p.options, "ssh-config")},
            .prune = option_given(&p.options, "prune"),
            .measures = !option_given(&p.options, "no-measure"),
        };
        status = apply_open(&a, &options, &err) < 0 ? command_no("apply", "%s", err.text)
                                                    : carry_out(&p, a);
    }
    apply_close(a);
    fleet_free(p.fleet);
    catalog_free(p.catalog);
    arena_fini(&p.run.texts);
    return status;
}

static int load(struct applying *p, struct err *err)
{
    const char *state = option_value(&p->options, "state");
    char folder[FOLDER_ROOM - 8];
    int r = fleet_load(&p->fleet, p->options.operands[0], err);

    write_today(p->day);
    if (r == 0)
        r = catalog_load(&p->catalog, option_value(&p->options, "catalog"), err);
    if (r == 0)
        r = run_settings(&p->run, p->fleet, &p->options, err);
    if (r == 0)
        r = state_url(p->run.store_url, sizeof p->run.store_url, state, err);
    if (r == 0)
        r = read_patience(p, err);
    if (r < 0)
        return r;
    store_folder(folder, sizeof folder, str_from(p->run.store_url));
    snprintf(p->folder, sizeof p->folder, "%s/apply", folder);
    return file_make_folders(p->folder, err);
}

static int read_patience(struct applying *p, struct err *err)
{
    const char *text = option_value(&p->options, "patience");

    p->patience_ms = PATIENCE_MS;
    if (!text || units_read_duration(&p->patience_ms, str_from(text)) == 0)
        return 0;
    return err_set(err, -EINVAL, "tampu apply: found --patience %s, expected a time such as 30s",
                   text);
}

static int carry_out(struct applying *p, struct apply *a)
{
    bool json = option_given(&p->options, "json"), dry = option_given(&p->options, "dry-run");
    struct err err = {0};
    int status;

    if (!json && (status = show(a, apply_write_plan)) != EXIT_done)
        return status;
    if (dry && !json && (status = show(a, apply_write_scripts)) != EXIT_done)
        return status;
    if (!dry && apply_sum(a).changes) {
        if (!is_agreed(p, &status))
            return status;
        if (apply_start(a, &err) < 0)
            return command_no("apply", "%s", err.text);
        apply_follow(a, !json && isatty(STDERR_FILENO) && terminal_takes_colors());
        if (!json && (status = show(a, apply_write_sum)) != EXIT_done)
            return status;
    }
    if (json && (status = show(a, apply_write_json)) != EXIT_done)
        return status;
    return is_all_well(a) ? EXIT_done : EXIT_no;
}

static int print_scripts(const struct applying *p)
{
    struct err err = {0};
    struct buf out;
    int status;

    buf_init(&out, OUTPUT_MAX);
    status = apply_write_all_scripts(&out, p->fleet, p->catalog, &err) < 0
                 ? command_no("apply", "%s", err.text)
                 : terminal_print(buf_str(&out));
    buf_fini(&out);
    return status;
}

static bool is_agreed(const struct applying *p, int *status)
{
    char answer[16];

    if (option_given(&p->options, "yes"))
        return true;
    *status = EXIT_no;
    if (!isatty(STDIN_FILENO)) {
        *status = usage_error("apply", "nobody is there to ask: add -y, or look with --dry-run");
        return false;
    }
    fprintf(stderr, "carry this out? [y/N] ");
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int show(struct apply *a, int (*write)(struct buf *out, struct apply *a))
{
    struct buf out;
    int status;

    buf_init(&out, OUTPUT_MAX);
    status =
        write(&out, a) < 0 ? command_no("apply", "out of memory") : terminal_print(buf_str(&out));
    buf_fini(&out);
    return status;
}

/* What waits was not asked for: a dry run. */
static bool is_all_well(struct apply *a)
{
    const struct apply_sum sum = apply_sum(a);

    return !sum.states[STEP_IS_failed] && !sum.states[STEP_IS_skipped] && !sum.states[STEP_IS_left];
}
