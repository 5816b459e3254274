/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine that knows its answers by heart: what is left of a measurement is the proxy.
 *
 *     mock PORT [GAP_MS]      on 127.0.0.1; with GAP_MS, a frame of a stream each GAP_MS
 *
 * Speaks enough of llama-server, Ollama and Anthropic to be routed to. Without a gap each frame of
 * a stream is still a write of its own, as an engine's is. One thread, epoll, keep-alive; ends with
 * its parent.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES = 64, ROOM = 32768, FDS_MAX = 16384, ANSWER_MAX = 4096, TICK_MS = 10 };

struct text {
    char data[ANSWER_MAX];
    size_t len;
};

/* A stream: its head, one frame that comes FRAMES times, its end. All chunked already. */
struct stream {
    struct text head, frame, end;
};

struct conn {
    char in[ROOM];
    size_t len;
    const struct stream *stream; /* under way, with a gap */
    unsigned frames_left;
    long due_ms;
};

static struct conn *conns[FDS_MAX];
static struct stream openai_stream, ollama_stream, anthropic_stream;
static struct text openai_plain, ollama_plain;
static long gap_ms;

static void write_answers(void);
static void write_anthropic(void);
static void put_plain(struct text *t, const char *type, const char *body);
static void put_chunk(struct text *t, const char *body);
static int listen_on(int port);
static void accept_all(int poll, int listener);
static void on_bytes(int fd);
static size_t take_request(int fd, struct conn *c);
static void answer(int fd, struct conn *c, const char *head, const char *body, size_t body_len);
static void start_stream(int fd, struct conn *c, const struct stream *s);
static void tick(long now_ms);
static bool send_all(int fd, const char *data, size_t len);
static void drop(int fd);
static long now_ms(void);

int main(int argc, char **argv)
{
    struct epoll_event events[256];
    int poll = epoll_create1(EPOLL_CLOEXEC), listener;
    long last_tick = 0;

    if (argc < 2 || (listener = listen_on(atoi(argv[1]))) < 0) {
        fprintf(stderr, "usage: mock PORT [GAP_MS]: %s\n", strerror(errno));
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    gap_ms = argc > 2 ? atol(argv[2]) : 0;
    write_answers();
    epoll_ctl(poll, EPOLL_CTL_ADD, listener,
              &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    for (;;) {
        int n = epoll_wait(poll, events, 256, gap_ms ? TICK_MS : -1);

        for (int i = 0; i < n; i++)
            if (events[i].data.fd == listener)
                accept_all(poll, listener);
            else
                on_bytes(events[i].data.fd);
        if (gap_ms && now_ms() - last_tick >= TICK_MS)
            tick(last_tick = now_ms());
    }
}

static void write_answers(void)
{
    static const char *const openai_frame =
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
        "\"model\":\"tiny\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" token\"},"
        "\"finish_reason\":null}]}\n\n";

    put_plain(&openai_plain, "application/json",
              "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1700000000,"
              "\"model\":\"tiny\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
              "\"content\":\"The quick brown fox jumps over the lazy dog, and the dog sleeps on. "
              "The quick brown fox jumps over the lazy dog, and the dog sleeps on.\"},"
              "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":200,"
              "\"completion_tokens\":32,\"total_tokens\":232}}");
    put_plain(&ollama_plain, "application/json",
              "{\"version\":\"0.12.0\",\"models\":[],\"status\":\"ok\",\"object\":\"list\","
              "\"data\":[{\"id\":\"tiny\",\"object\":\"model\"}]}");
    openai_stream.head.len = (size_t)sprintf(
        openai_stream.head.data,
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    put_chunk(&openai_stream.frame, openai_frame);
    put_chunk(&openai_stream.end,
              "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":"
              "1700000000,\"model\":\"tiny\",\"choices\":[{\"index\":0,\"delta\":{},"
              "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
    put_chunk(&openai_stream.end, "");
    ollama_stream.head.len = (size_t)sprintf(
        ollama_stream.head.data, "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n");
    put_chunk(&ollama_stream.frame,
              "{\"model\":\"tiny\",\"created_at\":\"2026-01-01T00:00:00.000000Z\",\"message\":"
              "{\"role\":\"assistant\",\"content\":\" token\"},\"done\":false}\n");
    put_chunk(&ollama_stream.end,
              "{\"model\":\"tiny\",\"created_at\":\"2026-01-01T00:00:00.000000Z\",\"message\":"
              "{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\","
              "\"total_duration\":5000000,\"load_duration\":1000,\"prompt_eval_count\":200,"
              "\"prompt_eval_duration\":1000000,\"eval_count\":64,\"eval_duration\":2000000}\n");
    put_chunk(&ollama_stream.end, "");
    write_anthropic();
}

/* What comes before the first token goes out with the head. */
static void write_anthropic(void)
{
    struct text *head = &anthropic_stream.head;

    *head = openai_stream.head;
    put_chunk(head, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":"
                    "\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"tiny\","
                    "\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{"
                    "\"input_tokens\":200,\"output_tokens\":1}}}\n\n");
    put_chunk(head, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":"
                    "0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n");
    put_chunk(&anthropic_stream.frame,
              "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
              "\"delta\":{\"type\":\"text_delta\",\"text\":\" token\"}}\n\n");
    put_chunk(&anthropic_stream.end,
              "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
              "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
              "\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":64}}\n\n"
              "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    put_chunk(&anthropic_stream.end, "");
}

static void put_plain(struct text *t, const char *type, const char *body)
{
    t->len =
        (size_t)snprintf(t->data, sizeof t->data,
                         "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
                         type, strlen(body), body);
}

static void put_chunk(struct text *t, const char *body)
{
    t->len += (size_t)snprintf(t->data + t->len, sizeof t->data - t->len, "%zx\r\n%s\r\n",
                               strlen(body), body);
}

static int listen_on(int port)
{
    struct sockaddr_in where = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&where, sizeof where) < 0 || listen(fd, 4096) < 0)
        return -1;
    return fd;
}

static void accept_all(int poll, int listener)
{
    int fd, on = 1;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= FDS_MAX || !(conns[fd] = calloc(1, sizeof *conns[fd]))) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
    }
}

