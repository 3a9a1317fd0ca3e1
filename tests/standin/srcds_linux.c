/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A stand-in for the game's srcds_linux, for tests: outwardly it does what the real one is known
 * to do, and it can be told to misbehave. It wants the tree that tests/standin/install makes, and
 * its working directory at the top of it.
 *
 * At start it executes left4dead2/cfg/server.cfg (exec NAME included), looks for steamclient.so
 * below $HOME, resolves a name, writes a demo and a log below left4dead2, binds the game port
 * (UDP and TCP), the client port and SourceTV's. Then it answers A2S_INFO and A2S_PLAYER by the
 * challenge protocol, until SIGINT, and does what lines on standard input say: status, say TEXT,
 * echo TEXT, quit, exec NAME, a convar's name and value. Of a line it takes 254 bytes, as the game.
 *
 * Arguments that it knows, as the real one: -ip ADDR, -port N, +hostport N, -clientport N,
 * +tv_port N, +map NAME, -maxplayers N (4), -strictportbind. A port that is taken makes it try the
 * next nine, or end with -strictportbind.
 *
 * Switches. Each is an environment variable (STANDIN_CRASH=20), an argument (-standin_crash 20 or
 * +standin_crash 20) and a convar of server.cfg (standin_crash 20); of several the last in that
 * order counts. Seconds may have a fraction, and count from the moment the ports are bound.
 *
 *   standin_crash SECONDS       die of SIGSEGV
 *   standin_hang SECONDS        stop answering, SIGINT included, but stay alive
 *   standin_exit SECONDS        exit 0
 *   standin_silent SECONDS      do not answer queries from then on; all else goes on
 *   standin_silent_for SECONDS  … for so long, as during a change of map (for ever)
 *   standin_spin SECONDS        an endless loop in the main thread, which does nothing else any
 * more standin_spin_answer SECONDS likewise, but another thread goes on answering standin_change
 * SECONDS      another map (c9m9), and a player more standin_slow SECONDS        load for so long
 * before any port is bound standin_leave SECONDS       how long leaving takes upon SIGINT (1)
 *   standin_ignore_sigint 1     do not leave upon SIGINT
 *   standin_crash_on_sigint 1   die of SIGSEGV upon SIGINT, when the time to leave is over
 *   standin_daemon 1            leave a process behind, in a session of its own, deaf to signals
 *   standin_orphans N           leave N processes behind that end at once
 *   standin_hostile 1           the map's name holds a newline, and what systemd would act upon
 *   standin_resolve NAME        the name to resolve (localhost)
 *   standin_players N           so many players, at most 16; their names are odd from the second
 * on: control characters, no UTF-8, markup, empty, long standin_challenge_rotate N  answer the
 * first N requests that have the right challenge with another one, each time anew for each asker
 *   standin_split BYTES         split answers, so many bytes, up to 255, in each datagram
 *   standin_split_mess 1        send the parts from the last to the first, each of them twice
 *   standin_wrong_source FROM   answer from another socket: of another port where FROM is "port",
 *                               else of the address FROM with the game's port
 *
 * What it sees and does goes to stdout and, appended, to left4dead2/logs/standin.log, a line each:
 *
 *   start pid=7                         a new start
 *   argc=3, argv[1]=-game, …            the arguments, verbatim
 *   env HOME=…                          HOME and LD_LIBRARY_PATH
 *   exec server.cfg                     a file was executed; "exec X: failed: …" if not
 *   cfg[server.cfg:2]=exec server_comp  each line of it, verbatim. On stdout the value of a secret
 *                                       convar is masked, so that a test can look for leaks there.
 *   steamclient PATH: found             or "missing"
 *   resolve NAME: 127.0.0.1 …           or "failed: …"
 *   bound udp 0.0.0.0:27015 (game)      also tcp (game), udp (client), udp (tv)
 *   ready                               it answers from here on
 *   console=status                      a line of standard input, verbatim and whole; on stdout is
 *                                       what it answers. "console: end" where there are no more
 *   sigint, leaving, left               the end; "left" is the last line of an orderly one
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GAME_DIR "left4dead2"
#define LOG_PATH GAME_DIR "/logs/standin.log"
#define DEMO_PATH GAME_DIR "/standin.dem"

