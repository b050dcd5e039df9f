# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by the test scripts: where things are, how they speak, how a result is told.
# Everything that outlives a run is under $cache and nowhere else.

top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck disable=SC2034 # for who sources this
lib=$top/tests/lib
cache=${IOMMU_RESV_CACHE:-/var/cache/iommu-resv}
mkdir -p "$cache" || exit 1
# What apt, dpkg and compilers say is looked for in English.
export LC_ALL=C.UTF-8
unset LANGUAGE

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# A kernel, suite or package that the archive no longer serves: not a failure, but never silent.
absent() { say "${0##*/}: $*"; exit 77; }

# begin: a part starts. Its own results are kept in $own, also for scripts that it starts.
begin() {
	own=$(mktemp)
	export own
	trap 'rm -f "$own"' EXIT
}

# result PASS|FAIL|SKIP NAME [REASON]: one line for people, the same line for the sum.
result() {
	local line="$1 $2${3:+ ${3//$'\n'/ }}"

	printf '%s\n' "$line" | tee -a "$own" ${RESULTS:+"$RESULTS"}
}

# sum FILE: the closing line for these results; false if one failed or none passed.
sum() {
	local p f s

	p=$(grep -c '^PASS ' "$1") || :
	f=$(grep -c '^FAIL ' "$1") || :
	s=$(grep -c '^SKIP ' "$1") || :
	printf '%s passed, %s failed' "$p" "$f"
	[ "$s" -eq 0 ] || printf ', %s skipped' "$s"
	printf '\n'
	[ "$f" -eq 0 ] && [ "$p" -gt 0 ]
}

# closing: ends a part. Inside "make check" the sum of all parts is the one closing line.
closing() {
	if [ -n "${RESULTS:-}" ]; then
		! grep -q '^FAIL ' "$own"
	else
		sum "$own"
	fi
}

# tree_files: the files of the tree, one a line, as a clone or a release has them. Never none:
# what is checked or copied from an empty list would pass.
tree_files() {
	local list file

	if [ -e "$top/.git" ]; then
		"$lib/need" git
		# Root may run this in a clone of somebody else, where git lists nothing by default.
		list=$(git -c safe.directory="$top" -c core.quotePath=false -C "$top" \
			ls-files --cached --others --exclude-standard) || die "git cannot list the files of $top"
	else
		list=$(cd "$top" && find . -type f -printf '%P\n')
	fi
	# Git also lists what was removed and not committed.
	list=$(while read -r file; do
		[ ! -f "$top/$file" ] || printf '%s\n' "$file"
	done <<< "$list")
	[ -n "$list" ] || die "no files found in $top"
	printf '%s\n' "$list"
}

# copy_tree FOLDER: copy these files to FOLDER; the user who runs this owns them.
copy_tree() {
	local list

	list=$(tree_files) || exit
	mkdir -p "$1"
	tar -C "$top" -c -T - <<< "$list" | tar -C "$1" -x --no-same-owner
}

# project VARIABLE: what dkms.conf says of the project: PACKAGE_NAME, PACKAGE_VERSION.
project() {
	# shellcheck source=/dev/null
	(. "$top/dkms.conf" && printf '%s\n' "${!1}")
}

# lock NAME: hold NAME until this shell ends, so that two checks can share the cache. What it
# starts holds the lock, too, unless it is started with {lock_fd}>&-.
lock() {
	mkdir -p "$cache/lock"
	exec {lock_fd}> "$cache/lock/${1//\//-}"
	flock -n "$lock_fd" || {
		say "${0##*/}: waiting for another run that uses $1"
		flock "$lock_fd"
	}
}
