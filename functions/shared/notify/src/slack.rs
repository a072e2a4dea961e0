//! Slack: an incoming webhook, or `chat.postMessage` with our bot's token.
//!
//! Words of a mail stand in `plain_text` blocks, escaped, where Slack knows no formatting, link or mention; the one link
//! is ours.

use crate::guard::{Failed, Reply};
use crate::message::Words;
use channel::ports::NotDelivered;
use serde::Deserialize;
use serde_json::{Value, json};

/// Slack escapes these three and no others (Slack's documentation, *Formatting message text*).
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The message; `channel` for the bot only.
pub fn body(words: &Words, channel: Option<&str>) -> Value {
    let lines = escaped(&words.lines());
    let mut body = json!({
        "text": lines,
        "mrkdwn": false,
        "parse": "none",
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": [
            { "type": "section", "text": { "type": "plain_text", "text": lines, "emoji": false } },
            { "type": "section", "text": { "type": "mrkdwn", "text": format!("<{}|Open it in Postroom>", words.link), "verbatim": true } },
        ],
    });
    if let Some(channel) = channel {
        body["channel"] = Value::from(channel);
    }
    body
}

const TOKEN: [&str; 6] =
    ["invalid_auth", "not_authed", "invalid_token", "token_revoked", "token_expired", "account_inactive"];

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    error: String,
}

/// What the Web API says; its errors come with status 200.
pub fn said_by_api(reply: Result<Reply, Failed>) -> Result<(), NotDelivered> {
    let reply = reply.map_err(not_sent)?;
    if reply.status == 429 {
        return Err(rate_limited(&reply));
    }
    if reply.status >= 500 {
        return Err(NotDelivered::Lost(format!("Slack failed with status {}.", reply.status)));
    }
    let answer: Answer = serde_json::from_slice(&reply.body)
        .map_err(|_| NotDelivered::Lost("Slack’s answer was not understood.".to_owned()))?;
    if answer.ok {
        return Ok(());
    }
    Err(match answer.error.as_str() {
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => rate_limited(&reply),
        "service_unavailable" | "request_timeout" | "team_added_to_org" | "org_login_required" => {
            NotDelivered::Later { after: None, why: format!("Slack cannot post it now ({}).", answer.error) }
        }
        // By Slack's own words something may have been done before these.
        "internal_error" | "fatal_error" => {
            NotDelivered::Lost(format!("Slack failed ({}); it is not known whether it posted.", answer.error))
        }
        error => NotDelivered::Refused(refusal(error)),
    })
}

/// Whether the token was to blame.
pub fn refuses_token(reply: &Result<Reply, Failed>) -> bool {
    let Ok(reply) = reply else { return false };
    serde_json::from_slice(&reply.body).is_ok_and(|answer: Answer| !answer.ok && TOKEN.contains(&answer.error.as_str()))
}

/// What an incoming webhook says; its errors are a status and a word.
pub fn said_by_webhook(reply: Result<Reply, Failed>) -> Result<(), NotDelivered> {
    let reply = reply.map_err(not_sent)?;
    match reply.status {
        200..=299 => Ok(()),
        429 => Err(rate_limited(&reply)),
        500.. => Err(NotDelivered::Lost(format!("Slack failed with status {}.", reply.status))),
        300..=399 => Err(NotDelivered::Refused("Slack answered with a redirect, which is not followed.".to_owned())),
        _ => {
            let word = String::from_utf8_lossy(&reply.body);
            Err(NotDelivered::Refused(refusal(word.trim())))
        }
    }
}

fn rate_limited(reply: &Reply) -> NotDelivered {
    NotDelivered::Later { after: reply.retry_after, why: "Slack asks to wait: too many messages.".to_owned() }
}

fn not_sent(failed: Failed) -> NotDelivered {
    match failed {
        Failed::Forbidden(why) => NotDelivered::Refused(why.to_string()),
        Failed::NoAddress | Failed::Unreachable => NotDelivered::Later { after: None, why: failed.to_string() },
        Failed::Lost => NotDelivered::Lost(failed.to_string()),
    }
}