enum {
    EXEC_DEPTH_MAX = 16,
    PORT_TRIES = 10,
    A2S_APP_ID = 550,
    A2S_PROTOCOL = 17,
    PLAYERS_MAX = 16,
    CONSOLE_TEXT_MAX = 254,
    BOTS_MAX = 1,
};

typedef struct {
    int game_udp_fd;
    int game_tcp_fd;
    int client_fd;
    int tv_fd;
    int answer_fd; /* where answers go out: game_udp_fd, but for standin_wrong_source */
    uint16_t game_port;
} Sockets;

static FILE *log_file;

/* Convars of the game that matter here, and the switches. One table serves all of the ways to set
 * them, as in the game, where an argument "+name value" is the same as a line of a cfg file. */
typedef struct {
    const char *name;
    char value[256];
} Convar;

static Convar convars[] = {
    {"hostname", "left4me stand-in"},
    {"map", "c1m1_hotel"},
    {"ip", "0.0.0.0"},
    {"hostport", "27015"},
    {"clientport", "27005"},
    {"tv_port", "27020"},
    {"maxplayers", "4"},
    {"sv_tags", "coop,standin"},
    {"standin_crash", ""},
    {"standin_hang", ""},
    {"standin_exit", ""},
    {"standin_silent", ""},
    {"standin_silent_for", ""},
    {"standin_spin", ""},
    {"standin_spin_answer", ""},
    {"standin_change", ""},
    {"standin_daemon", "0"},
    {"standin_orphans", "0"},
    {"standin_hostile", "0"},
    {"standin_slow", "0"},
    {"standin_leave", "1"},
    {"standin_ignore_sigint", "0"},
    {"standin_crash_on_sigint", "0"},
    {"standin_resolve", "localhost"},
    {"standin_players", "0"},
    {"standin_challenge_rotate", "0"},
    {"standin_split", "0"},
    {"standin_split_mess", "0"},
    {"standin_wrong_source", ""},
};

#define N_CONVARS (sizeof(convars) / sizeof(convars[0]))

static const char *const secret_convars[] = {"rcon_password", "sv_password", "sv_setsteamaccount",
                                             "tv_password"};

/* --- log ------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 0))) static void say_to(FILE *stream, const char *format,
                                                         va_list ap) {
    (void)vfprintf(stream, format, ap);
    (void)fputc('\n', stream);
    (void)fflush(stream);
}

__attribute__((format(printf, 1, 2))) static void say_in_log(const char *format, ...) {
    va_list ap;

    if (!log_file)
        return;
    va_start(ap, format);
    say_to(log_file, format, ap);
    va_end(ap);
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
    va_list ap;

    va_start(ap, format);
    say_to(stdout, format, ap);
    va_end(ap);
    if (!log_file)
        return;
    va_start(ap, format);
    say_to(log_file, format, ap);
    va_end(ap);
}

static void log_open(void) {
    (void)mkdir(GAME_DIR "/logs", 0777);
    log_file = fopen(LOG_PATH, "ae");
    if (!log_file)
        say("log %s: failed: %s", LOG_PATH, strerror(errno));
}

/* --- convars --------------------------------------------------------------------------------- */

static Convar *convar_find(const char *name) {
    for (size_t i = 0; i < N_CONVARS; i++)
        if (strcmp(convars[i].name, name) == 0)
            return &convars[i];
    return NULL;
}

static void convar_set(const char *name, const char *value) {
    Convar *convar = convar_find(strcmp(name, "port") == 0 ? "hostport" : name);

    if (convar)
        (void)snprintf(convar->value, sizeof(convar->value), "%s", value);
}

static const char *convar_text(const char *name) {
    const Convar *convar = convar_find(name);

    return convar ? convar->value : "";
}

static bool convar_true(const char *name) {
    return atoi(convar_text(name)) != 0;
}

static uint16_t convar_port(const char *name) {
    long port = strtol(convar_text(name), NULL, 10);

    if (port < 0 || port > UINT16_MAX) {
        say("%s %ld: failed: no port", name, port);
        exit(EXIT_FAILURE);
    }
    return (uint16_t)port;
}

static double convar_seconds(const char *name) {
    return strtod(convar_text(name), NULL);
}

