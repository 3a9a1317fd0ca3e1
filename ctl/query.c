/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "left4mectl query": what servers answer to A2S_INFO and A2S_PLAYER, asked side by side. Their
 * texts come from anybody and are printed with nothing in them that a terminal would act upon. */

#include "config.h"

#include <inttypes.h>
#include <libsmartcols.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#include "ctl/address.h"
#include "ctl/compiled.h"
#include "ctl/ctl.h"
#include "ctl/servers.h"
#include "ctl/text.h"
#include "query/describe.h"
#include "shared/exit.h"
#include "shared/log.h"

#define TIMEOUT_USEC 2000000U /* for all of a server's answers */

/* A server: one of the operands. */
typedef struct Server {
    const char *operand;
    bool is_instance;
    char error[256]; /* why it could not even be asked, or "" */
} Server;

/* --- Whom to ask ---------------------------------------------------------------------------- */

/* The number of a port, 0 for what is none. */
static uint16_t parse_port(const char *text) {
    unsigned port = 0;

    if (text[0] == '\0' || strlen(text) > 5)
        return 0;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return 0;
        port = port * 10 + (unsigned)(*text - '0');
    }
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* Splits HOST:PORT or [ADDRESS]:PORT. False where it is neither. */
static bool split(const char *operand, char host[static 256], uint16_t *ret_port) {
    const char *colon = strrchr(operand, ':');
    size_t len = (size_t)(colon - operand);

    *ret_port = parse_port(colon + 1);
    if (len > 2 && operand[0] == '[' && colon[-1] == ']') {
        operand++;
        len -= 2;
    } else if (memchr(operand, ':', len) || memchr(operand, '[', len)) {
        return false;
    }
    if (*ret_port == 0 || len == 0 || len > 255)
        return false;
    memcpy(host, operand, len);
    host[len] = '\0';
    return true;
}

static bool check_operand(const char *operand) {
    char host[256];
    uint16_t port;

    if (!strchr(operand, ':'))
        return check_name(operand);
    if (split(operand, host, &port))
        return true;
    log_error("'%s' is no HOST:PORT (an address of IPv6 stands in brackets, as [::1]:27015)",
              operand);
    return false;
}

static void find_host(Server *server, QueryAddress *ret) {
    char host[256];
    uint16_t port;
    const char *why;

    (void)split(server->operand, host, &port);
    why = address_resolve(host, port, ret);
    if (why)
        (void)snprintf(server->error, sizeof(server->error), "cannot find '%.100s': %s", host, why);
}

static void find_instance(Server *server, int instances_fd, QueryAddress *ret) {
    static Spec spec;
    char host[256];
    const char *why = NULL;
    int error = 0;
    SpecState state = SPEC_MISSING;

    if (instances_fd >= 0)
        state = spec_inspect(instances_fd, server->operand, &spec, NULL, NULL, &error);
    if (state != SPEC_OK) {
        (void)snprintf(server->error, sizeof(server->error),
                       "cannot tell its port: its spec is %s; see 'left4mectl check %s'",
                       spec_state_name(state), server->operand);
        return;
    }
    if (address_of_server(spec.args, spec.port, ret, host) < 0)
        why = address_resolve(host, spec.port, ret);
    if (why)
        (void)snprintf(server->error, sizeof(server->error),
                       "cannot find '%.100s', which its '-ip' says: %s", host, why);
}

/* Finds the addresses. Those that have none keep 0 for theirs. */
static void find_all(Server servers[], Query queries[], size_t n) {
    _cleanup_close_ int instances_fd = -EBADF;

    for (size_t i = 0; i < n; i++)
        if (servers[i].is_instance && instances_fd == -EBADF)
            instances_fd = open_instances(true);
    for (size_t i = 0; i < n; i++)
        if (servers[i].is_instance)
            find_instance(&servers[i], instances_fd, &queries[i].address);
        else
            find_host(&servers[i], &queries[i].address);
}

/* --- As text -------------------------------------------------------------------------------- */

#define LABEL "%12s: "

static void put_field(const char *label, const char *text) {
    (void)printf(LABEL, label);
    text_write(stdout, text);
    (void)putchar('\n');
}

static const char *type_name(char type) {
    return type == 'd' ? "dedicated" : type == 'l' ? "listen" : type == 'p' ? "proxy" : "unknown";
}

static const char *os_name(char os) {
    return os == 'l'                ? "linux"
           : os == 'w'              ? "windows"
           : os == 'm' || os == 'o' ? "macos"
                                    : "unknown";
}

