/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Habits of copies (route/habit.h), kept beside the state so that a restart does not forget at what
 * hour what is asked for.
 *
 *     habits_recall(folder, scene, traffic);      at the start, before anything is asked
 *     habits_keep(folder, scene, traffic);        whenever an hour is over, and at the end
 *
 * A file of one line for each copy of the fleet file of which something is known: "habits.json",
 * of a bounded size. What cannot be read or written is learned anew. An empty folder: neither is
 * tried.
 */
#pragma once

#include "gateway/scene.h"

void habits_recall(const char *folder, const struct scene *scene, struct traffic *traffic);
void habits_keep(const char *folder, const struct scene *scene, struct traffic *traffic);
