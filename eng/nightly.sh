#!/usr/bin/env bash
# What takes hours: eng/nightly.sh [HOURS] [--minutes M] [PART...]
#   HOURS        12 by default. With 6 each part has half of the minutes that stand below
#   --minutes M  each part has M minutes instead, and so has each fuzzer: to see in short that all of it runs
#   PART         only these, of: model fuzz chaos storms schedules mutants soak; or fuzz:TARGET, one fuzzer
# A part that goes in rounds begins no round after its time, and ends the one that it is in. Each round has seeds of its own; the night's are
# made from the date, and VMEM_SEED repeats another night's.
# Writes artifacts/nightly/summary.md, and beside it what each part said. Ends with 1 if anything was found.
set -uo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en DOTNET_GCgen0size=0x4000000

# Minutes of a night of 12 hours; of fuzz for each of the 12 fuzzers.
parts=(model fuzz chaos storms schedules mutants soak)
declare -A minutes=([model]=90 [fuzz]=30 [chaos]=30 [storms]=30 [schedules]=30 [mutants]=120 [soak]=60)
model_steps=100000000

fail() { printf '%s\n' "$1" >&2; exit 2; }

chosen=()
while [ $# -gt 0 ]; do
  case $1 in
    --minutes)
      [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || fail "--minutes wants a number."
      for part in "${parts[@]}"; do minutes[$part]=$2; done
      shift ;;
    [1-9] | [1-9][0-9])
      for part in "${parts[@]}"; do minutes[$part]=$(((minutes[$part] * $1 + 11) / 12)); done ;;
    *)
      [[ " ${parts[*]} " == *" ${1%%:*} "* ]] || fail "'$1' is neither hours nor a part: ${parts[*]}."
      chosen+=("$1") ;;
  esac
  shift
done
[ "${#chosen[@]}" -gt 0 ] || chosen=("${parts[@]}")

out=artifacts/nightly
summary=$out/summary.md
mkdir -p artifacts
exec 9> artifacts/nightly.lock
flock -n 9 || fail "Another night is under way here."
rm -rf "$out"
mkdir -p "$out"
seed=${VMEM_SEED:-$(($(date +%s) / 86400 * 1000000))}

build() { dotnet build -c "$1" -p:RunAnalyzers=false -v q --nologo "${@:3}" "tests/$2" >> "$out/build.log" 2>&1 || fail "tests/$2 was not built: $out/build.log"; }
# Optimised Debug: assertions and the steps of explorers are what it is for.
build_debug() { build Debug "$1" -p:Optimize=true; }

# tests CONFIGURATION PROJECT FILTER...: a run; a failure is counted. No run outlives its part by more than half an hour.
tests() {
  VMEM_SEED=$seed "tests/$2/bin/$1/net10.0/$2" "${@:3}" --output Detailed --progress off --no-ansi --timeout $((minutes[$part] + 30))m >> "$log" 2>&1 \
    || found=$((found + 1))
}

classes() { for class in "$@"; do printf -- '--filter-class\n*.%s\n' "$class"; done; }
# The time of a part begins when it is built.
start() { began=$SECONDS; }
is_over() { [ "$SECONDS" -ge $((began + 60 * minutes[$part])) ]; }
# sum WORDS: of the numbers that stand before these words in the part's log.
sum() { grep -oE "[0-9,]+ $1" "$log" | tr -d , | awk '{ sum += $1 } END { printf "%d", sum }'; }

model() {
  build Release Vmem.Tests
  start
  local filter=(--filter-method '*ArenaModelTests.Millions*' --filter-method '*ArenaModelTests.Large*' --filter-method '*ArenaModelTests.An_audited*')
  until is_over || [ "$(sum 'steps')" -ge "$model_steps" ]; do
    tests Release Vmem.Tests "${filter[@]}"
    seed=$((seed + 2560))
  done
  did="$(sum 'steps') steps of arenas, each compared with the model, of $model_steps"
}

