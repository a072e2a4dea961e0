//! What Google refuses before a method sees it: a parameter or field that it does not know, a value of the wrong type,
//! a word that is no member of an enumeration.
//!
//! A misspelt name that were ignored here would be found only in front of the real service.

use serde_json::Value;

use super::Params;
use crate::error::ApiError;

/// What a field or a parameter may hold.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Flag,
    /// 32 bits, as a JSON number or its digits.
    Int,
    /// 64 bits, as digits or a JSON number.
    Long,
    Word(&'static [&'static str]),
    Texts,
    Words(&'static [&'static str]),
    Object(Fields),
    Objects(Fields),
}

/// The fields of an object; a function, because a mail's parts hold parts.
type Fields = fn() -> &'static [(&'static str, Kind)];

use Kind::{Flag, Int, Long, Object, Objects, Text, Texts, Word, Words};

const COMMON: &[&str] = &[
    "$.xgafv",
    "access_token",
    "alt",
    "callback",
    "fields",
    "key",
    "oauth_token",
    "prettyPrint",
    "quotaUser",
    "uploadType",
    "upload_protocol",
    "upload_id",
];
const FORMATS: &[&str] = &["minimal", "full", "raw", "metadata"];
const CHANGES: &[&str] = &["messageAdded", "messageDeleted", "labelAdded", "labelRemoved"];
const DATE_SOURCES: &[&str] = &["receivedTime", "dateHeader"];

/// The parameters of a method, named without `gmail.users.`, beside those of its path and of all methods.
fn parameters(method: &str) -> &'static [(&'static str, Kind)] {
    match method {
        "messages.list" | "threads.list" => {
            &[("includeSpamTrash", Flag), ("labelIds", Texts), ("maxResults", Int), ("pageToken", Text), ("q", Text)]
        }
        "drafts.list" => &[("includeSpamTrash", Flag), ("maxResults", Int), ("pageToken", Text), ("q", Text)],
        "messages.get" => &[("format", Word(FORMATS)), ("metadataHeaders", Texts)],
        "threads.get" => &[("format", Word(&["full", "metadata", "minimal"])), ("metadataHeaders", Texts)],
        "drafts.get" => &[("format", Word(FORMATS))],
        "history.list" => &[
            ("historyTypes", Words(CHANGES)),
            ("labelId", Text),
            ("maxResults", Int),
            ("pageToken", Text),
            ("startHistoryId", Long),
        ],
        "messages.insert" => &[("deleted", Flag), ("internalDateSource", Word(DATE_SOURCES))],
        "messages.import" => &[
            ("deleted", Flag),
            ("internalDateSource", Word(DATE_SOURCES)),
            ("neverMarkSpam", Flag),
            ("processForCalendar", Flag),
        ],
        _ => &[],
    }
}

/// The fields of a method's request.
fn request(method: &str) -> Fields {
    match method {
        "drafts.create" | "drafts.update" | "drafts.send" => || &[("id", Text), ("message", Object(message))],
        "messages.send" | "messages.insert" | "messages.import" => message,
        "labels.create" | "labels.update" | "labels.patch" => label,
        "watch" => || {
            &[
                ("labelFilterAction", Word(&["include", "exclude"])),
                ("labelFilterBehavior", Word(&["include", "exclude"])),
                ("labelIds", Texts),
                ("topicName", Text),
            ]
        },
        "messages.modify" | "threads.modify" => || &[("addLabelIds", Texts), ("removeLabelIds", Texts)],
        "messages.batchModify" => || &[("addLabelIds", Texts), ("ids", Texts), ("removeLabelIds", Texts)],
        "messages.batchDelete" => || &[("ids", Texts)],
        "settings.sendAs.create" | "settings.sendAs.update" | "settings.sendAs.patch" => alias,
        name => settings(name),
    }
}

