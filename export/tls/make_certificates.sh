#!/usr/bin/env bash
# Makes a certificate authority and a server certificate for the names given, and ssl.config, which
# TensorFlow Serving reads (--ssl_config_file). For tests of TLS, or for a private network:
#   ./make_certificates.sh localhost tfrelight.example.org
# To use your own certificate, first put it and its key here as server.crt and server.key.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
[ $# -gt 0 ] || { echo "error: expected the names that clients connect to, for example: $0 localhost" >&2; exit 2; }
umask 077

if [ ! -e server.crt ]; then
  names=$(printf 'DNS:%s,' "$@")
  openssl req -x509 -newkey rsa:3072 -nodes -days 3650 -subj "/CN=tfrelight test authority" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign \
    -keyout ca.key -out ca.crt 2>/dev/null
  openssl req -newkey rsa:3072 -nodes -subj "/CN=$1" -keyout server.key -out server.csr 2>/dev/null
  openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 \
    -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "${names%,}") \
    -out server.crt 2>/dev/null
  # Removes the authority's key: it signs nothing else, and the server can read this folder.
  rm -f server.csr ca.srl ca.key
fi

# The contents of a file as a protobuf string, with \n between lines.
quoted() { awk '{ printf "%s\\n", $0 }' "$1"; }
{
  printf 'server_key: "%s"\n' "$(quoted server.key)"
  printf 'server_cert: "%s"\n' "$(quoted server.crt)"
  printf 'client_verify: false\n'
} > ssl.config.part
mv ssl.config.part ssl.config
echo "Wrote $PWD/ssl.config${names:+; clients need $PWD/ca.crt}."