static void convars_from_environment(void) {
    for (size_t i = 0; i < N_CONVARS; i++) {
        char name[64];
        const char *value;
        size_t n = 0;

        if (strncmp(convars[i].name, "standin_", strlen("standin_")) != 0)
            continue;
        for (; convars[i].name[n]; n++) {
            char c = convars[i].name[n];

            name[n] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        }
        name[n] = '\0';
        value = getenv(name);
        if (value)
            convar_set(convars[i].name, value);
    }
}

static bool is_option(const char *text) {
    return text[0] == '-' || text[0] == '+';
}

static void convars_from_arguments(int argc, char *argv[]) {
    for (int i = 1; i + 1 < argc; i++)
        if (is_option(argv[i]))
            convar_set(argv[i] + 1, argv[i + 1]);
}

static bool has_argument(int argc, char *argv[], const char *wanted) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], wanted) == 0)
            return true;
    return false;
}

/* --- cfg files ------------------------------------------------------------------------------- */

/* Takes one word of a command off *cursor: quotes group, white space divides, and ";" or "//" end
 * the command (the cursor then stays there). False when there is none. */
static bool next_word(const char **cursor, char *word, size_t size) {
    const char *p = *cursor + strspn(*cursor, " \t\r\n");
    size_t n = 0;
    bool quoted = *p == '"';

    if (*p == '\0' || *p == ';' || (p[0] == '/' && p[1] == '/')) {
        *cursor = p;
        return false;
    }
    if (quoted)
        p++;
    while (*p && !(quoted ? *p == '"' : strchr(" \t\r\n;\"", *p) != NULL)) {
        if (n + 1 < size)
            word[n++] = *p;
        p++;
    }
    word[n] = '\0';
    *cursor = quoted && *p == '"' ? p + 1 : p;
    return true;
}

static void say_line(const char *file, unsigned number, const char *line) {
    const char *cursor = line;
    char word[256];

    say_in_log("cfg[%s:%u]=%s", file, number, line);
    while (*cursor) {
        bool found = next_word(&cursor, word, sizeof(word));

        for (size_t i = 0; found && i < sizeof(secret_convars) / sizeof(secret_convars[0]); i++)
            if (strcmp(word, secret_convars[i]) == 0) {
                (void)printf("cfg[%s:%u]=%s ********\n", file, number, word);
                return;
            }
        if (!found && *cursor != ';')
            break;
        if (*cursor == ';')
            cursor++;
    }
    (void)printf("cfg[%s:%u]=%s\n", file, number, line);
}

static void exec_file(const char *name, unsigned depth);

static void exec_line(const char *line, unsigned depth) {
    const char *cursor = line;

    for (;;) {
        char command[256], value[256], rest[256];

        if (next_word(&cursor, command, sizeof(command))) {
            if (!next_word(&cursor, value, sizeof(value)))
                value[0] = '\0';
            while (next_word(&cursor, rest, sizeof(rest)))
                ;
            if (strcmp(command, "exec") == 0)
                exec_file(value, depth + 1);
            else
                convar_set(command, value);
        }
        if (*cursor != ';')
            return;
        cursor++;
    }
}

static void exec_file(const char *name, unsigned depth) {
    char path[1024], file[512];
    size_t length = strlen(name), size = 0;
    unsigned number = 0;
    char *line = NULL;
    FILE *stream;
    ssize_t n;

    (void)snprintf(file, sizeof(file), "%s%s", name,
                   length > 4 && strcmp(name + length - 4, ".cfg") == 0 ? "" : ".cfg");
    (void)snprintf(path, sizeof(path), GAME_DIR "/cfg/%s", file);
    if (depth >= EXEC_DEPTH_MAX || strstr(name, "..")) {
        say("exec %s: failed: %s", file, strstr(name, "..") ? "not below cfg" : "too deep");
        return;
    }
    stream = fopen(path, "re");
    if (!stream) {
        say("exec %s: failed: %s", file, strerror(errno));
        return;
    }
    say("exec %s", file);
    while ((n = getline(&line, &size, stream)) >= 0) {
        line[strcspn(line, "\r\n")] = '\0';
        say_line(file, ++number, line);
        exec_line(line, depth);
    }
    free(line);
    (void)fclose(stream);
}

/* --- what a game does while it loads ---------------------------------------------------------- */

static void look_for_steamclient(void) {
    const char *home = getenv("HOME");
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/.steam/sdk32/steamclient.so", home ? home : "");
    say("steamclient %s: %s", path, access(path, R_OK) == 0 ? "found" : "missing");
}

