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

# internal/testmail starts servers of its own; the packages' services stay off.
if ! [[ -x /usr/sbin/dovecot && -x /usr/bin/doveadm && -x /usr/lib/dovecot/imap ]]; then
	packages+=(dovecot-imapd)
fi
if ! [[ -x /usr/lib/postfix/sbin/master && -x /usr/sbin/smtp-sink ]]; then
	packages+=(postfix)
fi

# internal/chromium shows what was sanitised to a browser.
if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then
	packages+=(chromium)
fi

if ((${#packages[@]} == 0)); then
	exit 0
fi

if ! command -v apt-get >/dev/null; then
	echo "deps: install ${packages[*]} with your system's package manager, then run make again" >&2
	exit 1
fi
root=(env DEBIAN_FRONTEND=noninteractive)
if ((EUID != 0)); then
	if ! command -v sudo >/dev/null; then
		echo "deps: as root, run: apt-get install ${packages[*]}" >&2
		exit 1
	fi
	root=(sudo DEBIAN_FRONTEND=noninteractive)
fi
install() { "${root[@]}" apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null; }

echo "deps: installing ${packages[*]}"
"${root[@]}" apt-get update -qq </dev/null
# Debian's package would create and start a cluster of its own, and the tests
# need only the programs. The setting must stand before the server arrives.
conf=/etc/postgresql-common/createcluster.conf
if [[ " ${packages[*]} " == *" postgresql "* && ! -e $conf ]]; then
	install postgresql-common
	"${root[@]}" sed -ri 's/^#?create_main_cluster.*/create_main_cluster = false/' "$conf"
fi
# Without an answer Postfix's package asks how the machine sends mail.
if [[ " ${packages[*]} " == *" postfix "* ]]; then
	echo "postfix postfix/main_mailer_type select No configuration" | "${root[@]}" debconf-set-selections
fi
# A service that starts would take ports, and fails where there is no init. A
# policy that the machine has already, as containers do, is left alone.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
	trap '"${root[@]}" rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
	"${root[@]}" chmod 755 "$policy"
fi
install "${packages[@]}"