static void on_bytes(int fd)
{
    struct conn *c = conns[fd];
    ssize_t n = recv(fd, c->in + c->len, sizeof c->in - 1 - c->len, 0);
    size_t used;

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        drop(fd);
        return;
    }
    c->len += (size_t)n;
    while (conns[fd] == c && (used = take_request(fd, c))) {
        if (conns[fd] != c)
            return;
        c->len -= used;
        memmove(c->in, c->in + used, c->len);
    }
}

/* Bytes of one whole request, or 0. */
static size_t take_request(int fd, struct conn *c)
{
    char *end, *length;
    size_t head, body = 0;

    c->in[c->len] = '\0';
    end = strstr(c->in, "\r\n\r\n");
    if (!end)
        return 0;
    head = (size_t)(end - c->in) + 4;
    length = strcasestr(c->in, "\r\ncontent-length:");
    if (length && length < end)
        body = strtoul(length + 17, NULL, 10);
    if (c->len < head + body)
        return 0;
    answer(fd, c, c->in, c->in + head, body);
    return head + body;
}

static void answer(int fd, struct conn *c, const char *head, const char *body, size_t body_len)
{
    bool streams = memmem(body, body_len, "\"stream\":true", 13);

    if (strncmp(head, "POST /api/", 10) == 0)
        start_stream(fd, c, &ollama_stream);
    else if (strstr(head, "/v1/messages ") && strstr(head, "/v1/messages ") < body)
        start_stream(fd, c, &anthropic_stream);
    else if (strncmp(head, "POST ", 5) == 0 && streams)
        start_stream(fd, c, &openai_stream);
    else if (strncmp(head, "POST ", 5) == 0)
        send_all(fd, openai_plain.data, openai_plain.len);
    else
        send_all(fd, ollama_plain.data, ollama_plain.len);
}

static void start_stream(int fd, struct conn *c, const struct stream *s)
{
    if (!send_all(fd, s->head.data, s->head.len))
        return;
    if (gap_ms) {
        c->stream = s;
        c->frames_left = FRAMES;
        c->due_ms = now_ms() + fd % gap_ms; /* not all at once */
        return;
    }
    for (int i = 0; i < FRAMES; i++)
        if (!send_all(fd, s->frame.data, s->frame.len))
            return;
    send_all(fd, s->end.data, s->end.len);
}

static void tick(long now)
{
    for (int fd = 0; fd < FDS_MAX; fd++) {
        struct conn *c = conns[fd];

        if (!c || !c->stream || c->due_ms > now)
            continue;
        c->due_ms += gap_ms;
        if (c->frames_left--) {
            send_all(fd, c->stream->frame.data, c->stream->frame.len);
        } else {
            send_all(fd, c->stream->end.data, c->stream->end.len);
            c->stream = NULL;
        }
    }
}

/* Answers are smaller than any socket's buffer: who takes nothing is dropped. */
static bool send_all(int fd, const char *data, size_t len)
{
    if (send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len)
        return true;
    shutdown(fd, SHUT_RDWR); /* the end comes as an event, and there the memory goes */
    return false;
}

static void drop(int fd)
{
    free(conns[fd]);
    conns[fd] = NULL;
    close(fd);
}

static long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