/// Slack's codes that a person can do something about. Another is named when it looks like one.
fn refusal(code: &str) -> String {
    let remedy = match code {
        "channel_not_found" => "the channel does not exist or the bot cannot see it; give its id, and invite the bot",
        "not_in_channel" => "the bot is not in the channel; invite it there with /invite",
        "is_archived" | "channel_is_archived" => "the channel is archived; choose another",
        code if TOKEN.contains(&code) => {
            "Slack does not accept the token; store a valid one with infra/slack/store-token.sh"
        }
        "missing_scope" | "no_permission" | "restricted_action" | "ekm_access_denied" | "action_prohibited" => {
            "the app may not post there; give it chat:write, and see whether an administrator restricts posting"
        }
        "no_service" | "no_service_id" | "no_team" | "team_disabled" | "posting_to_general_channel_denied" => {
            "the webhook was switched off; make a new one in Slack and add it"
        }
        "invalid_payload" | "invalid_blocks" | "msg_too_long" | "no_text" => {
            "a defect of this program; please report it"
        }
        _ => "see Slack’s documentation",
    };
    let is_code = !code.is_empty() && code.len() <= 40 && code.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    format!("Slack refused ({}): {remedy}.", if is_code { code } else { "without a code" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn reply(status: u16, body: &str) -> Result<Reply, Failed> {
        Ok(Reply { status, retry_after: Some(Duration::from_secs(30)), body: body.as_bytes().to_vec() })
    }

    #[test]
    fn a_mail_cannot_mention_link_or_format() {
        let evil = "<!channel> & <https://evil.example|click> *bold* @here";
        let words = Words {
            title: "A conversation needs a person",
            mailbox: "desk@example.com".to_owned(),
            about: Some([("From", evil.to_owned()), ("Subject", evil.to_owned()), ("Why", evil.to_owned())]),
            link: "https://post.example.com/chat/a/b".to_owned(),
        };
        let body = body(&words, Some("C1"));
        assert_eq!(
            (&body["link_names"], &body["parse"], &body["mrkdwn"]),
            (&json!(false), &json!("none"), &json!(false))
        );
        assert_eq!((&body["unfurl_links"], &body["unfurl_media"]), (&json!(false), &json!(false)));
        assert_eq!(body["channel"], "C1");
        let shown = &body["blocks"][0]["text"];
        assert_eq!(shown["type"], "plain_text");
        for text in [&body["text"], &shown["text"]] {
            let text = text.as_str().unwrap();
            assert!(!text.contains('<') && !text.contains('>'), "{text}");
            assert!(text.contains("Subject: &lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;"), "{text}");
        }
        assert_eq!(body["blocks"][1]["text"]["text"], "<https://post.example.com/chat/a/b|Open it in Postroom>");
    }

    #[test]
    fn errors_of_the_api_are_told_apart() {
        assert_eq!(said_by_api(reply(200, r#"{"ok":true,"ts":"1"}"#)), Ok(()));
        for code in ["channel_not_found", "not_in_channel", "invalid_auth", "is_archived", "missing_scope", "new_code"]
        {
            let said = said_by_api(reply(200, &format!(r#"{{"ok":false,"error":"{code}"}}"#))).unwrap_err();
            assert!(matches!(&said, NotDelivered::Refused(why) if why.contains(code)), "{said:?}");
        }
        let after = Some(Duration::from_secs(30));
        for limited in [reply(429, ""), reply(200, r#"{"ok":false,"error":"ratelimited"}"#)] {
            assert!(matches!(said_by_api(limited), Err(NotDelivered::Later { after: known, .. }) if known == after));
        }
        for unknown in [reply(503, ""), reply(200, "<html>"), reply(200, r#"{"ok":false,"error":"fatal_error"}"#)] {
            assert!(matches!(said_by_api(unknown), Err(NotDelivered::Lost(_))));
        }
        assert!(matches!(said_by_api(Err(Failed::Unreachable)), Err(NotDelivered::Later { .. })));
        assert!(matches!(said_by_api(Err(Failed::Lost)), Err(NotDelivered::Lost(_))));
    }

    #[test]
    fn errors_of_a_webhook_are_told_apart_and_never_quoted_at_length() {
        assert_eq!(said_by_webhook(reply(200, "ok")), Ok(()));
        for (status, word) in [(404, "no_service"), (403, "action_prohibited"), (410, "channel_is_archived")] {
            let said = said_by_webhook(reply(status, word)).unwrap_err();
            assert!(matches!(&said, NotDelivered::Refused(why) if why.contains(word)), "{said:?}");
        }
        let said = said_by_webhook(reply(400, "Secret Mail Text <b>")).unwrap_err();
        assert!(!said.to_string().contains("Secret"), "{said}");
        assert!(matches!(said_by_webhook(reply(302, "")), Err(NotDelivered::Refused(_))));
        assert!(matches!(said_by_webhook(reply(429, "")), Err(NotDelivered::Later { .. })));
        assert!(matches!(said_by_webhook(reply(500, "")), Err(NotDelivered::Lost(_))));
    }
}