static void resolve_name(void) {
    const char *name = convar_text("standin_resolve");
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *list = NULL;
    char text[1024] = "";
    size_t used = 0;
    int r = getaddrinfo(name, "27011", &hints, &list);

    if (r != 0) {
        say("resolve %s: failed: %s", name, gai_strerror(r));
        return;
    }
    for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
        char host[NI_MAXHOST];

        if (getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof(host), NULL, 0, NI_NUMERICHOST))
            continue;
        r = snprintf(text + used, sizeof(text) - used, " %s", host);
        if (r < 0 || (size_t)r >= sizeof(text) - used)
            break;
        used += (size_t)r;
    }
    freeaddrinfo(list);
    say("resolve %s:%s", name, text);
}

static void write_demo(const char *what) {
    FILE *demo = fopen(DEMO_PATH, "ae");

    if (!demo || fprintf(demo, "HL2DEMO %s\n", what) < 0)
        say("demo %s: failed: %s", DEMO_PATH, strerror(errno));
    if (demo && fclose(demo) != 0)
        say("demo %s: failed: %s", DEMO_PATH, strerror(errno));
}

static void sleep_seconds(double seconds) {
    struct timespec left = {.tv_sec = (time_t)seconds};

    left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

/* --- sockets --------------------------------------------------------------------------------- */

/* No SO_REUSEADDR for UDP: with it two servers would share one port and neither would notice. */
static int bind_at(const char *ip, int type, uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    const int on = 1;
    int fd, saved_errno;

    if (inet_pton(AF_INET, ip, &address.sin_addr) != 1)
        return -EINVAL;
    fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (type == SOCK_STREAM)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
        (type != SOCK_STREAM || listen(fd, 8) == 0))
        return fd;
    saved_errno = errno;
    (void)close(fd);
    return -saved_errno;
}

static int bind_once(int type, uint16_t port) {
    return bind_at(convar_text("ip"), type, port);
}

/* The engine tries ten ports, and then, for the client's socket alone, any there is. */
static int bind_next_free(int type, uint16_t *port, bool strict, const char *what) {
    const char *protocol = type == SOCK_STREAM ? "tcp" : "udp";

    for (int i = 0; i < PORT_TRIES && *port + i <= UINT16_MAX; i++) {
        uint16_t candidate = (uint16_t)(*port + i);
        int fd = bind_once(type, candidate);

        if (fd >= 0) {
            say("bound %s %s:%u (%s)", protocol, convar_text("ip"), candidate, what);
            *port = candidate;
            return fd;
        }
        say("bind %s %s:%u (%s): failed: %s", protocol, convar_text("ip"), candidate, what,
            strerror(-fd));
        if (strict || fd != -EADDRINUSE)
            exit(EXIT_FAILURE);
    }
    if (strcmp(what, "client") == 0) {
        int fd = bind_once(type, 0);

        if (fd >= 0) {
            say("bound %s %s:0 (%s)", protocol, convar_text("ip"), what);
            return fd;
        }
    }
    exit(EXIT_FAILURE);
}

static int bind_for_answers(const Sockets *sockets) {
    const char *from = convar_text("standin_wrong_source");
    int fd;

    if (from[0] == '\0')
        return sockets->game_udp_fd;
    fd = strcmp(from, "port") == 0 ? bind_once(SOCK_DGRAM, 0)
                                   : bind_at(from, SOCK_DGRAM, sockets->game_port);
    if (fd < 0) {
        say("bind for answers (%s): failed: %s", from, strerror(-fd));
        exit(EXIT_FAILURE);
    }
    return fd;
}

static Sockets bind_all(bool strict) {
    uint16_t client_port = convar_port("clientport"), tv_port = convar_port("tv_port");
    Sockets sockets = {.game_port = convar_port("hostport")};

    sockets.game_udp_fd = bind_next_free(SOCK_DGRAM, &sockets.game_port, strict, "game");
    sockets.game_tcp_fd =
        bind_next_free(SOCK_STREAM, &(uint16_t){sockets.game_port}, strict, "game");
    sockets.client_fd = bind_next_free(SOCK_DGRAM, &client_port, strict, "client");
    sockets.tv_fd = bind_next_free(SOCK_DGRAM, &tv_port, strict, "tv");
    sockets.answer_fd = bind_for_answers(&sockets);
    return sockets;
}

