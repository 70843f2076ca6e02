#!/usr/bin/env bash
# Fuzzes one reader with afl-fuzz and SharpFuzz: eng/fuzz.sh TARGET [MINUTES] [--keep]
#   TARGET   one of those that "eng/fuzz.sh" names when it is called without any
#   MINUTES  10 by default; a run goes on where the last one of the target ended
#   --keep   puts what was found, made small, into tests/Vmem.Fuzz/corpus/TARGET, where CI runs it from then on
# Installs what it needs beyond the .NET SDK. Works under artifacts/fuzz; the assemblies that are instrumented are copies.
# Ends with the figures of the run, and with exit code 1 if anything was found.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en

root=artifacts/fuzz
built=$root/build/bin/Vmem.Fuzz/debug

fail() { printf '%s\n' "$1" >&2; exit 2; }

prepare() {
  if ! command -v afl-fuzz >/dev/null; then
    command -v apt-get >/dev/null || fail "afl-fuzz is not installed: https://aflplus.plus"
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    $sudo apt-get update -qq && $sudo apt-get install -y -qq afl++ >/dev/null || fail "afl++ could not be installed."
  fi

  dotnet tool restore >/dev/null || fail "The tools of .config/dotnet-tools.json could not be restored."

  # Debug, for the assertions in it; optimised, for the speed.
  dotnet build tests/Vmem.Fuzz -c Debug -p:Optimize=true --artifacts-path "$root/build" -v q --nologo >&2 || fail "The build failed."
  rm -rf "$copy"
  mkdir -p "$root/instrumented"
  cp -r "$built" "$copy"
  for assembly in Vmem.dll Vmem.Tool.dll ZstdSharp.dll; do
    dotnet sharpfuzz "$copy/$assembly" || fail "$assembly could not be instrumented."
  done
}

# afl-fuzz expects a native program under a fixed clock and dumped cores; none of that matters here, and no setting of the machine is changed.
export AFL_SKIP_BIN_CHECK=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_AUTORESUME=1
# A heap of 256 MiB at most: a reader that wants more is a finding. Buffers of up to 8 MiB stay out of the large-object heap, and generation 0
# takes 64 MiB, or most of the time goes into full collections.
export DOTNET_GCHeapHardLimit=0x10000000 DOTNET_GCLOHThreshold=0x800000 DOTNET_GCgen0size=0x4000000
# afl-fuzz kills what runs for longer than this, in milliseconds, and calls it a hang. Usual inputs take 2 to 5; a busy machine takes longer.
timeout_ms=10000

if [ $# = 0 ]; then
  printf 'eng/fuzz.sh TARGET [MINUTES] [--keep]\nTargets:\n'
  ls tests/Vmem.Fuzz/corpus | sed 's/^/  /'
  exit 2
fi
target=$1
minutes=10
keep=false
for argument in "${@:2}"; do
  case $argument in
    --keep) keep=true ;;
    *[!0-9]* | '') fail "MINUTES is a number, or --keep: '$argument' is neither." ;;
    *) minutes=$argument ;;
  esac
done
seeds=tests/Vmem.Fuzz/corpus/$target
copy=$root/instrumented/$target
[ -n "$target" ] && [ -d "$seeds" ] || fail "There is no target '$target'. Call eng/fuzz.sh alone for their names."

prepare
output=$root/$target
mkdir -p "$output"
dotnet "$copy/Vmem.Fuzz.dll" "$target" words > "$output/words.dict"
command=(dotnet "$copy/Vmem.Fuzz.dll" "$target" afl)
# Crashes write no core files.
ulimit -c 0
afl-fuzz -i "$seeds" -o "$output" -x "$output/words.dict" -m none -t "$timeout_ms" -V "$((minutes * 60))" -- "${command[@]}" > "$output/log" 2>&1 \
  || { tail -n 20 "$output/log" >&2; fail "afl-fuzz failed."; }

stats=$output/default/fuzzer_stats
value() { sed -nE "s/^$1 +: (.*)/\1/p" "$stats"; }
printf '%s: %s executions in %s s (%s a second), %s inputs kept, %s edges, stability %s, %s crashes, %s hangs\n' \
  "$target" "$(value execs_done)" "$(value run_time)" "$(value execs_per_sec)" "$(value corpus_count)" "$(value edges_found)" "$(value stability)" \
  "$(value saved_crashes)" "$(value saved_hangs)"

found=0
for input in "$output"/default/crashes/id:* "$output"/default/hangs/id:*; do
  [ -e "$input" ] || continue
  found=1
  printf '%s\n' "$input"
  if $keep; then
    small=$output/small
    afl-tmin -m none -t "$timeout_ms" -i "$input" -o "$small" -- "${command[@]}" >/dev/null 2>&1 || cp "$input" "$small"
    cp "$small" "$seeds/found-$(sha256sum "$small" | cut -c1-12)"
  fi
done
if [ $found = 1 ]; then
  printf 'Repeat one with: dotnet run -c Release --project tests/Vmem.Fuzz -- %s run FILE\n' "$target"
fi
exit $found
