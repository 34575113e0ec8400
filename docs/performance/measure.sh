#!/usr/bin/env bash
# measure.sh NAME COMMAND...: runs the command, which prints JSON, and keeps that in measured/NAME.json, with the command, the date and the machine. Pages take their figures from
# there: EFFICIENTCONV_ACCEPT=1 dotnet test tests/EfficientConv.Dsl.Cli.Tests --filter DocumentTests. Run from the repository's root; efficientconv is the repository's own.
set -euo pipefail
name=$1
shift
efficientconv() { dotnet run -c Release --project src/EfficientConv.Dsl.Cli -- "$@"; }
quote() { sed 's/[\\"]/\\&/g; s/^ */"/; s/ *$/"/'; }
fact() { LC_ALL=C lscpu | sed -n "s/^ *$1: *//p" | head -1; }

typed=
for word; do
    case $word in *[!A-Za-z0-9_./:=,@%+-]*) word="'$word'" ;; esac
    typed="$typed $word"
done
output=$("$@" | sed "s|$PWD/||g")
file=$(dirname "${BASH_SOURCE[0]}")/measured/$name.json
{
    printf '{\n  "date": "%s",\n  "command": %s,\n' "$(date -u +%F)" "$(echo "$typed" | quote)"
    printf '  "processor": %s,\n' "$(fact 'Model name' | quote)"
    printf '  "facts": %s,\n' "$(echo "family $(fact 'CPU family'), model $(fact Model)" | quote)"
    printf '  "runtime": %s,\n' "$(dotnet --list-runtimes | sed -n 's/^Microsoft.NETCore.App \([^ ]*\).*/.NET \1/p' | tail -1 | quote)"
    printf '  "output": %s\n}\n' "$output"
} >"$file.part"
mv "$file.part" "$file"
