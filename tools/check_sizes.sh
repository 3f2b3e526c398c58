#!/usr/bin/env bash
# The size report: files over 600 lines and functions over 100 lines fail, except those named below. Functions are
# measured by universal-ctags, from the line that names them to their closing brace.
#   tools/check_sizes.sh [DIRECTORY]     checks the tree there (default: this one)
#   tools/check_sizes.sh --self-test     checks that long ones are found, on a made-up tree
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

max_file=600
max_function=100

# Path and reason. Only for generated tables and micro-kernels that live alone in their file.
exempt='
'

is_exempt() { awk -v path="$1" '$1 == path && NF > 1 { found = 1 } END { exit !found }' <<<"$exempt"; }

check() { # DIRECTORY
    local files functions bad=0 lines path name line
    cd "$1"
    files=$({ find src apps tests bench \( -name '*.h' -o -name '*.cpp' \) -type f 2>/dev/null || true; } | xargs wc -l |
        awk '$2 != "total" { print $1, $2 }' | sort -rn)
    functions=$(cut -d' ' -f2 <<<"$files" |
        ctags -L - --languages=C++ --langmap=C++:.h.cpp --kinds-C++=f -f - --fields=+ne --excmd=number |
        awk -F'\t' '!/^!/ {
            start = end = 0
            for (i = 3; i <= NF; i++) {
                if ($i ~ /^line:/) start = substr($i, 6)
                if ($i ~ /^end:/) end = substr($i, 5)
            }
            if (end) print end - start + 1, $2, start, $1
        }' | sort -rn)
    awk '{ n++; total += $1 } END { printf "%d files, %d lines; the longest:", n, total }' <<<"$files"
    awk 'NR <= 3 { printf " %s (%d)", $2, $1 } END { print "" }' <<<"$files"
    awk '{ n[NR] = $1 } NR <= 3 { top = top sprintf(" %s at %s:%d (%d)", $4, $2, $3, $1) }
         END { printf "%d functions, half of them within %d lines; the longest:%s\n", NR, n[int(NR / 2) + 1], top }' \
        <<<"$functions"
    while read -r lines path; do
        if ((lines > max_file)) && ! is_exempt "$path"; then
            echo "$path:1: the file has $lines lines, more than $max_file; please divide it"
            bad=1
        fi
    done <<<"$files"
    while read -r lines path line name; do
        if ((${lines:-0} > max_function)) && ! is_exempt "$path"; then
            echo "$path:$line: $name has $lines lines, more than $max_function; please divide it"
            bad=1
        fi
    done <<<"$functions"
    return "$bad"
}

self_test() {
    local dir found
    dir=$(mktemp -d)
    # shellcheck disable=SC2064  # the name is known now
    trap "rm -rf '$dir'" EXIT
    mkdir -p "$dir/src/base"
    make_function() { # NAME LINES
        printf 'template <class T>\nint %s(int a) try {\n' "$1"
        for ((i = 0; i < $2 - 5; i++)); do echo '    a += 1;'; done
        printf '    return a;\n} catch (...) {\n    throw;\n}\n'
    }
    make_function fits 90 >"$dir/src/base/good.cpp"
    (check "$dir") >/dev/null || { echo "self-test: a good tree was refused" && return 1; }
    make_function long_one 120 >"$dir/src/base/long.cpp"
    for ((f = 0; f < 11; f++)); do make_function "f$f" 60; done >"$dir/src/base/many.cpp"
    found=$( (check "$dir")) && { echo "self-test: a bad tree was accepted" && return 1; }
    if ! grep -q 'src/base/long.cpp:2: long_one has 120 lines' <<<"$found" ||
        ! grep -q 'src/base/many.cpp:1: the file has 671 lines' <<<"$found"; then
        echo "self-test: not all was found:" && echo "$found"
        return 1
    fi
    echo "check_sizes: self-test passed"
}

case ${1:-} in
    --self-test) self_test ;;
    *) check "${1:-.}" ;;
esac
