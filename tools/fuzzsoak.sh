#!/usr/bin/env bash
# Runs every fuzz target of the module for FUZZTIME (10m by default) and writes
# what was done to docs/proofs. Resumable: a target that is done for this commit
# is not run again. It ends with 1 when a target found something or ran nothing.
# FUZZJOBS targets run at once, each with its share of the cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fuzztime=${FUZZTIME:-10m}
jobs=${FUZZJOBS:-1}
workers=$((($(nproc) + jobs - 1) / jobs))
commit=$(git rev-parse HEAD)
dirty=$([[ -z $(git status --porcelain) ]] || echo ", with changes in the checkout")
state=.cache/soak/$commit-fuzz-$fuzztime
out=${SOAK_OUT:-docs/proofs}
mkdir -p "$state" "$out"

targets() {
	git ls-files '*_test.go' | { xargs -r grep -HoE '^func Fuzz[A-Za-z0-9_]+' || true; } | sed 's/:func /:/' | sort -u
}

# One line for a target: name, seeds, executions, new inputs, verdict.
run() {
	local file=$1 target=$2 pkg log
	pkg=./$(dirname "$file")
	log=$state/$target.log
	local verdict=nothing
	for try in 1 2; do
		if go test -run='^$' -fuzz="^$target\$" -fuzztime="$fuzztime" -parallel="$workers" -fuzzminimizetime=10s "$pkg" >"$log" 2>&1 </dev/null; then
			verdict=nothing
		else
			verdict=found
			# The engine sometimes reports its own end of time as a failure; a
			# finding always comes with an input.
			if [[ $try == 1 ]] && grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"; then continue; fi
		fi
		break
	done
	local seeds execs new
	seeds=$(sed -nE 's|.*gathering baseline coverage: [0-9]+/([0-9]+) completed.*|\1|p' "$log" | tail -1)
	execs=$(sed -nE 's|.*execs: ([0-9]+) .*|\1|p' "$log" | tail -1)
	new=$(sed -nE 's|.*new interesting: ([0-9]+) .*|\1|p' "$log" | tail -1)
	[[ ${execs:-0} -gt 0 || $verdict == found ]] || verdict=invalid
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$pkg" "$target" "${seeds:-0}" "${execs:-0}" "${new:-0}" "$verdict" >"$state/$target.tsv"
	echo "fuzz: $pkg $target: ${execs:-0} executions, $verdict"
}

while IFS=: read -r file target; do
	[[ -s $state/$target.tsv ]] && ! grep -q 'invalid$' "$state/$target.tsv" && continue
	while (($(jobs -rp | wc -l) >= jobs)); do wait -n || true; done
	run "$file" "$target" &
done < <(targets)
wait

page=$out/$(date -u +%F)-${commit:0:7}-fuzz.md
{
	echo "# Fuzzing, $(date -u +%F)"
	echo
	echo "Commit $commit$dirty. Each target ran for $fuzztime with $workers workers, $jobs targets at once on $(nproc) cores, $(go env GOVERSION) on $(uname -sr)."
	echo "Seeds are the inputs it began with: those in the tree and those that earlier runs on"
	echo "this machine kept. A target without executions is invalid."
	echo
	echo "| package | target | seeds | executions | new inputs | found |"
	echo "|---|---|---|---|---|---|"
	cat "$state"/*.tsv | sort | awk -F'\t' '{ printf "| %s | %s | %s | %s | %s | %s |\n", $1, $2, $3, $4, $5, $6 }'
} >"$page"
echo "$page"
! grep -qhvE 'nothing$' "$state"/*.tsv # no pipe: grep -q would break it