/* --- A2S: https://developer.valvesoftware.com/wiki/Server_queries ----------------------------- */

typedef struct {
    uint8_t data[1400];
    size_t size;
} Packet;

static void put(Packet *packet, const void *data, size_t size) {
    if (size > sizeof(packet->data) - packet->size)
        return;
    memcpy(packet->data + packet->size, data, size);
    packet->size += size;
}

static void put_byte(Packet *packet, uint8_t byte) {
    put(packet, &byte, 1);
}

static void put_u16(Packet *packet, uint16_t value) {
    put_byte(packet, (uint8_t)(value & 0xff));
    put_byte(packet, (uint8_t)(value >> 8));
}

static void put_u32(Packet *packet, uint32_t value) {
    put_u16(packet, (uint16_t)(value & 0xffff));
    put_u16(packet, (uint16_t)(value >> 16));
}

static void put_string(Packet *packet, const char *text) {
    put(packet, text, strlen(text) + 1);
}

static uint32_t get_u32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static unsigned convar_number(const char *name, unsigned most) {
    const unsigned long value = strtoul(convar_text(name), NULL, 10);

    return value < most ? (unsigned)value : most;
}

/* Bound to the asker, so that a forged source address gets no long answer; never -1, which asks
 * for a challenge. They are counted on while standin_challenge_rotate wants more of them. */
static uint32_t challenge_for(const struct sockaddr_in *peer) {
    static uint32_t secret;

    while (secret == 0)
        if (getrandom(&secret, sizeof(secret), 0) < 0)
            return 1;
    return (secret ^ ntohl(peer->sin_addr.s_addr) ^ peer->sin_port) & 0x3fffffff;
}

/* True where the N bytes at CHALLENGE answer the last challenge that PEER gets, which *RET_NEXT is
 * where not. */
static bool challenge_met(const uint8_t *challenge, size_t n, const struct sockaddr_in *peer,
                          uint32_t *ret_next) {
    const uint32_t first = challenge_for(peer);
    const unsigned rotations = convar_number("standin_challenge_rotate", 1000000);
    uint32_t given = n < 4 ? first - 1 : get_u32(challenge);

    if (given - first > rotations)
        given = first - 1;
    *ret_next = given + 1;
    return given - first == rotations;
}

static unsigned n_players(void) {
    return convar_number("standin_players", PLAYERS_MAX);
}

static void put_info(Packet *packet, uint16_t port) {
    const unsigned players = n_players();

    put_byte(packet, 'I');
    put_byte(packet, A2S_PROTOCOL);
    put_string(packet, convar_text("hostname"));
    put_string(packet, convar_text("map"));
    put_string(packet, GAME_DIR);
    put_string(packet, "Left 4 Dead 2");
    put_u16(packet, A2S_APP_ID);
    put_byte(packet, (uint8_t)players);
    put_byte(packet, (uint8_t)convar_number("maxplayers", UINT8_MAX));
    put_byte(packet, players > BOTS_MAX ? BOTS_MAX : 0);
    put_byte(packet, 'd');
    put_byte(packet, 'l');
    put_byte(packet, 0); /* no password */
    put_byte(packet, 1); /* VAC */
    put_string(packet, "2.2.4.3");
    put_byte(packet, 0x80 | 0x10 | 0x20 | 0x01);
    put_u16(packet, port);
    put_u32(packet, 0x12345678); /* the server's Steam ID */
    put_u32(packet, 0x01400001);
    put_string(packet, convar_text("sv_tags"));
    put_u32(packet, A2S_APP_ID);
    put_u32(packet, 0);
}

static void put_players(Packet *packet) {
    static const char *const names[] = {
        "Coach", "\x1b[31mred\x1b[0m", "\xff\xfe not UTF-8",      "<b>&amp;\"'</b>",
        "",      "new\nline\t.",       "Zoë 二 \xf0\x9f\xa7\x9f", "0123456789012345678901234567890",
    };
    const unsigned n = n_players();

    put_byte(packet, 'D');
    put_byte(packet, (uint8_t)n);
    for (unsigned i = 0; i < n; i++) {
        const float seconds = (float)i * 100.5F + 10.25F;
        uint32_t bits;

        memcpy(&bits, &seconds, sizeof(bits));
        put_byte(packet, 0); /* the game's index is always 0 */
        put_string(packet, names[i % (sizeof(names) / sizeof(names[0]))]);
        put_u32(packet, i == 1 ? (uint32_t)-5 : i * 10);
        put_u32(packet, bits);
    }
}

