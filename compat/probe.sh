#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Finds out what the target kernel offers and writes OUT/facts.h.
#
# Usage (by Kbuild): probe.sh OUT, with RESV_KDIR RESV_ARCH RESV_CC RESV_CROSS
# RESV_LLVM RESV_NM RESV_MAKE in the environment.
#
# Every compat/probe/NAME.c asserts one fact by compiling; modpost then drops
# probes of interfaces that are declared but not exported.  A probe that survives both becomes
# "#define RESV_HAVE_NAME 1".  Controls guard the result: sane.c must survive,
# insane.c and insane_type.c must not compile, insane_link.c must compile and be dropped
# by modpost; otherwise the build stops with the compiler's own words, because an answer
# of "no" to everything would build a module that silently does nothing.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$1
work=$out/work
log=$out/probe.log

die()
{
	echo "iommu_resv: $*" >&2
	exit 1
}

# Run the command as a user would: the variables of the calling kbuild (KBUILD_EXTMOD,
# MAKEFLAGS, sub_make_done, ...) must not leak into the inner one.
kbuild()
{
	env -i PATH="$PATH" HOME="${HOME:-/}" LC_ALL=C "${RESV_MAKE:-make}" \
		-j"$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)" \
		-C "$RESV_KDIR" M="$work" ${RESV_ARCH:+"ARCH=$RESV_ARCH"} \
		${RESV_CC:+"CC=$RESV_CC"} ${RESV_CROSS:+"CROSS_COMPILE=$RESV_CROSS"} \
		${RESV_LD:+"LD=$RESV_LD"} ${RESV_LLVM:+"LLVM=$RESV_LLVM"} \
		CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules
}

