//! What is done to the bytes before the MIME parser is let loose, in passes that are linear in them:
//! a mail with more structure than any real one is cut, because a part or a field of three bytes costs the parser a
//! hundred; attached mails are made opaque, because the parser would follow them into one another without end (they
//! are described, not read); and a multipart that was never closed is closed, because the parser takes its text for
//! an attachment.

use crate::limits;
use std::borrow::Cow;
use std::collections::HashMap;

/// Stands for `message/` where an attached mail is made opaque.
pub const OPAQUE: &str = "message.";

/// The bytes for the parser, and whether something was cut off.
pub fn bounded(raw: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let mut raw = unix_lines(raw);
    let excess = first_excess(&raw);
    if let Some(at) = excess {
        raw.to_mut().truncate(at);
    }
    let types = content_types(&raw);
    for field in types.iter().filter(|field| field.attached) {
        field.make_opaque(raw.to_mut());
    }
    let missing = missing_ends(&raw, &types);
    if !missing.is_empty() {
        raw.to_mut().extend_from_slice(&missing);
    }
    (raw, excess.is_some())
}

/// A `Content-Type` field, wherever it stands.
struct ContentType {
    value: std::ops::Range<usize>,
    attached: bool,
    boundary: Option<Vec<u8>>,
    in_header: bool,
}

impl ContentType {
    fn make_opaque(&self, raw: &mut [u8]) {
        for b in &mut raw[self.value.clone()] {
            if *b == b'/' {
                *b = b'.';
            }
        }
    }
}

/// Reads names as generously as the parser does, blanks within them and all.
fn is_content_type(name: &[u8]) -> bool {
    let bare = name.iter().filter(|b| !b.is_ascii_whitespace()).map(u8::to_ascii_lowercase);
    name.len() < 100 && bare.eq(b"content-type".iter().copied())
}

fn content_types(raw: &[u8]) -> Vec<ContentType> {
    let mut found: Vec<ContentType> = Vec::new();
    let (mut offset, mut open, mut in_header) = (0, false, true);
    for line in raw.split_inclusive(|&b| b == b'\n') {
        let end = offset + line.len();
        if open && matches!(line.first(), Some(b' ' | b'\t')) {
            if let Some(last) = found.last_mut() {
                last.value.end = end;
            }
        } else {
            open = false;
            in_header &= !line.trim_ascii().is_empty() || found.is_empty() && offset == 0;
            if let Some(colon) = line.iter().take(100).position(|&b| b == b':')
                && is_content_type(&line[..colon])
            {
                open = true;
                found.push(ContentType { value: offset + colon + 1..end, attached: false, boundary: None, in_header });
            }
        }
        offset = end;
    }
    for field in &mut found {
        let value = &raw[field.value.clone()];
        let bare: Vec<u8> = value
            .iter()
            .take(limits::FIELD_BYTES)
            .filter(|b| b.is_ascii_alphanumeric() || **b == b'/')
            .map(u8::to_ascii_lowercase)
            .collect();
        let has = |word: &[u8]| bare.windows(word.len()).any(|w| w == word);
        // A comment may divide the words; whoever writes one there is up to something.
        let commented = value.contains(&b'(') && (has(b"message") || has(b"digest"));
        field.attached = commented || has(b"message/rfc822") || has(b"message/global") || has(b"/digest");
        field.boundary = boundary(value);
    }
    found
}

