#!/bin/sh
# Installs core and decoy host @VERSION@ for systemd. Saying it again changes nothing; data and settings that are there stay.
# usage: ./install.sh [core] [decoys]      (both when none is named)
set -eu
# Others than root run what is installed, whatever is usual for files of root here.
umask 022
[ "$(id -u)" = 0 ] || { echo "install.sh: needs root" >&2; exit 1; }
here=$(dirname -- "$(readlink -f -- "$0")")
root=${SHENLOU_ROOT:-}
target=$root/opt/shenlou/@VERSION@
(cd "$here" && sha256sum --quiet -c SHA256SUMS) || { echo "install.sh: this folder is not what was packed; unpack it again" >&2; exit 1; }
[ $# -gt 0 ] || set -- core decoys
for role; do
  case $role in core | decoys) ;; *) echo "install.sh: there is no role '$role'; known: core decoys" >&2; exit 2 ;; esac
done
mkdir -p "$root/opt/shenlou" "$root/etc/shenlou" "$root/etc/systemd/system"
if [ "$here" != "$target" ] && [ ! -e "$target/SHA256SUMS" ]; then
  rm -rf "$target.new"
  cp -a "$here" "$target.new"
  chown -R 0:0 "$target.new"
  mv -T "$target.new" "$target"
fi
ln -sfn "@VERSION@" "$root/opt/shenlou/current.new"
mv -T "$root/opt/shenlou/current.new" "$root/opt/shenlou/current"
for role; do
  user=shenlou; [ "$role" = core ] || user=shenlou-$role
  [ -n "$root" ] || id "$user" >/dev/null 2>&1 || useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
  [ -e "$root/etc/shenlou/$role.env" ] || install -m 0600 "$here/$role.env" "$root/etc/shenlou/$role.env"
  install -m 0644 "$here/shenlou-$role.service" "$root/etc/systemd/system/shenlou-$role.service"
done
[ -n "$root" ] || systemctl daemon-reload
for role; do echo "$role @VERSION@ is installed: set /etc/shenlou/$role.env, then systemctl enable --now shenlou-$role"; done
