/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* left4me-run is the main process of left4me-server@NAME.service, and the game is its child. It
 * tells systemd what systemd cannot see: that the server answers (READY=1), what is played
 * (STATUS=), that it still answers (WATCHDOG=1). For that it asks the server itself, by A2S_INFO as
 * players do, and an answer counts only if the socket that has the port is the game's own.
 *
 * Signals go to the game's process group. A game that does not leave upon a stop is killed: the
 * unit's TimeoutStopSec= is not for that, as it limits ExecStopPost= as well, and to be killed
 * there means a tree that stays mounted. It ends as the game ended, status or signal, except that a
 * game which crashes on its way out after a requested stop has stopped. Nothing of the game
 * outlives it.
 *
 * After its start it allocates nothing and waits in one place; once the server is up it wakes up
 * for one timer in each interval, and for the answer. */

#include "config.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "helpers/game.h"
#include "helpers/notify.h"
#include "helpers/port-owner.h"
#include "helpers/procs.h"
#include "query/address.h"
#include "query/describe.h"
#include "shared/exit.h"
#include "shared/log.h"
#include "shared/macros.h"
#include "shared/utf8.h"
#include "spec/timing.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define NEVER UINT64_MAX

#define FIRST_ASK_USEC (USEC_PER_SEC / 4)
#define LOADING_INTERVAL USEC_PER_SEC    /* while it has not answered yet */
#define INTERVAL_MAX (10 * USEC_PER_SEC) /* then: a quarter of the watchdog's time, or this */
#define KILL_USEC (5 * USEC_PER_SEC)     /* for the game to end upon what we sent */
#define STOP_USEC (15 * USEC_PER_SEC)    /* likewise, upon a stop */
#define STOP_USEC_MIN USEC_PER_SEC
#define STOP_USEC_MAX (120 * USEC_PER_SEC)    /* below the unit's TimeoutStopSec= */
#define KILLED_USEC (20 * USEC_PER_SEC)       /* for it to end upon SIGKILL */
#define LEFTOVERS_USEC (5 * USEC_PER_SEC)     /* for the kernel to end what was killed */
#define READY_MARGIN_USEC (30 * USEC_PER_SEC) /* systemd's own time-out comes after ours */
#define SILENCE_TOLD_MAX (60 * USEC_PER_SEC)  /* silence that is worth a message */
#define STATUS_MAX 400

/* CPU time of the game at a moment. */
typedef struct Sample {
    uint64_t at; /* 0: none */
    ProcsCpu cpu;
} Sample;

typedef struct Run {
    Timing timing;
    uint64_t stop_timeout;
    Game game;
    Query query;
    PortOwner owner;
    Notify notify;
    int signal_fd, timer_fd;
    char address[ADDRESS_TEXT_MAX];

    uint64_t interval, started_at, ask_at;
    uint64_t kill_at;     /* or given up, once it was killed */
    uint64_t patience;    /* for how long that was waited for */
    uint64_t answered_at; /* the last time; 0: never */
    Sample sample;        /* at the last answer or the first one missed, or before there was any */
    char last_status[STATUS_MAX];
    char other[STATUS_MAX]; /* who has the port in the game's place, as it was told last */
    uint64_t spins_since;   /* while it answers; 0: it does not */
    bool silent, silence_told, spin_told, unknown_told;

    bool ready, stop_requested, aborted, start_failed, killed, stuck;
} Run;

static double seconds(uint64_t usec) {
    return (double)usec / (double)USEC_PER_SEC;
}

/* --- What the game does with the CPU -------------------------------------------------------- */

/* The process that has the socket: srcds_run may have the game for its child. */
static pid_t game_process(const Run *run) {
    return run->owner.pid > 0 ? run->owner.pid : run->game.pid;
}

static void take_sample(Run *run, uint64_t now) {
    run->sample.at = procs_cpu(game_process(run), &run->sample.cpu) < 0 ? 0 : now;
}

/* How many percent of a core it used since the last sample, and how many percent of the time its
 * main thread ran or was ready to. Returns whether that can be told. */
