//! Documents that are not mail: attachments, and what a team puts into its knowledge base, as Markdown.
//!
//! Invariant: hostile bytes cost no more than [`limits`] allow and never panic the caller; a reason for not reading
//! quotes nothing of the document.

mod docx;
mod layout;
mod pdf;
mod sniff;
mod table;

use crate::{charset, clean, html, limits};
use sniff::Kind;

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentText {
    /// Headings are Markdown headings, rows of a table stand on a line each.
    pub markdown: String,
    /// There was more than what is kept.
    pub truncated: bool,
}

/// Why a document was not read, for the person who sent or uploaded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}; {}", self.reason(), self.remedy())]
pub enum NotRead {
    Empty,
    TooLarge,
    UnknownKind,
    OldOrLockedWord,
    Locked,
    NoText,
    Damaged,
    /// It unpacks to far more than its size.
    Bomb,
}

impl NotRead {
    pub fn reason(self) -> &'static str {
        match self {
            Self::Empty => "it is empty",
            Self::TooLarge => "it is larger than 20 MB",
            Self::UnknownKind => "its kind cannot be read",
            Self::OldOrLockedWord => "it is an old Word document, or one with a password",
            Self::Locked => "it is locked with a password",
            Self::NoText => "it has no text, only pictures or signs",
            Self::Damaged => "it is damaged, or not what its name says",
            Self::Bomb => "it unpacks to more than can be read",
        }
    }

    pub fn remedy(self) -> &'static str {
        match self {
            Self::Empty => "choose the file again once it has been saved",
            Self::TooLarge => "split it, or save its text alone",
            Self::UnknownKind => "save it as text, Markdown, CSV, HTML, PDF or DOCX",
            Self::OldOrLockedWord => "save it as DOCX without a password",
            Self::Locked => "save it without a password",
            Self::NoText => "let a program recognise the text of the scan first",
            Self::Damaged => "open it in its program and save it again",
            Self::Bomb => "save it with fewer pages or pictures",
        }
    }
}

/// Reads the text of a document. What it is, its bytes tell first, then `media_type`, then the ending of `name`.
pub fn text(media_type: &str, name: &str, bytes: &[u8]) -> Result<DocumentText, NotRead> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(NotRead::Empty);
    }
    if bytes.len() > limits::DOCUMENT_BYTES {
        return Err(NotRead::TooLarge);
    }
    let (markdown, cut) = match sniff::kind(media_type, name, bytes)? {
        Kind::Plain => charset::undeclared(bytes, label(media_type)),
        Kind::Table => table::markdown(&charset::undeclared(bytes, label(media_type)).0),
        Kind::Html => html::to_markdown(&charset::undeclared(bytes, label(media_type)).0),
        Kind::Pdf => unwinding(|| pdf::markdown(bytes))?,
        Kind::Docx => unwinding(|| docx::markdown(bytes))?,
    };
    let mut markdown = clean::text(&markdown);
    markdown.truncate(markdown.trim_end().len());
    let truncated = clean::truncate(&mut markdown, limits::DOCUMENT_TEXT) || cut;
    if !markdown.chars().any(char::is_alphanumeric) {
        return Err(NotRead::NoText);
    }
    Ok(DocumentText { markdown, truncated })
}

/// Whether it says of itself that it is of a kind which can be read; its bytes have the last word.
pub fn may_hold_text(media_type: &str, name: &str) -> bool {
    sniff::declared(media_type, name)
}

/// The charset that a media type names.
fn label(media_type: &str) -> Option<&str> {
    media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })
}

/// A panic of a reader of ours or of a library's is the document's fault and must not end the work on its mail.
fn unwinding<T>(read: impl FnOnce() -> Result<T, NotRead>) -> Result<T, NotRead> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_or(Err(NotRead::Damaged))
}

#[cfg(test)]
mod tests;
