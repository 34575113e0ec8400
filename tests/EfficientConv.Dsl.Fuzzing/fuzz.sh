#!/bin/sh
# Fuzzes one reader under AFL++, guided by what the changed bytes reach. Usage: fuzz.sh TARGET [SECONDS]
# Needs Debian's afl++ (apt-get install afl++). Findings are in artifacts/fuzz/TARGET/default/crashes and hangs.
set -eu
target=${1:?usage: fuzz.sh TARGET [SECONDS]}
seconds=${2:-600}
here=$(cd "$(dirname "$0")" && pwd)
work=$here/../../artifacts/fuzz
mkdir -p "$work"
command -v afl-fuzz >/dev/null || { echo "afl-fuzz is missing: apt-get install afl++" >&2; exit 127; }
[ -x "$work/tool/sharpfuzz" ] || dotnet tool install SharpFuzz.CommandLine --version 2.3.0 --tool-path "$work/tool"
rm -rf "$work/bin"
dotnet build "$here" -c Release -o "$work/bin" -p:RunAnalyzers=false
rm -rf "$work/seeds/$target"
dotnet "$work/bin/EfficientConv.Dsl.Fuzzing.dll" seeds "$target" "$work/seeds/$target"
for library in EfficientConv.Dsl EfficientConv.Dsl.Compiler EfficientConv.Dsl.Import; do
    "$work/tool/sharpfuzz" "$work/bin/$library.dll"
done
dictionary=$here/dictionaries/$target.dict
[ -e "$dictionary" ] && set -- -x "$dictionary" || set --
export AFL_SKIP_BIN_CHECK=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_SKIP_CPUFREQ=1 AFL_NO_UI=1 DOTNET_TieredPGO=0
exec afl-fuzz -V "$seconds" -i "$work/seeds/$target" -o "$work/$target" -t 20000 -m none "$@" -- dotnet "$work/bin/EfficientConv.Dsl.Fuzzing.dll" afl "$target"
