#!/bin/sh
# Installs the relay @VERSION@ for systemd. Saying it again changes nothing; enrolment, settings and keys that are there stay.
# usage: ./install.sh [--capture] [--trust FILE]
#   --capture     allow what answering for idle addresses needs (set SHENLOU_CAPTURE in /etc/shenlou-relay/relay.env)
#   --trust FILE  public keys (PEM) whose updates this relay takes; without one it takes none
set -eu
# Others than root run what is installed, whatever is usual for files of root here.
umask 022
[ "$(id -u)" = 0 ] || { echo "install.sh: needs root" >&2; exit 1; }
here=$(dirname -- "$(readlink -f -- "$0")")
root=${SHENLOU_ROOT:-}
home=$root/opt/shenlou-relay
etc=$root/etc/shenlou-relay
units=$root/etc/systemd/system
capture= trust=
while [ $# -gt 0 ]; do
  case $1 in
    --capture) capture=1 ;;
    --trust) [ $# -gt 1 ] || { echo "install.sh: --trust needs a file" >&2; exit 2; }; trust=$2; shift ;;
    *) echo "install.sh: '$1' is not known; usage: ./install.sh [--capture] [--trust FILE]" >&2; exit 2 ;;
  esac
  shift
done
(cd "$here" && sha256sum --quiet -c SHA256SUMS) || { echo "install.sh: this folder is not what was packed; unpack it again" >&2; exit 1; }
[ -z "$trust" ] || grep -q 'BEGIN PUBLIC KEY' "$trust" || { echo "install.sh: $trust holds no public key (PEM)" >&2; exit 1; }
mkdir -p "$home/versions" "$home/state" "$etc" "$units"
chmod 0755 "$home" "$home/versions" "$home/state" "$etc"
version=$home/versions/@VERSION@-0
if [ ! -e "$version/shenlou-relay" ] || ! cmp -s "$here/SHA256SUMS" "$version/SHA256SUMS"; then
  rm -rf "$version.new"
  mkdir "$version.new"
  for name in shenlou-relay LICENSE LICENSES.txt SHA256SUMS; do cp "$here/$name" "$version.new/$name"; done
  cp "$here/SHA256SUMS" "$version.new/SHA256SUMS"
  printf '0\n' >"$version.new/sequence"
  rm -rf "$version.old"
  [ ! -e "$version" ] || mv -T "$version" "$version.old"
  mv -T "$version.new" "$version"
  rm -rf "$version.old"
fi
# By hand means this version, also after an update: what was tried of others is forgotten, the number below which none is taken is not.
rm -f "$home/state/probation" "$home/state/starts" "$home/state/rolled-back" "$home/previous"
ln -sfn "versions/@VERSION@-0" "$home/current.new"
mv -T "$home/current.new" "$home/current"
install -m 0755 "$here/launcher" "$home/launcher.new"
mv -T "$home/launcher.new" "$home/launcher"
[ -e "$etc/relay.env" ] || install -m 0600 "$here/relay.env" "$etc/relay.env"
[ -z "$trust" ] || install -m 0644 "$trust" "$etc/trusted-keys.pem"
install -m 0644 "$here/shenlou-relay.service" "$units/shenlou-relay.service"
if [ -n "$capture" ]; then
  mkdir -p "$units/shenlou-relay.service.d"
  install -m 0644 "$here/capture.conf" "$units/shenlou-relay.service.d/capture.conf"
fi
[ -n "$root" ] || systemctl daemon-reload
echo "relay @VERSION@ is installed: put the token into /etc/shenlou-relay/relay.env, then systemctl enable --now shenlou-relay"
