#!/usr/bin/env bash
# Puts the OAuth client into the stack's app secret and leaves its root key as it is.
# The client comes from the JSON file that Google's console offers for download; no secret becomes an argument.
# Usage: infra/google/store-client.sh CLIENT.json [STACK]
set -euo pipefail

client=${1:?usage: $0 CLIENT.json [STACK]}
secret="${2:-postroom}/app"

umask 077
merged=$(mktemp)
trap 'rm -f "$merged"' EXIT

aws secretsmanager get-secret-value --secret-id "$secret" --query SecretString --output text |
  python3 -c '
import json, sys
secret = json.load(sys.stdin)
with open(sys.argv[1], encoding="utf-8") as file:
    client = json.load(file)
if "web" not in client:
    sys.exit("this is not the file of an OAuth client of the type Web application")
secret["google_client_id"] = client["web"]["client_id"]
secret["google_client_secret"] = client["web"]["client_secret"]
json.dump(secret, sys.stdout)
' "$client" >"$merged"

aws secretsmanager put-secret-value --secret-id "$secret" --secret-string "file://$merged" --output text --query Name
