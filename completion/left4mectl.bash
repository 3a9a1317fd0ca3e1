# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion of left4mectl(1) for bash. With bash-completion, files are completed as it does, and
# what follows "--" as of journalctl and systemctl; without it, the rest works too.

# Prints the instances of the state root $1: directories that hold a spec.
_left4mectl_instances() {
    local LC_ALL=C spec name
    for spec in "$1"/instances/*/spec.yaml; do
        name=${spec%/spec.yaml}
        name=${name##*/}
        if [[ -e $spec && $name =~ ^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$ ]]; then
            printf '%s\n' "$name"
        fi
    done
}

# Adds those words of $1, one a line, that begin with what was typed and are none of the others.
_left4mectl_add() {
    local word words=$1
    shift
    while read -r word; do
        if [[ -n $word && $word == "$cur"* && " $* " != *" $word "* ]]; then
            COMPREPLY+=("$word")
        fi
    done <<<"$words"
}

# Adds files; with -d, directories alone; with yaml, these and files of that name.
_left4mectl_add_files() {
    local name
    if declare -F _filedir >/dev/null; then
        [[ ${1:-} != yaml ]] || set -- '@(yaml|yml)'
        _filedir "$@"
        return
    fi
    compopt -o filenames 2>/dev/null
    while read -r name; do
        if [[ -d $name || ${1:-} == '' || (${1:-} == yaml && $name == *.y?(a)ml) ]]; then
            COMPREPLY+=("$name")
        fi
    done < <(compgen -f -- "$cur")
}

# Completes as command $1 does: its words are $2 up to the empty word, and those behind "--".
_left4mectl_hand_over() {
    local command=$1
    shift
    if ! declare -F "_$command" >/dev/null && declare -F _completion_loader >/dev/null; then
        _completion_loader "$command"
    fi
    declare -F "_$command" >/dev/null || return 0
    COMP_WORDS=("$command" "$@")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMP_LINE="${COMP_WORDS[*]}"
    COMP_POINT=${#COMP_LINE}
    "_$command" "$command" "$cur" "${COMP_WORDS[COMP_CWORD - 1]}"
}

# The options of verb $1; of none yet, all.
_left4mectl_options() {
    case $1 in
    '')
        printf '%s\n' --interval --iterations --no-block --no-headings --no-reload --once --output --replace --size --start --yes
        ;;
    create) printf '%s\n' --start --replace --once --no-block --no-reload ;;
    edit) printf '%s\n' --no-reload --yes ;;
    start | stop) printf '%s\n' --once --no-block --no-reload ;;
    restart) printf '%s\n' --no-block --no-reload ;;
    reset) printf '%s\n' --yes ;;
    delete) printf '%s\n' --yes --no-reload ;;
    list | query) printf '%s\n' --no-headings ;;
    top) printf '%s\n' --interval --iterations --no-headings ;;
    metrics) printf '%s\n' --output ;;
    show) printf '%s\n' --size ;;
    esac
    printf '%s\n' --root --json --quiet --help --version
}

_left4mectl() {
    local verbs=$'check\nconsole\ncreate\ndelete\nedit\nlist\nlogs\nmetrics\nquery\nreset\nrestart\nshow\nstart\nstatus\nstop\ntop'
    local root=${LEFT4ME_ROOT:-/var/lib/left4me} verb='' cur='' word instances
    local -a words=() operands=()
    local -i i
    COMPREPLY=()

    # "=" breaks words: put --root=DIR together again.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]:-}
        if ((${#words[@]})) && [[ ($word == = && ${words[-1]} == --*) || ${words[-1]} == --*= ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
    done
    if [[ ${words[-1]} == --*=* ]]; then
        cur=${words[-1]#*=}
        words[-1]=${words[-1]%%=*}
        words+=("$cur")
    else
        cur=${words[-1]}
    fi

    # All words but the last, which is being typed.
    for ((i = 0; i < ${#words[@]} - 1; i++)); do
        word=${words[i]}
        case $word in
        --root) root=${words[++i]} ;;
        --interval | --iterations | --output) i+=1 ;;
        --root=*) root=${word#*=} ;;
        --)
            case $verb in
            logs) _left4mectl_hand_over journalctl "${words[@]:i+1}" ;;
            status) _left4mectl_hand_over systemctl status "${words[@]:i+1}" ;;
            esac
            return
            ;;
        -?*) ;;
        *)
            if [[ -n $verb ]]; then
                operands+=("$word")
            else
                verb=$word
            fi
            ;;
        esac
    done

    if ((${#words[@]} > 1)) && [[ ${words[-2]} == --root ]]; then
        _left4mectl_add_files -d
        return
    fi
    if ((${#words[@]} > 1)); then
        case ${words[-2]} in
        --output)
            _left4mectl_add_files
            return
            ;;
        --interval | --iterations) return ;;
        esac
    fi
    if [[ $cur == -* ]]; then
        _left4mectl_add "$(_left4mectl_options "$verb")"
        case $verb in
        create) ((${#operands[@]} != 1)) || _left4mectl_add - ;;
        console | logs | status) _left4mectl_add -- ;;
        esac
        return
    fi

    # A "~" in front stays in the word as it was typed.
    [[ $root != "~"/* ]] || root=$HOME/${root#"~"/}
    instances=$(_left4mectl_instances "$root")
    case $verb in
    '') _left4mectl_add "$verbs" ;;
    start | stop | restart | reset | delete | query | top)
        _left4mectl_add "$instances" "${operands[@]}"
        ;;
    create)
        if ((${#operands[@]} == 0)); then
            [[ " ${words[*]} " != *' --replace '* ]] || _left4mectl_add "$instances"
        elif ((${#operands[@]} == 1)); then
            _left4mectl_add -
            _left4mectl_add_files
        fi
        ;;
    check)
        # What has no slash in it and ends otherwise is a name to left4mectl.
        _left4mectl_add "$instances"
        if [[ $cur == */* ]]; then
            _left4mectl_add_files
        else
            _left4mectl_add_files yaml
        fi
        ;;
    console | logs | status)
        if ((${#operands[@]} == 0)); then
            _left4mectl_add "$instances"
        else
            _left4mectl_add --
        fi
        ;;
    edit | show) ((${#operands[@]})) || _left4mectl_add "$instances" ;;
    esac
}

complete -F _left4mectl left4mectl