static bool cpu_since(const Run *run, uint64_t now, unsigned *ret_process, unsigned *ret_main) {
    const Sample *before = &run->sample;
    ProcsCpu cpu;

    if (before->at == 0 || now < before->at + USEC_PER_SEC / 2 ||
        procs_cpu(game_process(run), &cpu) < 0 || cpu.process < before->cpu.process ||
        cpu.main_thread < before->cpu.main_thread)
        return false;
    *ret_process = (unsigned)((cpu.process - before->cpu.process) * 100 / (now - before->at));
    *ret_main = (unsigned)((cpu.main_thread - before->cpu.main_thread) * 100 / (now - before->at));
    return true;
}

enum { SPINS_PERCENT = 90, IDLE_PERCENT = 1 };

/* Why a game that does not answer may not, by what it did since the last sample. */
static const char *diagnose(const Run *run, uint64_t now, char text[static 128]) {
    unsigned process, main_thread;

    if (!cpu_since(run, now, &process, &main_thread))
        (void)snprintf(text, 128, "what it does meanwhile cannot be told");
    else if (main_thread >= SPINS_PERCENT)
        (void)snprintf(text, 128, "its main thread spins: it never waits");
    else if (process <= IDLE_PERCENT)
        (void)snprintf(text, 128, "it hangs: it uses no CPU");
    else
        (void)snprintf(text, 128, "it uses %u%% of a core meanwhile", process);
    return text;
}

/* A game may go on answering, from another thread, while its main thread does nothing else any
 * more. Too many players may look the same, so this is a warning. */
static void watch_main_thread(Run *run, uint64_t now) {
    const uint64_t patience =
        run->timing.watchdog < SILENCE_TOLD_MAX ? run->timing.watchdog : SILENCE_TOLD_MAX;
    unsigned process, main_thread;

    if (!cpu_since(run, now, &process, &main_thread))
        return;
    if (main_thread < SPINS_PERCENT) {
        run->spins_since = 0;
        run->spin_told = false;
        return;
    }
    if (run->spins_since == 0)
        run->spins_since = run->sample.at;
    if (run->spin_told || now - run->spins_since < patience)
        return;
    log_warning("the server answers, but its main thread spins: it has not waited for %.0f s; an "
                "endless loop, or more load than it can bear",
                seconds(now - run->spins_since));
    run->spin_told = true;
}

/* --- An end that is wanted ------------------------------------------------------------------ */

static void expect_end(Run *run, uint64_t now, uint64_t patience) {
    if (run->killed || now + patience >= run->kill_at)
        return;
    run->kill_at = now + patience;
    run->patience = patience;
}

/* What does not end of SIGKILL is stuck in the kernel. systemd goes on to take the tree down. */
static void enforce_end(Run *run, uint64_t now) {
    if (run->killed) {
        log_error("the game does not end of SIGKILL either, leaving it to systemd: process %d",
                  (int)run->game.pid);
        run->stuck = true;
        return;
    }
    /* First: what follows may wait for systemd or the journal. */
    game_kill(&run->game);
    run->killed = true;
    run->kill_at = now + KILLED_USEC;
    log_warning("the game did not end in %.0f s: killed it", seconds(run->patience));
    if (run->stop_requested && !run->start_failed && !run->aborted)
        notify_send(&run->notify, "STATUS=killed: it did not end in %.0f s",
                    seconds(run->patience));
}

/* --- Answers -------------------------------------------------------------------------------- */

/* Appends TEXT with a question mark for each byte that is none of it: no UTF-8, which systemd would
 * refuse, a control character (a newline begins another word to systemd), or a backslash, which it
 * takes for an escape. */
static size_t put_text(char buf[static STATUS_MAX], size_t used, const char *text) {
    size_t left = strlen(text);

    while (left > 0) {
        uint32_t c;
        const unsigned n = utf8_decode(text, left, &c);
        const bool keep = n > 0 && !utf8_is_control(c) && c != '\\';
        const size_t len = keep ? n : 1;

        if (used + len >= STATUS_MAX)
            break;
        memcpy(buf + used, keep ? text : "?", len);
        used += len;
        text += len;
        left -= len;
    }
    buf[used] = '\0';
    return used;
}

