#!/usr/bin/env bash
# Checks who includes whom in src/, and that CMakeLists.txt links no more than that. The table is the whole permission:
# a folder may include itself, base/ and what its line names. Prints file, line and include of each breach.
#   tools/check_includes.sh [DIRECTORY]     checks the tree there (default: this one)
#   tools/check_includes.sh --self-test     checks that breaches are found, on a made-up tree
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

table='
base:
tensor:
format:   tensor
ops:      tensor
graph:    ops tensor
kernels:  ops tensor
dispatch: kernels ops tensor
exec:     graph dispatch kernels ops tensor
weights:  format tensor
state:    tensor
models:   graph ops tensor format
convert:  models text tensor format
text:     format
engine:   models dispatch exec weights state text tensor format
train:    models exec graph weights tensor
cluster:  exec state tensor
server:   engine text
agent:    engine text
'

# A home is a folder of kernels (kernels/x86/); the rest of the engine reaches kernels through the registry only.
# shellcheck disable=SC2016  # awk's, not the shell's
rules='
function breach(text) { printf "%s:%d: %s\n", file, line, text; bad = 1 }
BEGIN {
    n = split(table, lines, "\n")
    for (i = 1; i <= n; i++) {
        if (split(lines[i], part, ":") < 2) continue
        folder = part[1]
        known[folder] = 1
        allowed[folder, folder] = allowed[folder, "base"] = 1
        m = split(part[2], names, " ")
        for (j = 1; j <= m; j++) allowed[folder, names[j]] = 1
    }
}
function check_include(from, home, target,    part, count, to) {
    count = split(target, part, "/")
    to = part[1]
    if (quoted && (count < 2 || !(to in known))) {
        breach("#include \"" target "\": an include in quotes starts at src/, with the name of a folder there")
    } else if ((to in known) && count > 1 && !((from, to) in allowed)) {
        breach("#include \"" target "\": " from "/ may not include " to "/")
    } else if (to == "kernels" && count > 2 && part[2] != home) {
        breach("#include \"" target "\": nobody outside kernels/" part[2] "/ includes it")
    }
}
{
    file = FILENAME
    line = FNR
}
file ~ /CMakeLists.txt$/ {
    if (!match($0, /^quern_folder\([a-z]+/)) next
    from = substr($0, 14, RLENGTH - 13)
    depends = $0
    if (!sub(/.*DEPENDS /, "", depends)) next
    sub(/ (LIBRARIES|OBJECT) .*|\).*/, "", depends)
    sub(/ LIBRARIES.*/, "", depends)
    m = split(depends, names, " ")
    for (j = 1; j <= m; j++)
        if (!((from, names[j]) in allowed)) breach("quern_folder(" from "): may not depend on " names[j])
    next
}
/^[ \t]*#[ \t]*include[ \t]*["<]/ {
    path = substr(file, length(src) + 2)
    split(path, place, "/")
    target = $0
    quoted = target ~ /^[^<]*"/
    sub(/^[^"<]*["<]/, "", target)
    sub(/[">].*/, "", target)
    if (!(place[1] in known)) breach("the folder " place[1] "/ is not in the table of tools/check_includes.sh")
    else check_include(place[1], place[1] == "kernels" ? place[2] : "", target)
}
END { exit bad }
'

check() { # DIRECTORY
    local src=$1/src
    find "$src" "$1/CMakeLists.txt" -type f \( -name '*.h' -o -name '*.cpp' -o -name CMakeLists.txt \) | sort |
        xargs awk -v src="$src" -v table="$table" "$rules"
}

self_test() {
    local dir found
    dir=$(mktemp -d)
    # shellcheck disable=SC2064  # the name is known now
    trap "rm -rf '$dir'" EXIT
    mkdir -p "$dir"/src/{base,text,kernels/x86,kernels/reference,engine,novel}
    echo 'quern_folder(text DEPENDS base format LIBRARIES PCRE2)' >"$dir/CMakeLists.txt"
    printf '#include <vector>\n#include "base/a.h"\n' >"$dir/src/base/a.cpp"
    printf '#include "base/a.h"\n#include "format/f.h"\n' >"$dir/src/text/good.cpp"
    printf '#include "kernels/spec.h"\n#include "kernels/x86/tile.h"\n' >"$dir/src/kernels/x86/good.cpp"
    check "$dir" >/dev/null || { echo "self-test: a good tree was refused" && return 1; }

    printf '\n#include "engine/session.h"\n' >"$dir/src/text/upward.cpp"
    printf '#  include <tensor/view.h>\n' >"$dir/src/text/angle.cpp"
    printf '#include "good.h"\n' >"$dir/src/text/short.cpp"
    printf '#include "../base/a.h"\n' >"$dir/src/text/dots.cpp"
    printf '#include "kernels/reference/linear.h"\n' >"$dir/src/kernels/x86/other_home.cpp"
    printf '#include "base/a.h"\n' >"$dir/src/novel/new.cpp"
    echo 'quern_folder(text DEPENDS base engine format)' >>"$dir/CMakeLists.txt"
    found=$(check "$dir") && { echo "self-test: a bad tree was accepted" && return 1; }
    local want
    for want in 'text/upward.cpp:2: .*text/ may not include engine/' 'text/angle.cpp:1: .*may not include tensor/' \
        'text/short.cpp:1: .*starts at src/' 'text/dots.cpp:1: .*starts at src/' \
        'other_home.cpp:1: .*nobody outside kernels/reference/' 'novel/new.cpp:1: the folder novel/ is not in' \
        'CMakeLists.txt:2: quern_folder.text.: may not depend on engine'; do
        grep -q "$want" <<<"$found" || { echo "self-test: not found: $want" && return 1; }
    done
    [[ $(wc -l <<<"$found") == 7 ]] || { echo "self-test: 7 breaches were made, found:" && echo "$found" && return 1; }
    echo "check_includes: self-test passed"
}

case ${1:-} in
    --self-test) self_test ;;
    *) check "${1:-.}" ;;
esac
