//! Mails that the tests send.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use simulator::{Deliver, Verdict};

pub const DESK: &str = "support@postroom.test";
pub const ADA: &str = "customer@customer.test";

#[derive(Clone)]
pub struct Letter {
    pub from: String,
    pub to: String,
    pub subject: String,
    pub id: String,
    pub reply_to_id: Option<String>,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// Name, media type and content.
    pub attachments: Vec<(String, String, Vec<u8>)>,
}

/// A question that the knowledge base answers.
pub fn question(id: &str) -> Letter {
    Letter {
        from: format!("Ada <{ADA}>"),
        to: DESK.to_owned(),
        subject: "Returning an item".to_owned(),
        id: format!("<{id}@customer.test>"),
        reply_to_id: None,
        headers: vec![],
        body: "Hello,\n\nhow many days do I have to return an item?\n\nAda\n".to_owned(),
        attachments: vec![],
    }
}

impl Letter {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    pub fn subject(mut self, subject: &str) -> Self {
        subject.clone_into(&mut self.subject);
        self
    }

    pub fn from(mut self, from: &str) -> Self {
        from.clone_into(&mut self.from);
        self
    }

    pub fn replies_to(mut self, id: &str) -> Self {
        self.reply_to_id = Some(id.to_owned());
        self
    }

    pub fn attach(mut self, name: &str, media_type: &str, content: &[u8]) -> Self {
        self.attachments.push((name.to_owned(), media_type.to_owned(), content.to_vec()));
        self
    }

    pub fn raw(&self) -> Vec<u8> {
        let mut mail = format!(
            "From: {}\r\nTo: {}\r\nSubject: {}\r\nMessage-ID: {}\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n",
            self.from, self.to, self.subject, self.id
        );
        if let Some(id) = &self.reply_to_id {
            mail.push_str(&format!("In-Reply-To: {id}\r\nReferences: {id}\r\n"));
        }
        for (name, value) in &self.headers {
            mail.push_str(&format!("{name}: {value}\r\n"));
        }
        mail.push_str("MIME-Version: 1.0\r\n");
        if !self.attachments.is_empty() {
            mail.push_str("Content-Type: multipart/mixed; boundary=files\r\n\r\n--files\r\n");
        }
        mail.push_str("Content-Type: text/plain; charset=utf-8\r\n\r\n");
        mail.push_str(&self.body.replace('\n', "\r\n"));
        for (name, media_type, content) in &self.attachments {
            mail.push_str(&format!(
                "\r\n--files\r\nContent-Type: {media_type}\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\n{}",
                STANDARD.encode(content)
            ));
        }
        if !self.attachments.is_empty() {
            mail.push_str("\r\n--files--\r\n");
        }
        mail.into_bytes()
    }
}

pub fn genuine() -> Deliver {
    Deliver { authentication: Some(Verdict::Pass), ..Deliver::default() }
}
