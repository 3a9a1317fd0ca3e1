#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""fail.py [--all] [--only REGEX] PROGRAMS SCENARIO KIND...

Runs one of left4me's programs as often as it makes system calls (KIND "calls": each fails once, as
strace has it; "kills": each is the last thing that it comes to), or as it allocates ("allocations":
one fails, or one and all that follow), and holds what it leaves against what is promised.

It has to be root in a mount, PID and network namespace of its own, where it may mount what it likes
and /var/lib/left4me is on a file system that takes an overlay. Each call is met with one errno, by
turns, or with --all with each that it may have. --only takes calls by a regular expression, of
"name(arguments". Each finding is a line or more; the last line counts. Exit status 1 for findings.

What a fault may do:
  - no crash, and an exit status that is documented: 0, 1, 78;
  - without a message more than a run has that nothing ails: success, and the same result, and that
    only where the call is among those of IGNORABLE;
  - a file is whole, old or new, or is not there, which then was told. No temporary one is left;
  - a mount that was not made is not there, or there whole;
  - the next run, which nothing ails, has the result of the first (with --all, and of kills)."""

import argparse
import os
import re
import shutil
import signal
import stat
import subprocess
import sys

ROOT = "/var/lib/left4me"
OUT = "/var/lib/out"
RECORDS = "/run/left4me-overlay"
# No file system has the number of the last mount any more. Else another one on this machine may.
GONE = "ustat:error=EINVAL"
USER = 54321

# What may fail without a word, and why: the program, a regular expression of "CALL = ERRNO", where
# <...> is what the call's descriptor stands for, and the reason.
IGNORABLE = [
    ("", r"(brk|mmap|munmap|mremap|madvise|mprotect)\(",
     "the allocator goes another way, or fails: what follows of that is seen by its own faults"),
    ("", r"getrandom\(", "a seed of the allocator's"),
    ("", r"exit_group\(", "does not fail"),
    ("", r"close\(<read>", "nothing was written by this descriptor"),
    ("", r"write\(<message>", "the message itself: there is nowhere left to report it to"),
    ("", r"openat\(.*\"/dev/kmsg\"", "messages go to standard error then"),
    ("", r"(newfstatat|fstat)\(<(message|/proc/[^>]*)>",
     "stdio asks for the size of a buffer; the log, whether it is the journal's"),
    ("generator", r"ioctl\(<message>", "isatty(): no terminal, no second copy of the messages"),
    ("generator", r"(umask|getpid)\(", "does not fail"),
    ("stage", r"newfstatat\(<[^>]*>, \"(upper|left4dead2|cfg|work|merged)\"",
     "looks for a whiteout in the place of a directory: where there is one, mkdirat() tells"),
    ("overlay", r"readlinkat\(.*\"installation\"",
     "no symbolic link, says any failure; the open that follows tells"),
    ("overlay", r"\w+\(</proc(/[1-9][^>]*)?>|readlink\(.*\"/proc/self/fd/",
     "of the holders of a busy mount fewer are named"),
    ("overlay", r"fsconfig\(<[^>]*>, FSCONFIG_SET_FD, \"lowerdir\+\", NULL, 2147483647",
     "asks what kind of kernel this is: any failure but one is the usual answer"),
    ("overlay", r"fsopen\(.* = ENOSYS", "an older kernel, by what it says: mount(2) is taken"),
    ("overlay", r"fsconfig\(.*\"lowerdir\+\", NULL, \d+ = (EINVAL|EBADF)",
     "the same: it takes paths, and no descriptors"),
    ("overlay", r"read\(<fs>", "the kernel's own words on a failure; the errno is told without"),
    ("overlay", r"umount2\(.* = EBUSY", "where it was busy anyway"),
    ("overlay", r"openat\(.*\"/run/left4me-overlay/|ustat\(|read\(<read>, \"\d+:\d+ \d+\\n|"
     r"newfstatat\(<read>, \"\", {st_mode=S_IFREG\|0644",
     "the record of the last mount: without it the kernel is asked"),
    ("overlay", r"unlink\(\"/run/left4me-overlay/", "the same, at the next start"),
    ("overlay", r"openat2\(<read>, \"upper\"",
     "after an unmount: whether it lives on is asked again by the next mount, which tells"),
    ("overlay", r"lseek\(", "stdio, of a file that was read to its end"),
]

# Calls that have to be made again, or done without: success, as if nothing had been.
TRANSPARENT = {("read", "EINTR"), ("write", "EINTR"), ("openat2", "EAGAIN"), ("openat2", "ENOSYS")}

ERRORS = {
    "openat": ["EMFILE", "EIO", "ENOMEM", "EACCES", "ENOSPC", "EROFS"],
    "openat2": ["EMFILE", "EIO", "ENOMEM", "EACCES", "EAGAIN", "ENOSYS"],
    "read": ["EIO", "EINTR", "ENOMEM"],
    "write": ["ENOSPC", "EIO", "EINTR", "EDQUOT", "EROFS"],
    "close": ["EIO", "ENOSPC", "EDQUOT"],
    "mkdirat": ["ENOSPC", "EROFS", "EACCES", "EIO", "EMLINK", "ENOMEM"],
    "symlinkat": ["ENOSPC", "EROFS", "EACCES", "EIO", "ENOMEM"],
    "renameat": ["ENOSPC", "EROFS", "EACCES", "EIO", "ENOMEM"],
    "unlinkat": ["EROFS", "EACCES", "EIO", "ENOMEM"],
    "newfstatat": ["EIO", "ENOMEM", "EACCES"],
    "fchmod": ["EIO", "EROFS", "EPERM"],
    "utimensat": ["EIO", "EROFS", "EPERM"],
    "mmap": ["ENOMEM"], "brk": ["ENOMEM"], "mremap": ["ENOMEM"], "munmap": ["ENOMEM"],
    "mprotect": ["ENOMEM"],
    "socket": ["EMFILE", "ENOBUFS", "EACCES", "EAFNOSUPPORT"],
    "bind": ["EADDRINUSE", "EADDRNOTAVAIL", "EACCES", "ENOMEM"],
    "setns": ["EPERM", "ENOMEM", "EINVAL"],
    "fsopen": ["EPERM", "ENOMEM", "EMFILE", "ENODEV", "ENOSYS"],
    "fsconfig": ["ENOMEM", "EINVAL", "EIO", "ENOSPC", "EBUSY", "ESTALE", "ELOOP", "EOPNOTSUPP"],
    "fsmount": ["ENOMEM", "EMFILE", "EPERM", "EBUSY"],
    "move_mount": ["ENOMEM", "ENOSPC", "EINVAL", "ENOENT", "ELOOP"],
    "mount": ["ENOMEM", "ENOSPC", "EINVAL", "EBUSY", "EPERM", "EIO"],
    "umount2": ["EBUSY", "EPERM", "ENOMEM", "EIO"],
    "fchdir": ["EACCES", "EIO", "ENOMEM"], "chdir": ["EACCES", "EIO", "ENOMEM"],
}
ERRORS_OTHERS = ["EIO", "ENOMEM", "EACCES"]


def write(path, text, mode=0o644, owner=None):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    if owner is not None:
        os.chown(path, owner, owner)


def remove(path):
    if os.path.lexists(path):
        shutil.rmtree(path)


def tree(top):
    """{path: what is there}, of what lies below TOP."""
    found = {}
    for parent, dirs, files in os.walk(top):
        for name in dirs + files:
            path = os.path.join(parent, name)
            st = os.lstat(path)
            what = stat.filemode(st.st_mode)
            if stat.S_ISLNK(st.st_mode):
                what += " -> " + os.readlink(path)
            elif stat.S_ISREG(st.st_mode):
                with open(path, newline="", errors="surrogateescape") as f:
                    what += "\n" + f.read()
            found[os.path.relpath(path, top)] = what
    return found


class Scenario:
    """What is run, from what state, and what may come of it."""
    base = []       # injected in each run
    user = None
    env = {}
    begin = ""      # of the first call that is the program's own and not the loader's
    statuses = (0, 1, 78)

    def __init__(self, programs):
        self.programs = programs

    def program(self, name):
        self.name = name
        return f"{self.programs}/left4me-{name}"

    def result(self):
        return tree(self.out)

    def clean(self):
        """After a run."""

    def partial(self, result, told):
        """What is wrong with RESULT, of a run that did not come to its end."""
        for path, what in result.items():
            if what not in (self.new.get(path), self.old.get(path)) + self.also(path):
                yield f"neither old nor new: {path}: {what!r}"
        if told:
            return
        for path in self.new:
            if path not in result:
                yield f"missing, and not told: {path}"

    def also(self, path):
        return ()


class Generator(Scenario):
    out = OUT
    begin = r'openat\(.*"/dev/kmsg"'

    def argv(self):
        return [self.program("generator"), OUT, OUT, OUT]

    def reset(self):
        remove(ROOT)
        remove(OUT)
        os.makedirs(OUT)
        long = "x" * 1000
        write(f"{ROOT}/instances/a/spec.yaml",
              "port: 27015\ndescription: A\nautostart: true\n"
              "arguments: [-ip 127.0.0.1, +map c1m1]\noverlays: [maps, {path: comp, alias: c}]\n")
        # More than what a stream begins with.
        write(f"{ROOT}/instances/b/spec.yaml",
              f"port: 27015\narguments: [-ip 127.0.0.1, {', '.join([long] * 9)}]\n")
        write(f"{ROOT}/instances/c/spec.yaml", "prot: 27016\n")
        write(f"{ROOT}/instances/no name/spec.yaml", "port: 27017\n")

    def also(self, path):
        name = re.fullmatch(r"left4me-server@(\w+)\.service\.d/50-left4me\.conf", path)
        if path == "left4me-servers.target.wants/left4me-load.service":
            return tuple(w.replace("server@.service", "load.service")
                         for p, w in self.new.items() if " -> " in w)
        if path == "left4me-servers.target.wants":
            return ("drwxr-xr-x",)
        # A spec that could not be read.
        return (self.new["left4me-server@c.service.d/50-left4me.conf"]
                .replace("/c/", f"/{name[1]}/"),) if name else ()


class GeneratorAgain(Generator):
    def reset(self):
        super().reset()
        self.before()

    def before(self):
        for name in "abc":
            write(f"{OUT}/left4me-server@{name}.service.d/50-left4me.conf", "old\n")
        os.makedirs(f"{OUT}/left4me-servers.target.wants")


class GeneratorEmpty(Generator):
    def reset(self):
        super().reset()
        remove(f"{ROOT}/instances")
        os.makedirs(f"{ROOT}/instances")

    def also(self, path):
        return ()


class Stage(Scenario):
    out = f"{ROOT}/runtime/x"
    begin = rf'openat\(.*"{ROOT}", O_RDONLY\|O_CLOEXEC\|O_PATH|openat\(.*"{ROOT}"'
    user = USER
    args = "+map c1m1"
    env = {"L4D2_PORT": "27015", "L4D2_ARGS": args,
           "L4D2_LOWERDIRS": f"{ROOT}/overlays/comp:{ROOT}/installation"}

    def argv(self):
        return [self.program("stage"), "x"]

    def reset(self):
        remove(ROOT)
        lines = "".join(f"- say {c * 1500}\n" for c in "abcdefghijkl")
        write(f"{ROOT}/instances/x/spec.yaml",
              f"port: 27015\narguments: [{self.args}]\n"
              f"overlays: [{{path: comp, alias: comp}}]\nconfig:\n{lines}")
        write(f"{ROOT}/overlays/comp/left4dead2/cfg/server.cfg", "of comp\n" * 5000)
        os.makedirs(f"{ROOT}/runtime/x")
        os.chown(f"{ROOT}/runtime/x", USER, USER)


class StageAgain(Stage):
    def reset(self):
        super().reset()
        for path in ("work", "merged", "upper", "upper/left4dead2", "upper/left4dead2/cfg"):
            os.mkdir(f"{self.out}/{path}")
            os.chown(f"{self.out}/{path}", USER, USER)
        for name, mode in ("server.cfg", 0o640), ("server_comp.cfg", 0o644), ("server_old.cfg", 0o644):
            write(f"{self.out}/upper/left4dead2/cfg/{name}", "old\n", mode, USER)


class StageWalk(StageAgain):
    """Where openat2() is not to be had, as in the sandbox."""
    base = ["openat2:error=ENOSYS"]


class Mount(Scenario):
    begin = r'openat\(.*"/proc/1/ns/mnt"'
    env = {"L4D2_LOWERDIRS": f"{ROOT}/overlays/a:{ROOT}/overlays/b:{ROOT}/installation"}
    verb = "mount"
    base = [GONE]

    def argv(self):
        return [self.program("overlay"), self.verb, "x"]

    def reset(self):
        self.clean()
        remove(ROOT)
        remove(RECORDS)
        for layer in "overlays/a", "overlays/b", "installation":
            write(f"{ROOT}/{layer}/srcds_run", "")
            write(f"{ROOT}/{layer}/of", layer)
        for name in "upper", "work", "merged":
            os.makedirs(f"{ROOT}/runtime/x/{name}")

    def clean(self):
        while self.mounts():
            subprocess.run(["umount", "-l", self.mounts()[-1]], check=True)

    def mounts(self):
        with open("/proc/1/mountinfo") as f:
            return [line.split()[4] for line in f if " - overlay left4me-x " in line]

    def result(self):
        merged = f"{ROOT}/runtime/x/merged"
        mounts = self.mounts()
        if not mounts:
            return {"mounts": "none"}
        read_only = os.statvfs(merged).f_flag & os.ST_RDONLY
        with open(f"{merged}/of") as f:
            return {"mounts": f"{mounts}, {'ro' if read_only else 'rw'}, {f.read()}"}

    def partial(self, result, told):
        if result["mounts"] != "none":
            yield f"a mount is left: {result}"

    def again(self):
        subprocess.run(self.argv(), env={**os.environ, **self.env}, check=True)


class MountAgain(Mount):
    """Over one that a crash left."""
    def reset(self):
        super().reset()
        self.again()

    def partial(self, result, told):
        # Also that one, where it could not be unmounted.
        if result["mounts"] not in ("none", self.new["mounts"]):
            yield f"not the mount that was there: {result}"


class MountByOptions(Mount):
    base = [GONE, "fsopen:error=ENOSYS"]


class MountByString(Mount):
    base = [GONE, "fsconfig:error=EINVAL:when=3"]


class Umount(Mount):
    verb = "umount"

    def reset(self):
        super().reset()
        subprocess.run([self.program("overlay"), "mount", "x"], check=True,
                       env={**os.environ, **self.env})

    def partial(self, result, told):
        # Where it cannot be unmounted it is still there, which is told.
        if result["mounts"] not in ("none", self.old["mounts"]):
            yield f"half a mount: {result}"


class UmountBusy(Umount):
    def reset(self):
        super().reset()
        self.holder = os.open(f"{ROOT}/runtime/x/merged", os.O_RDONLY)

    def clean(self):
        if getattr(self, "holder", -1) >= 0:
            os.close(self.holder)
            self.holder = -1
        super().clean()


class UmountNothing(Mount):
    verb = "umount"


SCENARIOS = {
    "generator": Generator, "generator-again": GeneratorAgain, "generator-empty": GeneratorEmpty,
    "stage": Stage, "stage-again": StageAgain, "stage-walk": StageWalk,
    "mount": Mount, "mount-again": MountAgain, "mount-by-string": MountByString,
    "mount-by-options": MountByOptions,
    "umount": Umount, "umount-busy": UmountBusy, "umount-nothing": UmountNothing,
}


class Call:
    """One line of strace's."""

    def __init__(self, name, arguments, nth, loader):
        self.name, self.arguments, self.nth, self.loader = name, arguments, nth, loader

    def __str__(self):
        return f"{self.name}({self.arguments}"[:160]