static void send_part(int fd, const Packet *answer, size_t number, uint32_t id,
                      const struct sockaddr_in *peer) {
    const size_t size = convar_number("standin_split", UINT8_MAX), offset = number * size;
    Packet part = {.size = 0};

    put_u32(&part, UINT32_MAX - 1);
    put_u32(&part, id);
    put_byte(&part, (uint8_t)((answer->size + size - 1) / size));
    put_byte(&part, (uint8_t)number);
    put_u16(&part, 1248); /* the engine's default, which holds for no part here */
    put(&part, answer->data + offset, size < answer->size - offset ? size : answer->size - offset);
    (void)sendto(fd, part.data, part.size, 0, (const struct sockaddr *)peer, sizeof(*peer));
}

static void send_answer(int fd, const Packet *answer, const struct sockaddr_in *peer) {
    static uint32_t id;
    const size_t size = convar_number("standin_split", UINT8_MAX);
    const size_t total = size > 0 ? (answer->size + size - 1) / size : 0;

    if (total <= 1) {
        (void)sendto(fd, answer->data, answer->size, 0, (const struct sockaddr *)peer,
                     sizeof(*peer));
        return;
    }
    id = (id + 1) & 0x7fffffff;
    for (size_t i = 0; i < total && !convar_true("standin_split_mess"); i++)
        send_part(fd, answer, i, id, peer);
    for (size_t i = 2 * total; i > 0 && convar_true("standin_split_mess"); i--)
        send_part(fd, answer, (i - 1) / 2, id, peer);
}

static void answer_query(const Sockets *sockets) {
    static const char info_query[] = "TSource Engine Query";
    uint8_t query[1400];
    struct sockaddr_in peer = {.sin_family = AF_INET};
    socklen_t length = sizeof(peer);
    ssize_t n =
        recvfrom(sockets->game_udp_fd, query, sizeof(query), 0, (struct sockaddr *)&peer, &length);
    size_t challenge_at;
    uint32_t next;
    Packet answer = {.size = 0};

    if (n < 5 || get_u32(query) != UINT32_MAX)
        return;
    if (query[4] == 'U')
        challenge_at = 5;
    else if ((size_t)n >= 4 + sizeof(info_query) &&
             memcmp(query + 4, info_query, sizeof(info_query)) == 0)
        challenge_at = 4 + sizeof(info_query);
    else
        return;

    put_u32(&answer, UINT32_MAX);
    if (!challenge_met(query + challenge_at, (size_t)n - challenge_at, &peer, &next)) {
        put_byte(&answer, 'A');
        put_u32(&answer, next);
    } else if (query[4] == 'U') {
        put_players(&answer);
    } else {
        put_info(&answer, sockets->game_port);
    }
    send_answer(sockets->answer_fd, &answer, &peer);
}

/* --- console --------------------------------------------------------------------------------- */

static void answer_status(void) {
    (void)printf(
        "hostname: %s\nversion : 2.2.4.3 secure\nudp/ip  : %s:%s\nos      : Linux Dedicated\n"
        "map     : %s\nplayers : %u humans, 0 bots (%s max)\n# userid name uniqueid\n#end\n",
        convar_text("hostname"), convar_text("ip"), convar_text("hostport"), convar_text("map"),
        n_players(), convar_text("maxplayers"));
}

/* False where it is to leave. */
static bool console_command(const char *line) {
    const char *cursor = line;
    char command[256];

    if (!next_word(&cursor, command, sizeof(command)))
        return true;
    if (strcmp(command, "quit") == 0 || strcmp(command, "exit") == 0)
        return false;
    cursor += strspn(cursor, " ");
    if (strcmp(command, "status") == 0)
        answer_status();
    else if (strcmp(command, "say") == 0)
        (void)printf("Console: %s\n", cursor);
    else if (strcmp(command, "echo") == 0)
        (void)printf("%s\n", cursor);
    else if (strcmp(command, "exec") == 0 || convar_find(command))
        exec_line(line, 0);
    else
        (void)printf("Unknown command \"%s\"\n", command);
    return true;
}

