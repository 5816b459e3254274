/* SPDX-License-Identifier: Apache-2.0 */
/* The plan into the fleet file: written, read again, compared. */
#include "cmd/plan_write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cmd/command.h"
#include "cmd/today.h"
#include "cmd/usage.h"
#include "plan/declared.h"
#include "plan/explain.h"
#include "plan/write.h"
#include "wire/yaml.h"

/* A file before and after. */
struct rewrite {
    struct buf before, after;
    bool is_written;
};

static int write_files(const struct plan *plan, struct rewrite *files, struct err *err);
static int write_one(const struct plan *plan, const char *name, struct rewrite *file,
                     struct err *err);
static int prove(const struct plan *plan, const char *path, struct err *err);
static int compare(const struct plan *wanted, const struct plan *found, struct err *err);
static void put_back(const struct plan *plan, struct rewrite *files);

int plan_write_fleet(const struct plan *plan, const char *path)
{
    uint32_t count = plan->fleet->files_count;
    struct rewrite *files = calloc(count, sizeof *files);
    struct err err = {0};
    uint32_t written = 0;
    int r;

    if (!files)
        return command_no("plan", "out of memory");
    for (uint32_t i = 0; i < count; i++) {
        buf_init(&files[i].before, YAML_BYTES_MAX);
        buf_init(&files[i].after, YAML_BYTES_MAX);
    }
    r = write_files(plan, files, &err);
    if (r == 0)
        r = prove(plan, path, &err);
    if (r < 0)
        put_back(plan, files);
    for (uint32_t i = 0; i < count; i++) {
        written += files[i].is_written;
        buf_fini(&files[i].before);
        buf_fini(&files[i].after);
    }
    free(files);
    if (r < 0)
        return command_no("plan", "%s; nothing was changed", err.text);
    fprintf(stderr, written ? "%s: written\n" : "%s: says this already\n", path);
    return EXIT_done;
}

static int write_files(const struct plan *plan, struct rewrite *files, struct err *err)
{
    int r = 0;

    for (uint32_t i = 0; i < plan->fleet->files_count && r == 0; i++)
        r = write_one(plan, plan->fleet->files[i].data, &files[i], err);
    return r;
}

static int write_one(const struct plan *plan, const char *name, struct rewrite *file,
                     struct err *err)
{
    int r = file_read(&file->before, name, err);

    if (r == 0)
        r = write_plan(&file->after, plan, buf_str(&file->before), name, err);
    if (r < 0 || str_equal(buf_str(&file->before), buf_str(&file->after)))
        return r;
    r = file_write(name, buf_str(&file->after), err);
    file->is_written = r == 0;
    return r;
}

/* What the files declare now must be the plan. */
static int prove(const struct plan *plan, const char *path, struct err *err)
{
    AUTO(fleet) fleet = NULL;
    AUTO(declared) declared = NULL;
    struct plan_wish wish = {.catalog = plan->catalog};
    char day[DAY_ROOM];
    int r = fleet_load(&fleet, path, err);

    if (r < 0)
        return err_wrap(err, r, "what was written does not read back");
    write_today(day);
    wish.fleet = fleet;
    wish.day = str_from(day);
    r = declared_make(&declared, &wish, err);
    return r < 0 ? r : compare(plan, &declared->plan, err);
}

static int compare(const struct plan *wanted, const struct plan *found, struct err *err)
{
    struct difference one;
    const struct plan_copy *copy;

    if (!explain_difference(&one, 1, wanted, found))
        return 0;
    copy = one.before ? one.before : one.after;
    return err_set(err, -EINVAL, "what was written would %s %.*s on %.*s",
                   !one.before  ? "also have"
                   : !one.after ? "lack"
                                : "change",
                   STR_ARG(copy->artifact->tag), STR_ARG(copy->machine->name));
}

static void put_back(const struct plan *plan, struct rewrite *files)
{
    struct err err = {0};

    for (uint32_t i = 0; i < plan->fleet->files_count; i++)
        if (files[i].is_written &&
            file_write(plan->fleet->files[i].data, buf_str(&files[i].before), &err) < 0)
            command_no("plan", "%s", err.text);
}
