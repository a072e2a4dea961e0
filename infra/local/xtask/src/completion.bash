# `cargo xtask …` is completed as `cargo-xtask …`; all else is left to the completion of cargo that was there before.
_cargo_xtask_before=$(complete -p cargo 2>/dev/null | sed -n 's/.* -F \([^ ]*\) .*/\1/p')
[[ $_cargo_xtask_before == _cargo_with_xtask ]] && _cargo_xtask_before=
_cargo_with_xtask() {
    if [[ ${COMP_WORDS[1]} == xtask && $COMP_CWORD -gt 1 ]]; then
        COMP_WORDS=(cargo-xtask "${COMP_WORDS[@]:2}")
        COMP_CWORD=$((COMP_CWORD - 1))
        _cargo-xtask cargo-xtask "$2" "${COMP_WORDS[COMP_CWORD - 1]}"
    elif [[ -n $_cargo_xtask_before ]]; then
        "$_cargo_xtask_before" "$@"
    elif [[ $COMP_CWORD -eq 1 ]]; then
        mapfile -t COMPREPLY < <(compgen -W xtask -- "$2")
    fi
}
complete -o bashdefault -o default -F _cargo_with_xtask cargo
