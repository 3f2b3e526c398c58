#!/usr/bin/env bash
# Checks what tracked files must not hold: paths of somebody's machine, hosts of package registries, words that promise
# work instead of doing it, getenv outside its one file, and files over 20 MB. Words that must not appear are written
# here in pieces, so that this file passes its own check.
#   tools/check_words.sh [DIRECTORY]     checks the git checkout there (default: this one)
#   tools/check_words.sh --self-test     checks that each is found, on a made-up checkout
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

max_bytes=20000000
getenv_file=src/base/env.cpp

# In any text file. A path counts where it stands alone, not inside a longer one (such as /proc/self/root/).
start='(^|[^A-Za-z0-9_./~-])'
paths="$start/(wo""rk|ro""ot|ho""me/[a-z]+|opt/qv""env|tm""p/b-[a-z]+)(/|\$|[^A-Za-z0-9_-])"
hosts='(deb|security|snapshot|ftp)\.deb''ian\.org|py''pi\.org|python''hosted\.org|registry\.npm''js|crates\.i''o'
# In our own text only: vocabularies and stories of data files may hold any word.
own='\.(h|cpp|c|sh|py|md|txt|cmake|json|yml)$|^dev$|^\.ci/|^\.clang'
words='\b(TO''DO|FIX''ME|XX''X|HA''CK|place''holder|st''ubs?|unimple''mented)\b'

check() { # DIRECTORY
    local bad=0 tracked large
    cd "$1"
    tracked=$(git -c core.quotepath=off ls-files)
    look() { # COMPLAINT PATTERN, over the files on standard input
        local found
        found=$(tr '\n' '\0' | xargs -0 -r grep -InHE -- "$2" | cut -c1-240 || true)
        if [[ -n $found ]]; then
            echo "$1:"
            echo "$found"
            bad=1
        fi
    }
    look 'a path of one machine' "$paths" <<<"$tracked"
    look 'a host of a package registry' "$hosts" <<<"$tracked"
    look 'a word that promises work' "$words" < <(grep -E "$own" <<<"$tracked" | grep -v '^tests/golden/' || true)
    look "getenv outside $getenv_file" '\b(secure_)?getenv *\(|\benviron\b' \
        < <(grep -E '^(src|apps|bench)/' <<<"$tracked" | grep -vxF "$getenv_file" || true)
    large=$(tr '\n' '\0' <<<"$tracked" | xargs -0 -r stat -c '%s %n' -- 2>/dev/null |
        awk -v max="$max_bytes" '$1 > max { print $2 " has " $1 " bytes, more than " max }' || true)
    if [[ -n $large ]]; then
        echo "$large"
        bad=1
    fi
    return "$bad"
}

self_test() {
    local dir found want
    dir=$(mktemp -d)
    # shellcheck disable=SC2064  # the name is known now
    trap "rm -rf '$dir'" EXIT
    mkdir -p "$dir/src/base" "$dir/docs"
    git -C "$dir" init -q
    echo 'const char* home = getenv("HOME");  // /usr/lib/x ~/wo''rk/ a/wo''rk/b' >"$dir/$getenv_file"
    git -C "$dir" add .
    (check "$dir") || { echo "self-test: a good checkout was refused" && return 1; }
    echo 'auto a = std::getenv("A");' >"$dir/src/base/a.cpp"
    echo '// TO''DO later' >"$dir/src/base/b.h"
    echo 'see /wo''rk/main' >"$dir/docs/a.md"
    echo 'from https://files.python''hosted.org/x' >"$dir/docs/b.md"
    head -c 20000001 /dev/zero >"$dir/docs/big.bin"
    git -C "$dir" add .
    found=$( (check "$dir")) && { echo "self-test: a bad checkout was accepted" && return 1; }
    for want in '^src/base/a.cpp:1:' '^src/base/b.h:1:' '^docs/a.md:1:' '^docs/b.md:1:' '^docs/big.bin has 20000001'; do
        grep -q "$want" <<<"$found" || { echo "self-test: not found: $want" && return 1; }
    done
    echo "check_words: self-test passed"
}

case ${1:-} in
    --self-test) self_test ;;
    *) check "${1:-.}" ;;
esac
