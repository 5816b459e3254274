/* SPDX-License-Identifier: Apache-2.0 */
/* CBC, through its C interface, as Debian 12 and 13 have it (EPL-2.0). */
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "plan/solver.h"

/* What CBC calls infinite, and what it answers when it knows nothing. */
static const double cbc_infinity = 1e30, cbc_unknown = 1e40;

struct cbc_model;

/* Of Cbc_C_Interface.h: CALL(name, result, parameters) */
#define CBC_CALLS \
    CALL(newModel, struct cbc_model *, (void)) \
    CALL(deleteModel, void, (struct cbc_model *)) \
    CALL(loadProblem, void, \
         (struct cbc_model *, int, int, const int *, const int *, const double *, const double *, \
          const double *, const double *, const double *, const double *)) \
    CALL(setInteger, void, (struct cbc_model *, int)) \
    CALL(setMIPStartI, void, (struct cbc_model *, int, const int *, const double *)) \
    CALL(setParameter, void, (struct cbc_model *, const char *, const char *)) \
    CALL(setLogLevel, void, (struct cbc_model *, int)) \
    CALL(solve, int, (struct cbc_model *)) \
    CALL(numberSavedSolutions, int, (struct cbc_model *)) \
    CALL(bestSolution, const double *, (struct cbc_model *)) \
    CALL(getColSolution, const double *, (struct cbc_model *)) \
    CALL(getObjValue, double, (struct cbc_model *)) \
    CALL(getBestPossibleObjValue, double, (struct cbc_model *)) \
    CALL(isProvenOptimal, int, (struct cbc_model *)) \
    CALL(isProvenInfeasible, int, (struct cbc_model *))

static struct {
#define CALL(name, result, parameters) result(*name) parameters;
    CBC_CALLS
#undef CALL
    bool is_there;
} cbc;

static void open_once(void);
static bool is_there(void);
static int solve(const struct program *m, const struct solver_limits *limits,
                 struct solver_answer *ret);
static int load(struct cbc_model *model, const struct program *m);
static void set_limits(struct cbc_model *model, const struct program *m,
                       const struct solver_limits *limits);
static int set_start(struct cbc_model *model, const struct program *m, const double *start);
static int read_answer(struct cbc_model *model, const struct program *m,
                       const struct solver_limits *limits, struct solver_answer *ret);

const struct solver solver_cbc = {
    .name = "cbc", .means = "search+cbc", .solve = solve, .is_there = is_there};

static pthread_once_t opened = PTHREAD_ONCE_INIT;

static bool is_there(void)
{
    pthread_once(&opened, open_once);
    return cbc.is_there;
}

static void open_once(void)
{
    void *library = dlopen("libCbcSolver.so.3", RTLD_NOW | RTLD_LOCAL);

    if (!library)
        library = dlopen("libCbcSolver.so.3.1", RTLD_NOW | RTLD_LOCAL);
    cbc.is_there = library != NULL;
    if (!library)
        return;
#define CALL(name, result, parameters) \
    *(void **)&cbc.name = dlsym(library, "Cbc_" #name); \
    cbc.is_there &= cbc.name != NULL;
    CBC_CALLS
#undef CALL
}

static int solve(const struct program *m, const struct solver_limits *limits,
                 struct solver_answer *ret)
{
    struct cbc_model *model;
    int r;

    *ret = (struct solver_answer){.bound = -INFINITY};
    if (!is_there())
        return -ENODEV;
    model = cbc.newModel();
    if (!model)
        return -ENOMEM;
    cbc.setLogLevel(model, 0);
    r = load(model, m);
    if (r == 0 && limits->start && !limits->is_relaxed)
        r = set_start(model, m, limits->start);
    if (r == 0) {
        set_limits(model, m, limits);
        cbc.solve(model);
        r = read_answer(model, m, limits, ret);
    }
    cbc.deleteModel(model);
    return r;
}

static int load(struct cbc_model *model, const struct program *m)
{
    struct program_matrix x;
    int r = program_matrix_init(&x, m, cbc_infinity);

    if (r < 0)
        return r;
    cbc.loadProblem(model, (int)m->columns_count, (int)m->rows_count, x.starts, x.rows, x.values,
                    x.lower, x.upper, x.costs, x.row_lower, x.row_upper);
    program_matrix_fini(&x);
    return 0;
}

static void set_limits(struct cbc_model *model, const struct program *m,
                       const struct solver_limits *limits)
{
    char text[32];

    for (uint32_t i = 0; i < m->columns_count && !limits->is_relaxed; i++)
        if (m->columns[i].is_integer)
            cbc.setInteger(model, (int)i);
    snprintf(text, sizeof text, "%.9f", limits->gap);
    cbc.setParameter(model, "ratioGap", text);
    snprintf(text, sizeof text, "%.1f", limits->seconds);
    cbc.setParameter(model, "seconds", text);
    /* Passing seconds, not those of the processor. */
    cbc.setParameter(model, "timeMode", "elapsed");
}

static int set_start(struct cbc_model *model, const struct program *m, const double *start)
{
    AUTO_BYTES(int *) columns = calloc((size_t)m->columns_count + 1, sizeof *columns);
    AUTO_BYTES(double *) values = calloc((size_t)m->columns_count + 1, sizeof *values);
    int count = 0;

    if (!columns || !values)
        return -ENOMEM;
    for (uint32_t i = 0; i < m->columns_count; i++)
        if (m->columns[i].is_integer) {
            columns[count] = (int)i;
            values[count++] = start[i];
        }
    cbc.setMIPStartI(model, count, columns, values);
    return 0;
}

/* Without a saved solution CBC answers ∓1e50 and an array of nothing, unless presolve has settled
 * it all: then the relaxation's is the solution, and it saves none. */
static int read_answer(struct cbc_model *model, const struct program *m,
                       const struct solver_limits *limits, struct solver_answer *ret)
{
    const double *values;

    ret->is_infeasible = cbc.isProvenInfeasible(model);
    if (limits->is_relaxed) {
        if (cbc.isProvenOptimal(model))
            ret->bound = cbc.getObjValue(model);
        return 0;
    }
    if (fabs(cbc.getBestPossibleObjValue(model)) < cbc_unknown)
        ret->bound = cbc.getBestPossibleObjValue(model);
    if (ret->is_infeasible)
        return 0;
    values = cbc.numberSavedSolutions(model) > 0 ? cbc.bestSolution(model)
             : cbc.isProvenOptimal(model)        ? cbc.getColSolution(model)
                                                 : NULL;
    if (!values)
        return 0;
    ret->values = calloc((size_t)m->columns_count + 1, sizeof *ret->values);
    if (!ret->values)
        return -ENOMEM;
    memcpy(ret->values, values, m->columns_count * sizeof *values);
    ret->cost = cbc.getObjValue(model);
    /* What presolve settles has no bound of its own, but the end of the search is one. */
    if (cbc.isProvenOptimal(model))
        ret->bound = fmax(ret->bound, ret->cost - limits->gap * fabs(ret->cost));
    return 0;
}
