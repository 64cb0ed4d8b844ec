#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""completion.py BIN OUT: completions for bash, zsh and fish, from what the commands in BIN print on --help: nothing
about options or subcommands is written here, so none of it can be out of date."""
import os
import re
import subprocess
import sys

PROGRAMS = ("gaon-demo-digits", "gaon-sim", "gaoncc")
OPTION = re.compile(r"(?:(?<![\w-])(-\w), )?(?<![\w-])(--[a-z][a-z0-9-]*)(?:[ =]([A-Z]+\b))?")
DESCRIBED = re.compile(r"^ {2,}(?:(-\w), )?(--[a-z][\w-]*)\S*(?: [A-Z][\w\[\],]*)?  +(\S.*)$", re.M)
DEVICES = "{ echo embedded; cd /dev/accel 2>/dev/null && ls -d accel*; }"


def text_of(*command):
    """What a command prints on --help; an error if it does not do so with success."""
    done = subprocess.run([*command, "--help"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    if done.returncode or not done.stdout:
        raise SystemExit(f"completion.py: {' '.join(command)} --help: exit status {done.returncode}: {done.stderr}")
    return done.stdout


class Command:
    """A command's options and fixed words."""

    def __init__(self, text, summary=""):
        self.summary = summary
        meanings = {name: meaning for _, name, meaning in DESCRIBED.findall(text)}
        self.options = {}       # long name: (short name, argument or "", meaning)
        for short, name, argument in OPTION.findall(text):
            old = self.options.get(name, ("", "", ""))
            self.options[name] = (short or old[0], old[1] or argument, meanings.get(name, ""))
        self.options.setdefault("--help", ("", "", ""))
        usage = text.split("\n", maxsplit=1)[0]
        self.words = [word for group in re.findall(r"(?<![\w-])[a-z]\w*(?:\|[a-z]\w*)+", usage)
                      for word in group.split("|")]

    def flags(self):
        """Every spelling of every option."""
        return [name for long, (short, _, _) in self.options.items() for name in ((short, long) if short else (long,))]


def collect(directory):
    """({subcommand of gaon: Command}, {other program: Command})"""
    gaon = os.path.join(directory, "gaon")
    listed = re.findall(r"^  ([a-z][\w-]*) +(\S.*)$", text_of(gaon), re.M)
    if not listed:
        raise SystemExit("completion.py: gaon --help names no command")
    return ({name: Command(text_of(gaon, name), summary) for name, summary in listed},
            {name: Command(text_of(os.path.join(directory, name))) for name in PROGRAMS})


def bash(commands, programs):
    """The script for bash-completion."""
    cases = "".join(f'\t"gaon {name}") words="{" ".join(command.flags() + command.words)}" ;;\n'
                    for name, command in commands.items())
    cases += "".join(f'\t"{name} "*) words="{" ".join(command.flags())}" ;;\n' for name, command in programs.items())
    return f"""# SPDX-License-Identifier: MIT
# bash completion of gaon and its kin; made from their --help.
_gaon()
{{
	local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} words
	COMPREPLY=()
	# readline splits at =
	[[ $previous == = ]] && previous=${{COMP_WORDS[COMP_CWORD - 2]}}
	[[ $current == = ]] && previous=${{COMP_WORDS[COMP_CWORD - 1]}} current=
	case $previous in
	--device)
		mapfile -t COMPREPLY < <(compgen -W "$({DEVICES})" -- "$current")
		return
		;;
	esac
	if [[ ${{COMP_WORDS[0]##*/}} == gaon && $COMP_CWORD -eq 1 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "{' '.join(commands)} --help" -- "$current")
		return
	fi
	case "${{COMP_WORDS[0]##*/}} ${{COMP_WORDS[1]}}" in
{cases}	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -o default -F _gaon gaon {' '.join(programs)}
"""


def zsh_quote(text):
    """Text inside of single quotes and an option's brackets."""
    return text.replace("'", "'\\''").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def zsh_arguments(command):
    """The words for _arguments."""
    out = []
    for long, (short, argument, meaning) in command.options.items():
        action = ""
        if argument:
            action = ":device:_gaon_devices" if long == "--device" else f":{argument.lower()}:_files"
        for name in (short, long) if short else (long,):
            out.append(f"'{name}[{zsh_quote(meaning)}]{action}'")
    if command.words:
        out.append(f"'1:what:({' '.join(command.words)})'")
    return " ".join([*out, "'*:file:_files'"])


def zsh(commands, programs):
    """The function for zsh."""
    listed = " ".join(f"'{name}:{zsh_quote(command.summary)}'" for name, command in commands.items())
    cases = "".join(f"\t{name}) _arguments {zsh_arguments(command)} ;;\n" for name, command in commands.items())
    others = "".join(f"{name}) _arguments {zsh_arguments(command)}; return ;;\n" for name, command in programs.items())
    return f"""#compdef gaon {' '.join(programs)}
# SPDX-License-Identifier: MIT
# zsh completion of gaon and its kin; made from their --help.
_gaon_devices() {{
	local -a devices=(${{(f)"$({DEVICES})"}})
	_describe device devices
}}
case $service in
{others}esac
local -a commands=({listed})
if (( CURRENT == 2 )); then
	_describe command commands
else
	shift words
	(( CURRENT-- ))
	case $words[1] in
{cases}	esac
fi
"""


def fish_quote(text):
    """Text inside of single quotes."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def fish_options(who, when, command):
    """Lines for a command's options."""
    out = []
    for long, (short, argument, meaning) in command.options.items():
        line = f"complete -c {who}{when} -l {long[2:]}"
        if short:
            line += f" -s {short[1:]}"
        if long == "--device":
            line += f" -x -a \"(sh -c '{DEVICES}')\""
        elif argument:
            line += " -r"
        out.append(line + (f" -d '{fish_quote(meaning)}'" if meaning else ""))
    if command.words:
        out.append(f"complete -c {who}{when} -f -a '{' '.join(command.words)}'")
    return out


def fish(commands, programs):
    """The script for fish."""
    out = ["# SPDX-License-Identifier: MIT", "# fish completion of gaon and its kin; made from their --help."]
    for name, command in commands.items():
        out.append(f"complete -c gaon -f -n __fish_use_subcommand -a {name} -d '{fish_quote(command.summary)}'")
        out += fish_options("gaon", f" -n '__fish_seen_subcommand_from {name}'", command)
    for name, command in programs.items():
        out += fish_options(name, "", command)
    return "\n".join(out) + "\n"


def main():
    if len(sys.argv) != 3:
        print(__doc__.split("\n", maxsplit=1)[0], file=sys.stderr)
        return 2
    commands, programs = collect(sys.argv[1])
    os.makedirs(sys.argv[2], exist_ok=True)
    for name, make in (("gaon", bash), ("_gaon", zsh), ("gaon.fish", fish)):
        with open(os.path.join(sys.argv[2], name), "w", encoding="utf-8") as file:
            file.write(make(commands, programs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
