#!/usr/bin/env bash
# Puts the token of a Slack bot (xoxb-…, with the scope chat:write) into the stack's app secret and leaves everything else
# in it as it is. The token is read from a file or from standard input and never becomes an argument.
# Usage: infra/slack/store-token.sh TOKENFILE|- [STACK]
set -euo pipefail

token=${1:?usage: $0 TOKENFILE|- [STACK]}
secret="${2:-postroom}/app"

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat -- "$token" >"$work/token"

aws secretsmanager get-secret-value --secret-id "$secret" --query SecretString --output text |
  python3 -c '
import json, sys
secret = json.load(sys.stdin)
with open(sys.argv[1], encoding="utf-8") as file:
    token = file.read().strip()
if not token or any(c.isspace() for c in token):
    sys.exit("this is not a token: it is empty or has blanks in it")
secret["slack_token"] = token
json.dump(secret, sys.stdout)
' "$work/token" >"$work/merged"

aws secretsmanager put-secret-value --secret-id "$secret" --secret-string "file://$work/merged" --output text --query Name
