/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a bench and each answer teach about the speed of a copy.
 *
 *     learn_bench(copy, &speeds);             what is known before anybody has asked
 *     learn_speeds(board, errand, &how);      after its run has ended
 *
 * Copies that compute on one machine at once share it evenly, as far as anybody knows: what took
 * its time among as many from the beginning to the end counts for its share, until enough is known
 * of what ran alone. Nobody is called slow for it. Pure.
 */
#pragma once

#include "route/line.h"

void learn_speeds(struct board *b, const struct errand *e, const struct errand_end *how);

/* The copy's estimates start from there. */
void learn_bench(struct board_copy *c, const struct bench_speeds *s);

/* How many copies compute on its machine, itself included. */
uint32_t learn_at_work(const struct board *b, uint32_t copy);