fn settings(method: &str) -> Fields {
    const DISPOSITIONS: Kind = Word(&["dispositionUnspecified", "leaveInInbox", "archive", "trash", "markRead"]);
    match method {
        "settings.updateVacation" => vacation,
        "settings.updateAutoForwarding" => {
            || &[("disposition", DISPOSITIONS), ("emailAddress", Text), ("enabled", Flag)]
        }
        "settings.updateImap" => || {
            const WAYS: &[&str] = &["expungeBehaviorUnspecified", "archive", "trash", "deleteForever"];
            &[("autoExpunge", Flag), ("enabled", Flag), ("expungeBehavior", Word(WAYS)), ("maxFolderSize", Int)]
        },
        "settings.updatePop" => || {
            const WINDOWS: &[&str] = &["accessWindowUnspecified", "disabled", "fromNowOn", "allMail"];
            &[("accessWindow", Word(WINDOWS)), ("disposition", DISPOSITIONS)]
        },
        "settings.updateLanguage" => || &[("displayLanguage", Text)],
        "settings.filters.create" => || &[("action", Object(action)), ("criteria", Object(criteria)), ("id", Text)],
        "settings.forwardingAddresses.create" => || {
            const STATES: &[&str] = &["verificationStatusUnspecified", "accepted", "pending"];
            &[("forwardingEmail", Text), ("verificationStatus", Word(STATES))]
        },
        "settings.delegates.create" => || {
            const STATES: &[&str] = &["verificationStatusUnspecified", "accepted", "pending", "rejected", "expired"];
            &[("delegateEmail", Text), ("verificationStatus", Word(STATES))]
        },
        _ => || &[],
    }
}

fn action() -> &'static [(&'static str, Kind)] {
    &[("addLabelIds", Texts), ("forward", Text), ("removeLabelIds", Texts)]
}

fn criteria() -> &'static [(&'static str, Kind)] {
    &[
        ("excludeChats", Flag),
        ("from", Text),
        ("hasAttachment", Flag),
        ("negatedQuery", Text),
        ("query", Text),
        ("size", Int),
        ("sizeComparison", Word(&["unspecified", "smaller", "larger"])),
        ("subject", Text),
        ("to", Text),
    ]
}

fn message() -> &'static [(&'static str, Kind)] {
    &[
        ("classificationLabelValues", Objects(classification)),
        ("historyId", Long),
        ("id", Text),
        ("internalDate", Long),
        ("labelIds", Texts),
        ("payload", Object(part)),
        ("raw", Text),
        ("sizeEstimate", Int),
        ("snippet", Text),
        ("threadId", Text),
    ]
}

fn classification() -> &'static [(&'static str, Kind)] {
    &[("fields", Objects(|| &[("fieldId", Text), ("selection", Text)])), ("labelId", Text)]
}

fn part() -> &'static [(&'static str, Kind)] {
    &[
        ("body", Object(|| &[("attachmentId", Text), ("data", Text), ("size", Int)])),
        ("filename", Text),
        ("headers", Objects(|| &[("name", Text), ("value", Text)])),
        ("mimeType", Text),
        ("partId", Text),
        ("parts", Objects(part)),
    ]
}

fn label() -> &'static [(&'static str, Kind)] {
    &[
        ("color", Object(|| &[("backgroundColor", Text), ("textColor", Text)])),
        ("id", Text),
        ("labelListVisibility", Word(&["labelShow", "labelShowIfUnread", "labelHide"])),
        ("messageListVisibility", Word(&["show", "hide"])),
        ("messagesTotal", Int),
        ("messagesUnread", Int),
        ("name", Text),
        ("threadsTotal", Int),
        ("threadsUnread", Int),
        ("type", Word(&["system", "user"])),
    ]
}

fn alias() -> &'static [(&'static str, Kind)] {
    &[
        ("displayName", Text),
        ("isDefault", Flag),
        ("isPrimary", Flag),
        ("replyToAddress", Text),
        ("sendAsEmail", Text),
        ("signature", Text),
        ("smtpMsa", Object(relay)),
        ("treatAsAlias", Flag),
        ("verificationStatus", Word(&["verificationStatusUnspecified", "accepted", "pending"])),
    ]
}

fn relay() -> &'static [(&'static str, Kind)] {
    const MODES: &[&str] = &["securityModeUnspecified", "none", "ssl", "starttls"];
    &[("host", Text), ("password", Text), ("port", Int), ("securityMode", Word(MODES)), ("username", Text)]
}

