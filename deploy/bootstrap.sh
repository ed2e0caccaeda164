# Sourced by up, test and tonne: makes .tonne/venv hold exactly requirements.lock. Needs root never.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
umask 022 # PostgreSQL and RabbitMQ, started by root, run as others and must read their programs
state=$root/.tonne
venv=$state/venv
lock=$root/requirements.lock

say() { printf 'tonne: %s\n' "$*" >&2; }

give_up() { # what is missing, what cures it
    say "$1. Cure: $2"
    exit 3
}

is_recent_python() { # the version of a shim says nothing, so run it
    "$1" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for name in python3 python3.13 python3.12 python3.11 python3.14 "$own_python/usr/bin/python3"; do
        if is_recent_python "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

debian() { # apt-get as it is, or with package lists of our own where the system has none
    apt-get -qq ${own_lists:+-o Dir::State::Lists="$own_lists" -o Dir::Cache="$own_lists/.."} "$@"
}

unpack_from_debian() { # folder, packages: with all that they need and the system lacks; root is not needed
    command -v apt-get >/dev/null 2>&1 || return 1
    into=$1
    shift
    rm -rf "$into" && mkdir -p "$into/debs" && cd "$into/debs" || return 1
    missing=$(debian -s --no-install-recommends install "$@" | awk '/^Inst/ { print $2 }')
    # shellcheck disable=SC2086 # one word a package
    debian download $missing && for package in *.deb; do
        dpkg-deb -x "$package" "$into" || return 1
    done
}

fetch_from_debian() {
    (unpack_from_debian "$@") >/dev/null 2>&1 && return
    own_lists=$state/apt/lists
    mkdir -p "$own_lists/partial" "$state/apt/archives/partial"
    debian update >/dev/null 2>&1 || say "not every package list could be fetched"
    (unpack_from_debian "$@") >/dev/null 2>&1
}

# Debian's python3 without python3-venv has no pip, but its package is a wheel that runs as it is.
pip_from_debian() {
    pip=$state/pip
    authorities=/etc/ssl/certs/ca-certificates.crt
    fetch_from_debian "$pip" python3-pip-whl &&
        "$venv/bin/python" -m zipfile -e "$pip"/usr/share/python-wheels/pip-*.whl "$pip/wheel" || return 1
    if [ ! -s "$authorities" ]; then # a bare Debian has none, and this pip looks nowhere else
        cat "$pip"/usr/share/ca-certificates/mozilla/*.crt >"$pip/authorities.pem"
        grep -rl "$authorities" "$pip/wheel" | xargs sed -i "s|$authorities|$pip/authorities.pem|"
    fi
    export PYTHONPATH="$pip/wheel"
}

# A bare Debian has no Python at all: then one of our own, which finds its libraries only if told.
own_python=$state/python
python_from_debian() {
    say "fetching Python from Debian's packages into $own_python (once)"
    fetch_from_debian "$own_python" python3
    tell_own_libraries
}

tell_own_libraries() {
    for folder in "$own_python"/lib/*-linux-* "$own_python"/usr/lib/*-linux-*; do
        export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder"
    done
}

find_pip() {
    "$venv/bin/python" -m ensurepip >/dev/null 2>&1 || pip_from_debian ||
        give_up "python3 has neither pip nor venv" "apt-get install python3-venv (as root), or install uv"
}

pip_install() {
    "$venv/bin/python" -m pip install -qq --require-hashes -r "$1"
}

# The lock pins uv too: pip fetches that one wheel and uv does the rest, ten times quicker than pip.
install_with_pip() {
    find_pip
    awk '/^[a-z]/ { wanted = /^uv==/ } wanted' "$lock" >"$state/uv.lock"
    if pip_install "$state/uv.lock"; then
        install_with_uv "$venv/bin/uv" 2>/dev/null && return
        find_pip
    fi
    pip_install "$lock"
}

install_with_uv() {
    # Houses with certificates of their own put them here; a bare system has none, and uv then brings its own.
    [ ! -s /etc/ssl/certs/ca-certificates.crt ] || export UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1
    "$1" pip sync -q --python "$venv/bin/python" --require-hashes "$lock"
}

make_environment() {
    say "setting up Python packages in $venv (once)"
    rm -rf "$venv"
    [ -w "${HOME:-/nonexistent}" ] || export UV_CACHE_DIR="$state/cache/uv"
    if command -v uv >/dev/null 2>&1 && uv venv -q --python '>=3.11' "$venv"; then
        install_with_uv uv
    else
        find_python >/dev/null || python_from_debian
        python=$(find_python) ||
            give_up "Python 3.11 or newer was not found" "apt-get install python3 (as root), or install uv"
        "$python" -m venv --without-pip "$venv" && install_with_pip
    fi || give_up "the Python packages could not be installed" "check the network and run again"
    stamp >"$venv/stamp"
}

# The lock and the place: a moved checkout has scripts that point to where it was.
stamp() { echo "$root" && cat "$lock"; }

is_current() {
    [ -x "$venv/bin/python" ] && stamp | cmp -s - "$venv/stamp"
}

ensure_environment() {
    [ ! -d "$own_python" ] || tell_own_libraries
    is_current && return
    mkdir -p "$state" 2>/dev/null && [ -w "$state" ] ||
        give_up "$state cannot be written" "run as the owner of $root, or remove $state"
    if command -v flock >/dev/null 2>&1; then
        exec 9>"$state/bootstrap.lock"
        flock 9 # another start may be setting up the same environment
        is_current || make_environment
        exec 9>&-
    else
        make_environment
    fi
}

run_tonne() {
    ensure_environment
    PYTHONPATH=$root exec "$venv/bin/python" -P -m services.tools "$@"
}
