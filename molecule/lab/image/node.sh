# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Turns a bare Debian or EL system into a lab node. Runs once, as root, inside the image being built.
# Everything a role may want is here already, so that no scenario waits for downloads; what a role
# runs is off until that role turns it on.
set -eu
# The encoding that PostgreSQL gives to its databases.
export LC_ALL=C.UTF-8

if command -v apt-get >/dev/null; then
    # Packages must not start their services while the image is built.
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    # Nobody reads manuals on a node, and an image that is cut short is thrown away, not recovered.
    cat >/etc/dpkg/dpkg.cfg.d/lab <<'DPKG'
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
DPKG
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        systemd systemd-sysv dbus openssh-server sudo iproute2 curl ca-certificates rsync \
        python3-minimal python3-dnf python3-psycopg2 python3-flask gunicorn alembic \
        dnf rpm gnupg createrepo-c haproxy nginx-light postgresql
    apt-get clean
    rm -rf /usr/sbin/policy-rc.d /var/lib/apt/lists/*
    systemctl mask apt-daily.timer apt-daily-upgrade.timer
    # RPM knows nothing of what dpkg installed, and a package with scripts requires the shell.
    cat >/root/lab-system.spec <<'SPEC'
Name: lab-system
Version: 1
Release: 1
Summary: What dpkg has installed and RPM packages require
License: GPL-3.0-or-later
BuildArch: noarch
Provides: /bin/sh
%description
%{summary}.
%files
SPEC
    rpmbuild -bb --quiet --define '_topdir /root/rpmbuild' /root/lab-system.spec
    rpm --install --force-debian /root/rpmbuild/RPMS/noarch/lab-system-1-1.noarch.rpm
    rm -rf /root/rpmbuild /root/lab-system.spec
    services='haproxy nginx postgresql ssh'
else
    dnf -y install epel-release || true
    dnf -y install --allowerasing --setopt=install_weak_deps=False \
        systemd dbus openssh-server sudo iproute curl ca-certificates rsync \
        python3 python3-dnf python3-psycopg2 python3-flask python3-gunicorn python3-alembic \
        rpm-build rpm-sign gnupg2 createrepo_c haproxy nginx postgresql-server
    dnf clean all
    systemctl mask dnf-makecache.timer
    # dnf installs from the lab's own repository only.
    rm -f /etc/yum.repos.d/*.repo
    services='haproxy nginx postgresql sshd'
fi

for service in $services; do
    case $service in
        ssh*) systemctl enable "$service" ;;
        *) systemctl disable "$service" ;;
    esac
done
# Consoles, devices and the kernel's file systems are the host's business. Each path unit takes one of the 128 inotify instances
# that all systemd containers of a user share.
systemctl mask console-getty.service getty.target systemd-logind.service \
    systemd-ask-password-console.path systemd-ask-password-wall.path \
    systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service \
    dev-hugepages.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
    sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount
mkdir -p /etc/yum.repos.d

useradd --create-home --shell /bin/bash ops
printf 'ops ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/ops
chmod 440 /etc/sudoers.d/ops

# Each node makes its own identity at its first boot.
rm -f /etc/ssh/ssh_host_*
: >/etc/machine-id
cat >/etc/systemd/system/lab-host-keys.service <<'UNIT'
[Unit]
Description=Make this node's SSH host keys
Before=ssh.service sshd.service

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
UNIT
systemctl enable lab-host-keys.service
rm -f /root/node.sh
