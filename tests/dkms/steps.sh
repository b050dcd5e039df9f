# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
#
# What the scripts in the root share; they source this file. $release and $tree are set. Defines
# $name and $version of the package, and step().

# shellcheck source=/dev/null
name=$(. "$tree/dkms.conf" && echo "$PACKAGE_NAME")
# shellcheck source=/dev/null
version=$(. "$tree/dkms.conf" && echo "$PACKAGE_VERSION")

step() { # NAME COMMAND...: the command's own words are in the log
	local step=$1

	shift
	if "$@"; then
		echo "ok $step"
	else
		echo "not ok $step '$*' fails ($?)"
	fi
}
