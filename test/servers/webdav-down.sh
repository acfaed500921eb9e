#!/bin/bash
# stop only the daemon whose pid file lies in the given directory
D=${1:?usage: webdav-down.sh DIR}
P=$D/run/httpd.pid
[ -f "$P" ] && kill "$(cat "$P")" 2>/dev/null
for _ in $(seq 1 50); do [ -f "$P" ] || break; sleep 0.05; done
rm -rf "$D"
