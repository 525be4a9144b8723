#!/bin/sh
# What the tests need from Debian: install it as root (or with sudo that asks nothing), else say exactly what to type.
set -eu
PATH=$PATH:/usr/sbin:/sbin

missing=
need() { # need COMMAND PACKAGE
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need mosquitto mosquitto
need mosquitto_pub mosquitto-clients
need influxd influxdb
need socat socat
need chromium chromium
need pdftoppm poppler-utils
need openssl openssl
need docker-compose docker-compose
# not in Debian's PATH; the tests run servers of their own
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || need postgres postgresql
fc-list :lang=ja 2>/dev/null | grep -q . || missing="$missing fontconfig fonts-noto-cjk"

[ -n "$missing" ] || exit 0
install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
    echo "Installing from Debian:$missing"
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of words on purpose
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    echo "Installing from Debian (sudo):$missing"
    sudo apt-get update -qq
    # shellcheck disable=SC2086
    sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "The tests use real servers and a real browser. Please run once:  sudo $install" >&2
    exit 1
fi
