//! Reads recorded answers with the types of `google-gmail1`, and writes them again: what the types do not know, or read
//! as something else, is missing or different afterwards.

use google_gmail1::api::{
    AutoForwarding, Delegate, Draft, Filter, ForwardingAddress, ImapSettings, Label, LanguageSettings,
    ListDelegatesResponse, ListDraftsResponse, ListFiltersResponse, ListForwardingAddressesResponse,
    ListHistoryResponse, ListLabelsResponse, ListMessagesResponse, ListSendAsResponse, ListThreadsResponse, Message,
    MessagePartBody, PopSettings, Profile, SendAs, Thread, VacationSettings, WatchResponse,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn through<T: DeserializeOwned + Serialize>(answer: &Value) -> Result<Value, serde_json::Error> {
    serde_json::from_value::<T>(answer.clone()).and_then(serde_json::to_value)
}

/// The answer after it went through the type of its method.
fn typed(method: &str, answer: &Value) -> Result<Value, serde_json::Error> {
    let Some(method) = method.strip_prefix("gmail.users.") else {
        panic!("{method} is no method of Gmail's");
    };
    match method {
        "getProfile" => through::<Profile>(answer),
        "watch" => through::<WatchResponse>(answer),
        "history.list" => through::<ListHistoryResponse>(answer),
        "messages.list" => through::<ListMessagesResponse>(answer),
        "messages.attachments.get" => through::<MessagePartBody>(answer),
        "messages.get" | "messages.modify" | "messages.trash" | "messages.untrash" | "messages.send"
        | "messages.insert" | "messages.import" | "drafts.send" => through::<Message>(answer),
        "threads.list" => through::<ListThreadsResponse>(answer),
        "threads.get" | "threads.modify" | "threads.trash" | "threads.untrash" => through::<Thread>(answer),
        "drafts.list" => through::<ListDraftsResponse>(answer),
        "drafts.get" | "drafts.create" | "drafts.update" => through::<Draft>(answer),
        "labels.list" => through::<ListLabelsResponse>(answer),
        "labels.get" | "labels.create" | "labels.update" | "labels.patch" => through::<Label>(answer),
        other => match other.strip_prefix("settings.") {
            Some(setting) => typed_setting(setting, answer),
            None => panic!("name the type of {other} here"),
        },
    }
}

fn typed_setting(method: &str, answer: &Value) -> Result<Value, serde_json::Error> {
    match method {
        "sendAs.list" => through::<ListSendAsResponse>(answer),
        "sendAs.get" | "sendAs.create" | "sendAs.update" | "sendAs.patch" => through::<SendAs>(answer),
        "getVacation" | "updateVacation" => through::<VacationSettings>(answer),
        "getAutoForwarding" | "updateAutoForwarding" => through::<AutoForwarding>(answer),
        "getImap" | "updateImap" => through::<ImapSettings>(answer),
        "getPop" | "updatePop" => through::<PopSettings>(answer),
        "getLanguage" | "updateLanguage" => through::<LanguageSettings>(answer),
        "filters.list" => through::<ListFiltersResponse>(answer),
        "filters.get" | "filters.create" => through::<Filter>(answer),
        "forwardingAddresses.list" => through::<ListForwardingAddressesResponse>(answer),
        "forwardingAddresses.get" | "forwardingAddresses.create" => through::<ForwardingAddress>(answer),
        "delegates.list" => through::<ListDelegatesResponse>(answer),
        "delegates.get" | "delegates.create" => through::<Delegate>(answer),
        other => panic!("name the type of settings.{other} here"),
    }
}

/// Drops the fields that a type writes as null because the answer did not have them.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// Reads every recorded answer below `folder`, one folder a method, and returns how many there were.
pub fn read_all(folder: &Path) -> usize {
    let mut read = 0;
    for method in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let name = method.file_name().unwrap().to_str().unwrap();
        for file in fs::read_dir(&method).unwrap() {
            let answer: Value = serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap();
            let again = typed(name, &answer).unwrap_or_else(|error| panic!("{name}: {error} in {answer}"));
            assert_eq!(without_nulls(again), answer, "{name}");
            read += 1;
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::{typed, without_nulls};
    use serde_json::json;

    #[test]
    fn a_field_that_the_types_do_not_know_is_missing_afterwards() {
        for (method, right, wrong) in [
            ("watch", json!({"historyId": "1", "expiration": "2"}), json!({"historyId": "1", "expires": "2"})),
            ("messages.get", json!({"id": "1", "raw": "eA=="}), json!({"id": "1", "labels": []})),
            ("drafts.get", json!({"id": "1", "message": {"id": "2"}}), json!({"id": "1", "message": {"thread": "2"}})),
        ] {
            let name = format!("gmail.users.{method}");
            let again = |value| without_nulls(typed(&name, value).unwrap());
            assert_eq!(again(&right), right);
            assert_ne!(again(&wrong), wrong, "{method}");
        }
    }

    #[test]
    fn a_field_of_another_type_is_refused() {
        for (method, answer) in [
            ("watch", json!({"historyId": 1})),
            ("watch", json!({"historyId": "-1"})),
            ("messages.get", json!({"sizeEstimate": "3"})),
            ("messages.get", json!({"raw": "?"})),
            ("settings.getVacation", json!({"enableAutoReply": "true"})),
        ] {
            assert!(typed(&format!("gmail.users.{method}"), &answer).is_err(), "{method}: {answer}");
        }
    }
}
