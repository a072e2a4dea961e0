//! Any receiver, by the Standard Webhooks specification: JSON, signed by HMAC-SHA-256 over id, time stamp and body.

use crate::guard::{Failed, Reply};
use crate::message::Words;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use channel::ports::{NotDelivered, Notification};
use channel::time::Timestamp;
use serde_json::{Map, Value, json};

/// Raised when a field changes its meaning or goes; a new field does not raise it.
const VERSION: u32 = 1;

/// The documented body.
pub fn body(notification: &Notification) -> Value {
    let words = Words::of(notification);
    let mut data = Map::from_iter([
        ("mailbox".to_owned(), Value::from(words.mailbox)),
        ("url".to_owned(), Value::from(words.link)),
    ]);
    if let Some([sender, subject, reason]) = words.about {
        for (name, (_, value)) in [("sender", sender), ("subject", subject), ("reason", reason)] {
            data.insert(name.to_owned(), Value::from(value));
        }
    }
    let at = jiff::Timestamp::from_millisecond(notification.at.as_millis()).map(|at| at.to_string());
    json!({
        "version": VERSION,
        "id": notification.id,
        "type": notification.event,
        // None for a time that no calendar has.
        "timestamp": at.ok(),
        "data": data,
    })
}

/// The three headers of the specification; none when `secret` is not one of ours.
pub fn headers(secret: &str, id: &str, at: Timestamp, body: &[u8]) -> Option<[(&'static str, String); 3]> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    let seconds = at.as_secs().to_string();
    let mut signed = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", body] {
        signed.update(part);
    }
    let signature = format!("v1,{}", STANDARD.encode(signed.sign()));
    Some([("webhook-id", id.to_owned()), ("webhook-timestamp", seconds), ("webhook-signature", signature)])
}

pub fn said(reply: Result<Reply, Failed>) -> Result<(), NotDelivered> {
    let reply = match reply {
        Ok(reply) => reply,
        Err(Failed::Forbidden(why)) => return Err(NotDelivered::Refused(why.to_string())),
        Err(failed @ Failed::Lost) => return Err(NotDelivered::Lost(failed.to_string())),
        Err(failed) => return Err(NotDelivered::Later { after: None, why: failed.to_string() }),
    };
    let status = reply.status;
    match status {
        200..=299 => Ok(()),
        408 | 425 | 429 | 500.. => {
            let why = format!("The receiver answered with status {status}.");
            Err(NotDelivered::Later { after: reply.retry_after, why })
        }
        300..=399 => Err(NotDelivered::Refused(format!(
            "The receiver answered with a redirect ({status}), which is not followed."
        ))),
        404 | 410 => {
            Err(NotDelivered::Refused(format!("There is no receiver at this address any more (status {status}).")))
        }
        _ => Err(NotDelivered::Refused(format!("The receiver refused with status {status}."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use channel::address::EmailAddress;
    use channel::ports::About;
    use std::time::Duration;

    #[test]
    fn the_signature_is_that_of_the_specification() {
        // The example of the specification's own libraries.
        let headers = headers(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            Timestamp::from_secs(1_614_265_330),
            br#"{"test": 2432232314}"#,
        );
        let signature = &headers.unwrap()[2].1;
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(super::headers("no prefix", "id", Timestamp::from_secs(1), b"").is_none());
    }

    fn notification(about: Option<About>) -> Notification {
        Notification {
            id: "msg_1".to_owned(),
            event: "conversation.needs_person",
            mailbox: EmailAddress::parse("desk@example.com").unwrap(),
            about,
            link: "https://post.example.com/chat/a/b".to_owned(),
            at: Timestamp::from_secs(1_790_000_000),
        }
    }

    #[test]
    fn the_body_is_what_is_documented() {
        let about = About { sender: "Ada".into(), subject: "Order\r\nX: y".into(), reason: "A complaint.".into() };
        let expected = json!({
            "version": 1, "id": "msg_1", "type": "conversation.needs_person", "timestamp": "2026-09-21T14:13:20Z",
            "data": {
                "mailbox": "desk@example.com", "url": "https://post.example.com/chat/a/b",
                "sender": "Ada", "subject": "Order X: y", "reason": "A complaint.",
            },
        });
        assert_eq!(body(&notification(Some(about))), expected);
        let bare = body(&notification(None));
        let data = bare["data"].as_object().unwrap();
        assert_eq!(data.keys().map(String::as_str).collect::<Vec<_>>(), ["mailbox", "url"]);
    }

    #[test]
    fn what_is_tried_again_is_told_from_what_is_not() {
        let reply = |status| Ok(Reply { status, retry_after: Some(Duration::from_secs(9)), body: vec![] });
        for status in [200, 201, 202, 204] {
            assert_eq!(said(reply(status)), Ok(()));
        }
        for status in [301, 307, 400, 401, 403, 404, 410, 422] {
            assert!(matches!(said(reply(status)), Err(NotDelivered::Refused(_))), "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            let later = said(reply(status));
            assert!(matches!(later, Err(NotDelivered::Later { after: Some(_), .. })), "{status}");
        }
        assert!(matches!(said(Err(Failed::Lost)), Err(NotDelivered::Lost(_))));
        assert!(matches!(said(Err(Failed::NoAddress)), Err(NotDelivered::Later { .. })));
    }
}
