/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mixed-integer linear program, minimised: columns with bounds and costs, rows with bounds.
 *
 *     program_init(&m);
 *     x = program_column(&m, 0, 1, 2.5, true);
 *     program_row(&m, -INFINITY, 1);
 *     program_term(&m, x, 1);                    into the row begun last
 *     if (m.error < 0) …
 *     program_fini(&m);
 *
 * What fails is remembered in `error`, so that a program is written without a test on every line.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct program_column {
    double lower, upper, cost;
    bool is_integer;
};

struct program_row {
    double lower, upper;
    uint32_t first; /* of its terms; they end where the next row's begin */
};

struct program_term {
    uint32_t column;
    double value;
};

struct program {
    struct program_column *columns;
    struct program_row *rows;
    struct program_term *terms;
    uint32_t columns_count, rows_count, terms_count;
    uint32_t columns_room, rows_room, terms_room;
    int error; /* 0 or -ENOMEM */
};

/* The same by columns, as solvers like it. */
struct program_matrix {
    int *starts; /* columns_count + 1 */
    int *rows;
    double *values;
    double *lower, *upper, *costs; /* of columns */
    double *row_lower, *row_upper;
};

void program_init(struct program *m);
void program_fini(struct program *m);

/* Their indices; what they are after an error is nothing. */
uint32_t program_column(struct program *m, double lower, double upper, double cost,
                        bool is_integer);
uint32_t program_row(struct program *m, double lower, double upper);
void program_term(struct program *m, uint32_t column, double value);

/* The end of a row's terms. */
uint32_t program_row_end(const struct program *m, uint32_t row);

/* infinite: what that solver calls so. 0 or -ENOMEM. */
MUST_USE int program_matrix_init(struct program_matrix *x, const struct program *m,
                                 double infinite);
void program_matrix_fini(struct program_matrix *x);
