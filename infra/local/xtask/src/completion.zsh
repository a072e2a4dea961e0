# `cargo xtask …` is completed as `xtask …`; all else is left to the completion of cargo that was there before.
[[ ${_comps[cargo]} == _cargo_with_xtask ]] || typeset -g _cargo_xtask_before=${_comps[cargo]:-_default}
_cargo_with_xtask() {
    if (( CURRENT > 2 )) && [[ ${words[2]} == xtask ]]; then
        words=(xtask "${(@)words[3,-1]}")
        (( CURRENT -= 1 ))
        _xtask
    else
        ${_cargo_xtask_before} "$@"
    fi
}
compdef _cargo_with_xtask cargo