def parse(lines, begin):
    """The calls of a trace, with what their descriptors stand for."""
    calls, counts, loader = [], {}, True
    descriptors = {"1": "message", "2": "message"}
    for line in lines:
        match = re.match(r"(\w+)\((.*)\)\s+= (-?\w+|\?)", line)
        if not match:
            continue
        name, arguments, ret = match.groups()
        counts[name] = counts.get(name, 0) + 1
        if name in ("execve", "exit_group"):
            continue
        if loader and re.match(begin, f"{name}({arguments}"):
            loader = False
        fd = re.match(r"\d+\b", arguments)
        if fd:
            arguments = f"<{descriptors.get(fd[0], '?')}>" + arguments[fd.end():]
        if name in ("openat", "openat2", "open", "fsopen", "fsmount", "socket") and ret.isdigit():
            path = re.search(r'"(.*?)"', arguments)
            if name == "fsopen":
                descriptors[ret] = "fs"
            elif path and path[1] == "/dev/kmsg":
                descriptors[ret] = "message"
            elif re.search(r"O_WRONLY|O_RDWR", arguments):
                descriptors[ret] = "written"
            elif path and path[1].startswith("/proc"):
                descriptors[ret] = path[1]
            elif path and arguments.startswith("</proc"):
                descriptors[ret] = arguments[1:arguments.index(">")] + "/" + path[1]
            else:
                descriptors[ret] = "read"
        if name == "close":
            arguments = re.sub(r"^<(?!message|written)[^>]*>", "<read>", arguments)
        calls.append(Call(name, arguments, counts[name], loader))
    return calls


