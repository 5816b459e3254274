/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roll calls: which cloud models of the fleet file do their providers still have?
 *
 *     rolls_begin(&rolls, client, scene, traffic, timeout_ms);    each provider is asked once
 *     rolls_end(&rolls);                                          what is under way is given up
 *
 * A model that its provider does not list is not asked for until it is listed again. A provider
 * that does not answer, and one without a list to ask for, keeps its models.
 */
#pragma once

#include "gateway/scene.h"

struct rolls {
    struct roll_entry *list;
    uint32_t count;
};

/* The scene must live until rolls_end(). */
void rolls_begin(struct rolls *ret, struct client *client, const struct scene *scene,
                 struct traffic *traffic, uint32_t timeout_ms);
void rolls_end(struct rolls *rolls);