static void print_info(const A2sInfo *info) {
    put_field("Name", info->name);
    put_field("Map", info->map);
    (void)printf(LABEL, "Game");
    text_write(stdout, info->game);
    (void)fputs(" (", stdout);
    text_write(stdout, info->folder);
    (void)printf(", app %u)\n", info->app_id);
    (void)printf(LABEL "%u/%u", "Players", info->players, info->max_players);
    if (info->bots > 0)
        (void)printf(", %u of them %s", info->bots, info->bots == 1 ? "a bot" : "bots");
    (void)printf("\n" LABEL "%s, %s, version ", "Server", type_name(info->type), os_name(info->os));
    text_write(stdout, info->version);
    (void)printf("%s%s\n", info->vac ? ", VAC" : "", info->password ? ", password" : "");
    if (info->extra & A2S_EXTRA_TV) {
        (void)printf(LABEL "port %u, ", "SourceTV", info->tv_port);
        text_write(stdout, info->tv_name);
        (void)putchar('\n');
    }
    if (info->keywords && info->keywords[0] != '\0')
        put_field("Keywords", info->keywords);
    if (info->steam_id != 0)
        (void)printf(LABEL "%" PRIu64 "\n", "Steam ID", info->steam_id);
}

static const char *format_seconds(float seconds, char buf[static FORMAT_MAX]) {
    unsigned long s;

    if (!(seconds >= 0 && seconds < 1e8F)) {
        (void)snprintf(buf, FORMAT_MAX, "-");
        return buf;
    }
    s = (unsigned long)seconds;
    (void)snprintf(buf, FORMAT_MAX, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    return buf;
}

/* libsmartcols escapes what text_write() would, by itself and once. */
static int add_player(struct libscols_table *table, const A2sPlayer *player) {
    struct libscols_line *line = scols_table_new_line(table, NULL);
    char score[FORMAT_MAX], time[FORMAT_MAX];
    int r;

    if (!line)
        return -ENOMEM;
    (void)snprintf(score, sizeof(score), "%" PRId32, player->score);
    r = scols_line_set_data(line, 0, player->name);
    if (r >= 0)
        r = scols_line_set_data(line, 1, score);
    return r < 0 ? r : scols_line_set_data(line, 2, format_seconds(player->seconds, time));
}

static int print_players(A2sPlayers players) {
    struct libscols_table *table = scols_new_table();
    A2sPlayer player;
    int r = table ? 0 : -ENOMEM;

    if (r >= 0 && (!scols_table_new_column(table, "PLAYER", 32, 0) ||
                   !scols_table_new_column(table, "SCORE", 6, SCOLS_FL_RIGHT) ||
                   !scols_table_new_column(table, "TIME", 8, SCOLS_FL_RIGHT)))
        r = -ENOMEM;
    if (r >= 0)
        r = scols_table_enable_noheadings(table, arg_no_headings);
    while (r >= 0 && a2s_next_player(&players, &player))
        r = add_player(table, &player);
    if (r >= 0)
        r = scols_print_table(table);
    if (table)
        scols_unref_table(table);
    return r;
}

static int print_answer(const Server *server, const Query *q) {
    char address[ADDRESS_TEXT_MAX], source[ADDRESS_TEXT_MAX], message[QUERY_MESSAGE_MAX];

    text_write(stdout, server->operand);
    (void)putchar('\n');
    (void)printf(LABEL "%s", "Address", address_text(&q->address, address));
    if (strcmp(address_text(&q->source, source), address) != 0)
        (void)printf(" (answers from %s)", source);
    (void)putchar('\n');
    print_info(&q->info);
    (void)printf(LABEL "%" PRIu64 ".%03" PRIu64 " ms\n", "Latency", q->latency_usec / 1000,
                 q->latency_usec % 1000);
    if (q->players_outcome != QUERY_ANSWERED) {
        log_warning("%s: the players were not told: %s", server->operand,
                    query_describe(q, q->players_outcome, message));
        return 0;
    }
    if (q->players.left == 0)
        return 0;
    (void)putchar('\n');
    return print_players(q->players);
}

/* --- As JSON -------------------------------------------------------------------------------- */

/* What needs more than 53 bits is a text in JSON: many readers would round it. */
static json_t *id_json(uint64_t id, bool known) {
    char text[24];

    if (!known)
        return json_null();
    (void)snprintf(text, sizeof(text), "%" PRIu64, id);
    return json_string(text);
}

static json_t *info_json(const A2sInfo *info) {
    const bool tv = info->extra & A2S_EXTRA_TV;

    return json_pack(
        "{s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:i, s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:o, "
        "s:o, s:o, s:o}",
        "name", text_json(info->name), "map", text_json(info->map), "folder",
        text_json(info->folder), "game", text_json(info->game), "app_id", info->app_id, "protocol",
        info->protocol, "players", info->players, "max_players", info->max_players, "bots",
        info->bots, "type", type_name(info->type), "os", os_name(info->os), "password",
        info->password, "vac", info->vac, "version", text_json(info->version), "port",
        info->extra & A2S_EXTRA_PORT ? json_integer(info->port) : json_null(), "steam_id",
        id_json(info->steam_id, info->extra & A2S_EXTRA_STEAM_ID), "tv_port",
        tv ? json_integer(info->tv_port) : json_null(), "tv_name", text_json(info->tv_name),
        "keywords", text_json(info->keywords), "game_id",
        id_json(info->game_id, info->extra & A2S_EXTRA_GAME_ID));
}

static json_t *players_json(A2sPlayers players) {
    json_t *array = json_array();
    A2sPlayer player;

    while (array && a2s_next_player(&players, &player)) {
        json_t *object =
            json_pack("{s:i, s:o, s:I, s:o}", "index", player.index, "name", text_json(player.name),
                      "score", (json_int_t)player.score, "seconds",
                      isfinite(player.seconds) ? json_real((double)player.seconds) : json_null());

        if (json_array_append_new(array, object) < 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

static json_t *server_json(const Server *server, const Query *q) {
    const bool asked = server->error[0] == '\0';
    const bool answered = asked && q->outcome == QUERY_ANSWERED;
    char address[ADDRESS_TEXT_MAX], source[ADDRESS_TEXT_MAX], message[QUERY_MESSAGE_MAX];

    return json_pack(
        "{s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "server", text_json(server->operand),
        "name", server->is_instance ? text_json(server->operand) : json_null(), "address",
        asked ? json_string(address_text(&q->address, address)) : json_null(), "result",
        asked ? server_outcome_name(q->outcome) : "failed", "message",
        asked ? query_describe(q, q->outcome, message) : server->error, "source",
        answered ? json_string(address_text(&q->source, source)) : json_null(), "latency_usec",
        answered ? json_integer((json_int_t)q->latency_usec) : json_null(), "info",
        answered ? info_json(&q->info) : json_null(), "players",
        answered && q->players_outcome == QUERY_ANSWERED ? players_json(q->players) : json_null());
}

static int print_servers_json(const Server servers[], const Query queries[], size_t n) {
    json_t *array = json_array();

    for (size_t i = 0; array && i < n; i++)
        if (json_array_append_new(array, server_json(&servers[i], &queries[i])) < 0) {
            json_decref(array);
            array = NULL;
        }
    return print_json(array);
}

/* --- All together --------------------------------------------------------------------------- */

static void report(const Server *server, const Query *q) {
    char address[ADDRESS_TEXT_MAX], message[QUERY_MESSAGE_MAX];
    const char *why = query_describe(q, q->outcome, message);

    if (strcmp(server->operand, address_text(&q->address, address)) == 0)
        log_error("%s: %s", address, why);
    else
        log_error("%s (%s): %s", server->operand, address, why);
}

static int print_servers(const Server servers[], const Query queries[], size_t n) {
    bool first = true;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < n; i++) {
        const Query *q = &queries[i];

        if (servers[i].error[0] != '\0') {
            log_error("%s: %s", servers[i].operand, servers[i].error);
        } else if (q->outcome != QUERY_ANSWERED) {
            report(&servers[i], q);
        } else if (!arg_json) {
            if (!first)
                (void)putchar('\n');
            first = false;
            r = print_answer(&servers[i], q);
        }
    }
    if (arg_json)
        return print_servers_json(servers, queries, n);
    if (r >= 0 && (fflush(stdout) != 0 || ferror(stdout)))
        r = -EIO;
    if (r >= 0)
        return EXIT_DONE;
    log_error("cannot print the answers: %s", strerror(-r));
    return EXIT_FAILED;
}

int verb_query(int n, char *operands[]) {
    const size_t count = (size_t)n;
    _cleanup_free_ Server *servers = calloc(count, sizeof(*servers));
    _cleanup_free_ Query *queries = calloc(count, sizeof(*queries));
    int status = EXIT_DONE, printed;

    /* For libsmartcols: how wide the letters of a name are, and which can be shown. */
    (void)setlocale(LC_CTYPE, "");
    if (!servers || !queries) {
        log_error("no memory");
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        if (!check_operand(operands[i]))
            return EXIT_USAGE;
        servers[i].operand = operands[i];
        servers[i].is_instance = !strchr(operands[i], ':');
        queries[i].want_players = true;
    }
    find_all(servers, queries, count);
    if (servers_ask(queries, count, TIMEOUT_USEC) < 0) {
        log_error("no memory");
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < count; i++)
        if (servers[i].error[0] != '\0' || queries[i].outcome != QUERY_ANSWERED)
            status = EXIT_FAILED;
    printed = print_servers(servers, queries, count);
    return status == EXIT_DONE ? printed : status;
}
