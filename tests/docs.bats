#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is written about left4me agrees with what it does, and with itself: the parser's keys, the
# schema, the man pages, README, --help and the completion. Whoever adds a key, a verb, an option or
# an exit status is told here where it is missing.

# $output and the like are bats's.
# shellcheck disable=SC2154

load lib/common.bash

MAN=$SOURCE/man
SCHEMA=$SOURCE/schema/spec.schema.json
COMPLETION=$SOURCE/completion/left4mectl.bash

setup() {
    set -o pipefail
    unset LEFT4ME_ROOT JOURNAL_STREAM
}

# list NAME: keeps standard input, a line each, as the list of this name. An empty one would be the
# same as whatever else was not found.
list() {
    sort -u >"$BATS_TEST_TMPDIR/$1.list"
    [[ -s $BATS_TEST_TMPDIR/$1.list ]] || fail "found nothing for $1"
}

# same LIST LIST
same() {
    diff -u --label "$1" --label "$2" "$BATS_TEST_TMPDIR/$1.list" "$BATS_TEST_TMPDIR/$2.list"
}

# section PAGE NAME: a section of a page's source.
section() {
    awk -v name="# $2" '
        /^```/ { literal = !literal }
        !literal && /^# / { within = $0 == name; next }
        within' "$MAN/$1.scd"
}

# --- Keys of a spec ---------------------------------------------------------------------------

# The keys that the parser knows; those of an overlay are overlays.path and overlays.alias.
parser_keys() {
    require_built tests/print-keys
    "$BUILD/tests/print-keys" | list parser
}

# The keys that a spec on standard input uses, all in block style.
used_keys() {
    awk '
        /^[a-z_]+:/ { key = $1; sub(/:.*/, "", key); print key }
        /^  (- |  )[a-z]+:( |$)/ && key == "overlays" {
            sub(/^  (- |  )/, ""); sub(/:.*/, ""); print "overlays." $0
        }'
}

# The specs shown in a page's literal blocks: those that set a port. Block N, from 1.
man_example() {
    section left4me-spec.5 EXAMPLES | awk -v n="$1" '/^```/ { block++; next } block == 2 * n - 1'
}

readme_example() {
    awk '/^```yaml/ { within = 1; next } /^```/ { within = 0 } within' "$SOURCE/README.md"
}

@test "the schema has each key of the parser, and no other" {
    require_python
    parser_keys
    "$PYTHON" - "$SCHEMA" <<'END' | list schema
import json, sys
properties = json.load(open(sys.argv[1]))["properties"]
overlay = next(kind for kind in properties["overlays"]["items"]["anyOf"] if "properties" in kind)
print(*properties, *("overlays." + key for key in overlay["properties"]), sep="\n")
END
    same parser schema
}

@test "each key of the parser has a title and a description in the schema" {
    require_python
    run -0 "$PYTHON" - "$SCHEMA" <<'END'
import json, sys
schema = json.load(open(sys.argv[1]))
overlay = next(k for k in schema["properties"]["overlays"]["items"]["anyOf"] if "properties" in k)
for key, value in {**schema["properties"], **overlay["properties"]}.items():
    value = {**schema["$defs"][value["$ref"].rpartition("/")[2]], **value} if "$ref" in value else value
    if not value.get("title") or not value.get("description"):
        print(key)
END
    assert_output ''
}

@test "left4me-spec(5) explains each key of the parser, and no other" {
    parser_keys
    section left4me-spec.5 KEYS |
        sed -n -e 's/^\*\([a-z_]*\)\*$/\1/p' -e 's/^\t\*\([a-z_]*\)\*$/overlays.\1/p' | list man
    same parser man
}

@test "README's table explains each key of the parser, and no other" {
    parser_keys
    awk '/^\| key \| meaning \|$/ { within = 1; next } !/^\|/ { within = 0 } within' \
        "$SOURCE/README.md" | sed -n 's/^| `\([a-z_]*\)` |.*/\1/p' | list rows
    # Of an overlay's keys, the path is explained with "overlays".
    sed -e '/^overlays\.path$/d' -e 's/^overlays\.//' "$BATS_TEST_TMPDIR/parser.list" | list wanted
    same wanted rows
}

