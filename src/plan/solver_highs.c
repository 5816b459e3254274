/* SPDX-License-Identifier: Apache-2.0 */
/* HiGHS, through its C interface: libhighs.so.1, as Debian 13 has it (MIT). */
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/auto.h"
#include "plan/solver.h"

enum { COLUMN_WISE = 1, MINIMISE = 1, IS_OPTIMAL = 7, IS_INFEASIBLE = 8, IS_FEASIBLE_POINT = 2 };

/* Of highs_c_api.h: CALL(name, result, parameters). HiGHS' own integer is an int unless it was
 * built otherwise, which getSizeofHighsInt tells. */
#define HIGHS_CALLS \
    CALL(create, void *, (void)) \
    CALL(destroy, void, (void *)) \
    CALL(getSizeofHighsInt, int, (const void *)) \
    CALL(passMip, int, \
         (void *, int, int, int, int, int, double, const double *, const double *, const double *, \
          const double *, const double *, const int *, const int *, const double *, const int *)) \
    CALL(setBoolOptionValue, int, (void *, const char *, int)) \
    CALL(setDoubleOptionValue, int, (void *, const char *, double)) \
    CALL(setStringOptionValue, int, (void *, const char *, const char *)) \
    CALL(setSolution, int, \
         (void *, const double *, const double *, const double *, const double *)) \
    CALL(run, int, (void *)) \
    CALL(getModelStatus, int, (const void *)) \
    CALL(getIntInfoValue, int, (const void *, const char *, int *)) \
    CALL(getDoubleInfoValue, int, (const void *, const char *, double *)) \
    CALL(getSolution, int, (const void *, double *, double *, double *, double *))

static struct {
#define CALL(name, result, parameters) result(*name) parameters;
    HIGHS_CALLS
#undef CALL
    bool is_there;
} highs;

static void open_once(void);
static bool is_there(void);
static int solve(const struct program *m, const struct solver_limits *limits,
                 struct solver_answer *ret);
static int load(void *model, const struct program *m, bool is_relaxed);
static void set_limits(void *model, const struct solver_limits *limits);
static int read_answer(void *model, const struct program *m, const struct solver_limits *limits,
                       struct solver_answer *ret);

const struct solver solver_highs = {
    .name = "highs", .means = "search+highs", .solve = solve, .is_there = is_there};

static pthread_once_t opened = PTHREAD_ONCE_INIT;

static bool is_there(void)
{
    pthread_once(&opened, open_once);
    return highs.is_there;
}

static void open_once(void)
{
    void *library = dlopen("libhighs.so.1", RTLD_NOW | RTLD_LOCAL);

    highs.is_there = library != NULL;
    if (!library)
        return;
#define CALL(name, result, parameters) \
    *(void **)&highs.name = dlsym(library, "Highs_" #name); \
    highs.is_there &= highs.name != NULL;
    HIGHS_CALLS
#undef CALL
}

static int solve(const struct program *m, const struct solver_limits *limits,
                 struct solver_answer *ret)
{
    void *model;
    int r;

    *ret = (struct solver_answer){.bound = -INFINITY};
    if (!is_there())
        return -ENODEV;
    model = highs.create();
    if (!model)
        return -ENOMEM;
    set_limits(model, limits);
    r = highs.getSizeofHighsInt(model) == sizeof(int) ? load(model, m, limits->is_relaxed)
                                                      : -ENODEV;
    if (r == 0 && limits->start && !limits->is_relaxed)
        highs.setSolution(model, limits->start, NULL, NULL, NULL);
    if (r == 0) {
        highs.run(model);
        r = read_answer(model, m, limits, ret);
    }
    highs.destroy(model);
    return r;
}

static int load(void *model, const struct program *m, bool is_relaxed)
{
    AUTO_BYTES(int *) integrality = calloc((size_t)m->columns_count + 1, sizeof *integrality);
    struct program_matrix x;
    int r = integrality ? program_matrix_init(&x, m, INFINITY) : -ENOMEM;

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < m->columns_count && !is_relaxed; i++)
        integrality[i] = m->columns[i].is_integer;
    r = highs.passMip(model, (int)m->columns_count, (int)m->rows_count, (int)m->terms_count,
                      COLUMN_WISE, MINIMISE, 0, x.costs, x.lower, x.upper, x.row_lower, x.row_upper,
                      x.starts, x.rows, x.values, integrality);
    program_matrix_fini(&x);
    return r < 0 ? -ENOMEM : 0;
}

/* One thread, so that the same program takes the same way every time. */
static void set_limits(void *model, const struct solver_limits *limits)
{
    highs.setBoolOptionValue(model, "output_flag", 0);
    highs.setStringOptionValue(model, "parallel", "off");
    highs.setDoubleOptionValue(model, "time_limit", limits->seconds);
    highs.setDoubleOptionValue(model, "mip_rel_gap", limits->gap);
}

static int read_answer(void *model, const struct program *m, const struct solver_limits *limits,
                       struct solver_answer *ret)
{
    int status = highs.getModelStatus(model), point = 0;
    double bound = -INFINITY;

    ret->is_infeasible = status == IS_INFEASIBLE;
    highs.getIntInfoValue(model, "primal_solution_status", &point);
    highs.getDoubleInfoValue(model, "objective_function_value", &ret->cost);
    highs.getDoubleInfoValue(model, "mip_dual_bound", &bound);
    if (!limits->is_relaxed)
        ret->bound = bound;
    else if (status == IS_OPTIMAL)
        ret->bound = ret->cost;
    if (limits->is_relaxed || point != IS_FEASIBLE_POINT)
        return 0;
    ret->values = calloc((size_t)m->columns_count + 1, sizeof *ret->values);
    if (!ret->values)
        return -ENOMEM;
    highs.getSolution(model, ret->values, NULL, NULL, NULL);
    return 0;
}