def failure(call, error):
    # It has no errors: it returns what was there before.
    return "retval=0" if call.name == "brk" else f"error={error}"


class Run:
    def __init__(self, scenario, strace=None, preload=None, kmsg="/dev/kmsg"):
        env = {"PATH": os.environ["PATH"], **scenario.env}
        argv = scenario.argv()
        read_fd, write_fd = os.pipe()
        pass_fds = ()
        if strace is not None:
            argv = ["strace", "-qq", "-s", "256", "-o", "/var/lib/trace/" + scenario.name, *strace,
                    *argv]
        if preload:
            library, nth = preload
            env |= {"LD_PRELOAD": library, "FAIL_ALLOC": nth, "FAIL_ALLOC_FD": str(write_fd)}
            pass_fds = (write_fd,)
        with open(kmsg, "w"):
            pass
        ids = {} if scenario.user is None else {
            "user": scenario.user, "group": scenario.user, "extra_groups": []}
        try:
            done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=20, pass_fds=pass_fds, **ids)
            self.status, self.messages = done.returncode, done.stderr
        except subprocess.TimeoutExpired as e:
            self.status, self.messages = "none, it hangs", e.stderr or b""
        os.close(write_fd)
        self.failed = os.read(read_fd, 1) != b""
        os.close(read_fd)
        with open(kmsg, "rb") as f:
            self.messages += f.read()
        self.messages = re.sub(r"\[\d+\]|\(PID \d+\)", "[N]",
                               self.messages.decode(errors="backslashreplace"))
        self.result = scenario.result()
        scenario.clean()