@test "the examples that are to show every key show every key" {
    parser_keys
    readme_example | used_keys | list readme
    same parser readme
    man_example 2 | used_keys | list man
    same parser man
    used_keys <"$SOURCE/examples/versus/spec.yaml" | list examples
    same parser examples
}

@test "every spec that is shown is accepted, without a warning" {
    require_built left4me-generator
    local i root=$BATS_TEST_TMPDIR/root
    mkdir -p "$root"/instances/{readme,man1,man2,man3}
    cp -r "$SOURCE"/examples/*/ "$root/instances/"
    readme_example >"$root/instances/readme/spec.yaml"
    for i in 1 2 3; do
        man_example "$i" >"$root/instances/man$i/spec.yaml"
    done
    # Some have the same port.
    run -0 --separate-stderr "$BUILD/left4me-generator" --dry-run --root "$root"
    run -0 sed '/have the same port/d' <<<"$stderr"
    assert_output ''
    run -0 parser_verdicts "$root"
    assert_output "$(printf '%s yes\n' coop man1 man2 man3 readme versus)"
}

@test "editors find the schema by the first line of each example" {
    local file
    for file in "$SOURCE"/examples/*/spec.yaml; do
        run -0 head -n 1 "$file"
        # shellcheck disable=SC2016
        assert_output '# yaml-language-server: $schema=/usr/share/left4me/spec.schema.json'
    done
    run -0 grep -F '_/usr/share/left4me/spec.schema.json_' "$MAN/left4me-spec.5.scd"
}

# --- The schema and the parser ----------------------------------------------------------------

require_python() {
    for PYTHON in /usr/bin/python3 python3; do
        if "$PYTHON" -c 'import jsonschema, yaml' 2>/dev/null; then
            return
        fi
    done
    cannot_run 'no Python with jsonschema and yaml (python3-jsonschema, python3-yaml)'
}

# verdicts YAML-VERSION DIR: "NAME yes" or "NAME no" for each DIR/instances/NAME/spec.yaml, as the
# schema says. What is no YAML, or has a key twice, any reader of YAML refuses.
verdicts() {
    "$PYTHON" - "$SCHEMA" "$1" "$2" <<'END'
import json, pathlib, re, sys
import jsonschema, yaml

class Loader(yaml.SafeLoader):
    pass

def resolve(tag, pattern):
    Loader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(pattern), None)

def mapping(loader, node, deep=False):
    keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    if len(keys) != len(set(keys)):
        raise yaml.YAMLError("a key twice")
    return yaml.SafeLoader.construct_mapping(loader, node, deep)

def integer(loader, node):
    text = loader.construct_scalar(node)
    for prefix, base in ("0o", 8), ("0x", 16):
        if text.startswith(prefix):
            return int(text[2:], base)
    return int(text)

Loader.construct_mapping = mapping
if sys.argv[2] == "1.2":  # the core schema, as yaml-language-server reads
    Loader.yaml_implicit_resolvers = {}
    resolve("null", r"^(~|null|Null|NULL|)$")
    resolve("bool", r"^(true|True|TRUE|false|False|FALSE)$")
    resolve("int", r"^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
    resolve("float", r"^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
                     r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$")
    Loader.add_constructor("tag:yaml.org,2002:int", integer)
else:  # but for what JSON has no type for
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers
                if tag.rpartition(":")[2] in ("null", "bool", "int", "float")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}

validator = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))
for path in sorted(pathlib.Path(sys.argv[3], "instances").glob("*/spec.yaml")):
    try:
        accepted = validator.is_valid(yaml.load(path.read_bytes(), Loader))
    except (yaml.YAMLError, TypeError, ValueError):
        accepted = False
    print(path.parent.name, "yes" if accepted else "no")
END
}