/* All text of an answer may be hostile. */
static void render_status(const A2sInfo *info, char buf[static STATUS_MAX]) {
    char text[64];
    size_t used = put_text(buf, 0, info->map);

    (void)snprintf(text, sizeof(text), ", %u/%u players", info->players, info->max_players);
    used = put_text(buf, used, text);
    if (info->bots > 0) {
        (void)snprintf(text, sizeof(text), " (%u %s)", info->bots,
                       info->bots == 1 ? "bot" : "bots");
        used = put_text(buf, used, text);
    }
    used = put_text(buf, used, ", version ");
    (void)put_text(buf, used, info->version);
}

/* Whether the answer that came is the game's own. */
static bool answer_counts(Run *run) {
    char name[PORT_OWNER_NAME_MAX], other[STATUS_MAX];
    const int kind = port_owner_find(&run->owner, &run->query.address, run->game.pid, name);

    if (kind == PORT_OWNER_OURS) {
        run->other[0] = '\0';
        return true;
    }
    if (kind == PORT_OWNER_NONE)
        return false; /* it answered and is gone since */
    if (kind < 0 || kind == PORT_OWNER_UNKNOWN) {
        if (!run->unknown_told)
            log_warning("cannot tell whose socket has %s%s%s, ignoring: what answers there counts "
                        "as this server",
                        run->address, kind < 0 ? ": " : "", kind < 0 ? strerror(-kind) : "");
        run->unknown_told = true;
        return true;
    }
    /* A process may call itself anything. */
    (void)put_text(other, 0, name);
    if (strcmp(other, run->other) != 0) {
        char ports[64];

        port_owner_ports(ports, sizeof(ports));
        log_error("another server answers at %s: '%s', %s; its answer does not count%s%s%s",
                  run->address, run->query.info.name, other,
                  ports[0] != '\0' ? " (this one has bound UDP " : "", ports,
                  ports[0] != '\0' ? ")" : "");
        memcpy(run->other, other, sizeof(run->other));
    }
    notify_send(&run->notify, "STATUS=another server answers at %s: %s", run->address, run->other);
    return false;
}

static void first_answer(Run *run, uint64_t now) {
    const uint64_t interval = run->timing.watchdog / 4;

    if (!run->ready) {
        log_notice("ready after %.1f s: %s", seconds(now - run->started_at), run->last_status);
        notify_send(&run->notify, "READY=1");
    }
    run->ready = true;
    run->interval = interval < INTERVAL_MAX ? interval : INTERVAL_MAX;
    run->ask_at = now + run->interval;
    if (run->timing.watchdog != TIMING_OFF)
        notify_send(&run->notify, "WATCHDOG_USEC=%" PRIu64, run->timing.watchdog);
}

static void take_answer(Run *run, uint64_t now) {
    if (!answer_counts(run))
        return;
    if (run->silence_told)
        log_notice("the server answers again, after %.0f s", seconds(now - run->answered_at));
    run->silent = run->silence_told = false;
    render_status(&run->query.info, run->last_status);
    if (run->answered_at == 0)
        first_answer(run, now);
    notify_send(&run->notify, "STATUS=%s\nWATCHDOG=1", run->last_status);
    watch_main_thread(run, now);
    run->answered_at = now;
    take_sample(run, now);
}

/* An interval without an answer is over. */
static void miss_answer(Run *run, uint64_t now) {
    const bool watched = run->timing.watchdog != TIMING_OFF;
    const uint64_t worth = watched && run->timing.watchdog / 2 < SILENCE_TOLD_MAX
                               ? run->timing.watchdog / 2
                               : SILENCE_TOLD_MAX;
    char why[QUERY_MESSAGE_MAX], does[128];
    uint64_t silence;

    if (run->answered_at == 0 || run->query.outcome == QUERY_ANSWERED)
        return;
    silence = now - run->answered_at;
    (void)query_describe(&run->query, run->query.outcome, why);
    notify_send(&run->notify, "STATUS=no answer for %.0f s (%s); before: %s", seconds(silence), why,
                run->last_status);
    if (!run->silent) {
        /* From here on it is looked at what it does: before, it may just have answered. */
        run->silent = true;
        take_sample(run, now);
        return;
    }
    if (run->silence_told || silence < worth)
        return;
    run->silence_told = true;
    (void)diagnose(run, now, does);
    if (watched)
        log_warning("no answer from %s for %.0f s (%s), and %s; after %.0f s the watchdog ends it",
                    run->address, seconds(silence), why, does, seconds(run->timing.watchdog));
    else
        log_warning("no answer from %s for %.0f s (%s), and %s; the watchdog is off", run->address,
                    seconds(silence), why, does);
}

