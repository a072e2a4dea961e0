//! What a reply takes from the mail it answers (RFC 5322, 3.6.4 and 3.6.5): subject, references, recipients.

use crate::headers::bound_references;
use channel::address::{EmailAddress, Mailbox};
use channel::mail::MailHeaders;

/// Reply prefixes of mailers in other languages; each may carry a counter, `Re[2]:`.
const PREFIXES: &[&str] = &["re", "aw", "sv", "antw", "rif", "odp", "ynt", "vs", "答复", "回复", "отв"];

fn has_reply_prefix(subject: &str) -> bool {
    let subject = subject.trim_start();
    let lower = subject.to_lowercase();
    PREFIXES.iter().any(|prefix| {
        let Some(rest) = lower.strip_prefix(prefix) else {
            return false;
        };
        let rest = match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
            Some((count, rest)) if !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()) => rest,
            Some(_) => return false,
            None => rest,
        };
        rest.trim_start().starts_with([':', '：'])
    })
}

/// Whether the subject is that of a reply.
pub fn is_reply_subject(subject: &str) -> bool {
    has_reply_prefix(subject)
}

/// The rest stays as it is, since Gmail threads by it.
pub fn reply_subject(subject: &str) -> String {
    let subject = subject.trim();
    if has_reply_prefix(subject) {
        subject.to_owned()
    } else if subject.is_empty() {
        "Re:".to_owned()
    } else {
        format!("Re: {subject}")
    }
}

/// `In-Reply-To` and `References`, the answered mail's own id last.
pub fn reply_references(parent: &MailHeaders) -> (Option<String>, Vec<String>) {
    let mut chain = parent.references.clone();
    if chain.is_empty() {
        chain.extend(parent.in_reply_to.clone());
    }
    if let Some(id) = &parent.message_id {
        chain.retain(|one| one != id);
        chain.push(id.clone());
    }
    (parent.message_id.clone(), bound_references(chain))
}

/// `Reply-To`, or else `From`; never ourselves, nobody twice. Empty: there is nobody to answer.
pub fn reply_recipients(parent: &MailHeaders, own: &[EmailAddress]) -> Vec<Mailbox> {
    let source = if parent.reply_to.is_empty() { &parent.from } else { &parent.reply_to };
    let mut to: Vec<Mailbox> = Vec::new();
    for one in source {
        if !own.contains(&one.email) && !to.iter().any(|seen| seen.email == one.email) {
            to.push(one.clone());
        }
    }
    to
}

/// The answer would go to another domain than the one the author claims: the sign of a hijacked conversation.
pub fn reply_to_elsewhere(parent: &MailHeaders) -> bool {
    parent.reply_to.iter().any(|reply| !parent.from.iter().any(|from| from.email.domain() == reply.email.domain()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parent(pairs: &[(&str, &str)]) -> MailHeaders {
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        crate::read_headers(&pairs)
    }

    fn emails(to: &[Mailbox]) -> Vec<&str> {
        to.iter().map(|one| one.email.as_str()).collect()
    }

    #[test]
    fn subjects_get_one_prefix() {
        for (subject, reply) in [
            ("Order 5", "Re: Order 5"),
            ("Re: Order 5", "Re: Order 5"),
            ("RE : x", "RE : x"),
            ("AW: x", "AW: x"),
            ("Re[2]: x", "Re[2]: x"),
            ("Re[a]: x", "Re: Re[a]: x"),
            ("回复：x", "回复：x"),
            ("Отв: x", "Отв: x"),
            ("Reply: x", "Re: Reply: x"),
            ("Fwd: x", "Re: Fwd: x"),
            ("", "Re:"),
        ] {
            assert_eq!(reply_subject(subject), reply);
        }
    }

    #[test]
    fn references_grow_by_the_answered_mail() {
        let p = parent(&[("Message-ID", "<3@x>"), ("References", "<1@x> <2@x>"), ("In-Reply-To", "<2@x>")]);
        assert_eq!(reply_references(&p), (Some("<3@x>".into()), vec!["<1@x>".into(), "<2@x>".into(), "<3@x>".into()]));
        let p = parent(&[("Message-ID", "<3@x>"), ("In-Reply-To", "Your message <2@x>")]);
        assert_eq!(reply_references(&p).1, ["<2@x>", "<3@x>"]);
        let p = parent(&[("Message-ID", "broken id@x")]);
        assert_eq!(reply_references(&p), (None, vec![]));
        let many: String = (0..500).map(|n| format!("<{n}@x> ")).collect();
        let p = parent(&[("Message-ID", "<z@x>"), ("References", &many)]);
        let (_, refs) = reply_references(&p);
        assert_eq!((refs.len(), refs[0].as_str(), refs[20].as_str()), (21, "<0@x>", "<z@x>"));
    }

    #[test]
    fn recipients_come_from_reply_to_else_from() {
        let own = [EmailAddress::parse("Us@example.com").unwrap()];
        let p = parent(&[("From", "a@example.net"), ("Reply-To", "b@example.net, B@example.net, us@example.com")]);
        assert_eq!(emails(&reply_recipients(&p, &own)), ["b@example.net"]);
        let p = parent(&[("From", "Ann <a@example.net>")]);
        assert_eq!(emails(&reply_recipients(&p, &own)), ["a@example.net"]);
        assert!(!reply_to_elsewhere(&p));
        let p = parent(&[("From", "group: x@example.org, y@example.org;"), ("Reply-To", "nobody:;")]);
        assert_eq!(emails(&reply_recipients(&p, &own)), ["x@example.org", "y@example.org"]);
        let p = parent(&[("From", "us@example.com")]);
        assert!(reply_recipients(&p, &own).is_empty());
        let p = parent(&[("From", "a@example.net"), ("Reply-To", "a@evil.example")]);
        assert!(reply_to_elsewhere(&p));
    }
}