# parser_verdicts DIR: likewise, as the parser says.
parser_verdicts() {
    local dir=$1 units
    require_built left4me-generator
    units=$("$BUILD/left4me-generator" --dry-run --root "$dir" 2>/dev/null) || :
    awk '
        /^# left4me-server@.*\.service\.d\// { name = $2; sub(/^[^@]*@/, "", name); sub(/\.service.*/, "", name) }
        /^Restart=no$/ { print name, "no" }
        /^Environment=L4D2_PORT=/ { print name, "yes" }' <<<"$units" | LC_ALL=C sort
}

@test "the schema is a valid schema, of draft 2020-12 and of what editors know" {
    require_python
    run -0 "$PYTHON" - "$SCHEMA" <<'END'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
assert schema["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft7Validator.check_schema(schema)

def examples(node):
    if isinstance(node, dict):
        if "examples" in node:
            yield node
        node = node.values()
    elif not isinstance(node, list):
        return
    for value in node:
        yield from examples(value)

found = list(examples(schema["properties"]))
assert found
for node in found:
    for example in node["examples"]:
        jsonschema.Draft202012Validator({**node, "$defs": schema["$defs"]}).validate(example)
END
    assert_output ''
}

@test "the schema accepts every golden spec that is accepted, by YAML 1.1 and 1.2" {
    local version
    require_python
    for version in 1.1 1.2; do
        run -0 verdicts "$version" "$SOURCE/tests/golden/accepted"
        assert_output
        run -1 grep -v ' yes$' <<<"$output"
    done
}

# Golden specs that are refused for what no schema can see: how a value is written, what is beside
# it, what two overlays have in common.
UNSEEN=(
    anchors-and-aliases
    autostart-capital
    comment-behind-an-item
    duplicate-alias
    duplicate-path
    overlay-beneath
    port-hexadecimal
)

@test "the schema refuses every golden spec that is refused, but those that no schema can" {
    require_python
    verdicts 1.2 "$SOURCE/tests/golden/refused" | sed -n 's/ yes$//p' | list accepted
    printf '%s\n' "${UNSEEN[@]}" | list unseen
    same unseen accepted
}

# write_specs DIR: a spec for each scalar in each place where one may be, PLACE-NUMBER. Prints
# "PLACE-NUMBER SCALAR".
write_specs() {
    "$PYTHON" - "$1" <<'END'
import json, pathlib, sys

places = {
    "port": "port: %s\n",
    "description": "port: 1\ndescription: %s\n",
    "autostart": "port: 1\nautostart: %s\n",
    "ready": "port: 1\nready: %s\n",
    "ready_timeout": "port: 1\nready_timeout: %s\n",
    "watchdog": "port: 1\nwatchdog: %s\n",
    "arguments": "port: 1\narguments:\n  - %s\n",
    "config": "port: 1\nconfig:\n  - %s\n",
    "overlays": "port: 1\noverlays:\n  - %s\n",
    "path": "port: 1\noverlays:\n  - path: %s\n",
    "alias": "port: 1\noverlays:\n  - path: p\n    alias: %s\n",
}
plain = """1 27015 65535 65536 0 -1 +1 00027015 0x10 0o17 0b11 1e3 1e-3 1.5 1.0 .5 -0 -1.5 .inf .nan 1_000
    12:30:45 2024-01-01 true True false yes no on null Null ~ a A_b-9 _a a.b a/b /a a/ a//b a/../b
    ../a ./a .a -a a:b a+b@c \u00e9 \U0001f600 it's a\\b a\\""".split() + ["", "a b"]
quoted = [
    "", "27015", "0", "65536", "00000065535", " 1", "1 ", "true", "True", "false", " a", "a\tb", "a\nb",
    "a\rb", "a\\b", "it's", "it\\'s", '"it\'s"', "'a", '"a', "a\\", "a\\\\", "'a\\'", '"a\\""', "a\0b",
    "\x1b", "\x7f", "\x85", "\u2028", "\ufdd0", "\ufffe", "a" * 64, "a" * 65, "a" * 255,
    "a" * 256, "b/" + "a" * 255, "b/" + "a" * 256,
    "query", "started", "Query", "off", "Off", "5min", "1min 30s", "1.5h", "90 s", "1d", "2d", "1s", "1ms",
    "3s", "2.9s", "1w", "1M", "1y", "5mins", "s", "1 1", "-1s", "1000000us", "5m30", "infinity", "1\u00b5s"]
for place, template in places.items():
    for n, text in enumerate(plain + [json.dumps(text) for text in quoted]):
        path = pathlib.Path(sys.argv[1], "instances", f"{place}-{n}", "spec.yaml")
        path.parent.mkdir(parents=True)
        path.write_bytes((template % text).encode())
        print(path.parent.name, text or "(nothing)")
END
}

@test "whatever scalar the parser accepts, wherever it is, the schema accepts, by YAML 1.1 and 1.2" {
    local version root=$BATS_TEST_TMPDIR/root
    require_python
    write_specs "$root" >"$BATS_TEST_TMPDIR/texts"
    parser_verdicts "$root" | sed -n 's/ yes$//p' | list parser
    for version in 1.1 1.2; do
        verdicts "$version" "$root" | sed -n 's/ yes$//p' | list schema
        run -0 comm -23 "$BATS_TEST_TMPDIR"/{parser,schema}.list
        assert_output ''
    done
}

@test "what scalars the schema accepts and the parser refuses, its comment tells" {
    local root=$BATS_TEST_TMPDIR/root
    require_python
    write_specs "$root" >"$BATS_TEST_TMPDIR/texts"
    parser_verdicts "$root" | sed -n 's/ yes$//p' | list parser
    verdicts 1.2 "$root" | sed -n 's/ yes$//p' | list schema
    comm -13 "$BATS_TEST_TMPDIR"/{parser,schema}.list | sort |
        join - <(sort "$BATS_TEST_TMPDIR/texts") | sed 's/-[0-9]* / /' | list only-schema
    # As YAML reads them these are numbers, booleans and null.
    list known <<'END'
alias (nothing)
alias +1
alias -1.5
alias .5
alias .inf
alias .nan
alias 1.0
alias 1.5
alias ~
autostart True
overlays (nothing)
overlays +1
overlays -0
overlays .5
overlays .inf
overlays .nan
overlays ~
path (nothing)
path +1
path -0
path .5
path .inf
path .nan
path ~
port +1
port 0o17
port 0x10
port 1.0
port 1e3
ready_timeout "0"
ready_timeout "1\u00b5s"
ready_timeout "1ms"
ready_timeout "1w"
ready_timeout "2d"
ready_timeout +1
ready_timeout .nan
ready_timeout 0o17
ready_timeout 0x10
ready_timeout 1e3
watchdog " 1"
watchdog "0"
watchdog "1 "
watchdog "1 1"
watchdog "1000000us"
watchdog "1\u00b5s"
watchdog "1ms"
watchdog "1s"
watchdog "1w"
watchdog "2.9s"
watchdog "2d"
watchdog .nan
watchdog 0o17
watchdog 0x10
watchdog 1e3
watchdog false
END
    same known only-schema
}

@test "the schema's limits of items are the parser's" {
    local i place n root=$BATS_TEST_TMPDIR/root
    require_python
    for place in arguments-4096 arguments-4097 config-4096 config-4097 overlays-499 overlays-500; do
        mkdir -p "$root/instances/$place"
        {
            printf 'port: 1\n%s:\n' "${place%-*}"
            n=${place#*-}
            for ((i = 0; i < n; i++)); do
                printf -- '- a%s\n' "$i"
            done
        } >"$root/instances/$place/spec.yaml"
    done
    parser_verdicts "$root" | list parser
    verdicts 1.2 "$root" | list schema
    same parser schema
    run -0 grep -c ' yes$' "$BATS_TEST_TMPDIR/parser.list"
    assert_output 3
}

@test "the schema sees an overlay twice, as the parser does" {
    local root=$BATS_TEST_TMPDIR/root
    require_python
    mkdir -p "$root/instances/"{numbers,same}
    printf 'port: 1\noverlays: [a, b, a]\n' >"$root/instances/same/spec.yaml"
    printf 'port: 1\noverlays: [1, 1.0]\n' >"$root/instances/numbers/spec.yaml"
    parser_verdicts "$root" | list parser
    verdicts 1.2 "$root" | list schema
    same parser schema
}

# --- Programs: --help, man pages, exit statuses ------------------------------------------------

# The programs that are installed, and their man pages.
PROGRAMS=(
    left4mectl:left4mectl.1
    left4me-generator:left4me-generator.8
    left4me-overlay:left4me-overlay.8
    left4me-reload:left4me-reload.8
    left4me-run:left4me-run.8
    left4me-stage:left4me-stage.8
)

@test "each program that is installed has a man page, and each page has what it is of" {
    sed -n 's/^\(bin\|sbin\|helper\|systemdsystemgenerator\)_PROGRAMS = //p' \
        "$SOURCE/Makefile.am" | tr ' ' '\n' | list installed
    printf '%s\n' "${PROGRAMS[@]%:*}" | list programs
    same installed programs
    printf '%s.scd\n' "${PROGRAMS[@]#*:}" left4me.7 left4me-spec.5 | list wanted
    find "$MAN" -name '*.scd' -printf '%f\n' | list pages
    same wanted pages
}

@test "each option of a program's --help is in its man page, and no other" {
    local pair
    for pair in "${PROGRAMS[@]}"; do
        require_built "${pair%:*}"
        "$BUILD/${pair%:*}" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | list "help"
        section "${pair#*:}" OPTIONS | sed -n 's/^\*\(--[a-z-]*\)\*.*/\1/p' | list man
        same help man
    done
}

# help_verbs: "VERB OPERANDS", as --help of left4mectl has them.
help_verbs() {
    require_built left4mectl
    "$BUILD/left4mectl" --help |
        sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) *\([^a-z ].*[^ ]\)\?  .*/\1 \2/p' | sed 's/ *$//'
}

@test "each verb of left4mectl --help is in left4mectl(1) with the same operands, and no other" {
    help_verbs | list "help"
    section left4mectl.1 VERBS | sed -n 's/^\(\*[a-z]*\*.*\)/\1/p' | tr -d '*_\\' | list man
    same help man
}

# statuses_of_help PROGRAM
statuses_of_help() {
    "$BUILD/$1" --help | tr '\n' ' ' | sed 's/.*Exit status:/,/' |
        grep -oE '[,;] [0-9]+ ' | tr -d ',; '
}

# statuses_of_page PAGE
statuses_of_page() {
    section "$1" 'EXIT STATUS' | sed -n 's/^|  \([0-9]*\)$/\1/p'
}

@test "the exit statuses of a program's --help are those of its man page" {
    local pair
    for pair in "${PROGRAMS[@]}"; do
        require_built "${pair%:*}"
        statuses_of_help "${pair%:*}" | list "help"
        statuses_of_page "${pair#*:}" | list man
        same help man
    done
}

@test "the exit statuses of all man pages, of README and of the source are the same" {
    local pair
    sed -n 's/^ *EXIT_[A-Z]* = \([0-9]*\),.*/\1/p' "$SOURCE/shared/exit.h" | list source
    for pair in "${PROGRAMS[@]}"; do
        statuses_of_page "${pair#*:}"
    done | list man
    same source man
    sed -n '/^### Exit statuses/,/^## /s/^| \([0-9]*\) |.*/\1/p' "$SOURCE/README.md" | list readme
    same source readme
}

@test "the JSON that left4mectl(1) shows is what the schemas of its JSON have" {
    require_python
    section left4mectl.1 JSON >"$BATS_TEST_TMPDIR/json"
    run -0 "$PYTHON" - "$SOURCE/tests/schemas" "$BATS_TEST_TMPDIR/json" <<'END'
import json, pathlib, re, sys, jsonschema
for text, block in re.findall(r"\n\*([^`]*?):?\n\n```\n(.*?)\n```", open(sys.argv[2]).read(), re.S):
    verb = text.split("*")[0]
    path = pathlib.Path(sys.argv[1], verb + ".schema.json")
    shown = json.loads(block)
    if path.exists():
        print(verb)
        validator = jsonschema.Draft202012Validator(json.loads(path.read_text()))
        validator.validate([shown] if "array" in text else shown)
END
    assert_output $'list\nquery\nshow\ncheck'
}

@test "each result that a verb can have with --json is explained in left4mectl(1), and no other" {
    cat "$SOURCE"/ctl/*.c | tr '\n' ' ' |
        grep -oE 'say_outcome\([^"]*, "[a-z-]*"' | sed 's/.*"\(.*\)"/\1/' | list source
    section left4mectl.1 JSON | sed -n 's/^|  \([a-z-]*\)$/\1/p' | list man
    same source man
}

# --- Man pages --------------------------------------------------------------------------------

@test "scdoc makes every man page without a word" {
    local page
    require scdoc
    for page in "$MAN"/*.scd; do
        run -0 --separate-stderr scdoc <"$page"
        assert_equal "$stderr" ''
        [[ $output == *.TH* ]]
    done
}

@test "man shows every man page without a warning" {
    local page name
    require scdoc man
    for page in "$MAN"/*.scd; do
        name=$BATS_TEST_TMPDIR/$(basename "$page" .scd)
        scdoc <"$page" >"$name"
        LC_ALL=C.UTF-8 MANWIDTH=80 run -0 --separate-stderr man --warnings -l "$name"
        assert_equal "$stderr" ''
    done
}

@test "mandoc finds no error in any man page" {
    local page
    require scdoc mandoc
    for page in "$MAN"/*.scd; do
        # What is less than an error, scdoc makes in every page.
        scdoc <"$page" >"$BATS_TEST_TMPDIR/page"
        run -0 mandoc -T lint -W error "$BATS_TEST_TMPDIR/page"
        assert_output ''
    done
}

@test "a man page is named in its first line as its file is, and says what else to see" {
    local page name
    for page in "$MAN"/*.scd; do
        name=$(basename "$page" .scd)
        run -0 head -n 1 "$page"
        assert_output "${name%.*}(${name##*.}) \"left4me\" \"left4me\""
        run -0 section "$name" NAME
        assert_line --partial "${name%.*} - "
        run -0 section "$name" 'SEE ALSO'
        [[ $name == left4me.7 || $output == *'*left4me*(7)'* ]]
    done
    section left4me.7 'SEE ALSO' | grep -oE '\*left4me[a-z-]*\*\([1-8]\)' | list seen
    for page in "$MAN"/*.scd; do
        name=$(basename "$page" .scd)
        [[ $name == left4me.7 ]] || printf '*%s*(%s)\n' "${name%.*}" "${name##*.}"
    done | list others
    same seen others
}

@test "a page of left4me's that another one names is there" {
    local name section
    while IFS='() ' read -r name section _; do
        [[ -f $MAN/$name.$section.scd ]] || fail "there is no $name($section)"
    done < <(grep -ohE '\*left4me[a-z-]*\*\([1-8]\)' "$MAN"/*.scd | tr -d '*' | sort -u)
}

# scdoc takes underscores, asterisks and backslashes for its own where they are not escaped.
@test "what of a man page scdoc could have taken for its own is in the text" {
    local text
    require scdoc man
    for text in left4me-spec.5:'A-Z a-z 0-9 _ -' left4me-spec.5:'A-Z a-z 0-9 . _ + @ -' \
        left4me-spec.5:"it\\'s" left4me-spec.5:'"\0"' left4me-spec.5:'(*x)' \
        left4me-stage.8:'server*.cfg' left4me-stage.8:server_ALIAS.cfg \
        left4mectl.1:'a-z A-Z 0-9 _ -' left4mectl.1:LEFT4ME_ROOT; do
        scdoc <"$MAN/${text%%:*}.scd" >"$BATS_TEST_TMPDIR/page"
        LC_ALL=C.UTF-8 MANWIDTH=200 run -0 man -P cat -l "$BATS_TEST_TMPDIR/page"
        assert_output --partial "${text#*:}"
    done
}

# --- Completion -------------------------------------------------------------------------------

# completed WORD…: what the completion offers for the last word of "left4mectl WORD…", a line each.
# With $LIBRARY it has bash-completion beside it. Words that hold a = are broken as bash does.
completed() {
    LIBRARY=${LIBRARY:-} COMPLETION=$COMPLETION bash --norc --noprofile -c '
        [[ ! $LIBRARY ]] || . "$LIBRARY" || exit
        . "$COMPLETION" || exit
        complete -p left4mectl >/dev/null || exit
        COMP_WORDS=(left4mectl)
        for word in "$@"; do
            if [[ $word == --*=* ]]; then
                COMP_WORDS+=("${word%%=*}" = "${word#*=}")
            else
                COMP_WORDS+=("$word")
            fi
        done
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _left4mectl left4mectl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        ((${#COMPREPLY[@]} == 0)) || printf "%s\n" "${COMPREPLY[@]}"' - "$@"
}

# offers WORDS [LINE…]: the last one of the words is completed to these and no other.
offers() {
    local -a words
    read -r -a words <<<"$1"
    [[ $1 != *' ' && -n $1 ]] || words+=('')
    run -0 --separate-stderr completed "${words[@]}"
    assert_equal "$stderr" ''
    assert_equal "$(sort <<<"$output")" "$(printf '%s\n' "${@:2}" | sort)"
}

# with_and_without_library COMMAND…
with_and_without_library() {
    LIBRARY='' "$@"
    LIBRARY=$(bash_completion) "$@"
}

bash_completion() {
    local file=/usr/share/bash-completion/bash_completion
    [[ -r $file ]] || cannot_run 'bash-completion is not installed'
    printf '%s\n' "$file"
}

# make_instances DIR: a, b-2 and C, and what is none.
make_instances() {
    local name
    for name in a b-2 C .hidden _x 'x y' without-spec; do
        mkdir -p "$1/instances/$name"
        [[ $name == without-spec ]] || : >"$1/instances/$name/spec.yaml"
    done
    : >"$1/instances/file"
}

@test "each verb of --help is completed, and no other" {
    help_verbs | sed 's/ .*//' | list "help"
    completed '' | list completion
    same help completion
}

@test "each option of --help is completed in front of the verb, and no other" {
    require_built left4mectl
    "$BUILD/left4mectl" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | list "help"
    completed -- | list completion
    same help completion
}

@test "an option that --help has for certain verbs is completed behind these" {
    local option verbs verb
    require_built left4mectl
    help_verbs | sed 's/ .*//' | list verbs
    while IFS=: read -r option verbs; do
        for verb in ${verbs//,/}; do
            run -0 grep -x "$verb" "$BATS_TEST_TMPDIR/verbs.list"
            run -0 completed "$verb" --
            assert_line "$option"
        done
    done < <("$BUILD/left4mectl" --help | sed -n 's/^  \(--[a-z-]*\)\( [A-Z]*\)\? *\([a-z, ]*\): .*/\1:\3/p')
    [[ -n $option$verb ]]
}

names_are_completed() {
    local root=$BATS_TEST_TMPDIR/root
    offers "--root $root start " a b-2 C
    offers "--root=$root start " a b-2 C
    offers "start --root $root b" b-2
    offers "--root $root delete a " b-2 C
    offers "--root $root restart a b-2 C "
    offers "--root $root show " a b-2 C
    offers "--root $root query a " b-2 C
    offers "--root $root top --interval 2s a " b-2 C
    offers "--root $root top --iterations "
    offers "--root $root show a "
    offers "--root $root create "
    offers "--root $root create --replace " a b-2 C
    LEFT4ME_ROOT=$root offers 'edit ' a b-2 C
    LEFT4ME_ROOT=$root offers "--root $root/none edit "
    LEFT4ME_ROOT=$root offers 'list '
    LEFT4ME_ROOT=$root offers 'logs ' a b-2 C
    LEFT4ME_ROOT=$root offers 'console ' a b-2 C
    LEFT4ME_ROOT=$root offers 'console a ' --
    LEFT4ME_ROOT=$root offers 'console a -- st'
    LEFT4ME_ROOT=$root offers 'logs a ' --
    LEFT4ME_ROOT=$root offers 'status a ' --
}

@test "instances that have a spec are completed, of the root that is named" {
    make_instances "$BATS_TEST_TMPDIR/root"
    with_and_without_library names_are_completed
}

files_are_completed() {
    local root=$BATS_TEST_TMPDIR/root
    offers 'create x ' - d f.txt 's.yaml' t.yml
    offers 'create x s' s.yaml
    offers 'create x s.yaml '
    offers "--root $root check " a b-2 C d s.yaml t.yml
    offers 'check d/' d/f
    offers '--root ' d
    offers '--root=' d
    offers 'metrics --output d/' d/f
    offers 'metrics --output d/f '
}

@test "files are completed where a spec or a directory is wanted" {
    make_instances "$BATS_TEST_TMPDIR/root"
    mkdir -p "$BATS_TEST_TMPDIR/files/d"
    cd "$BATS_TEST_TMPDIR/files"
    touch d/f f.txt s.yaml t.yml
    with_and_without_library files_are_completed
}

@test "what follows -- is completed as journalctl and systemctl do" {
    local library
    library=$(bash_completion)
    LIBRARY=$library run -0 completed logs a -- --foll
    assert_output --follow
    LIBRARY=$library run -0 completed status a -- --no-pag
    assert_output --no-pager
    # Without it, nothing, and no error.
    offers 'logs a -- --foll'
}

@test "a root whose instances may not be read completes to nothing, without an error" {
    local -a nobody=()
    require setpriv
    # To root, everything can be read.
    ((EUID != 0)) || nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    make_instances "$BATS_TEST_TMPDIR/root"
    chmod 0000 "$BATS_TEST_TMPDIR/root/instances"
    run -0 --separate-stderr "${nobody[@]}" bash -c '
        eval "$1"
        COMP_WORDS=(left4mectl --root "$2" start "") COMP_CWORD=4
        _left4mectl left4mectl "" start
        echo "${#COMPREPLY[@]}"' - "$(cat "$COMPLETION")" "$BATS_TEST_TMPDIR/root"
    chmod 0700 "$BATS_TEST_TMPDIR/root/instances"
    assert_output 0
    assert_equal "$stderr" ''
}

# --- SECURITY.md ------------------------------------------------------------------------------

@test "each claim of SECURITY.md names a test, and each test that it names is there" {
    local file name claims
    claims=$(sed -n '/^## Claims/,/^## Known/p' "$SOURCE/SECURITY.md" | grep '^|' | tail -n +3)
    [[ -n $claims ]]
    run grep -vE '\.bats: "' <<<"$claims"
    assert_output ''
    while IFS=: read -r file name; do
        grep -qxF "@test ${name# } {" "$SOURCE/tests/$file" ||
            fail "SECURITY.md names a test that is not there: $file:$name"
    done < <(grep -oE '[a-z/-]+\.bats: "[^"]+"' <<<"$claims")
    (($(grep -oE '\.bats: "' <<<"$claims" | wc -l) >= 30))
}

# --- The benchmark ----------------------------------------------------------------------------

@test "README shows the figures of the benchmark that are kept" {
    sed -n '/^<!-- bench\/report --readme -->$/,/^<!-- end -->$/p' "$SOURCE/README.md" | sed '1d;$d' \
        >"$BATS_TEST_TMPDIR/shown"
    [[ -s $BATS_TEST_TMPDIR/shown ]]
    python3 -B "$SOURCE/bench/report" --readme | diff -u "$BATS_TEST_TMPDIR/shown" -
}