fn vacation() -> &'static [(&'static str, Kind)] {
    &[
        ("enableAutoReply", Flag),
        ("endTime", Long),
        ("responseBodyHtml", Text),
        ("responseBodyPlainText", Text),
        ("responseSubject", Text),
        ("restrictToContacts", Flag),
        ("restrictToDomain", Flag),
        ("startTime", Long),
    ]
}

fn bare(method: &str) -> &str {
    method.strip_prefix("gmail.users.").unwrap_or(method)
}

/// Holds a query string against what the method takes.
pub(super) fn query(method: &str, params: &Params) -> Result<(), ApiError> {
    let known = parameters(bare(method));
    for (name, text) in params.pairs() {
        if COMMON.contains(&name.as_str()) {
            continue;
        }
        let Some((_, kind)) = known.iter().find(|(own, _)| own == name) else {
            return Err(ApiError::invalid(format!(
                "Invalid JSON payload received. Unknown name \"{name}\": Cannot bind query parameter. Field '{name}' \
                 could not be found in request message."
            )));
        };
        // An empty value counts as none.
        if !text.is_empty() && !kind.takes_text(text) {
            return Err(invalid(&snake(name), *kind, text));
        }
    }
    Ok(())
}

/// Holds a JSON request against what the method takes.
pub(super) fn body(method: &str, value: &Value) -> Result<(), ApiError> {
    object(request(bare(method)), value, "")
}

fn object(fields: Fields, value: &Value, at: &str) -> Result<(), ApiError> {
    let Some(given) = value.as_object() else {
        return Err(ApiError::invalid(format!("Invalid value at '{at}', an object was expected")));
    };
    for (name, value) in given {
        let Some((_, kind)) = fields().iter().find(|(own, _)| own == name) else {
            let place = if at.is_empty() { String::new() } else { format!(" at '{at}'") };
            return Err(ApiError::invalid(format!(
                "Invalid JSON payload received. Unknown name \"{name}\"{place}: Cannot find field."
            )));
        };
        let inner = if at.is_empty() { snake(name) } else { format!("{at}.{}", snake(name)) };
        field(*kind, value, &inner)?;
    }
    Ok(())
}

fn field(kind: Kind, value: &Value, at: &str) -> Result<(), ApiError> {
    let fits = match (kind, value) {
        (_, Value::Null) => true,
        (Object(fields), value) => return object(fields, value, at),
        (Objects(fields), Value::Array(items)) => {
            return items.iter().try_for_each(|item| object(fields, item, at));
        }
        (Texts, Value::Array(items)) => items.iter().all(Value::is_string),
        (Words(_), Value::Array(items)) => items.iter().all(|item| item.as_str().is_some_and(|w| kind.takes_text(w))),
        (Flag, value) => value.is_boolean(),
        (Int | Long, Value::Number(number)) => kind.takes_text(&number.to_string()),
        (Text | Word(_) | Int | Long, Value::String(text)) => kind.takes_text(text),
        _ => false,
    };
    if fits { Ok(()) } else { Err(invalid(at, kind, &value.to_string())) }
}

impl Kind {
    /// Whether the text of a parameter, or a JSON string, says a value of this kind.
    fn takes_text(self, text: &str) -> bool {
        match self {
            Text | Texts => true,
            Flag => matches!(text.to_ascii_lowercase().as_str(), "true" | "false"),
            Int => text.parse::<i32>().is_ok(),
            Long => text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok(),
            // The API's own spelling, or the upper-case one of its protocol buffers.
            Word(words) | Words(words) => words
                .iter()
                .any(|word| *word == text || snake(word).eq_ignore_ascii_case(text) || word.eq_ignore_ascii_case(text)),
            Object(_) | Objects(_) => false,
        }
    }
}

