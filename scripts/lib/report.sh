# Runs one part, counts what its runner says, and prints the summary. Sourced by scripts/test.

PASSED=0
FAILED=0
SKIPPED=0
LINES=()

# The sum of the first number that the expression $2 captures in the file $1.
sum_matches() {
  sed -nE "s/\x1b\[[0-9;]*m//g; s/$2/\1/p" "$1" | awk '{ total += $1 } END { print total + 0 }'
}

# Reads the closing lines of nextest, cargo test, pytest and node's runner in $1 into ran_passed, ran_failed and ran_skipped.
count_results() {
  ran_passed=$(($(sum_matches "$1" '^ *Summary .* ([0-9]+) passed.*') + $(sum_matches "$1" '^test result: .* ([0-9]+) passed;.*') +
    $(sum_matches "$1" '^=+ .*\b([0-9]+) passed.*=+$') + $(sum_matches "$1" '^ℹ pass ([0-9]+)$')))
  ran_failed=$(($(sum_matches "$1" '^ *Summary .* ([0-9]+) failed.*') + $(sum_matches "$1" '^test result: .* ([0-9]+) failed;.*') +
    $(sum_matches "$1" '^=+ .*\b([0-9]+) failed.*=+$') + $(sum_matches "$1" '^=+ .*\b([0-9]+) errors?.*=+$') +
    $(sum_matches "$1" '^ℹ fail ([0-9]+)$')))
  ran_skipped=$(($(sum_matches "$1" '^=+ .*\b([0-9]+) skipped.*=+$') + $(sum_matches "$1" '^ℹ skipped ([0-9]+)$')))
}

# run_part NAME: runs part_NAME with its output in test-results/NAME.log. A part with its own runner (RUNNER_PARTS) must have run a test;
# any other counts as one check.
run_part() {
  local part="$1" log="$RESULTS/$1.log" started=$SECONDS status=0 verdict=ok
  local ran_passed=0 ran_failed=0 ran_skipped=0
  printf '%-12s running…\n' "$part"
  NOTE=""
  "part_${part//-/_}" >"$log" 2>&1 </dev/null || status=$?
  if [[ " $RUNNER_PARTS " == *" $part "* ]]; then
    count_results "$log"
    if ((status == 0 && ran_passed == 0)); then
      echo "no test ran" >>"$log"
      status=1
    fi
  elif ((status == 0)); then
    ran_passed=1
  fi
  if ((status != 0)); then
    verdict=FAILED
    ((ran_failed > 0)) || ran_failed=1
    printf -- '---- %s failed; the end of %s:\n' "$part" "${log#"$ROOT"/}"
    tail -n 80 "$log"
    printf -- '----\n'
  fi
  PASSED=$((PASSED + ran_passed))
  FAILED=$((FAILED + ran_failed))
  SKIPPED=$((SKIPPED + ran_skipped))
  LINES+=("$(printf '%-12s %-7s %5d passed %4d failed %4ds  %s' "$part" "$verdict" "$ran_passed" "$ran_failed" $((SECONDS - started)) "$NOTE")")
}

# Prints a line per part and the totals; its status is the suite's.
summary() {
  printf '\n'
  printf '%s\n' "${LINES[@]}"
  printf '%-12s %4d min %02d s\n\n' "total" $((SECONDS / 60)) $((SECONDS % 60))
  if ((SKIPPED > 0)); then
    printf '%d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"
  else
    printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
  fi
  ((FAILED == 0))
}
