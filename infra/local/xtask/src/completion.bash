# `cargo xtask …` is completed as `xtask …`; all else is left to the completion of cargo that was there before.
if [[ $(complete -p cargo 2>/dev/null) != *" _cargo_with_xtask "* ]]; then
    _cargo_xtask_before=$(complete -p cargo 2>/dev/null | sed -n 's/.* -F \([^ ]*\) .*/\1/p')
fi
_cargo_with_xtask() {
    if [[ ${COMP_WORDS[1]} == xtask && $COMP_CWORD -gt 1 ]]; then
        COMP_WORDS=(xtask "${COMP_WORDS[@]:2}")
        COMP_CWORD=$((COMP_CWORD - 1))
        _xtask xtask "$2" "${COMP_WORDS[COMP_CWORD - 1]}"
    elif [[ -n $_cargo_xtask_before ]]; then
        "$_cargo_xtask_before" "$@"
    elif [[ $COMP_CWORD -eq 1 ]]; then
        mapfile -t COMPREPLY < <(compgen -W xtask -- "$2")
    fi
}
complete -o bashdefault -o default -F _cargo_with_xtask cargo
