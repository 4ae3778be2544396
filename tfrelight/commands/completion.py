"""Completion of commands, flags and lights in bash, zsh and fish.

The shell asks the command itself: with the variable `ASK` in its environment a command prints its
flags, one a line and with their values where there are only a few, and ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from absl import flags

__all__ = ["ASK", "answer", "main"]

ASK = "TFRELIGHT_COMPLETION"

# bash breaks words at "=", so that only what stands behind it is to be completed.
_BASH = """\
_tfrelight() {
  local line="${COMP_LINE:0:COMP_POINT}" current words
  current="${line##* }"
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="$(TFRELIGHT_COMPLETION=1 tfrelight --help)"
  elif [ "${current:0:1}" = - ] || [ "${COMP_WORDS[1]}" = completion ]; then
    words="$(TFRELIGHT_COMPLETION=1 tfrelight "${COMP_WORDS[1]}" 2>/dev/null)"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  case "$current" in *=*)
    COMPREPLY=("${COMPREPLY[@]#"${current%%=*}"=}")
    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "${current#*=}")) ;;
  esac
  case "${COMPREPLY[*]}" in *=) compopt -o nospace ;; esac
}
complete -o default -F _tfrelight tfrelight
"""
_ZSH = """\
#compdef tfrelight
_tfrelight() {
  local -a words_
  if (( CURRENT == 2 )); then
    words_=(${(f)"$(TFRELIGHT_COMPLETION=1 tfrelight --help)"})
    compadd -a words_
  elif [[ ${words[CURRENT]} == -* || ${words[2]} == completion ]]; then
    words_=(${(f)"$(TFRELIGHT_COMPLETION=1 tfrelight ${words[2]} 2>/dev/null)"})
    compadd -S '' -- ${(M)words_:#*=}
    compadd -- ${words_:#*=}
    compset -P '*=' && _files
  else
    _files
  fi
}
compdef _tfrelight tfrelight
"""
_FISH = """\
complete -c tfrelight -n '__fish_use_subcommand' -f \
-a '(TFRELIGHT_COMPLETION=1 tfrelight --help)'
complete -c tfrelight \
-n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' \
-a '(TFRELIGHT_COMPLETION=1 tfrelight (commandline -opc)[2] 2>/dev/null)'
"""
_SHELLS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
_HOW = {
    "bash": 'eval "$(tfrelight completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(tfrelight completion zsh)" in ~/.zshrc, after compinit',
    "fish": "tfrelight completion fish > ~/.config/fish/completions/tfrelight.fish",
}


def main(arguments: list[str]) -> int:
    """Prints the script for the shell that `arguments` names; returns the exit status."""
    if len(arguments) == 1 and arguments[0] in _SHELLS:
        print(_SHELLS[arguments[0]], end="")
        return 0
    if ASK in os.environ:
        print("\n".join(_SHELLS))
        return 0
    lines = ["usage: tfrelight completion bash|zsh|fish", *(f"  {how}" for how in _HOW.values())]
    asked_for_help = arguments in ([], ["--help"], ["-h"])
    print("\n".join(lines), file=sys.stdout if asked_for_help else sys.stderr)
    return 0 if asked_for_help else 2


def answer() -> bool:
    """Prints the flags of this command if a shell asks; returns whether one does."""
    if ASK not in os.environ:
        return False
    print("\n".join(_words()))
    return True


def _words() -> Iterator[str]:
    own = flags.FLAGS.get_key_flags_for_module(sys.argv[0])
    for flag in sorted(own, key=lambda flag: flag.name):
        if flag.boolean:
            yield from (f"--{flag.name}", f"--no{flag.name}")
        elif flag.name == "light":
            from tfrelight.lights import PRESETS

            yield from (f"--light={name}" for name in PRESETS)
        else:
            values = getattr(flag.parser, "enum_values", None) or [""]
            yield from (f"--{flag.name}={value}" for value in values)
