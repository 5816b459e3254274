/* SPDX-License-Identifier: Apache-2.0 */
/* A mixed-integer linear program, as it is written down. */
#include "plan/program.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static void set_bounds(struct program_matrix *x, const struct program *m, double infinite);
static void set_terms(struct program_matrix *x, const struct program *m);
static bool grow(struct program *m, void **items, uint32_t *room, uint32_t count, size_t size);

void program_init(struct program *m)
{
    *m = (struct program){0};
}

void program_fini(struct program *m)
{
    free(m->columns);
    free(m->rows);
    free(m->terms);
    program_init(m);
}

uint32_t program_column(struct program *m, double lower, double upper, double cost, bool is_integer)
{
    if (!grow(m, (void **)&m->columns, &m->columns_room, m->columns_count, sizeof *m->columns))
        return 0;
    m->columns[m->columns_count] = (struct program_column){lower, upper, cost, is_integer};
    return m->columns_count++;
}

uint32_t program_row(struct program *m, double lower, double upper)
{
    if (!grow(m, (void **)&m->rows, &m->rows_room, m->rows_count, sizeof *m->rows))
        return 0;
    m->rows[m->rows_count] = (struct program_row){lower, upper, m->terms_count};
    return m->rows_count++;
}

void program_term(struct program *m, uint32_t column, double value)
{
    if (!grow(m, (void **)&m->terms, &m->terms_room, m->terms_count, sizeof *m->terms))
        return;
    m->terms[m->terms_count++] = (struct program_term){column, value};
}

uint32_t program_row_end(const struct program *m, uint32_t row)
{
    return row + 1 < m->rows_count ? m->rows[row + 1].first : m->terms_count;
}

int program_matrix_init(struct program_matrix *x, const struct program *m, double infinite)
{
    size_t columns = m->columns_count, rows = m->rows_count;
    double *bounds = calloc(3 * columns + 2 * rows + 1, sizeof *bounds);

    *x = (struct program_matrix){
        .starts = calloc(columns + 2, sizeof *x->starts),
        .rows = calloc((size_t)m->terms_count + 1, sizeof *x->rows),
        .values = calloc((size_t)m->terms_count + 1, sizeof *x->values),
        .lower = bounds,
    };
    if (!x->starts || !x->rows || !x->values || !bounds) {
        program_matrix_fini(x);
        return -ENOMEM;
    }
    x->upper = x->lower + columns;
    x->costs = x->upper + columns;
    x->row_lower = x->costs + columns;
    x->row_upper = x->row_lower + rows;
    set_bounds(x, m, infinite);
    set_terms(x, m);
    return 0;
}

void program_matrix_fini(struct program_matrix *x)
{
    free(x->starts);
    free(x->rows);
    free(x->values);
    free(x->lower);
    *x = (struct program_matrix){0};
}

static void set_bounds(struct program_matrix *x, const struct program *m, double infinite)
{
    for (uint32_t i = 0; i < m->columns_count; i++) {
        x->lower[i] = m->columns[i].lower;
        x->upper[i] = fmin(m->columns[i].upper, infinite);
        x->costs[i] = m->columns[i].cost;
    }
    for (uint32_t i = 0; i < m->rows_count; i++) {
        x->row_lower[i] = fmax(m->rows[i].lower, -infinite);
        x->row_upper[i] = fmin(m->rows[i].upper, infinite);
    }
}

/* Counted, summed up, and put where they belong. */
static void set_terms(struct program_matrix *x, const struct program *m)
{
    for (uint32_t i = 0; i < m->terms_count; i++)
        x->starts[m->terms[i].column + 2]++;
    for (uint32_t i = 0; i < m->columns_count; i++)
        x->starts[i + 2] += x->starts[i + 1];
    for (uint32_t row = 0; row < m->rows_count; row++)
        for (uint32_t i = m->rows[row].first; i < program_row_end(m, row); i++) {
            int at = x->starts[m->terms[i].column + 1]++;

            x->rows[at] = (int)row;
            x->values[at] = m->terms[i].value;
        }
}

/* Room for one more. */
static bool grow(struct program *m, void **items, uint32_t *room, uint32_t count, size_t size)
{
    uint32_t wanted = *room ? *room * 2 : 256;
    void *more;

    if (m->error < 0)
        return false;
    if (count < *room)
        return true;
    more = reallocarray(*items, wanted, size);
    if (!more) {
        m->error = -ENOMEM;
        return false;
    }
    *items = more;
    *room = wanted;
    return true;
}
