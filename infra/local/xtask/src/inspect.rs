//! What the product reads in a mail, for a person or a script to see: nothing is stored, sent or connected to.
//!
//! Invariant: each file makes one line of JSON, whatever is in it.

use crate::{Context, Error, Result};
use channel::mail::{Attachment, MailHeaders, Obstacle, ReadMail, Suppression};
use serde::Serialize;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A mail (RFC 5322).
    Mail,
    /// A body of plain text, without headers.
    Text,
    /// A body of HTML, without headers.
    Html,
}

/// One line of the output; `infra/local/README.md` documents it.
#[derive(Debug, Serialize)]
struct Line {
    file: String,
    #[serde(flatten)]
    seen: Seen,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Seen {
    Mail(Box<Reading>),
    Failure { error: String },
}

/// `headers`, `suppression` and `bulk` are null for a bare body: they are decided from headers, and it has none.
#[derive(Debug, Serialize)]
struct Reading {
    headers: Option<Headers>,
    text: String,
    quoted: Option<String>,
    signature: Option<String>,
    truncated: bool,
    attachments: Vec<Attachment>,
    obstacles: Vec<Obstacle>,
    suppression: Option<Verdict>,
    bulk: Option<bool>,
}

/// The decisions that were made from the headers stand beside them, so they are left out here.
#[derive(Debug, Serialize)]
struct Headers {
    from: Vec<channel::address::Mailbox>,
    reply_to: Vec<channel::address::Mailbox>,
    to: Vec<channel::address::Mailbox>,
    cc: Vec<channel::address::Mailbox>,
    subject: String,
    message_id: Option<String>,
    in_reply_to: Option<String>,
    references: Vec<String>,
    date: Option<channel::time::Timestamp>,
    authentication: channel::mail::Authentication,
    marker: Option<String>,
}

#[derive(Debug, Serialize)]
struct Verdict {
    verdict: &'static str,
    reasons: Vec<&'static str>,
}

impl Verdict {
    fn of(reasons: &[Suppression]) -> Self {
        let verdict = if reasons.is_empty() {
            "answerable"
        } else if reasons.iter().all(|reason| reason.only_rules_out_sending()) {
            "draft_only"
        } else {
            "suppressed"
        };
        Self { verdict, reasons: reasons.iter().map(|reason| reason.code()).collect() }
    }
}

impl Reading {
    fn of(mail: ReadMail, kind: Kind) -> Self {
        let ReadMail { headers, text, quoted, signature, truncated, attachments, obstacles } = mail;
        let of_mail = kind == Kind::Mail;
        Self {
            suppression: of_mail.then(|| Verdict::of(&headers.suppression)),
            bulk: of_mail.then_some(headers.bulk),
            headers: of_mail.then(|| Headers::of(headers)),
            text,
            quoted,
            signature,
            truncated,
            attachments,
            obstacles,
        }
    }
}

impl Headers {
    fn of(headers: MailHeaders) -> Self {
        let MailHeaders {
            from,
            reply_to,
            to,
            cc,
            subject,
            message_id,
            in_reply_to,
            references,
            date,
            authentication,
            suppression: _,
            bulk: _,
            marker,
        } = headers;
        Self { from, reply_to, to, cc, subject, message_id, in_reply_to, references, date, authentication, marker }
    }
}

/// Writes a line for each file to `out`. An error at the end when a file could not be opened or read; a mail that cannot be
/// read as one is a finding, not an error.
pub fn inspect(files: &[PathBuf], kind: Kind, out: &mut impl Write) -> Result<()> {
    let mut missing = 0;
    for file in files {
        let seen = match bytes(file) {
            Ok(body) => read(&body, kind),
            Err(cause) => {
                missing += 1;
                eprintln!("error: cannot read {}: {cause}", file.display());
                Seen::Failure { error: format!("cannot read the file: {cause}") }
            }
        };
        let line = Line { file: file.display().to_string(), seen };
        let json = serde_json::to_string(&line).why(|| line.file.clone())?;
        writeln!(out, "{json}").why(|| "standard output".into())?;
    }
    out.flush().why(|| "standard output".into())?;
    if missing == 0 { Ok(()) } else { Err(Error::new(format!("{missing} of {} files could not be read", files.len()))) }
}

/// Not more of the file than decides that it is too large.
fn bytes(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(mime::limits::MAIL_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read(body: &[u8], kind: Kind) -> Seen {
    let media = match kind {
        Kind::Mail => None,
        Kind::Text => Some("text/plain"),
        Kind::Html => Some("text/html"),
    };
    let read = match media {
        None => mime::read(body),
        Some(media) => mime::read(&wrapped(media, body)),
    };
    match read {
        Ok(mail) => Seen::Mail(Box::new(Reading::of(mail, kind))),
        Err(unreadable) => Seen::Failure { error: unreadable.to_string() },
    }
}

fn wrapped(media: &str, body: &[u8]) -> Vec<u8> {
    let headers =
        format!("MIME-Version: 1.0\r\nContent-Type: {media}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
    [headers.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn seen(body: &[u8], kind: Kind) -> Value {
        serde_json::to_value(read(body, kind)).unwrap()
    }

    #[test]
    fn a_mail_shows_headers_text_and_verdict() {
        let mail = seen(
            b"From: Ann <ann@example.com>\r\nTo: shop@example.org\r\nSubject: Hello\r\nAuto-Submitted: auto-replied\r\n\
              \r\nAway until Monday.\r\n",
            Kind::Mail,
        );
        assert_eq!(mail["headers"]["from"][0]["email"], "ann@example.com");
        assert_eq!(mail["headers"]["authentication"], "unknown");
        assert_eq!(mail["text"], "Away until Monday.");
        assert_eq!(mail["suppression"]["verdict"], "suppressed");
        assert_eq!(mail["suppression"]["reasons"][0], "auto_submitted");
        assert_eq!(mail["bulk"], false);
    }

    #[test]
    fn a_bare_body_is_split_and_has_no_headers() {
        let text = seen("Grüße\n\nOn Mon, Ann <ann@example.com> wrote:\n> Hello\n".as_bytes(), Kind::Text);
        assert_eq!(text["text"], "Grüße");
        assert!(text["quoted"].as_str().unwrap().contains("Hello"), "{text}");
        assert!(text["headers"].is_null() && text["suppression"].is_null() && text["bulk"].is_null());
        let html = seen(b"<p>Seen</p><p style='display:none'>Hidden</p>", Kind::Html);
        assert_eq!(html["text"], "Seen");
    }

    #[test]
    fn a_file_that_is_no_mail_and_one_that_is_missing_each_have_their_line() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut out = vec![];
        let files = [manifest.join("Cargo.toml"), manifest.join("no-such-file"), manifest.join("Cargo.toml")];
        let outcome = inspect(&files, Kind::Text, &mut out);
        assert!(outcome.unwrap_err().to_string().contains("1 of 3 files"));
        let out = String::from_utf8(out).unwrap();
        let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0]["text"].as_str().unwrap().contains("xtask"));
        assert!(lines[1]["error"].as_str().unwrap().contains("cannot read the file"));
        assert_eq!(seen(b"", Kind::Mail)["error"], "the mail is empty");
    }
}
