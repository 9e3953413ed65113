#!/bin/sh
# Takes the relay off this machine; saying it again changes nothing. Enrolment and settings stay, unless --purge is said.
set -eu
[ "$(id -u)" = 0 ] || { echo "uninstall.sh: needs root" >&2; exit 1; }
root=${SHENLOU_ROOT:-}
if [ -e "$root/etc/systemd/system/shenlou-relay.service" ]; then
  [ -n "$root" ] || systemctl disable --now shenlou-relay || :
  rm -rf "$root/etc/systemd/system/shenlou-relay.service" "$root/etc/systemd/system/shenlou-relay.service.d"
  [ -n "$root" ] || systemctl daemon-reload
fi
rm -rf "$root/opt/shenlou-relay"
if [ "${1:-}" = --purge ]; then
  rm -rf "$root/var/lib/shenlou-relay" "$root/etc/shenlou-relay"
  echo "removed, with its enrolment and settings; revoke it in the console too"
else
  echo "removed; enrolment stays in /var/lib/shenlou-relay, settings in /etc/shenlou-relay (--purge removes them)"
fi