fn boundary(value: &[u8]) -> Option<Vec<u8>> {
    let at = value.windows(8).position(|w| w.eq_ignore_ascii_case(b"boundary"))?;
    let rest = value[at + 8..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let token: &[u8] = match rest.strip_prefix(b"\"") {
        Some(quoted) => quoted.split(|&b| b == b'"').next()?,
        None => rest.split(|b| b.is_ascii_whitespace() || *b == b';').next()?,
    };
    (!token.is_empty() && token.len() <= 200).then(|| token.to_vec())
}

/// The closing delimiters that a multipart mail lacks, innermost first.
fn missing_ends(raw: &[u8], types: &[ContentType]) -> Vec<u8> {
    if !types.iter().any(|field| field.in_header && field.boundary.is_some()) {
        return Vec::new();
    }
    let mut order: Vec<&[u8]> = Vec::new();
    // Whether it was opened, and whether it was closed.
    let mut state: HashMap<&[u8], (bool, bool)> = HashMap::new();
    for boundary in types.iter().filter_map(|field| field.boundary.as_deref()) {
        if state.insert(boundary, (false, false)).is_none() {
            order.push(boundary);
        }
    }
    for line in raw.split(|&b| b == b'\n') {
        let Some(rest) = line.trim_ascii_end().strip_prefix(b"--") else {
            continue;
        };
        if let Some(seen) = state.get_mut(rest) {
            *seen = (true, false);
        } else if let Some(seen) = rest.strip_suffix(b"--").and_then(|name| state.get_mut(name)) {
            seen.1 = true;
        }
    }
    let mut out = Vec::new();
    for name in order.iter().rev().filter(|name| state.get(**name) == Some(&(true, false))) {
        out.extend_from_slice(b"\n--");
        out.extend_from_slice(name);
        out.extend_from_slice(b"--\n");
    }
    out
}

/// Mails with bare CR as line end exist in old archives; no parser knows them.
fn unix_lines(raw: &[u8]) -> Cow<'_, [u8]> {
    if raw.contains(&b'\r') && !raw.contains(&b'\n') {
        Cow::Owned(raw.iter().map(|&b| if b == b'\r' { b'\n' } else { b }).collect())
    } else {
        Cow::Borrowed(raw)
    }
}

fn first_excess(raw: &[u8]) -> Option<usize> {
    let (mut delimiters, mut fields, mut long) = (0_usize, 0_usize, 0_usize);
    let mut offset = 0;
    // Bytes of the header field that the current line continues.
    let mut field = 0_usize;
    for line in raw.split_inclusive(|&b| b == b'\n') {
        if line.starts_with(b"--") {
            delimiters += 1;
        }
        let continued = field > 0 && matches!(line.first(), Some(b' ' | b'\t'));
        if continued {
            field += line.len();
        } else {
            field = if line.contains(&b':') { line.len() } else { 0 };
            fields += usize::from(field > 0);
        }
        if field > 998 {
            long += if continued { line.len() } else { field };
        }
        if delimiters > limits::DELIMITER_LINES || fields > limits::FIELD_LINES || long > limits::LONG_FIELD_BYTES {
            return Some(offset);
        }
        offset += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_mail_is_untouched() {
        let mail = b"From: a@example.com\r\n\r\n-- \r\nhello: world\r\n";
        let (kept, cut) = bounded(mail);
        assert!(!cut && kept.as_ref() == mail);
        assert_eq!(bounded(b"A: b\r\rtext\r").0.as_ref(), b"A: b\n\ntext\n");
    }

    #[test]
    fn attached_mails_are_made_opaque() {
        for kind in [
            "message/rfc822",
            "MESSAGE / RFC822; name=x",
            "message/\n rfc822",
            "(a;/)message/rfc822",
            "multipart/digest; boundary=x",
        ] {
            let mail = format!("A: b\nContent -Type: {kind}\n\na/b\n");
            let (kept, _) = bounded(mail.as_bytes());
            let text = String::from_utf8(kept.into_owned()).unwrap();
            assert_eq!(text.matches('/').count(), 1, "{text}");
        }
        let plain = b"Content-Type: message/delivery-status\n\nmessage/rfc822\n";
        assert_eq!(bounded(plain).0.as_ref(), plain);
    }

    #[test]
    fn a_multipart_that_was_never_closed_is_closed() {
        let mail = b"Content-Type: multipart/mixed; boundary=\"a b\"\n\n--a b\nContent-Type: multipart/mixed;\n boundary=c\n\n--c\n\nx";
        assert!(bounded(mail).0.ends_with(b"x\n--c--\n\n--a b--\n"));
        let closed = b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a--\n";
        assert_eq!(bounded(closed).0.as_ref(), closed);
    }

    #[test]
    fn excess_is_cut_at_a_line() {
        let mut mail = b"A: b\n\n".to_vec();
        mail.extend(b"--x\n".repeat(limits::DELIMITER_LINES + 5));
        let (kept, cut) = bounded(&mail);
        assert!(cut && kept.len() == 6 + 4 * limits::DELIMITER_LINES);
        assert!(bounded(&b"a:\n".repeat(limits::FIELD_LINES + 1)).1);
        let wide = [b"To: ".as_slice(), &b"a,".repeat(limits::LONG_FIELD_BYTES)].concat();
        assert!(bounded(&wide).1);
    }
}
