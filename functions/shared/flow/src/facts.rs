//! What a flow may know of a mail, and how conditions and templates name it.
//!
//! Invariant: everything is bounded here (body [`MAX_BODY`], lists [`MAX_LIST`], other text [`MAX_TEXT`]), so that no
//! mail makes a condition or a template large.

use crate::data::{Data, Type};
use channel::address::EmailAddress;
use channel::assistant::{Intent, Sentiment, Urgency};
use channel::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of the body that are offered.
pub const MAX_BODY: usize = 64 * 1024;
/// Items of a list that are offered.
pub const MAX_LIST: usize = 200;
/// Bytes of every other text.
pub const MAX_TEXT: usize = 512;

pub(crate) const INTENTS: [&str; 6] = ["question", "sales", "support", "complaint", "chat", "other"];
pub(crate) const SENTIMENTS: [&str; 3] = ["positive", "neutral", "negative"];
pub(crate) const URGENCIES: [&str; 3] = ["low", "normal", "high"];
pub(crate) const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// A point in time as the mailbox's owner reads it off the wall. The offset comes from the mailbox's time zone, which
/// whoever runs a flow resolves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalTime {
    pub at: Timestamp,
    /// East of UTC.
    pub offset_minutes: i32,
}

impl LocalTime {
    fn minutes(self) -> i64 {
        self.at.as_secs().div_euclid(60).saturating_add(i64::from(self.offset_minutes))
    }

    /// Minutes since midnight, 0 to 1439.
    pub fn minute_of_day(self) -> i64 {
        self.minutes().rem_euclid(1440)
    }

    /// From 0 for Monday.
    pub fn weekday(self) -> usize {
        // The first day of the Unix epoch was a Thursday.
        usize::try_from((self.minutes().div_euclid(1440) + 3).rem_euclid(7)).unwrap_or(0)
    }

    /// `YYYY-MM-DD` of the proleptic Gregorian calendar.
    pub fn date(self) -> String {
        // Years begin in March here, so that the leap day is the last; an era has 400 years, or 146,097 days.
        let days = self.minutes().div_euclid(1440) + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
        format!("{:04}-{month:02}-{day:02}", year + era * 400)
    }
}

/// When the team is at work; from the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusinessHours {
    /// From 0 for Monday.
    pub weekdays: Vec<usize>,
    /// Minutes since midnight; `until` is no longer at work.
    pub from: i64,
    pub until: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    pub email: EmailAddress,
    /// The sender's claim.
    pub name: String,
    /// On the owner's list; it counts only with `authenticated` (`B5`).
    pub listed_vip: bool,
    pub authenticated: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentFact {
    pub name: String,
    pub media_type: String,
    pub size: u64,
    pub inline: bool,
}

/// A mail, and what the settings say that flows may refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub sender: Sender,
    pub subject: String,
    /// Cleaned text of the open mails.
    pub body: String,
    /// Names of the mail's labels.
    pub labels: Vec<String>,
    pub attachments: Vec<AttachmentFact>,
    /// BCP 47, `und` when it cannot be told.
    pub language: String,
    /// Gmail's thread.
    pub conversation: String,
    /// Mails in the thread, this one counted.
    pub thread_mails: u32,
    pub received: LocalTime,
    /// IANA name of the mailbox's zone, for people.
    pub zone: String,
    pub business_hours: Option<BusinessHours>,
    /// The owner's addresses that a flow may name as `settings.NAME`, and the only ones that mail is forwarded to.
    pub settings: BTreeMap<String, EmailAddress>,
}

/// What the assistant found in the mail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    pub intent: Intent,
    pub sentiment: Sentiment,
    pub urgency: Urgency,
    /// 0 to 1.
    pub confidence: f32,
    pub answerable: bool,
    /// The assistant's own answer; empty where it has none.
    pub reply: String,
}

