# Runs the phases of a build. $1 is the control folder: the plan and the commands are there, and what happened
# is written there. Standard output is the build's log, standard error says the same as the file `events`.
#
# The commands run in one shell of their own, which is given one file after the other to source; so `cd`,
# exports and functions last from one command to the next. When a command ends that shell (`exit`, `set -e`),
# another one goes on with the environment and the directory as they were after the command before.
penstock_dir=$1
. "$penstock_dir/plan.sh"
exec 9>&2 2>&1 </dev/null
penstock_seq=0
penstock_good=1
penstock_pid=
penstock_user=
penstock_other_user=

tell() {
    penstock_seq=$((penstock_seq + 1))
    penstock_line="$penstock_seq $(date +%s) $*"
    printf '%s\n' "$penstock_line" >>"$penstock_dir/events"
    printf '%s\n' "$penstock_line" >&9
}

say() {
    printf '[Container] %s %s\n' "$(date -u '+%Y/%m/%d %H:%M:%S')" "$*"
}

begin_shell() {
    rm -f "$penstock_dir/orders" "$penstock_dir/answers"
    mkfifo "$penstock_dir/orders" "$penstock_dir/answers" || return 1
    if [ -n "$penstock_user" ]; then
        # Another user writes these, too.
        for penstock_name in orders answers state directory environment; do
            [ -e "$penstock_dir/$penstock_name" ] || : >"$penstock_dir/$penstock_name"
            chmod 666 "$penstock_dir/$penstock_name"
        done
    fi
    # Both sides open the two pipes in the same order, so that neither waits for the other in vain.
    (
        exec 6>&- 9>&-
        export PENSTOCK_DIR="$penstock_dir" PENSTOCK_OTHER_USER="$penstock_other_user"
        exec 8<"$penstock_dir/orders" 7>"$penstock_dir/answers"
        if [ -z "$penstock_user" ] || [ "$penstock_user" = "$(id -un)" ]; then
            exec "$penstock_shell" "$penstock_dir/shell.sh"
        fi
        exec su -s "$penstock_shell_path" "$penstock_user" -c ". '$penstock_dir/shell.sh'"
    ) &
    penstock_pid=$!
    penstock_other_user=
    exec 6>"$penstock_dir/orders" 7<"$penstock_dir/answers"
}

end_shell() {
    [ -n "$penstock_pid" ] || return 0
    exec 6>&- 7<&-
    wait "$penstock_pid"
    penstock_pid=
}

# Sources a file in the commands' shell; its status is in penstock_status.
order() {
    [ -n "$penstock_pid" ] || begin_shell
    # The shell may have been killed by something that a former command left behind.
    (trap '' PIPE && printf '%s\n' "$1" >&6) 2>/dev/null
    if IFS= read -r penstock_status <&7; then return; fi
    exec 6>&- 7<&-
    wait "$penstock_pid"
    penstock_status=$?
    penstock_pid=
}

# $1 phase, $2 commands or finally, $3 how many. Ends with the first that fails.
run_list() {
    penstock_index=1
    while [ "$penstock_index" -le "$3" ]; do
        penstock_file="$penstock_dir/$1.$2.$penstock_index"
        say "Running command $(cat "$penstock_file")"
        order "$penstock_file"
        # Ends a line that the command left open; on AWS there is an empty one, too.
        echo
        if [ "$penstock_status" != 0 ]; then
            say "Command did not exit successfully $(cat "$penstock_file") exit status $penstock_status"
            tell failed "$1" "$2" "$penstock_index" "$penstock_status"
            if [ "$penstock_state" = SUCCEEDED ]; then
                penstock_state=FAILED
                penstock_code=COMMAND_EXECUTION_ERROR
                penstock_why="Error while executing command: $(cat "$penstock_file"). Reason: exit status $penstock_status"
            fi
            if [ "$penstock_good" = 1 ]; then
                penstock_good=0
                order "$penstock_dir/failing.sh"
            fi
            return
        fi
        penstock_index=$((penstock_index + 1))
    done
}

# $1 phase, $2 user, $3 number of commands, $4 number of finally's.
run_phase() {
    if [ "$2" != "$penstock_user" ]; then
        end_shell
        penstock_user=$2
        penstock_other_user=1
        if [ -n "$2" ] && ! id "$2" >/dev/null 2>&1; then
            say "There is no user $2 in this build image"
        fi
    fi
    penstock_state=SUCCEEDED
    penstock_code=
    penstock_why=
    tell start "$1"
    say "Entering phase $1"
    run_list "$1" commands "$3"
    run_list "$1" finally "$4"
    say "Phase complete: $1 State: $penstock_state"
    say "Phase context status code: $penstock_code Message: $penstock_why"
    tell end "$1" "$penstock_state"
}

if ! penstock_shell_path=$(command -v "$penstock_shell"); then
    tell broken "the build image has no $penstock_shell, which env.shell asks for"
    exit 0
fi
for penstock_tool in mkfifo cat date rm; do
    if ! command -v "$penstock_tool" >/dev/null; then
        tell broken "the build image has no $penstock_tool, which is needed to run a build"
        exit 0
    fi
done
if ! cd "$CODEBUILD_SRC_DIR"; then
    tell broken "the source directory cannot be entered"
    exit 0
fi
penstock_phases
order "$penstock_dir/last.sh"
end_shell
tell finished
