/* SPDX-License-Identifier: Apache-2.0 */
/* Draws from a seed. */
#include "sim/chance.h"

#include <math.h>

#include "base/str.h"

struct chance chance_of(uint64_t seed, const char *purpose)
{
    return (struct chance){chance_mix(seed, str_hash(str_from(purpose)))};
}

/* 53 bits: all that a double holds. */
double chance_draw(struct chance *c)
{
    c->state += UINT64_C(0x9e3779b97f4a7c15);
    return (double)(chance_mix(c->state, 0) >> 11) * 0x1p-53;
}

uint32_t chance_pick(struct chance *c, uint32_t count)
{
    return (uint32_t)(chance_draw(c) * count);
}

double chance_wait(struct chance *c, double mean)
{
    return -mean * log(1 - chance_draw(c));
}

double chance_size(struct chance *c, double median, double sigma)
{
    double radius = sqrt(-2 * log(1 - chance_draw(c)));

    return median * exp(sigma * radius * cos(2 * M_PI * chance_draw(c)));
}

/* SplitMix64's finish. */
uint64_t chance_mix(uint64_t a, uint64_t b)
{
    uint64_t x = a ^ (b * UINT64_C(0x9e3779b97f4a7c15) + (a << 6) + (a >> 2));

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}