fuzz() {
  local targets=("$@")
  [ $# -gt 0 ] || mapfile -t targets < <(ls tests/Vmem.Fuzz/corpus)
  for target in "${targets[@]}"; do
    eng/fuzz.sh "$target" "${minutes[fuzz]}" >> "$log" 2>&1 || found=$((found + 1))
  done
  did="${#targets[@]} fuzzers of ${minutes[fuzz]} minutes: $(sum 'executions') executions"
}

chaos() {
  build Release Vmem.Leasing.PostgreSql.Tests
  VMEM_CHAOS_SECONDS=$((60 * minutes[chaos])) tests Release Vmem.Leasing.PostgreSql.Tests --filter-class '*.ChaosTests'
  did="$(sum 'uses') uses of leased values, $(sum 'changes of hands') changes of hands"
}

storms() {
  build Release Vmem.Tests
  build Release Vmem.Memory.Tests
  start
  local arenas heaps rounds=0
  mapfile -t arenas < <(classes WrongFreeStormTests CheckedCacheStormTests InterruptStormTests ArenaStressTests ClaimStressTests WaitStressTests WaitSchedulerTests BuddyModelTests)
  mapfile -t heaps < <(classes WrongFreeStormTests WrongFreeMixTests HeapStressTests HeapFuzzTests ContextModelTests ClientStressTests)
  until is_over; do
    VMEM_STORM=1000000 tests Release Vmem.Tests "${arenas[@]}"
    VMEM_STORM=1000000 tests Release Vmem.Memory.Tests "${heaps[@]}"
    seed=$((seed + 10000)) rounds=$((rounds + 1))
  done
  did="$rounds rounds, $(grep -c '^passed ' "$log") tests passed"
}

schedules() {
  build_debug Vmem.Tests
  build_debug Vmem.Memory.Tests
  start
  local rounds=0
  until is_over; do
    for project in Vmem.Tests Vmem.Memory.Tests; do
      VMEM_SCHEDULES=3000 tests Debug "$project" --filter-namespace "$project.Exploration"
    done
    seed=$((seed + 3000)) rounds=$((rounds + 1))
  done
  did="$rounds rounds, $(sum 'schedules') schedules, 3,000 of each exploration at random"
}

# One part of the library after the other, another first each night; the last is cut off. Its survivors are no findings: docs/testing.md.
mutants() {
  local all turn ended=()
  mapfile -t all < <(eng/mutants.sh | sed -n 's/^  //p')
  turn=$(($(date +%s) / 86400))
  until is_over || [ "${#ended[@]}" = "${#all[@]}" ]; do
    local name=${all[$((turn++ % ${#all[@]}))]}
    if timeout -k 30 $((began + 60 * minutes[mutants] - SECONDS)) eng/mutants.sh "$name" >> "$log" 2>&1; then
      ended+=("$name")
    elif is_over; then
      ended+=("$name (cut off)")
      break
    else
      ended+=("$name (failed)") found=$((found + 1))
    fi
  done
  did="$(IFS=,; printf '%s' "${ended[*]}"); $(grep -E '^[A-Za-z]+: [0-9.]+ %' "$log" | paste -sd ';')"
}

soak() {
  build Release Vmem.Memory.Tests
  VMEM_SOAK_MINUTES=${minutes[soak]} tests Release Vmem.Memory.Tests --filter-method '*HeapStressTests.Soak'
  did="$(grep -c 'Seed ' "$log") storms of 8 threads, 500,000 and 200,000 operations each"
}

{
  printf '# Night of %s\n\n' "$(date -u '+%Y-%m-%d %H:%M') UTC"
  printf 'Commit %s, %s processors, load %s at the start. Seeds from %s.\n\n' \
    "$(git describe --always --dirty)" "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)" "$seed"
  printf '| part | budget | took | load after | what ran | found |\n|---|---|---|---|---|---|\n'
} > "$summary"

all_found=0
for choice in "${chosen[@]}"; do
  part=${choice%%:*} only=${choice#"${choice%%:*}"}
  log=$out/$part.log began=$SECONDS found=0 did=
  : > "$log"
  "$part" ${only:+"${only#:}"}
  took=$((SECONDS - began))
  printf '| %s | %s min | %d min %d s | %s | %s | %s |\n' "$choice" "${minutes[$part]}" $((took / 60)) $((took % 60)) \
    "$(cut -d' ' -f1 /proc/loadavg)" "$did" "$([ "$found" = 0 ] && echo nothing || echo "$found failed: $log")" >> "$summary"
  tail -n 1 "$summary"
  all_found=$((all_found + found))
done
[ "$all_found" = 0 ]
