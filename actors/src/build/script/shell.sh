# The shell of a build's commands: sources the files that it is told on descriptor 8, answers with their status
# on descriptor 7. Neither is open while a command runs, so that nothing left in the background holds them.
penstock_dir=$PENSTOCK_DIR
if [ -s "$penstock_dir/state" ]; then
    penstock_own="HOME=$HOME USER=$USER LOGNAME=$LOGNAME SHELL=$SHELL"
    . "$penstock_dir/state"
    # What belongs to the user stays the user's own.
    [ -z "$PENSTOCK_OTHER_USER" ] || export $penstock_own
    cd "$(cat "$penstock_dir/directory")"
fi
unset PENSTOCK_DIR PENSTOCK_OTHER_USER
set --
while IFS= read -r penstock_file <&8; do
    . "$penstock_file" 7>&- 8<&-
    penstock_status=$?
    export -p >|"$penstock_dir/state"
    pwd >|"$penstock_dir/directory"
    printf '%s\n' "$penstock_status" >&7
done