typedef enum { CONSOLE_OPEN, CONSOLE_END, CONSOLE_QUIT } ConsoleState;

/* Reads what there is, as at a frame of the game. */
static ConsoleState read_console(void) {
    static char line[8192];
    static size_t used;
    char buffer[4096];
    ssize_t n = read(STDIN_FILENO, buffer, sizeof(buffer));

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return CONSOLE_OPEN;
    if (n <= 0) {
        say_in_log("console: end");
        return CONSOLE_END;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (buffer[i] != '\n') {
            if (used + 1 < sizeof(line))
                line[used++] = buffer[i];
            continue;
        }
        line[used] = '\0';
        used = 0;
        say_in_log("console=%s", line);
        line[CONSOLE_TEXT_MAX] = '\0';
        if (!console_command(line))
            return CONSOLE_QUIT;
    }
    return CONSOLE_OPEN;
}

/* --- running --------------------------------------------------------------------------------- */

static double now(void) {
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void crash(void) {
    say("crash");
    (void)signal(SIGSEGV, SIG_DFL);
    (void)raise(SIGSEGV);
}

_Noreturn static void hang(void) {
    say("hang");
    for (;;)
        (void)pause();
}

static void leave(void) {
    say("leaving");
    sleep_seconds(convar_seconds("standin_leave"));
    if (convar_true("standin_crash_on_sigint"))
        crash();
    write_demo("end");
    say("left");
}

static bool sigint_arrived(int signal_fd) {
    struct signalfd_siginfo info;
    bool arrived = read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info);

    if (arrived)
        say("sigint%s", convar_true("standin_ignore_sigint") ? ", ignored" : "");
    return arrived && !convar_true("standin_ignore_sigint");
}

static void drain(int fd) {
    char buffer[64];

    while (recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) >= 0)
        ;
}

/* What happens at a time, each once. Hang and spin do not return. */
typedef enum { CRASH, HANG, EXIT, SILENT, SPEAK, SPIN, SPIN_ANSWER, CHANGE, EVENTS } Event;

typedef struct {
    const Sockets *sockets;
    double at[EVENTS]; /* an event that is not asked for lies in the year 30,000 or so */
    bool silent;
} Game;

static double deadline(const char *convar) {
    return convar_text(convar)[0] ? now() + convar_seconds(convar) : 1e12;
}

static void plan_events(Game *game) {
    static const char *const convar[EVENTS] = {
        [CRASH] = "standin_crash",   [HANG] = "standin_hang",
        [EXIT] = "standin_exit",     [SILENT] = "standin_silent",
        [SPEAK] = "standin_silent",  [SPIN] = "standin_spin",
        [CHANGE] = "standin_change", [SPIN_ANSWER] = "standin_spin_answer"};

    for (size_t i = 0; i < EVENTS; i++)
        game->at[i] = deadline(convar[i]);
    game->at[SPEAK] +=
        convar_text("standin_silent_for")[0] ? convar_seconds("standin_silent_for") : 1e12;
}

static void *answer_for_ever(void *userdata) {
    const Sockets *sockets = userdata;
    struct pollfd polled = {.fd = sockets->game_udp_fd, .events = POLLIN};

    for (;;)
        if (poll(&polled, 1, -1) > 0)
            answer_query(sockets);
    return NULL;
}

_Noreturn static void spin(void) {
    say("spin");
    for (volatile unsigned i = 0;; i++)
        ;
}

static void change(void) {
    char players[16];

    (void)snprintf(players, sizeof(players), "%d", atoi(convar_text("standin_players")) + 1);
    convar_set("standin_players", players);
    convar_set("map", "c9m9");
    say("change");
}

/* False when the server is over. */
static bool happen(Game *game, Event event) {
    pthread_t thread;

    game->at[event] = 1e12;
    switch (event) {
    case CRASH:
        crash();
        break;
    case HANG:
        hang();
    case EXIT:
        say("exit");
        return false;
    case SILENT:
    case SPEAK:
        game->silent = event == SILENT;
        say("%s", game->silent ? "silent" : "speak");
        break;
    case SPIN_ANSWER:
        (void)pthread_create(&thread, NULL, answer_for_ever, (void *)(uintptr_t)game->sockets);
        spin();
    case SPIN:
        spin();
    case CHANGE:
        change();
        break;
    case EVENTS:
        break;
    }
    return true;
}