/// The beginning of a text, cut between characters.
pub(crate) fn clipped(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

fn text(value: &str) -> Data {
    Data::Text(clipped(value, MAX_TEXT).to_owned())
}

impl Facts {
    pub fn vip(&self) -> bool {
        self.sender.listed_vip && self.sender.authenticated
    }

    pub fn at_work(&self) -> bool {
        self.business_hours.as_ref().is_some_and(|hours| {
            let minute = self.received.minute_of_day();
            hours.weekdays.contains(&self.received.weekday()) && hours.from <= minute && minute < hours.until
        })
    }

    pub(crate) fn data(&self) -> BTreeMap<&'static str, Data> {
        let minute = self.received.minute_of_day();
        let attachment = |file: &AttachmentFact| {
            Data::Record(BTreeMap::from([
                ("name", text(&file.name)),
                ("type", text(&file.media_type)),
                ("size", Data::Int(i64::try_from(file.size).unwrap_or(i64::MAX))),
                ("inline", Data::Bool(file.inline)),
            ]))
        };
        let sender = Data::Record(BTreeMap::from([
            ("email", text(self.sender.email.as_str())),
            ("name", text(&self.sender.name)),
            ("domain", text(self.sender.email.domain())),
            ("vip", Data::Bool(self.vip())),
            ("authenticated", Data::Bool(self.sender.authenticated)),
        ]));
        let received = Data::Record(BTreeMap::from([
            ("date", Data::Text(self.received.date())),
            ("time", Data::Text(format!("{:02}:{:02}", minute / 60, minute % 60))),
            ("hour", Data::Int(minute / 60)),
            ("weekday", Data::from(WEEKDAYS[self.received.weekday()])),
            ("zone", text(&self.zone)),
        ]));
        let body = Data::Text(clipped(&self.body, MAX_BODY).to_owned());
        BTreeMap::from([
            ("sender", sender),
            ("subject", text(&self.subject)),
            ("body", body),
            ("labels", Data::List(self.labels.iter().take(MAX_LIST).map(|label| text(label)).collect())),
            ("attachments", Data::List(self.attachments.iter().take(MAX_LIST).map(attachment).collect())),
            ("language", text(&self.language)),
            ("thread", Data::Record(BTreeMap::from([("mails", Data::Int(i64::from(self.thread_mails)))]))),
            ("received_at", received),
            ("business_hours", Data::Bool(self.at_work())),
        ])
    }

    /// The names that templates know beside those of conditions.
    pub(crate) fn template_names(&self) -> BTreeMap<&'static str, Data> {
        let body = Data::Text(clipped(&self.body, MAX_BODY).to_owned());
        let record = |fields: [(&'static str, Data); 2]| Data::Record(BTreeMap::from(fields));
        BTreeMap::from([
            ("email_content", body.clone()),
            ("sender_email", text(self.sender.email.as_str())),
            ("email_subject", text(&self.subject)),
            ("message", record([("content", body), ("subject", text(&self.subject))])),
            ("user", record([("name", text(&self.sender.name)), ("email", text(self.sender.email.as_str()))])),
            ("conversation", Data::Record(BTreeMap::from([("id", text(&self.conversation))]))),
            ("channel", Data::from("Gmail")),
        ])
    }
}

impl Assessment {
    pub(crate) fn data(&self) -> Data {
        let intent = match self.intent {
            Intent::Question => 0,
            Intent::Sales => 1,
            Intent::Support => 2,
            Intent::Complaint => 3,
            Intent::Chat => 4,
            Intent::Other => 5,
        };
        let sentiment = match self.sentiment {
            Sentiment::Positive => 0,
            Sentiment::Neutral => 1,
            Sentiment::Negative => 2,
        };
        let urgency = match self.urgency {
            Urgency::Low => 0,
            Urgency::Normal => 1,
            Urgency::High => 2,
        };
        Data::Record(BTreeMap::from([
            ("intent", Data::from(INTENTS[intent])),
            ("sentiment", Data::from(SENTIMENTS[sentiment])),
            ("urgency", Data::from(URGENCIES[urgency])),
            ("confidence", Data::Number(f64::from(self.confidence))),
            ("answerable", Data::Bool(self.answerable)),
        ]))
    }
}

/// The types of what [`Facts::data`] and [`Assessment::data`] offer.
pub(crate) fn types() -> BTreeMap<String, Type> {
    let texts = || Type::List(Box::new(Type::Text));
    let file = Type::record([("name", Type::Text), ("type", Type::Text), ("size", Type::Int), ("inline", Type::Bool)]);
    let sender = Type::record([
        ("email", Type::Text),
        ("name", Type::Text),
        ("domain", Type::Text),
        ("vip", Type::Bool),
        ("authenticated", Type::Bool),
    ]);
    let received = Type::record([
        ("date", Type::Text),
        ("time", Type::Text),
        ("hour", Type::Int),
        ("weekday", Type::choice(&WEEKDAYS)),
        ("zone", Type::Text),
    ]);
    let assistant = Type::record([
        ("intent", Type::choice(&INTENTS)),
        ("sentiment", Type::choice(&SENTIMENTS)),
        ("urgency", Type::choice(&URGENCIES)),
        ("confidence", Type::Number),
        ("answerable", Type::Bool),
    ]);
    [
        ("sender", sender),
        ("subject", Type::Text),
        ("body", Type::LongText),
        ("labels", texts()),
        ("attachments", Type::List(Box::new(file))),
        ("language", Type::Text),
        ("thread", Type::record([("mails", Type::Int)])),
        ("received_at", received),
        ("business_hours", Type::Bool),
        ("assistant", assistant),
    ]
    .into_iter()
    .map(|(name, of)| (name.to_owned(), of))
    .collect()
}

/// The types of what [`Facts::template_names`] offers.
pub(crate) fn template_types() -> BTreeMap<String, Type> {
    [
        ("email_content", Type::LongText),
        ("sender_email", Type::Text),
        ("email_subject", Type::Text),
        ("message", Type::record([("content", Type::LongText), ("subject", Type::Text)])),
        ("user", Type::record([("name", Type::Text), ("email", Type::Text)])),
        ("conversation", Type::record([("id", Type::Text)])),
        ("channel", Type::Text),
    ]
    .into_iter()
    .map(|(name, of)| (name.to_owned(), of))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_follows_the_offset() {
        // 2024-02-29T23:30:00Z, a Thursday.
        let at = Timestamp::from_secs(1_709_249_400);
        let utc = LocalTime { at, offset_minutes: 0 };
        assert_eq!((utc.date().as_str(), utc.minute_of_day(), utc.weekday()), ("2024-02-29", 23 * 60 + 30, 3));
        let paris = LocalTime { at, offset_minutes: 60 };
        assert_eq!((paris.date().as_str(), paris.minute_of_day(), paris.weekday()), ("2024-03-01", 30, 4));
        let early = LocalTime { at: Timestamp::from_secs(-1), offset_minutes: 0 };
        assert_eq!((early.date().as_str(), early.weekday()), ("1969-12-31", 2));
    }
}
