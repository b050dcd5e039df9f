#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Hookscript of Proxmox VE: with it Proxmox does not start a VM that does not fit its devices. To be
# installed, executable, in the folder of snippets of a storage:
#   qm set VMID --hookscript local:snippets/iommu-resv.pl
use strict;
use warnings;
use File::Temp;

my ($vmid, $phase) = @ARGV;
die "Proxmox VE gives VMID and PHASE\n" unless defined $phase && $vmid =~ /^\d+$/;
exit 0 unless $phase eq 'pre-start';

sub read_conf {
	local $/;
	open my $in, '<', "/etc/pve/qemu-server/$vmid.conf" or return '';
	return <$in> // '';
}

# Runs "check --vm" on a description of a VM; returns its output and its exit code.
sub check {
	my ($vm, $format) = @_;
	my $file = File::Temp->new;
	print $file $vm;
	close $file;
	# The braces make perl run a shell, which reports a missing command; perl itself does not.
	my $answer = qx({ iommu-resv check --vm $file --as $format; } 2>&1);
	return ($answer, $? & 127 ? 2 : $? >> 8);
}

my $vm = qx(qm config $vmid 2>/dev/null);
$vm = read_conf() if $? || $vm eq '';
if ($vm eq '') {
	warn "iommu-resv: VM $vmid is not checked, because its configuration cannot be read\n";
	exit 0;
}
my ($answer, $status) = check($vm, 'proxmox');
# Only the command line of QEMU has the devices of resource mappings.
if ($status == 2) {
	my $line = qx(qm showcmd $vmid 2>/dev/null);
	($answer, $status) = check($line, 'qemu') if !$? && $line ne '';
}
exit 0 if $status == 0;
if ($status == 1) {
	warn "VM $vmid does not fit its devices: $answer";
	exit 1;
}
# If the command fails, let the VM start.
warn "iommu-resv cannot tell whether VM $vmid fits its devices: $answer";
exit 0;