/* --- Before the first answer ---------------------------------------------------------------- */

static bool waits_for_ready(const Run *run) {
    return !run->ready && run->timing.ready == TIMING_READY_QUERY;
}

static uint64_t ready_deadline(const Run *run) {
    return run->started_at + run->timing.ready_timeout;
}

/* What is diagnosed at the deadline is the second half of the time. */
static void sample_while_loading(Run *run, uint64_t now) {
    if (run->sample.at == 0 || (now > run->started_at + run->timing.ready_timeout / 2 &&
                                run->sample.at < run->started_at + run->timing.ready_timeout / 2))
        take_sample(run, now);
}

static void fail_start(Run *run, uint64_t now) {
    char why[QUERY_MESSAGE_MAX], does[128], ports[64];

    query_end(&run->query);
    if (run->other[0] != '\0')
        (void)snprintf(why, sizeof(why), "another server answers there: %.*s",
                       (int)sizeof(why) - 40, run->other);
    else
        (void)query_describe(&run->query, run->query.outcome, why);
    (void)diagnose(run, now, does);
    port_owner_ports(ports, sizeof(ports));
    log_error(
        "no answer from %s within the ready_timeout of %.0f s (%s), and %s; UDP ports that it "
        "has bound: %s",
        run->address, seconds(run->timing.ready_timeout), why, does,
        ports[0] != '\0' ? ports : "none");
    notify_send(&run->notify, "STATUS=no answer from %s within %.0f s (%s), and %s", run->address,
                seconds(run->timing.ready_timeout), why, does);
    run->start_failed = true;
    game_signal(&run->game, SIGINT);
    expect_end(run, now, KILL_USEC);
}

/* --- Events --------------------------------------------------------------------------------- */

static bool is_ending(const Run *run) {
    return run->stop_requested || run->aborted || run->start_failed;
}

static void ask(Run *run, uint64_t now) {
    query_end(&run->query);
    miss_answer(run, now);
    if (run->answered_at == 0)
        sample_while_loading(run, now);
    query_begin(&run->query, run->interval);
    run->ask_at = now + run->interval;
}

static void handle_time(Run *run) {
    const uint64_t now = query_now();

    if (now >= run->kill_at)
        enforce_end(run, now);
    if (is_ending(run))
        return;
    if (waits_for_ready(run) && now >= ready_deadline(run))
        fail_start(run, now);
    else if (now >= run->ask_at)
        ask(run, now);
}

static void handle_answer(Run *run) {
    query_receive(&run->query);
    if (run->query.outcome == QUERY_ANSWERED && !is_ending(run))
        take_answer(run, query_now());
}

/* systemd's watchdog, or somebody who wants a core. */
static void handle_abort(Run *run, uint64_t now) {
    char does[128];

    (void)diagnose(run, now, does);
    game_signal(&run->game, SIGABRT);
    game_signal(&run->game, SIGCONT);
    run->aborted = true;
    expect_end(run, now, KILL_USEC);
    if (run->answered_at > 0 && run->timing.watchdog != TIMING_OFF &&
        now - run->answered_at >= run->timing.watchdog)
        log_error("no answer from %s for %.0f s, and %s: the watchdog ends it", run->address,
                  seconds(now - run->answered_at), does);
}

