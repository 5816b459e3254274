/* SPDX-License-Identifier: Apache-2.0 */
/* Days, weeks and months in UTC. */
#include "ledger/period.h"

enum { DAYS_OF_WEEK = 7, MONTHS = 12, FIRST_YEAR = 1970, THURSDAY = 3 };

static int64_t month_of_day(int64_t day);
static int64_t first_day_of_month(int64_t month);

const char *period_name(enum period p)
{
    static const char *const names[PERIOD_COUNT] = {
        [PERIOD_day] = "day", [PERIOD_week] = "week", [PERIOD_month] = "month"};

    return names[p];
}

int64_t period_of(enum period p, int64_t wall_us)
{
    int64_t day = wall_us / PERIOD_DAY_US;

    switch (p) {
    case PERIOD_week:
        return (day + THURSDAY) / DAYS_OF_WEEK; /* 1970 began on a Thursday */
    case PERIOD_month:
        return month_of_day(day);
    default:
        return day;
    }
}

int64_t period_start_us(enum period p, int64_t index)
{
    int64_t day = index;

    if (p == PERIOD_week)
        day = index ? index * DAYS_OF_WEEK - THURSDAY : 0;
    else if (p == PERIOD_month)
        day = first_day_of_month(index);
    return day * PERIOD_DAY_US;
}

/* A month has at least 28 days: the guess is never before the right one, and near it. */
static int64_t month_of_day(int64_t day)
{
    int64_t month = day / 28;

    while (first_day_of_month(month) > day)
        month -= (first_day_of_month(month) - day + 30) / 31;
    return month;
}

/* Of the Gregorian calendar, counted from January 1970. */
static int64_t first_day_of_month(int64_t month)
{
    static const int before[MONTHS] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t year = FIRST_YEAR + month / MONTHS, last = year - 1;
    int64_t leap_days = last / 4 - last / 100 + last / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    int64_t day = (year - FIRST_YEAR) * 365 + leap_days + before[month % MONTHS];

    if (month % MONTHS > 1 && (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)))
        day++;
    return day;
}
