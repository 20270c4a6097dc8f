/* client: sends one HTTP request again and again on several connections, from one thread.
 *
 *     client PORT CONNECTIONS REQUESTS FILE
 *
 * FILE has the bytes of the request.  A connection sends its next request when it has its answer
 * whole.  Prints seconds, then the quantiles 0.5, 0.9, 0.99 and 1 of the latency in microseconds,
 * then how many answers were not 200.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER (1 << 22)

typedef struct {
    int socket;
    size_t sent, got;
    double started;
    char *answer;
} connection;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int connect_to(int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (s < 0 || connect(s, (struct sockaddr *)&to, sizeof to)) fail("connect");
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return s;
}

/* The bytes of a whole answer, 0 while its head is not there. */
static size_t length_of(const char *answer, size_t got) {
    const char *end = memmem(answer, got, "\r\n\r\n", 4), *length;
    if (!end) return 0;
    length = strcasestr(answer, "content-length:");
    if (!length || length > end) return 0;
    return end + 4 - answer + strtoul(length + 15, NULL, 10);
}

static void send_request(connection *c, const char *request, size_t bytes) {
    c->started = now();
    c->got = 0;
    for (c->sent = 0; c->sent < bytes;) {
        ssize_t n = send(c->socket, request + c->sent, bytes - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) fail("send");
        c->sent += n > 0 ? (size_t)n : 0;
    }
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int port = atoi(argv[1]), many = atoi(argv[2]), poll = epoll_create1(EPOLL_CLOEXEC);
    long all = atol(argv[3]), begun = 0, done = 0, wrong = 0;
    static char request[ANSWER];
    FILE *file = fopen(argv[4], "rb");
    if (!file) fail(argv[4]);
    size_t bytes = fread(request, 1, sizeof request, file);
    fclose(file);
    connection *cs = calloc(many, sizeof *cs);
    double *took = malloc(all * sizeof *took), start;
    if (!cs || !took) fail("memory");
    for (int i = 0; i < many; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &cs[i]};
        cs[i].socket = connect_to(port);
        cs[i].answer = malloc(ANSWER);
        if (!cs[i].answer || epoll_ctl(poll, EPOLL_CTL_ADD, cs[i].socket, &e)) fail("epoll");
    }
    start = now();
    for (int i = 0; i < many && begun < all; i++, begun++) send_request(&cs[i], request, bytes);
    while (done < all) {
        struct epoll_event events[64];
        int n = epoll_wait(poll, events, 64, 30000);
        if (n == 0) {
            fprintf(stderr, "no answer for 30 s\n");
            return 1;
        }
        for (int i = 0; i < n; i++) {
            connection *c = events[i].data.ptr;
            ssize_t more = recv(c->socket, c->answer + c->got, ANSWER - 1 - c->got, 0);
            if (more <= 0) fail("the server closed a connection");
            c->got += more;
            c->answer[c->got] = 0;
            size_t whole = length_of(c->answer, c->got);
            if (!whole || c->got < whole) continue;
            wrong += strncmp(c->answer + 9, "200", 3) != 0;
            took[done++] = (now() - c->started) * 1e6;
            if (begun < all) {
                begun++;
                send_request(c, request, bytes);
            }
        }
    }
    double seconds = now() - start;
    qsort(took, all, sizeof *took, by_size);
    printf("%.6f %.1f %.1f %.1f %.1f %ld\n", seconds, took[all / 2], took[all * 9 / 10], took[all * 99 / 100],
           took[all - 1], wrong);
    return 0;
}
