#!/usr/bin/env bash
# Runs clang-tidy-16 (.clang-tidy) over sources until the time is up, and says how many it covered. Without --all the
# sources are those that differ from the main branch; where none does (CI builds main itself), all of them, what was
# committed last first.
#   tools/tidy.sh BUILD_DIRECTORY [--all]     BUILD_DIRECTORY has compile_commands.json
# QUERN_TIDY_SECONDS is the time to take (default 240; --all takes what it needs).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=${1:?"usage: tools/tidy.sh BUILD_DIRECTORY [--all]"}
limit=${QUERN_TIDY_SECONDS:-240}
if [[ ${2:-} == --all ]]; then limit=1000000; fi

compiled() { sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$build/compile_commands.json" | sed "s|^$PWD/||" | sort -u; }

# A changed header is looked at through the source of the same name.
changed() {
    local base
    base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null || git rev-parse HEAD)
    {
        git diff --name-only --diff-filter=d "$base"
        git ls-files --others --exclude-standard
    } | sed -n 's/\.\(h\|cpp\)$/.cpp/p' | sort -u
}

sources=$(compiled)
picked=''
if [[ ${2:-} != --all ]]; then picked=$(comm -12 <(echo "$sources") <(changed)); fi
if [[ -z $picked ]]; then
    # by the time of the last commit that changed them or their header; tests when the rest is done
    picked=$(git log --format= --name-only -- '*.h' '*.cpp' | sed 's/\.h$/.cpp/' |
        awk 'NR == FNR { wanted[$0] = 1; next }
             !($0 in wanted) || seen[$0]++ { next }
             /^tests\// { later = later $0 "\n"; next }
             { print }
             END { printf "%s", later }' <(echo "$sources") -)
fi

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
deadline=$(($(date +%s) + limit))
export build results deadline
# shellcheck disable=SC2016  # for the inner shell
tr '\n' '\0' <<<"$picked" | xargs -0 -r -n 1 -P "$(nproc)" bash -c '
    if (($(date +%s) >= deadline)); then exit 0; fi
    out=$results/$(tr / . <<<"$1")
    # Warnings that only GCC knows are no finding.
    if clang-tidy-16 --quiet -p "$build" --extra-arg=-Wno-unknown-warning-option "$1" >"$out.log" 2>/dev/null; then touch "$out.ok"; else touch "$out.bad"; fi
' tidy

count() { find "$results" -name "*.$1" | wc -l; }
bad=$(count bad)
for log in "$results"/*.log; do
    if [[ -f ${log%.log}.bad ]]; then cat "$log"; fi
done
total=$(grep -c . <<<"$picked" || true)
covered=$(($(count ok) + bad))
echo "clang-tidy: $covered of $total files covered, $((total - covered)) not for want of time; $bad with findings"
((bad == 0))
