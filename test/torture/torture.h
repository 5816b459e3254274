/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Torture: every allocation of a scene fails in turn, until none is left to fail.
 *
 *     static int read_it(void) { … return r; }
 *     static void reading(void **state) { torture(read_it); }
 *
 * A scene gives back all that it took, and returns 0, or -ENOMEM when it ran out of memory. That
 * nothing leaks is found by the address sanitizer (make check-asan) at the end of the program.
 */
#pragma once

/* Fails the test when a scene does not end in 0 untouched, or in something else than -ENOMEM. */
void torture(int (*scene)(void));

/* The same, but a scene may make do with less and return 0 nevertheless. */
void torture_lightly(int (*scene)(void));
