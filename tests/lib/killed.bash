# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# left4mectl that is killed at any moment.

# killed NAME PORT VERB ROUNDS: runs left4mectl so many times and kills it after up to 30 ms, looking
# each time whether the spec is whole, and what the same command does then. That may have to wait for
# the lock of one that is still dying, and says so: the result is a line among others.
killed() {
    lab_run bash -c '
        name=$1 port=$2 verb=$3 rounds=$4 whole=0 none=0
        spec=/var/lib/left4me/instances/$name/spec.yaml
        long=$(printf "port: %d\ndescription: %s" "$port" "$(head -c 30000 /dev/zero | tr "\0" x)")
        other=$long-other
        run() {
            case $verb in
            create) left4mectl --quiet create "$name" - <<<"$long" ;;
            edit) EDITOR="cp /run/other" left4mectl --quiet edit "$name" ;;
            delete) left4mectl --quiet delete "$name" ;;
            esac
        }
        export -f run; export name verb long
        printf "%s\n" "$other" >/run/other
        for ((i = 0; i < rounds; i++)); do
            case $verb in
            create) left4mectl --quiet --no-reload delete "$name" ;;
            *) left4mectl --quiet --no-reload --replace create "$name" - <<<"$long" ;;
            esac
            { timeout --signal=KILL "0.0$((RANDOM % 3))$((RANDOM % 10))" bash -c run || :; } 2>/dev/null
            if [[ ! -e $spec ]]; then
                none=$((none + 1))
                [[ $verb != edit ]] || exit 10
            elif [[ $(<"$spec") == "$long" || $(<"$spec") == "$other" ]]; then
                whole=$((whole + 1))
            else
                exit 11
            fi
            # Again, and it is done.
            [[ $verb == create && -e $spec ]] || run || exit 12
            case $verb in
            create) [[ $(<"$spec") == "$long" ]] || exit 13 ;;
            edit) [[ $(<"$spec") == "$other" ]] || exit 14 ;;
            delete) [[ ! -e ${spec%/*} && ! -e /var/lib/left4me/runtime/$name ]] || exit 15 ;;
            esac
            [[ $verb == delete || -z $(find "${spec%/*}" -name ".spec.yaml.*") ]] || exit 16
        done
        echo "$verb: $whole whole, $none none"
        left4mectl --quiet delete "$name"' - "$@"
}
