/* SPDX-License-Identifier: Apache-2.0 */
/* tampu top: the fleet as it is now, in a terminal. */
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <ncurses.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/ask.h"
#include "cmd/command.h"
#include "cmd/option.h"
#include "cmd/top.h"
#include "cmd/usage.h"
#include "net/clock.h"

enum {
    EVERY_MS = 1000, /* between two looks at the gateway */
    KEY_MS = 100,    /* how long a key is waited for before the screen is looked at again */
    FILTER_ROOM = 64,
    NAME_ROOM = 256,
    HEAD_ROOM = 512,
    TOLD_ROOM = 256,
    KEY_escape = 27,
};

/* The gateway's answers, brought by a thread of their own: a slow gateway stops no key. */
struct watch {
    const char *url;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wanted;
    struct json status, ps;
    struct err err; /* the last look failed */
    uint64_t looks, looked_us;
    bool closing;
};

/* What the person has chosen. */
struct view {
    enum sheet sheet;
    char filter[FILTER_ROOM], machine[NAME_ROOM]; /* machine: its details are shown */
    unsigned sort[SHEET_COUNT], selected, scrolled;
    bool is_falling[SHEET_COUNT], is_typing;
    struct top_rate rate;
    uint64_t drawn; /* looks that were drawn */
    char head[HEAD_ROOM];
    char told[TOLD_ROOM]; /* what came of the last order; until the next key */
};

/* What a key does. */
typedef void act_fn(struct view *v, const struct watch *w);

static int watch_open(struct watch *w, const char *url, struct err *err);
static void watch_close(struct watch *w);
static void *look_again(void *ctx);
static int look(const char *url, const char *target, struct json *ret, struct err *err);
static int show(struct watch *w);
static void draw(struct view *v, struct watch *w);
static void draw_head(struct view *v, const struct watch *w);
static void draw_grid(struct view *v, const struct grid *g);
static void draw_row(const struct grid *g, const struct grid_row *row, const unsigned *widths,
                     int y, bool is_selected);
static void draw_foot(const struct view *v, const struct grid *g);
static void make_grid(const struct view *v, const struct watch *w, struct grid *g);
static bool take_key(struct view *v, const struct watch *w, int key);
static void show_sheet(struct view *v, enum sheet sheet);
static act_fn next_sheet, go_down, go_up, go_back, type_filter, sort_by_next, reverse, open_details;
static act_fn drain, cordon, uncordon;
static void order(struct view *v, const struct watch *w, const char *verb);
static bool find_machine(const struct view *v, const struct watch *w, char ret[static NAME_ROOM]);
static void take_letter(struct view *v, int key);

int cmd_top(int argc, char **argv)
{
    struct options o = {0};
    struct watch w = {0};
    struct err err = {0};
    const char *url;
    int status;

    if (!options_read(&o, argc, argv, &status))
        return status;
    url = option_given(&o, "gateway") ? option_value(&o, "gateway") : ask_default_url;
    if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
        return usage_error("top", "this needs a terminal; 'tampu status' and 'tampu ps' do not");
    if (watch_open(&w, url, &err) < 0)
        return err.code == -EINVAL ? usage_error("top", "--gateway: %s", err.text)
                                   : command_no("top", "%s", err.text);
    status = show(&w);
    watch_close(&w);
    return status;
}

/* The first look is waited for: a wrong address is told before the screen is taken. */
static int watch_open(struct watch *w, const char *url, struct err *err)
{
    int r = look(url, "/admin/v1/status", &w->status, err);

    if (r == 0)
        r = look(url, "/admin/v1/ps", &w->ps, err);
    if (r < 0) {
        json_fini(&w->status);
        return r;
    }
    w->url = url;
    w->looks = 1;
    w->looked_us = clock_monotonic_us();
    pthread_mutex_init(&w->mutex, NULL);
    clock_cond_init(&w->wanted);
    r = -pthread_create(&w->thread, NULL, look_again, w);
    return r < 0 ? err_set(err, r, "no thread can be made: %s", strerror(-r)) : 0;
}

