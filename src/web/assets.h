/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dashboard's own files, which travel inside the program: / for a browser, /assets/… for the
 * rest. Nothing in them may come from elsewhere, and no script or style may stand inside a page:
 * the content security policy says so to the browser.
 */
#pragma once

#include "gateway/gateway.h"

page_fn asset_page, dashboard_page;

/* Does it ask for a page to look at, as browsers do? */
bool wants_dashboard(const struct page_request *r);
