/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that read the store: no more than there are places, and waited for by who leaves alone.
 */
#include "testing.h"

#include <errno.h>
#include <pthread.h>

#include "web/reading.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static struct loop *loop, *other;
static unsigned done; /* on the loop's thread */

static void count_done(void *ctx)
{
    (void)ctx;
    done++;
}

static void read_slowly(void *visit)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    assert_int_equal(loop_post(visit, count_done, NULL), 0);
}

static void one_more_than_there_are_places_is_refused(void **state)
{
    (void)state;
    assert_int_equal(loop_open(&loop, 0), 0);
    assert_int_equal(loop_open(&other, 1), 0);
    pthread_mutex_lock(&gate);
    for (unsigned i = 0; i < READINGS_MAX; i++)
        assert_int_equal(reading_start(loop, read_slowly, loop), 0);
    assert_int_equal(reading_start(loop, read_slowly, loop), -EBUSY);
    assert_int_equal(reading_start(other, read_slowly, other), -EBUSY);
    reading_leave(NULL, other); /* which has none: waits for nobody */
    pthread_mutex_unlock(&gate);
    reading_leave(NULL, loop);
    assert_int_equal(reading_start(other, read_slowly, other), 0);
    reading_leave(NULL, other);
    loop_close(loop); /* runs what they have posted */
    assert_int_equal(done, READINGS_MAX);
    loop_close(other);
    assert_int_equal(done, READINGS_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_more_than_there_are_places_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