static int until_next(const Game *game) {
    double wait = 3600;

    for (size_t i = 0; i < EVENTS; i++)
        if (game->at[i] - now() < wait)
            wait = game->at[i] - now();
    return wait > 0 ? (int)(wait * 1000) + 1 : 0;
}

static void serve(const Sockets *sockets, int signal_fd) {
    Game game = {.sockets = sockets};
    struct pollfd polls[] = {
        {.fd = signal_fd, .events = POLLIN},
        {.fd = sockets->game_udp_fd, .events = POLLIN},
        {.fd = sockets->game_tcp_fd, .events = POLLIN},
        {.fd = sockets->client_fd, .events = POLLIN},
        {.fd = sockets->tv_fd, .events = POLLIN},
        {.fd = STDIN_FILENO, .events = POLLIN},
    };

    plan_events(&game);
    for (;;) {
        if (poll(polls, sizeof(polls) / sizeof(polls[0]), until_next(&game)) > 0) {
            if (polls[0].revents && sigint_arrived(signal_fd)) {
                leave();
                return;
            }
            if (polls[1].revents && game.silent)
                drain(sockets->game_udp_fd);
            else if (polls[1].revents)
                answer_query(sockets);
            if (polls[2].revents)
                (void)close(accept4(sockets->game_tcp_fd, NULL, NULL, SOCK_CLOEXEC));
            drain(sockets->client_fd);
            drain(sockets->tv_fd);
            if (polls[5].revents)
                switch (read_console()) {
                case CONSOLE_OPEN:
                    break;
                case CONSOLE_END:
                    polls[5].fd = -1;
                    break;
                case CONSOLE_QUIT:
                    leave();
                    return;
                }
        }
        for (size_t i = 0; i < EVENTS; i++)
            if (now() >= game.at[i] && !happen(&game, (Event)i))
                return;
    }
}

/* As plugins do that start a program and forget it. */
static void leave_processes_behind(void) {
    const int orphans = atoi(convar_text("standin_orphans"));
    const bool lasting = convar_true("standin_daemon");

    for (int i = 0; i < orphans + lasting; i++) {
        const pid_t child = fork();

        if (child > 0) {
            (void)waitpid(child, NULL, 0);
            continue;
        }
        if (child < 0 || fork() != 0)
            _exit(0);
        (void)setsid();
        if (i < orphans)
            _exit(0);
        (void)execlp("sh", "standin-daemon", "-c", "trap : INT TERM HUP; while :; do sleep 9; done",
                     (char *)NULL);
        _exit(1);
    }
}

static int sigint_fd(void) {
    sigset_t mask;

    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGINT);
    if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
        return -errno;
    return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Loading can be interrupted, as in the game; its own loop then never runs. */
static bool load(int signal_fd) {
    struct pollfd polled = {.fd = signal_fd, .events = POLLIN};
    const double loaded_at = now() + convar_seconds("standin_slow");

    for (double left; (left = loaded_at - now()) > 0;)
        if (poll(&polled, 1, (int)(left * 1000) + 1) > 0 && sigint_arrived(signal_fd)) {
            leave();
            return false;
        }
    return true;
}

static const char *environment(const char *name) {
    const char *value = getenv(name);

    return value ? value : "";
}

int main(int argc, char *argv[]) {
    int signal_fd = sigint_fd();
    Sockets sockets;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    log_open();
    say("start pid=%ld", (long)getpid());
    say("argc=%d", argc);
    for (int i = 0; i < argc; i++)
        say("argv[%d]=%s", i, argv[i]);
    say("env HOME=%s", environment("HOME"));
    say("env LD_LIBRARY_PATH=%s", environment("LD_LIBRARY_PATH"));

    convars_from_environment();
    convars_from_arguments(argc, argv);
    exec_file("server", 0);
    look_for_steamclient();
    resolve_name();
    write_demo("begin");
    if (!load(signal_fd))
        return EXIT_SUCCESS;

    if (convar_true("standin_hostile"))
        convar_set("map", "evil\nMAINPID=1\nSTATUS=\033[31mowned");
    leave_processes_behind();
    sockets = bind_all(has_argument(argc, argv, "-strictportbind"));
    say("ready");
    serve(&sockets, signal_fd);
    return EXIT_SUCCESS;
}