static void handle_signals(Run *run) {
    struct signalfd_siginfo info;

    while (read(run->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        const int signal = (int)info.ssi_signo;

        if (signal == SIGCHLD) {
            (void)game_reap(&run->game);
            continue;
        }
        if (signal == SIGABRT) {
            handle_abort(run, query_now());
            continue;
        }
        game_signal(&run->game, signal);
        if (signal == SIGINT || signal == SIGTERM) {
            run->stop_requested = true;
            expect_end(run, query_now(), run->stop_timeout);
            notify_send(&run->notify, "STOPPING=1\nSTATUS=stopping");
        }
    }
    if (is_ending(run))
        query_end(&run->query);
}

static uint64_t next_time(const Run *run) {
    uint64_t next = run->kill_at;

    if (is_ending(run))
        return next;
    if (waits_for_ready(run) && ready_deadline(run) < next)
        next = ready_deadline(run);
    return run->ask_at < next ? run->ask_at : next;
}

/* Waits for what comes next, and deals with it. */
static int handle_next(Run *run) {
    const uint64_t at = next_time(run);
    const struct itimerspec spec = {
        .it_value = {.tv_sec = at == NEVER ? 0 : (time_t)(at / USEC_PER_SEC),
                     .tv_nsec = at == NEVER ? 0 : (long)(at % USEC_PER_SEC) * 1000}};
    struct pollfd fds[] = {{.fd = run->signal_fd, .events = POLLIN},
                           {.fd = run->timer_fd, .events = POLLIN},
                           {.fd = run->query.fd, .events = POLLIN}};
    uint64_t expirations;

    if (timerfd_settime(run->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0)
        return -errno;
    if (poll(fds, ELEMENTSOF(fds), -1) < 0)
        return errno == EINTR ? 0 : -errno;
    if (fds[0].revents)
        handle_signals(run);
    if (run->game.has_ended)
        return 0;
    if (fds[2].revents)
        handle_answer(run);
    if (fds[1].revents && read(run->timer_fd, &expirations, sizeof(expirations)) > 0)
        handle_time(run);
    return 0;
}

/* --- The end -------------------------------------------------------------------------------- */

/* Kills what the game left and waits for it, so that nothing holds the mount when it is to be taken
 * down. What is stuck in the kernel is left to systemd. */
static void end_leftovers(Run *run) {
    const uint64_t deadline = query_now() + LEFTOVERS_USEC;

    while (game_reap(&run->game) && query_now() < deadline) {
        struct pollfd fd = {.fd = run->signal_fd, .events = POLLIN};
        struct signalfd_siginfo info;

        game_kill(&run->game);
        if (poll(&fd, 1, 100) > 0)
            (void)!read(run->signal_fd, &info, sizeof(info));
    }
}

/* Dies of signal NUMBER as the game did, without a core beside the game's. */
static _Noreturn void die_of(int number) {
    sigset_t set;

    /* core(5): what a core is piped to gets it also where RLIMIT_CORE is 0. */
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, number);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
    _exit(128 + number);
}

static bool is_crash(int signal) {
    return signal == SIGSEGV || signal == SIGABRT || signal == SIGBUS || signal == SIGFPE ||
           signal == SIGILL;
}

/* An end that nobody asked for. Of one before the first answer systemd says "protocol" and no more,
 * and of one with status 0 later on nothing at all. */
static void tell_end(const Run *run) {
    const int status = run->game.status;
    char how[64];

    if (is_ending(run))
        return;
    if (WIFSIGNALED(status))
        (void)snprintf(how, sizeof(how), "of signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else
        (void)snprintf(how, sizeof(how), "with status %d", WEXITSTATUS(status));
    if (run->ready) {
        log_notice("the game ended %s, by itself", how);
        return;
    }
    log_error("the game ended %s before it answered", how);
    notify_send(&run->notify, "STATUS=the game ended %s before it answered", how);
}

/* The signal that ended it, or 0. A shell that did not have the game take its place, as srcds_run
 * does not with -debug, ends with 128 and the number of the signal. */
static int signal_of(int status) {
    if (WIFSIGNALED(status))
        return WTERMSIG(status);
    return WEXITSTATUS(status) > 128 ? WEXITSTATUS(status) - 128 : 0;
}

static int end_as_it_ended(const Run *run) {
    const int status = run->game.status;

    if (run->start_failed)
        return EXIT_FAILED;
    if (run->stop_requested && !run->aborted && is_crash(signal_of(status))) {
        log_notice("the game crashed (SIG%s) on its way out, after the stop",
                   sigabbrev_np(signal_of(status)));
        return EXIT_DONE;
    }
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    die_of(WTERMSIG(status));
}

/* --- The start ------------------------------------------------------------------------------ */

static int read_timing(Timing *ret) {
    Timing timing = {.ready = TIMING_READY_QUERY};

    (void)timespan_parse(TIMING_READY_TIMEOUT_DEFAULT, &timing.ready_timeout);
    (void)timespan_parse(TIMING_WATCHDOG_DEFAULT, &timing.watchdog);
    for (size_t i = 0; i < TIMING_FIELDS; i++) {
        const TimingField *field = &timing_fields[i];
        const char *value = getenv(field->variable);

        if (value && field->parse(value, &timing) < 0) {
            log_error("%s=%s in the environment: it is %s", field->variable, value,
                      field->expected);
            return EXIT_CONFIGURATION;
        }
    }
    *ret = timing;
    return EXIT_DONE;
}

static int read_stop_timeout(Run *run) {
    const char *value = getenv("L4D2_STOP_TIMEOUT");

    run->stop_timeout = STOP_USEC;
    if (!value || (timespan_parse(value, &run->stop_timeout) >= 0 &&
                   run->stop_timeout >= STOP_USEC_MIN && run->stop_timeout <= STOP_USEC_MAX))
        return EXIT_DONE;
    log_error("L4D2_STOP_TIMEOUT=%s in the environment: it is a time from 1s to 2min", value);
    return EXIT_CONFIGURATION;
}

static int read_address(Run *run) {
    const char *port_text = getenv("L4D2_PORT"), *args = getenv("L4D2_ARGS");
    char host[256], *end;
    unsigned long port = port_text ? strtoul(port_text, &end, 10) : 0;

    if (port < 1 || port > UINT16_MAX || *end != '\0') {
        log_error("L4D2_PORT in the environment is %s%s", port_text ? "no port: " : "missing",
                  port_text ? port_text : "");
        return EXIT_CONFIGURATION;
    }
    if (address_of_server(args ? args : "", (uint16_t)port, &run->query.address, host) < 0) {
        log_warning("-ip in the arguments is no address in numbers: asking on loopback");
        (void)address_of_server("", (uint16_t)port, &run->query.address, host);
    }
    (void)address_text(&run->query.address, run->address);
    return EXIT_DONE;
}

/* The signals that are handed on, SIGCHLD, and SIGPIPE, which is not wanted: the journal may go
 * away for a moment. */
static int block_signals(Run *run, sigset_t *ret_former) {
    static const int signals[] = {SIGCHLD, SIGHUP,  SIGINT,  SIGQUIT, SIGABRT,
                                  SIGTERM, SIGUSR1, SIGUSR2, SIGCONT};
    sigset_t read, blocked;

    /* Where it was ignored there would be no child to wait for. */
    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigemptyset(&read);
    for (size_t i = 0; i < ELEMENTSOF(signals); i++)
        (void)sigaddset(&read, signals[i]);
    blocked = read;
    (void)sigaddset(&blocked, SIGPIPE);
    if (sigprocmask(SIG_BLOCK, &blocked, ret_former) < 0)
        return -errno;
    run->signal_fd = signalfd(-1, &read, SFD_CLOEXEC | SFD_NONBLOCK);
    return run->signal_fd < 0 ? -errno : 0;
}

static int prepare(Run *run, sigset_t *ret_former) {
    int r = notify_open(&run->notify);

    if (r >= 0)
        r = block_signals(run, ret_former);
    if (r >= 0) {
        run->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        r = run->timer_fd < 0 ? -errno : 0;
    }
    if (r >= 0)
        return EXIT_DONE;
    log_error("cannot prepare to run the game: %s", strerror(-r));
    return EXIT_FAILED;
}

/* The console's FIFO, by sd_listen_fds(3): systemd hands it over as descriptor 3. Not by the unit's
 * StandardInput=socket: when the socket ends before the game, as it does upon the watchdog or the
 * OOM killer, ExecStopPost= would have no standard input to start with, and the tree stay mounted.
 * Returns the descriptor, or -EBADF where there is none. */
static int take_console(void) {
    enum { LISTEN_FD = 3 };
    const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
    const bool ours = pid && n && atol(pid) == getpid() && atol(n) >= 1;
    struct stat st;
    int flags;

    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    if (!ours || fstat(LISTEN_FD, &st) < 0 || !S_ISFIFO(st.st_mode))
        return -EBADF;
    /* systemd polls it; a game that reads is to wait. */
    flags = fcntl(LISTEN_FD, F_GETFL);
    if (flags < 0 || fcntl(LISTEN_FD, F_SETFL, flags & ~O_NONBLOCK) < 0 ||
        fcntl(LISTEN_FD, F_SETFD, FD_CLOEXEC) < 0)
        return -EBADF;
    return LISTEN_FD;
}

static void tell_start(const Run *run) {
    if (run->timing.ready == TIMING_READY_STARTED)
        notify_send(&run->notify, "READY=1\nSTATUS=started; no answer from %s yet", run->address);
    else
        notify_send(&run->notify,
                    "STATUS=loading: no answer from %s yet\nEXTEND_TIMEOUT_USEC=%" PRIu64,
                    run->address, run->timing.ready_timeout + READY_MARGIN_USEC);
}

static int run_game(char *argv[]) {
    static Run run;
    const int console_fd = take_console();
    sigset_t former;
    int r, status = read_timing(&run.timing);

    run.interval = LOADING_INTERVAL;
    run.kill_at = NEVER;
    run.query.fd = -EBADF;
    run.query.repeated = true;
    if (status == EXIT_DONE)
        status = read_stop_timeout(&run);
    if (status == EXIT_DONE)
        status = read_address(&run);
    if (status == EXIT_DONE)
        status = prepare(&run, &former);
    if (status != EXIT_DONE)
        return status;

    r = game_start(&run.game, argv, &former, console_fd);
    if (r < 0) {
        log_error("cannot run '%s': %s", argv[0], strerror(-r));
        return EXIT_CONFIGURATION;
    }
    run.started_at = query_now();
    run.ask_at = run.started_at + FIRST_ASK_USEC;
    run.ready = run.timing.ready == TIMING_READY_STARTED;
    tell_start(&run);
    while (!run.game.has_ended && !run.stuck) {
        r = handle_next(&run);
        if (r < 0) {
            log_error("cannot wait for the game: %s", strerror(-r));
            game_kill(&run.game);
            return EXIT_FAILED;
        }
    }
    if (run.stuck)
        return EXIT_FAILED;
    tell_end(&run);
    end_leftovers(&run);
    return end_as_it_ended(&run);
}

static void help(void) {
    (void)printf("left4me-run COMMAND [ARGUMENT...]\n\n"
                 "Runs the game as the main process of left4me-server@NAME.service, and tells\n"
                 "systemd when it answers, what is played, and that it still answers. Expects\n"
                 "L4D2_PORT in its environment; L4D2_ARGS, L4D2_READY, L4D2_READY_TIMEOUT,\n"
                 "L4D2_WATCHDOG and L4D2_STOP_TIMEOUT may be there too.\n\n"
                 "  --help     show this\n"
                 "  --version  show the version\n\n"
                 "Exit status: 0 after a stop, 1 failed, or no answer within the time, 2 wrong\n"
                 "usage, 78 the command cannot be run, or a value in the environment is at fault.\n"
                 "Else that of the game, or the signal that ended it.\n");
}

int main(int argc, char *argv[]) {
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
    int c;

    log_open_stderr("left4me-run");
    opterr = 0;
    while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
        if (c == 'h') {
            help();
            return EXIT_DONE;
        }
        if (c == 'v') {
            (void)printf("left4me-run %s\n", PACKAGE_VERSION);
            return EXIT_DONE;
        }
        log_error("unknown option; see 'left4me-run --help'");
        return EXIT_USAGE;
    }
    if (optind == argc) {
        log_error("a command is needed; see 'left4me-run --help'");
        return EXIT_USAGE;
    }
    return run_game(argv + optind);
}
