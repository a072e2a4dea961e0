#!/usr/bin/env bash
# Makes the Google side that the deployment's parameters name: APIs, the topic that Gmail publishes to, and the service
# account whose identity signs the pushes. Safe to run again.
# Usage: infra/google/prepare.sh PROJECT_ID
set -euo pipefail

project=${1:?usage: $0 PROJECT_ID   (the project of the OAuth client)}
topic=${POSTROOM_TOPIC_NAME:-postroom-gmail}
subscription=${POSTROOM_SUBSCRIPTION_NAME:-postroom-gmail-push}
account=${POSTROOM_PUSH_ACCOUNT_NAME:-postroom-push}
email="$account@$project.iam.gserviceaccount.com"

exists() { "$@" >/dev/null 2>&1; }

gcloud services enable gmail.googleapis.com pubsub.googleapis.com iam.googleapis.com --project "$project"

exists gcloud pubsub topics describe "$topic" --project "$project" ||
  gcloud pubsub topics create "$topic" --project "$project"

# Gmail publishes as this account of Google's (Gmail API, push notifications).
# An organisation policy for domain restricted sharing can refuse it; then that account needs an exception.
gcloud pubsub topics add-iam-policy-binding "$topic" --project "$project" \
  --member serviceAccount:gmail-api-push@system.gserviceaccount.com --role roles/pubsub.publisher >/dev/null

exists gcloud iam service-accounts describe "$email" --project "$project" ||
  gcloud iam service-accounts create "$account" --project "$project" \
    --display-name 'Postroom: signs Gmail pushes; has no other right'

# Pub/Sub makes the tokens in the name of that account.
number=$(gcloud projects describe "$project" --format 'value(projectNumber)')
gcloud iam service-accounts add-iam-policy-binding "$email" --project "$project" \
  --member "serviceAccount:service-$number@gcp-sa-pubsub.iam.gserviceaccount.com" \
  --role roles/iam.serviceAccountTokenCreator >/dev/null

cat <<PARAMETERS
Ready. Give these to \`sam deploy --guided\`:
  PubSubTopic         projects/$project/topics/$topic
  PushSubscription    projects/$project/subscriptions/$subscription
  PushServiceAccount  $email
PARAMETERS
