#!/usr/bin/env bash
# Installs what the tests need and the machine lacks. Says nothing when all is
# there; fails, rather than let tests be skipped, when it cannot install.
set -euo pipefail

packages=()

# The race detector needs a C compiler.
if ! command -v "${CC:-cc}" >/dev/null && ! command -v gcc >/dev/null; then
	packages+=(gcc libc6-dev)
fi

# internal/testpg starts its own server; a client alone is not enough.
have_postgres() {
	[[ -n "${HELPDESK_PG_BIN:-}" ]] || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null
}
if ! have_postgres; then
	packages+=(postgresql)
fi

if ((${#packages[@]} == 0)); then
	exit 0
fi

if ! command -v apt-get >/dev/null; then
	echo "deps: install ${packages[*]} with your system's package manager, then run make again" >&2
	exit 1
fi
apt=(apt-get)
if ((EUID != 0)); then
	if ! command -v sudo >/dev/null; then
		echo "deps: as root, run: apt-get install ${packages[*]}" >&2
		exit 1
	fi
	apt=(sudo apt-get)
fi

echo "deps: installing ${packages[*]}"
# Debian's package would create and start a cluster of its own; the tests need
# only the programs. A machine that already has a cluster keeps its settings.
if [[ " ${packages[*]} " == *" postgresql "* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
	as_root=()
	((EUID == 0)) || as_root=(sudo)
	"${as_root[@]}" mkdir -p /etc/postgresql-common
	echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
export DEBIAN_FRONTEND=noninteractive
"${apt[@]}" update -qq </dev/null
"${apt[@]}" install -y -qq --no-install-recommends "${packages[@]}" </dev/null >/dev/null
