# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by the test scripts: paths, messages and results.
# All files that outlive a run are under $cache.

top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck disable=SC2034 # for who sources this
lib=$top/tests/lib
cache=${IOMMU_RESV_CACHE:-/var/cache/iommu-resv}
mkdir -p "$cache" || exit 1
# The scripts search the output of apt, dpkg and compilers for English words.
export LC_ALL=C.UTF-8
unset LANGUAGE

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# The archive no longer has a kernel, suite or package: that is reported, but is not a failure.
absent() { say "${0##*/}: $*"; exit 77; }

# begin: start a part. The file $own gets its results, and those of scripts that it starts.
begin() {
	own=$(mktemp)
	export own
	trap 'rm -f "$own"' EXIT
}

# result PASS|FAIL|SKIP NAME [REASON]: print one line, and add the same line to the results.
result() {
	local line="$1 $2${3:+ ${3//$'\n'/ }}"

	printf '%s\n' "$line" | tee -a "$own" ${RESULTS:+"$RESULTS"}
}

# sum FILE: print the closing line for these results; false if one failed or none passed.
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

# closing: end a part. Inside "make check" only the sum of all parts has a closing line.
closing() {
	if [ -n "${RESULTS:-}" ]; then
		! grep -q '^FAIL ' "$own"
	else
		sum "$own"
	fi
}

# tree_files: print the files of the tree, one on each line, as in a clone or a release. An empty
# list is an error, because a check of no files would pass.
tree_files() {
	local list file

	if [ -e "$top/.git" ]; then
		"$lib/need" git
		# root may run this in another user's clone, where git by default lists nothing.
		list=$(git -c safe.directory="$top" -c core.quotePath=false -C "$top" \
			ls-files --cached --others --exclude-standard) || die "git cannot list the files of $top"
	else
		list=$(cd "$top" && find . -type f -printf '%P\n')
	fi
	# Git also lists files that were removed without a commit.
	list=$(while read -r file; do
		[ ! -f "$top/$file" ] || printf '%s\n' "$file"
	done <<< "$list")
	[ -n "$list" ] || die "no files found in $top"
	printf '%s\n' "$list"
}

# copy_tree FOLDER: copy the files of the tree to FOLDER; they belong to the current user.
copy_tree() {
	local list

	list=$(tree_files) || exit
	mkdir -p "$1"
	tar -C "$top" -c -T - <<< "$list" | tar -C "$1" -x --no-same-owner
}

# project VARIABLE: print a variable of dkms.conf: PACKAGE_NAME, PACKAGE_VERSION.
project() {
	# shellcheck source=/dev/null
	(. "$top/dkms.conf" && printf '%s\n' "${!1}")
}

# lock NAME: hold the lock NAME until this shell ends, so that two checks can share the cache.
# Programs that the shell starts hold it, too, unless they are started with {lock_fd}>&-.
lock() {
	mkdir -p "$cache/lock"
	exec {lock_fd}> "$cache/lock/${1//\//-}"
	flock -n "$lock_fd" || {
		say "${0##*/}: waiting for another run that uses $1"
		flock "$lock_fd"
	}
}
