#!/usr/bin/env bash
# Makes or corrects the push subscription, once the stack is deployed and its address is known.
# Usage: infra/google/subscribe.sh PROJECT_ID [STACK]
set -euo pipefail

project=${1:?usage: $0 PROJECT_ID [STACK]}
stack=${2:-postroom}
topic=${POSTROOM_TOPIC_NAME:-postroom-gmail}
subscription=${POSTROOM_SUBSCRIPTION_NAME:-postroom-gmail-push}
account=${POSTROOM_PUSH_ACCOUNT_NAME:-postroom-push}

output() {
  aws cloudformation describe-stacks --stack-name "$stack" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}
endpoint=$(output PushEndpoint)
audience=$(output PushAudience)
[[ $endpoint == https://* ]] || { echo "stack $stack has no https push endpoint: '$endpoint'" >&2; exit 1; }

# The deadline is also the time-out of the push request. A subscription expires after 31 days without activity unless its
# expiration policy is empty, which is what `never` writes.
settings=(
  --project "$project"
  --push-endpoint "$endpoint"
  --push-auth-service-account "$account@$project.iam.gserviceaccount.com"
  --push-auth-token-audience "$audience"
  --ack-deadline 20
  --message-retention-duration 7d
  --expiration-period never
  --min-retry-delay 10s
  --max-retry-delay 600s
)
if gcloud pubsub subscriptions describe "$subscription" --project "$project" >/dev/null 2>&1; then
  gcloud pubsub subscriptions update "$subscription" "${settings[@]}"
else
  gcloud pubsub subscriptions create "$subscription" --topic "$topic" "${settings[@]}"
fi
