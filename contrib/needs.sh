# What a build needs from the machine; read by contrib/quickstart and tests/run, never run by itself.
# Installs packages only when asked to by `need`, only when they are missing, and only by apt-get as
# root or by sudo without a password. Says what to do and exits 69 (EX_UNAVAILABLE) otherwise.

RUST_NEEDED=1.95

say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

unavailable() {
    say "$*"
    exit 69
}

has() {
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]
}

# Rust cannot come from a distribution here: no stable one has it new enough.
need_rust() {
    version=$(cargo --version 2>/dev/null) ||
        unavailable "Rust $RUST_NEEDED or later is missing; install it from https://rustup.rs and start again"
    version=${version#cargo }
    major=${version%%.*}
    minor=${version#*.}
    minor=${minor%%.*}
    if [ "$major" -lt "${RUST_NEEDED%.*}" ] ||
        { [ "$major" -eq "${RUST_NEEDED%.*}" ] && [ "$minor" -lt "${RUST_NEEDED#*.}" ]; }; then
        unavailable "Rust $RUST_NEEDED or later is needed, this is $version; run: rustup update stable"
    fi
}

# The library, and the headers that belong to it: Debian's runtime package has the one without the other.
has_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    if has apt-get; then
        set -- /usr/lib/llvm-*/lib/clang/*/include/stddef.h /usr/lib/clang/*/include/stddef.h
        [ -e "$1" ] || [ -e "$2" ] || return 1
    fi
    for place in /usr/lib/llvm-*/lib /usr/lib/*-linux-*/ /usr/lib64 /usr/lib64/llvm*/lib /usr/lib /usr/local/lib \
        /usr/local/llvm*/lib /opt/homebrew/opt/llvm/lib /usr/local/opt/llvm/lib /Library/Developer/CommandLineTools/usr/lib; do
        for file in "$place"/libclang.so "$place"/libclang.so.* "$place"/libclang-*.so* "$place"/libclang.dylib; do
            [ -e "$file" ] || continue
            case ${file##*/} in
            libclang-cpp*) continue ;;
            esac
            return 0
        done
    done
    has llvm-config && [ -e "$(llvm-config --libdir)/libclang.so" ]
}

# need_build [PACKAGE...]: everything that building postern takes, and further packages that the caller misses.
need_build() {
    need_rust
    packages=$*
    has cc || packages="$packages gcc libc6-dev"
    has make || packages="$packages make"
    has perl || packages="$packages perl"
    has_libclang || packages="$packages libclang-dev"
    # shellcheck disable=SC2086 # a list of package names
    need $packages
}

# need PACKAGE...: installs Debian packages, none of which may start a service.
need() {
    [ $# -gt 0 ] || return 0
    if ! has apt-get; then
        unavailable "missing here; install what your system calls: $*"
    elif [ "$(id -u)" -eq 0 ]; then
        as_root=
    elif has sudo && sudo -n true 2>/dev/null; then
        as_root='sudo -n'
    else
        unavailable "missing here; run: sudo apt-get install $*"
    fi
    say "installing $*"
    # Packages of mail servers would start them. A policy that says no is how Debian is told not to; an existing one is kept.
    policy=
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        policy=/usr/sbin/policy-rc.d
        trap '$as_root rm -f "$policy"' EXIT
        trap 'exit 1' INT TERM HUP
        printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
        $as_root chmod 755 "$policy"
    fi
    # Postfix asks how to set itself up; the tests bring their own configuration.
    case " $* " in
    *" postfix "*)
        echo 'postfix postfix/main_mailer_type select No configuration' | $as_root debconf-set-selections
        ;;
    esac
    apt="$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q -y -o Dpkg::Use-Pty=0"
    $apt install --no-install-recommends "$@" ||
        { $apt update && $apt install --no-install-recommends "$@"; } ||
        unavailable "failed to install $*; see apt-get's words above"
    if [ -n "$policy" ]; then
        $as_root rm -f "$policy"
        trap - EXIT INT TERM HUP
    fi
}