key()
{
	{
		echo "$RESV_KDIR $RESV_ARCH $RESV_CC $RESV_LD $RESV_CROSS $RESV_LLVM"
		# shellcheck disable=SC2086 # the compiler may be "ccache gcc"
		$RESV_CC --version 2>&1 || :
		cat "$here"/probe.sh "$here"/probe/*
		cat "$RESV_KDIR/include/config/auto.conf" \
		    "$RESV_KDIR/include/generated/utsrelease.h" \
		    "$RESV_KDIR/Module.symvers" 2>/dev/null || :
	} | sha256sum
}

# Objects to link and export-check in the next pass.
write_kbuild()
{
	{
		echo "obj-m := probes.o"
		# These objects are never run: no objtool, no debug information.
		echo "OBJECT_FILES_NON_STANDARD := y"
		echo "ccflags-y := -I$work -Wno-missing-declarations -g0"
		echo "ccflags-y += -Werror=implicit-function-declaration"
		echo "ccflags-y += -Werror=incompatible-pointer-types -Werror=int-conversion"
		for name in "$@"; do
			echo "probes-y += $name.o"
		done
	} >"$work/Kbuild"
}

first_error()
{
	grep -m1 -E 'error|not found|No such|Error' "$1" || tail -n 1 "$1"
}

mkdir -p "$out"
newkey=$(key)
if [ -f "$out/facts.h" ] && [ "$(cat "$out/facts.key" 2>/dev/null)" = "$newkey" ]; then
	exit 0
fi

[ -f "$RESV_KDIR/Module.symvers" ] ||
	die "no Module.symvers in $RESV_KDIR: install the complete headers package of this kernel"

echo "  PROBE   what this kernel offers ($RESV_KDIR)"
rm -rf "$work"
mkdir -p "$work"
cp "$here"/probe/*.c "$here"/probe/probe.h "$work"/
all=$(cd "$work" && for file in *.c; do printf '%s\n' "${file%.c}"; done)

# Pass 1: compile everything, going on after each failure.
# shellcheck disable=SC2086 # a list of plain names
write_kbuild $all
kbuild -k >"$log" 2>&1 || :

[ -f "$work/sane.o" ] ||
	die "the compiler cannot build anything for this kernel: $(first_error "$log")"
[ ! -f "$work/insane.o" ] ||
	die "the compiler accepts a call of a function that does not exist: facts would be wrong"
[ ! -f "$work/insane_type.o" ] ||
	die "the compiler accepts a function of another type: facts would be wrong"
[ -f "$work/insane_link.o" ] ||
	die "control insane_link.c does not compile: $(first_error "$log")"
# "No" has to be the compiler's verdict on the probe.  A compiler that was killed or ran
# out of space gives no verdict.
for name in $all; do
	if [ ! -f "$work/$name.o" ] &&
	   ! grep -qE "(^|/)$name\.c:[0-9]+.*(error:|No such file)" "$log"; then
		die "the compiler gave no verdict on probe $name: $(grep -m1 "$name\.o\]" "$log" || first_error "$log")"
	fi
done

# Pass 2..n: modpost reports at most ten missing symbols per run, so drop and repeat.
compiled=
for name in $all; do
	if [ -f "$work/$name.o" ]; then
		compiled="$compiled $name"
	fi
done
pass=0
while :; do
	pass=$((pass + 1))
	[ $pass -le 20 ] || die "modpost never succeeds: see $log"
	# shellcheck disable=SC2086
	write_kbuild $compiled
	status=0
	kbuild >"$work/modpost.log" 2>&1 || status=$?
	cat "$work/modpost.log" >>"$log"
	# Old kernels only warn about symbols of external modules.  The wording
	# changed in v7.x; the older one quotes the symbol first.
	missing=$(sed -nE \
		-e 's/.*"([^"]+)" \[.*\] undefined!.*/\1/p' \
		-e "s/.*modpost: .*symbol '([^']+)' undefined!.*/\1/p" \
		-e 's/.*GPL-incompatible module .* uses GPL-only symbol .([^ ]+).$/\1/p' \
		-e 's/.*uses symbol ([^ ]+) from namespace .*/\1/p' \
		"$work/modpost.log" | sort -u)
	if [ -z "$missing" ]; then
		[ $status -eq 0 ] ||
			die "linking the probes fails: $(first_error "$work/modpost.log")"
		break
	fi
	left=
	for name in $compiled; do
		undefined=$("${RESV_NM:-nm}" -u "$work/$name.o" | awk '{ print $NF }')
		keep=1
		for symbol in $missing; do
			if printf '%s\n' "$undefined" | grep -qxF "$symbol"; then
				keep=0
			fi
		done
		if [ $keep -eq 1 ]; then
			left="$left $name"
		fi
	done
	[ "$left" != "$compiled" ] || die "modpost refuses $missing, which no probe uses: see $log"
	compiled=$left
done

has()
{
	case " $compiled " in *" $1 "*) return 0 ;; esac
	return 1
}

has sane || die "control sane.c does not survive modpost: see $log"
! has insane_link || die "modpost accepts a symbol that nobody exports: facts would be wrong"

# Alternatives, see there.  That there is more than one is no fault of a kernel.
while IFS=: read -r what members; do
	case $what in ''|'#'*) continue ;; esac
	any=
	for name in $members; do
		if has "$name"; then
			any=1
		fi
	done
	if [ -z "$any" ]; then
		echo "iommu_resv: none of the expected$members interfaces for $what: that feature is built inert" >&2
	fi
done <"$here/probe/sets.txt"

{
	echo "/* Written by compat/probe.sh for one kernel; do not edit. */"
	for name in $all; do
		case $name in sane|insane|insane_type|insane_link) continue ;; esac
		fact=RESV_HAVE_$(echo "$name" | tr '[:lower:]' '[:upper:]')
		if has "$name"; then
			echo "#define $fact 1"
		else
			echo "/* $fact is not set */"
		fi
	done
} >"$work/facts.h"

cmp -s "$work/facts.h" "$out/facts.h" || cp "$work/facts.h" "$out/facts.h"
echo "$newkey" >"$out/facts.key"
rm -rf "$work"