def more(messages, clean):
    """The lines of MESSAGES that a run without a fault does not have."""
    rest = re.sub(r"(<\d+>left4me)", r"\n\1", clean).splitlines()
    lines = []
    for line in re.sub(r"(<\d+>left4me)", r"\n\1", messages).splitlines():
        if line in rest:
            rest.remove(line)
        elif line:
            lines.append(line)
    return lines


class Sweep:
    def __init__(self, scenario, arguments):
        self.scenario, self.arguments = scenario, arguments
        self.findings = self.runs = 0
        for kind in arguments.kinds:
            getattr(self, kind)()

    def base(self, but=""):
        return [f"--inject={b}" for b in self.scenario.base if b.split(":")[0] != but]

    def begin(self):
        """A run that nothing ails: twice, to be sure of that."""
        s = self.scenario
        s.reset()
        s.old = s.result()
        s.clean()
        results = []
        for _ in range(2):
            s.reset()
            run = Run(s, self.base())
            results.append((run.status, run.result, more(run.messages, "")))
        if results[0] != results[1] or run.status != 0:
            sys.exit(f"fail.py: not the same twice, or no success: {results}")
        s.new, self.messages = run.result, run.messages
        with open("/var/lib/trace/" + s.name) as f:
            self.calls = [c for c in parse(f, s.begin)
                          if re.search(self.arguments.only, str(c))]

    def found(self, what, fault, run):
        self.findings += 1
        print(f"{self.arguments.scenario}: {fault}: {what}")
        print(f"  status {run.status}, told: {more(run.messages, self.messages)}", flush=True)

    def judge(self, fault, run, silent_ok, transparent=False, loader=False):
        s = self.scenario
        told = more(run.messages, self.messages)
        self.runs += 1
        if loader and run.status in (127, -signal.SIGSEGV):
            # ld.so's own word, or its crash: the program has not begun.
            if run.result != s.old:
                self.found("something was done", fault, run)
            return
        if run.status not in s.statuses:
            self.found("no status that is documented", fault, run)
        if any("\\x" in line for line in told):
            self.found("what it tells is garbled", fault, run)
        if run.status != 0 and not told and silent_ok != "message":
            self.found("it failed without a word", fault, run)
        if run.status == 0 and (not told or transparent) and run.result != s.new:
            self.found(f"success, but the result is another: {run.result}", fault, run)
        if run.status == 0 and not told and not silent_ok and not transparent:
            self.found("nothing was said, and it is not on the list of what may be ignored", fault, run)
        if transparent and (run.status != 0 or told):
            self.found("it is no obstacle, but was taken for one", fault, run)
        if run.status != 0 or run.result != s.new:
            for what in s.partial(run.result, bool(told) or silent_ok == "message"):
                self.found(what, fault, run)

    def heals(self, fault):
        """Whether the next run, which nothing ails, has the result of a first one. RESET is not
        called in between."""
        run = Run(self.scenario)
        if run.status != 0 or not all(
                run.result.get(path) == what for path, what in self.scenario.new.items()):
            self.found(f"the next run does not mend it: {run.result}", fault, run)

    def ignorable(self, call, error):
        if call.loader:
            return True
        for program, regex, _ in IGNORABLE:
            if program in ("", self.scenario.name) and re.match(regex, f"{call} = {error}"):
                return "message" if "<message>" in regex or "kmsg" in regex else True
        return False

    def calls(self):
        self.begin()
        turn = 0
        for call in self.calls:
            errors = ERRORS.get(call.name, ERRORS_OTHERS)
            if not self.arguments.all:
                errors = [errors[turn % len(errors)]]
                turn += 1
            if call.name in [b.split(":")[0] for b in self.scenario.base]:
                continue
            for error in errors:
                self.scenario.reset()
                run = Run(self.scenario, self.base() +
                          [f"--inject={call.name}:{failure(call, error)}:when={call.nth}"])
                self.judge(f"{call} = {error}", run, self.ignorable(call, error),
                           not call.loader and (call.name, error) in TRANSPARENT
                           and "/proc" not in str(call), call.loader)
                if self.arguments.all and not call.loader:
                    self.heals(f"{call} = {error}")
        self.count("calls")

    def kills(self):
        self.begin()
        for call in self.calls:
            if call.name in [b.split(":")[0] for b in self.scenario.base]:
                continue
            self.scenario.reset()
            run = Run(self.scenario, self.base() +
                      [f"--inject={call.name}:signal=KILL:when={call.nth}"])
            self.runs += 1
            fault = f"killed at {call}"
            if run.status != -signal.SIGKILL:
                self.found("it was not killed", fault, run)
            self.killed(fault, run)
        self.count("kills")

    def killed(self, fault, run):
        s = self.scenario
        if isinstance(s, Generator):
            # A temporary file is none that systemd reads.
            left = {path: what for path, what in run.result.items()
                    if not re.search(r"/\.50-left4me\.conf\.\d+$", path)}
            for what in s.partial(left, True):
                self.found(what, fault, run)
        self.heals(fault)

    def allocations(self):
        self.begin()
        for rest in "", "+":
            nth = 1
            while True:
                self.scenario.reset()
                run = Run(self.scenario, preload=(f"{self.arguments.programs}/fail-alloc.so",
                                                  f"{nth}{rest}"))
                if not run.failed:
                    break
                # stdio does without a buffer.
                self.judge(f"allocation {nth}{rest}", run, True)
                nth += 1
        self.count("allocations")

    def count(self, kind):
        print(f"{self.arguments.scenario}: {kind}: {self.runs} faults, {self.findings} findings",
              flush=True)
        self.runs = 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("programs")
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("kinds", nargs="+", choices=["calls", "kills", "allocations"])
    arguments = parser.parse_args()
    os.umask(0o022)
    os.makedirs("/var/lib/trace", exist_ok=True)
    os.chmod("/var/lib/trace", 0o777)
    sweep = Sweep(SCENARIOS[arguments.scenario](arguments.programs), arguments)
    sys.exit(1 if sweep.findings else 0)


main()
