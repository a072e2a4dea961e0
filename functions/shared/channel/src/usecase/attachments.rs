//! What is attached to the mails of a turn, as text for the assistant (`A11`).
//!
//! Invariant: nothing of an attachment is stored. A mail is fetched again only when it has an attachment that may hold
//! text, and within counts; what was not read is named, with the reason.

use crate::assistant::{AnswerRequest, AssistantError, AttachmentText};
use crate::ids::MessageId;
use crate::mail::Attachment;
use crate::ports::{Access, Gmail, GmailError, MailReader};
use crate::record::{Conversation, StoredMail, Turn};
use std::sync::Arc;

/// Mails of one turn that are fetched again, newest first; each costs 20 units of Gmail's quota.
const MAILS: usize = 3;
/// Attachments of one turn that are read.
const FILES: usize = 8;
/// Bytes of an attachment.
const FILE_BYTES: u64 = 20 << 20;
/// Bytes of text that are kept of one attachment, and of all.
const TEXT: usize = 24_000;
const ALL_TEXT: usize = 96_000;

#[derive(Clone)]
pub struct ReadAttachments {
    pub gmail: Arc<dyn Gmail>,
    pub reader: Arc<dyn MailReader>,
}

/// What became of one attachment, in words.
pub type Told = String;

impl ReadAttachments {
    /// Puts the texts into the request, and says for each attachment whether it was read.
    pub async fn add(
        &self,
        access: &Access,
        conversation: &Conversation,
        turn: &Turn,
        request: &mut AnswerRequest,
    ) -> Result<Vec<Told>, AssistantError> {
        let open = conversation.mails.iter().rev().filter(|mail| turn.mails.contains(&mail.message));
        let mut read = Reading::new(&*self.reader);
        for mail in open.filter(|mail| mail.attachments.iter().any(|file| counts(&*self.reader, file))) {
            let wanted = read.wanted(mail);
            if wanted.is_empty() {
                read.take(mail, Err("too many mails of this turn have attachments"));
                continue;
            }
            match self.gmail.raw(access, &mail.message).await {
                Ok(raw) => read.take(mail, Ok(&raw)),
                Err(GmailError::NotFound) => read.take(mail, Err("the mail is no longer in Gmail")),
                Err(error) => {
                    let why = format!("the attachments of a mail cannot be fetched: {error}");
                    return Err(AssistantError::unavailable(why));
                }
            }
        }
        Ok(read.into(request))
    }
}

/// Pictures in the text are no attachments. A document is one even where its mail says that it stands in the text, as
/// some mail programs do with each.
fn counts(reader: &dyn MailReader, file: &Attachment) -> bool {
    !file.inline || reader.may_hold_text(file)
}

/// The reading of a turn's attachments, apart from where their mails come from.
pub struct Reading<'a> {
    reader: &'a dyn MailReader,
    mails: usize,
    texts: Vec<AttachmentText>,
    unread: Vec<String>,
    told: Vec<Told>,
    seen: Vec<MessageId>,
}

impl<'a> Reading<'a> {
    pub fn new(reader: &'a dyn MailReader) -> Self {
        Self { reader, mails: 0, texts: vec![], unread: vec![], told: vec![], seen: vec![] }
    }

    /// The parts of a mail that are to be read; none when nothing of it can be.
    fn wanted(&self, mail: &StoredMail) -> Vec<u32> {
        if self.mails == MAILS {
            return vec![];
        }
        let left = FILES.saturating_sub(self.texts.len());
        let readable = |file: &&Attachment| self.reader.may_hold_text(file) && file.size <= FILE_BYTES;
        mail.attachments.iter().filter(readable).take(left).map(|file| file.part).collect()
    }

    /// Reads a mail's attachments from its bytes, or notes why there are none.
    pub fn take(&mut self, mail: &StoredMail, raw: Result<&[u8], &str>) {
        self.seen.push(mail.message.clone());
        let wanted = self.wanted(mail);
        let mut found = match raw {
            Ok(raw) if !wanted.is_empty() => {
                self.mails += 1;
                wanted.iter().copied().zip(self.reader.attachments(raw, &wanted)).collect()
            }
            _ => vec![],
        };
        let reader = self.reader;
        for file in mail.attachments.iter().filter(|file| counts(reader, file)) {
            let read = found.iter().position(|(part, _)| *part == file.part).map(|at| found.swap_remove(at).1);
            let read = read.unwrap_or_else(|| Err(self.why_not(file, raw.err())));
            self.keep(file, read);
        }
    }

    fn why_not(&self, file: &Attachment, mail: Option<&str>) -> String {
        match mail {
            _ if !self.reader.may_hold_text(file) => "its kind cannot be read".to_owned(),
            _ if file.size > FILE_BYTES => "it is too large".to_owned(),
            Some(why) => why.to_owned(),
            None => format!("more than {FILES} attachments are not read"),
        }
    }

    fn keep(&mut self, file: &Attachment, read: Result<crate::mail::AttachedText, String>) {
        let room = ALL_TEXT.saturating_sub(self.texts.iter().map(|text| text.text.len()).sum()).min(TEXT);
        match read {
            Ok(read) if room > 0 => {
                let kept = read.markdown.floor_char_boundary(room.min(read.markdown.len()));
                let truncated = read.truncated || kept < read.markdown.len();
                let cut = if truncated { ", only its beginning" } else { "" };
                let characters = read.markdown[..kept].chars().count();
                self.told.push(format!("Read {}: {characters} characters{cut}.", file.name));
                let text = read.markdown[..kept].to_owned();
                self.texts.push(AttachmentText { name: file.name.clone(), text, truncated });
            }
            other => {
                let why = other.err().unwrap_or_else(|| "the attachments together are too long".to_owned());
                self.told.push(format!("Did not read {}: {why}.", file.name));
                self.unread.push(file.name.clone());
            }
        }
    }

    /// Hands the texts over to the request.
    pub fn into(self, request: &mut AnswerRequest) -> Vec<Told> {
        if !self.seen.is_empty() {
            (request.attachments, request.unread_attachments) = (self.texts, self.unread);
        }
        self.told
    }
}