fn invalid(at: &str, kind: Kind, value: &str) -> ApiError {
    let kind = match kind {
        Text | Texts => "TYPE_STRING",
        Flag => "TYPE_BOOL",
        Int => "TYPE_INT32",
        Long => "TYPE_INT64",
        Word(_) | Words(_) => "TYPE_ENUM",
        Object(_) | Objects(_) => "TYPE_MESSAGE",
    };
    ApiError::invalid(format!("Invalid value at '{at}' ({kind}), {value}"))
}

fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{body, query};
    use crate::gmail::Params;

    #[test]
    fn parameters_are_known_by_name_and_type() {
        let ask = |method: &str, text: &str| query(&format!("gmail.users.{method}"), &Params::parse(text));
        for (method, text) in [
            ("messages.list", "alt=json&labelIds=A&labelIds=B&maxResults=5&includeSpamTrash=true&q="),
            ("messages.get", "format=raw&prettyPrint=false"),
            ("messages.get", "format=RAW"),
            ("history.list", "startHistoryId=18446744073709551615&historyTypes=labelAdded&historyTypes=MESSAGE_ADDED"),
            ("drafts.create", "uploadType=resumable&upload_id=x"),
        ] {
            ask(method, text).unwrap_or_else(|error| panic!("{method}?{text}: {error}"));
        }
        for (method, text, word) in [
            ("messages.list", "maxResult=5", "Unknown name \"maxResult\""),
            ("messages.list", "maxResults=all", "'max_results' (TYPE_INT32)"),
            ("messages.list", "includeSpamTrash=perhaps", "TYPE_BOOL"),
            ("messages.get", "format=whole", "'format' (TYPE_ENUM)"),
            ("threads.get", "format=raw", "TYPE_ENUM"),
            ("history.list", "startHistoryId=x", "TYPE_INT64"),
            ("getProfile", "q=x", "Cannot bind query parameter"),
        ] {
            let refusal = ask(method, text).expect_err(text);
            assert!(refusal.code == 400 && refusal.message.contains(word), "{method}?{text}: {refusal}");
        }
    }

    #[test]
    fn fields_are_known_by_name_and_type() {
        let send = |method: &str, value| body(&format!("gmail.users.{method}"), &value);
        for (method, value) in [
            ("drafts.create", json!({"message": {"raw": "", "threadId": "1", "historyId": 7, "internalDate": "7"}})),
            ("labels.create", json!({"name": "x", "labelListVisibility": "labelShow", "color": null})),
            ("watch", json!({"topicName": "x", "labelIds": ["INBOX"], "labelFilterBehavior": "INCLUDE"})),
            ("messages.send", json!({"payload": {"parts": [{"parts": [{"filename": "x"}]}]}})),
            ("settings.updateVacation", json!({"enableAutoReply": true, "startTime": "1"})),
            ("stop", json!({})),
        ] {
            send(method, value).unwrap_or_else(|error| panic!("{method}: {error}"));
        }
        for (method, value, word) in [
            ("drafts.create", json!({"raw": "x"}), "Unknown name \"raw\": Cannot find field."),
            ("drafts.create", json!({"message": {"thread": "x"}}), "Unknown name \"thread\" at 'message'"),
            ("drafts.create", json!({"message": []}), "at 'message'"),
            ("drafts.create", json!([]), "an object was expected"),
            ("labels.create", json!({"name": 7}), "'name' (TYPE_STRING), 7"),
            ("labels.create", json!({"labelListVisibility": "show"}), "'label_list_visibility' (TYPE_ENUM)"),
            ("watch", json!({"labelIds": "INBOX"}), "label_ids"),
            ("messages.modify", json!({"addLabelIds": [7]}), "add_label_ids"),
            ("messages.send", json!({"payload": {"parts": [{"part": 1}]}}), "at 'payload.parts'"),
            ("settings.updateVacation", json!({"enableAutoReply": "true"}), "TYPE_BOOL"),
            ("settings.sendAs.create", json!({"smtpMsa": {"port": 2.5}}), "'smtp_msa.port' (TYPE_INT32)"),
            ("stop", json!({"now": true}), "Unknown name \"now\""),
        ] {
            let refusal = send(method, value).expect_err(word);
            assert!(refusal.code == 400 && refusal.message.contains(word), "{method}: {refusal}");
        }
    }
}
