#!/bin/sh
# Takes core and decoy host off this machine; saying it again changes nothing. Data and settings stay, unless --purge is said.
set -eu
[ "$(id -u)" = 0 ] || { echo "uninstall.sh: needs root" >&2; exit 1; }
root=${SHENLOU_ROOT:-}
for role in core decoys; do
  unit=$root/etc/systemd/system/shenlou-$role.service
  [ -e "$unit" ] || continue
  [ -n "$root" ] || systemctl disable --now "shenlou-$role" || :
  rm -f "$unit"
done
[ -n "$root" ] || systemctl daemon-reload
rm -rf "$root/opt/shenlou"
if [ "${1:-}" = --purge ]; then
  rm -rf "$root/var/lib/shenlou" "$root/var/lib/shenlou-decoys" "$root/var/cache/shenlou" "$root/var/cache/shenlou-decoys" "$root/etc/shenlou"
  [ -n "$root" ] || for user in shenlou shenlou-decoys; do if id "$user" >/dev/null 2>&1; then userdel "$user"; fi; done
  echo "removed, with its data and settings"
else
  echo "removed; data stays in /var/lib/shenlou and /var/lib/shenlou-decoys, settings in /etc/shenlou (--purge removes them)"
fi