static void watch_close(struct watch *w)
{
    pthread_mutex_lock(&w->mutex);
    w->closing = true;
    pthread_cond_signal(&w->wanted);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    json_fini(&w->status);
    json_fini(&w->ps);
    pthread_cond_destroy(&w->wanted);
    pthread_mutex_destroy(&w->mutex);
}

static void *look_again(void *ctx)
{
    struct watch *w = ctx;

    pthread_mutex_lock(&w->mutex);
    while (!w->closing) {
        struct json status = {0}, ps = {0};
        struct err err = {0};
        struct timespec until = clock_in_ms(EVERY_MS);
        int r;

        if (pthread_cond_timedwait(&w->wanted, &w->mutex, &until) == 0)
            continue;
        pthread_mutex_unlock(&w->mutex);
        r = look(w->url, "/admin/v1/status", &status, &err);
        if (r == 0)
            r = look(w->url, "/admin/v1/ps", &ps, &err);
        pthread_mutex_lock(&w->mutex);
        if (r == 0) {
            json_fini(&w->status);
            json_fini(&w->ps);
            w->status = status;
            w->ps = ps;
        } else {
            json_fini(&status);
        }
        w->err = err;
        w->looks++;
        w->looked_us = clock_monotonic_us();
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

static int look(const char *url, const char *target, struct json *ret, struct err *err)
{
    struct buf answer;
    int r;

    buf_init(&answer, ANSWER_MAX);
    r = ask_gateway(&answer, url, target, err);
    if (r == 0)
        r = json_read(ret, buf_str(&answer), JSON_MEMORY(answer.len), err);
    buf_fini(&answer);
    return r;
}

static int show(struct watch *w)
{
    struct view v = {0};
    bool goes_on = true;

    setlocale(LC_ALL, "");
    if (!initscr())
        return command_no("top", "this terminal is not known: set TERM");
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    set_escdelay(50);
    curs_set(0);
    timeout(KEY_MS);
    if (has_colors() && !getenv("NO_COLOR")) {
        start_color();
        use_default_colors();
        init_pair(MOOD_good, COLOR_GREEN, -1);
        init_pair(MOOD_bad, COLOR_RED, -1);
    }
    while (goes_on) {
        int key;

        pthread_mutex_lock(&w->mutex);
        draw(&v, w);
        pthread_mutex_unlock(&w->mutex);
        key = getch();
        pthread_mutex_lock(&w->mutex);
        goes_on = key == ERR || take_key(&v, w, key);
        pthread_mutex_unlock(&w->mutex);
    }
    endwin();
    return EXIT_done;
}

static void draw(struct view *v, struct watch *w)
{
    struct grid g;

    make_grid(v, w, &g);
    if (v->selected >= g.count)
        v->selected = g.count ? g.count - 1 : 0;
    erase();
    draw_head(v, w);
    draw_grid(v, &g);
    draw_foot(v, &g);
    refresh();
    grid_fini(&g);
}

/* Only a new look makes a new line: a rate needs two. */
static void draw_head(struct view *v, const struct watch *w)
{
    if (v->drawn != w->looks && !w->err.code)
        top_head(v->head, sizeof v->head, w->status.root, &v->rate, w->looked_us);
    v->drawn = w->looks;
    mvaddnstr(0, 0, v->head, COLS);
    move(1, 0);
    for (enum sheet s = 0; s < SHEET_COUNT; s++) {
        bool is_shown = s == v->sheet && !*v->machine;

        attrset(is_shown ? A_REVERSE : A_NORMAL);
        printw(" %d %s ", s + 1, sheet_name(s));
        attrset(A_NORMAL);
        addch(' ');
    }
    if (*v->machine) {
        attrset(A_REVERSE);
        printw(" %s ", v->machine);
        attrset(A_NORMAL);
    }
    if (w->err.code) {
        attrset((attr_t)COLOR_PAIR(MOOD_bad) | A_BOLD);
        mvaddnstr(2, 0, w->err.text, COLS);
        attrset(A_NORMAL);
    }
}

static void draw_grid(struct view *v, const struct grid *g)
{
    unsigned widths[GRID_COLUMNS_MAX], room = LINES > 5 ? (unsigned)LINES - 5 : 1;
    struct grid_row titles = {.mood = MOOD_usual};

    grid_widths(g, widths, (unsigned)COLS);
    for (unsigned c = 0; c < g->columns; c++)
        titles.cells[c] = g->titles[c];
    attrset(A_BOLD);
    draw_row(g, &titles, widths, 3, false);
    if (v->selected < v->scrolled)
        v->scrolled = v->selected;
    if (v->selected >= v->scrolled + room)
        v->scrolled = v->selected - room + 1;
    for (unsigned i = v->scrolled; i < g->count && i < v->scrolled + room; i++)
        draw_row(g, &g->rows[i], widths, (int)(4 + i - v->scrolled), i == v->selected);
}

static void draw_row(const struct grid *g, const struct grid_row *row, const unsigned *widths,
                     int y, bool is_selected)
{
    int x = 0;

    if (row->mood == MOOD_good || row->mood == MOOD_bad)
        attron((attr_t)COLOR_PAIR(row->mood));
    if (row->mood == MOOD_faint)
        attron(A_DIM);
    if (is_selected)
        attron(A_REVERSE);
    mvhline(y, 0, ' ', COLS);
    for (unsigned c = 0; c < g->columns; c++) {
        mvaddnstr(y, x, row->cells[c] ? row->cells[c] : "", (int)widths[c]);
        x += (int)widths[c] + GRID_GAP;
    }
    attrset(A_NORMAL);
}

static void draw_foot(const struct view *v, const struct grid *g)
{
    char line[256];

    if (v->is_typing)
        snprintf(line, sizeof line, "show only: %s_  (Enter keeps it, Esc shows all)", v->filter);
    else if (*v->told)
        snprintf(line, sizeof line, "%s", v->told);
    else
        snprintf(
            line, sizeof line,
            "q quit  1-3 sheet  / filter%s%s  s sort by %s  r reverse  Enter machine  Esc back  d "
            "drain  c cordon  u back",
            *v->filter ? "ed: " : "", v->filter, g->titles[v->sort[v->sheet] % g->columns]);
    attrset(A_DIM);
    mvaddnstr(LINES - 1, 0, line, COLS);
    attrset(A_NORMAL);
}

static void make_grid(const struct view *v, const struct watch *w, struct grid *g)
{
    if (*v->machine) {
        top_details(g, v->machine, w->status.root, w->ps.root);
        return;
    }
    top_sheet(g, v->sheet, w->status.root, w->ps.root);
    grid_filter(g, v->filter);
    if (v->sort[v->sheet] || v->is_falling[v->sheet])
        grid_sort(g, v->sort[v->sheet], v->is_falling[v->sheet]);
}

/* False: it is over. */
static bool take_key(struct view *v, const struct watch *w, int key)
{
    static const struct {
        int key;
        act_fn *act;
    } keys[] = {
        {'\t', next_sheet},
        {KEY_DOWN, go_down},
        {'j', go_down},
        {KEY_UP, go_up},
        {'k', go_up},
        {'/', type_filter},
        {'s', sort_by_next},
        {'r', reverse},
        {'\n', open_details},
        {'\r', open_details},
        {KEY_ENTER, open_details},
        {KEY_escape, go_back},
        {'d', drain},
        {'c', cordon},
        {'u', uncordon},
    };

    *v->told = '\0';

    if (v->is_typing) {
        take_letter(v, key);
        return true;
    }
    if (key > '0' && key <= '0' + SHEET_COUNT)
        show_sheet(v, (enum sheet)(key - '1'));
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (keys[i].key == key)
            keys[i].act(v, w);
    return key != 'q' && key != 'Q';
}

static void show_sheet(struct view *v, enum sheet sheet)
{
    v->sheet = sheet;
    v->selected = 0;
    *v->machine = '\0';
}

static void next_sheet(struct view *v, const struct watch *w)
{
    (void)w;
    show_sheet(v, (v->sheet + 1) % SHEET_COUNT);
}

/* draw() knows how many there are. */
static void go_down(struct view *v, const struct watch *w)
{
    (void)w;
    v->selected++;
}

static void go_up(struct view *v, const struct watch *w)
{
    (void)w;
    v->selected -= v->selected > 0;
}

static void go_back(struct view *v, const struct watch *w)
{
    (void)w;
    *(*v->machine ? v->machine : v->filter) = '\0';
}

static void type_filter(struct view *v, const struct watch *w)
{
    (void)w;
    v->is_typing = true;
}

static void sort_by_next(struct view *v, const struct watch *w)
{
    struct grid g;

    make_grid(v, w, &g);
    v->sort[v->sheet] = (v->sort[v->sheet] + 1) % g.columns;
    grid_fini(&g);
}

static void reverse(struct view *v, const struct watch *w)
{
    (void)w;
    v->is_falling[v->sheet] = !v->is_falling[v->sheet];
}

static void take_letter(struct view *v, int key)
{
    size_t length = strlen(v->filter);

    if (key == KEY_escape)
        *v->filter = '\0';
    if (key == KEY_escape || key == '\n' || key == '\r' || key == KEY_ENTER)
        v->is_typing = false;
    else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && length)
        v->filter[length - 1] = '\0';
    else if (key < 127 && isprint(key) && length + 1 < sizeof v->filter)
        memcpy(v->filter + length, (char[]){(char)key, '\0'}, 2);
    v->selected = 0;
}

static void open_details(struct view *v, const struct watch *w)
{
    if (*v->machine || !find_machine(v, w, v->machine))
        return;
    v->selected = 0;
}

/* The one whose details are shown, or that is selected, or that the selected copy is on. */
static bool find_machine(const struct view *v, const struct watch *w, char ret[static NAME_ROOM])
{
    static const unsigned machine_column[SHEET_COUNT] = {
        [SHEET_machines] = 0, [SHEET_copies] = 1, [SHEET_categories] = 3};
    const char *found = NULL;
    struct grid g;

    if (*v->machine) {
        memcpy(ret, v->machine, NAME_ROOM);
        return true;
    }
    make_grid(v, w, &g);
    if (v->selected < g.count)
        found = g.rows[v->selected].cells[machine_column[v->sheet]];
    snprintf(ret, NAME_ROOM, "%s", found ? found : "");
    grid_fini(&g);
    return *ret;
}

static void drain(struct view *v, const struct watch *w)
{
    order(v, w, "drain");
}

static void cordon(struct view *v, const struct watch *w)
{
    order(v, w, "cordon");
}

static void uncordon(struct view *v, const struct watch *w)
{
    order(v, w, "uncordon");
}

/* Waits for the answer: an order is given once. */
static void order(struct view *v, const struct watch *w, const char *verb)
{
    char machine[NAME_ROOM], target[NAME_ROOM + 64];
    struct err err = {0};
    struct buf answer;

    if (!find_machine(v, w, machine))
        return;
    snprintf(target, sizeof target, "/admin/v1/machines/%s/%s", machine, verb);
    buf_init(&answer, ANSWER_MAX);
    if (ask_gateway_to(&answer, w->url, target, STR("{}"), &err) < 0)
        snprintf(v->told, sizeof v->told, "%.60s, %s: %.160s", machine, verb, err.text);
    else
        snprintf(v->told, sizeof v->told, "%.60s, %s: done", machine, verb);
    buf_fini(&answer);
}
