//! What a document is. Names and types are the sender's words, so the bytes decide where they can.

use super::NotRead;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Table,
    Html,
    Pdf,
    Docx,
}

/// How far into a file a PDF's mark may stand (Annex H of ISO 32000-1 names 1,024 bytes).
const PDF_MARK: usize = 1_024;
const COMPOUND_FILE: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

pub fn kind(media_type: &str, name: &str, bytes: &[u8]) -> Result<Kind, NotRead> {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let ending = name.rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.trim().to_ascii_lowercase());
    if bytes.iter().take(PDF_MARK).copied().collect::<Vec<u8>>().windows(5).any(|window| window == b"%PDF-") {
        return Ok(Kind::Pdf);
    }
    if bytes.starts_with(COMPOUND_FILE) {
        return Err(if ending == "doc" || ending == "docx" || essence.contains("word") {
            NotRead::OldOrLockedWord
        } else {
            NotRead::UnknownKind
        });
    }
    if bytes.starts_with(b"PK\x03\x04") {
        // Other packages are zip files as well; `docx` says which by its parts.
        return Ok(Kind::Docx);
    }
    let declared = match essence.as_str() {
        "text/csv" | "text/tab-separated-values" | "application/csv" => Some(Kind::Table),
        "text/html" | "application/xhtml+xml" => Some(Kind::Html),
        "text/markdown" | "text/x-markdown" => Some(Kind::Plain),
        "text/plain" | "application/octet-stream" | "" => None,
        // The file says by its bytes that it is none.
        "application/pdf" => return Err(NotRead::Damaged),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => return Err(NotRead::Damaged),
        other if other.starts_with("text/") => Some(Kind::Plain),
        _ => None,
    };
    let named = match ending.as_str() {
        "csv" | "tsv" => Some(Kind::Table),
        "html" | "htm" | "xhtml" => Some(Kind::Html),
        "txt" | "text" | "md" | "markdown" | "log" => Some(Kind::Plain),
        "pdf" | "docx" => return Err(NotRead::Damaged),
        _ => None,
    };
    let plain = essence == "text/plain";
    match declared.or(named).or(plain.then_some(Kind::Plain)) {
        Some(kind) if is_text(bytes) => Ok(kind),
        Some(_) => Err(NotRead::Damaged),
        None => Err(NotRead::UnknownKind),
    }
}

/// What may be a readable document by type or name alone.
pub fn declared(media_type: &str, name: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let ending = name.rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.trim().to_ascii_lowercase());
    let by_name = matches!(
        ending.as_str(),
        "csv" | "tsv" | "html" | "htm" | "xhtml" | "txt" | "text" | "md" | "markdown" | "log" | "pdf" | "docx" | "doc"
    );
    let by_type = essence.starts_with("text/") && essence != "text/calendar"
        || essence.contains("pdf")
        || essence.contains("word")
        || matches!(essence.as_str(), "application/csv" | "application/xhtml+xml");
    by_type || by_name
}

/// Text in any charset of the web but UTF-16 holds no NUL; UTF-16 begins with its mark.
fn is_text(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || !bytes.contains(&0)
}
