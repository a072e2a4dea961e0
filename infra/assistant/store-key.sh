#!/usr/bin/env bash
# Puts the key of a model provider into the stack's app secret and leaves everything else in it as it is. Bedrock needs
# none: the worker asks it by its role. The key is read from a file or from standard input and never becomes an argument.
# Usage: infra/assistant/store-key.sh KEYFILE|- [STACK]
set -euo pipefail

key=${1:?usage: $0 KEYFILE|- [STACK]}
secret="${2:-postroom}/app"

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat -- "$key" >"$work/key"

aws secretsmanager get-secret-value --secret-id "$secret" --query SecretString --output text |
  python3 -c '
import json, sys
secret = json.load(sys.stdin)
with open(sys.argv[1], encoding="utf-8") as file:
    key = file.read().strip()
if not key or any(c.isspace() for c in key):
    sys.exit("this is not a key: it is empty or has blanks in it")
secret["model_key"] = key
json.dump(secret, sys.stdout)
' "$work/key" >"$work/merged"

aws secretsmanager put-secret-value --secret-id "$secret" --secret-string "file://$work/merged" --output text --query Name
