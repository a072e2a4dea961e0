//! Bytes of a text part to characters. Labels lie, so what the bytes plainly are comes first.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding as Transfer, MessagePart, MimeHeaders};
use std::borrow::Cow;

/// The text of a part. `parsed` is the parser's own reading, which stands where ours has nothing better.
pub fn part_text<'a>(part: &'a MessagePart<'_>, raw: &'a [u8], parsed: &'a str) -> Cow<'a, str> {
    let range = part.offset_body as usize..part.offset_end as usize;
    let Some(bytes) = raw.get(range).filter(|_| !part.is_encoding_problem) else {
        return Cow::Borrowed(parsed);
    };
    let bytes: Cow<'_, [u8]> = match part.encoding {
        Transfer::None => Cow::Borrowed(bytes),
        Transfer::Base64 => match base64_decode(bytes) {
            Some(decoded) => Cow::Owned(decoded),
            None => return Cow::Borrowed(parsed),
        },
        Transfer::QuotedPrintable => match quoted_printable_decode(bytes) {
            Some(decoded) => Cow::Owned(decoded),
            None => return Cow::Borrowed(parsed),
        },
    };
    let label = part.content_type().and_then(|ct| ct.attribute("charset"));
    match decode(&bytes, label) {
        Some(text) => Cow::Owned(text),
        None => Cow::Borrowed(parsed),
    }
}

/// `None`: the label names a charset that is not one of the web's, and the bytes are not UTF-8.
fn decode(bytes: &[u8], label: Option<&str>) -> Option<String> {
    let labelled = label.map(|label| Encoding::for_label(label.trim_matches(['\'', '"', ' ']).as_bytes()));
    if let Some(Some(encoding)) = labelled
        && (!encoding.is_ascii_compatible() || encoding == encoding_rs::ISO_2022_JP)
    {
        return Some(encoding.decode(bytes).0.into_owned());
    }
    // Text in another charset is hardly ever valid UTF-8 by chance; a label is often a template's.
    if let Ok(text) = std::str::from_utf8(bytes)
        && (!bytes.is_ascii() || labelled != Some(None))
    {
        return Some(text.trim_start_matches('\u{feff}').to_owned());
    }
    match labelled {
        Some(Some(encoding)) if encoding != UTF_8 => Some(encoding.decode(bytes).0.into_owned()),
        Some(None) => None,
        // Labelled UTF-8 or not at all, and it is not: cut within a character, or an old mailer's Latin text.
        _ => Some(match utf8_but_for_the_end(bytes, labelled.is_some()) {
            Some(text) => text.to_owned(),
            None => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
        }),
    }
}

/// A lone byte at the end is the beginning of a character only where UTF-8 is claimed or was seen before it.
fn utf8_but_for_the_end(bytes: &[u8], labelled: bool) -> Option<&str> {
    let error = std::str::from_utf8(bytes).err()?;
    let text = std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?;
    (error.error_len().is_none() && (labelled || !text.is_ascii())).then_some(text)
}

/// The text of a file, and whether anything of it was left out: nothing is.
pub fn undeclared(bytes: &[u8], label: Option<&str>) -> (String, bool) {
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding.decode(bytes).0.into_owned());
    let text = marked.or_else(|| decode(bytes, label)).unwrap_or_else(|| WINDOWS_1252.decode(bytes).0.into_owned());
    (text, false)
}

/// Joins the lines of `format=flowed` (RFC 3676): a line that ends in a space flows on within its quote depth.
pub fn unflow(text: &str, delete_space: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let depth = line.bytes().take_while(|&b| b == b'>').count();
        let content = &line[depth..];
        let content = content.strip_prefix(' ').unwrap_or(content);
        let is_separator = content == "-- ";
        let flows = content.ends_with(' ') && !is_separator;
        if open != Some(depth) || is_separator {
            if open.is_some() {
                out.push('\n');
            }
            out.extend(std::iter::repeat_n('>', depth));
            if depth > 0 {
                out.push(' ');
            }
        }
        if flows && delete_space {
            out.push_str(&content[..content.len() - 1]);
        } else {
            out.push_str(content);
        }
        if flows {
            open = Some(depth);
        } else {
            out.push('\n');
            open = None;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_lie_are_not_believed() {
        assert_eq!(decode("né".as_bytes(), Some("us-ascii")).as_deref(), Some("né"));
        assert_eq!(decode("né".as_bytes(), Some("iso-8859-1")).as_deref(), Some("né"));
        assert_eq!(decode(b"n\xe9 \x80", Some("utf-8")).as_deref(), Some("né €"));
        assert_eq!(decode(b"n\xe9 \x93x\x94", Some("iso-8859-1")).as_deref(), Some("né “x”"));
        assert_eq!(decode(b"n\xe9", None).as_deref(), Some("né"));
        assert_eq!(decode(b"n\xe9", Some("x-unknown")), None);
        assert_eq!(decode(b"\x1b$B$3\x1b(B", Some("ISO-2022-JP")).as_deref(), Some("こ"));
        assert_eq!(decode(b"caf\xc3", Some("utf-8")).as_deref(), Some("caf"));
    }

    #[test]
    fn flowed_lines_are_joined_within_their_quote() {
        let text = "one \ntwo\n>> deep \n>> er\n> shallow \nplain\n-- \nsig\n  indented\n";
        assert_eq!(unflow(text, false), "one two\n>> deep er\n> shallow \nplain\n-- \nsig\n indented\n");
        assert_eq!(unflow("日 \n本\n", true), "日本\n");
    }
}
