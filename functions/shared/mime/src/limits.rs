//! Every bound of this crate in one place. A bound is a count of something in the mail, never a time.

/// Gmail's own limit of a message (35 MiB), the most that `messages.get` can hand out.
pub const MAIL_BYTES: usize = 36_700_160;
/// Parts of a mail that are looked at.
pub const PARTS: usize = 1_000;
/// How deep parts may lie within parts.
pub const NESTING: usize = 50;
/// Attachments that are described.
pub const ATTACHMENTS: usize = 250;
/// Bytes of one HTML part that are read.
pub const HTML_BYTES: usize = 2 << 20;
/// Open HTML elements at a time.
pub const HTML_DEPTH: usize = 1_024;
/// Bytes of body text that the split into text, history and signature works on.
pub const BODY_BYTES: usize = 512 << 10;
/// Lines of body text that the split works on.
pub const BODY_LINES: usize = 20_000;
/// Bytes of the text that are kept, and of the quoted history.
pub const TEXT_BYTES: usize = 64 << 10;
/// Bytes of a signature that are kept.
pub const SIGNATURE_BYTES: usize = 4 << 10;
/// Bytes and fields of the header section of a mail that are read.
pub const HEADER_BYTES: usize = 1 << 20;
pub const HEADER_FIELDS: usize = 2_000;
/// Bytes of one header field's value that are parsed.
pub const FIELD_BYTES: usize = 64 << 10;
/// Addresses kept of `From` and `Reply-To`.
pub const AUTHORS: usize = 20;
/// Addresses kept of `To` and of `Cc`.
pub const RECIPIENTS: usize = 200;
/// Characters of a subject, of a display name, of an attachment's name.
pub const SUBJECT_CHARS: usize = 1_000;
pub const NAME_CHARS: usize = 200;
/// Of the references the first and this many of the last are kept, in at most so many bytes.
pub const LAST_REFERENCES: usize = 20;
pub const REFERENCES_BYTES: usize = 8 << 10;
/// Bytes of one message id.
pub const MESSAGE_ID_BYTES: usize = 512;

/// Lines that may delimit a part, lines that may be a header field, and bytes of overlong header fields, before the
/// parser is given only the part of the mail before them. They bound its memory: a part or a field of three bytes
/// costs it a hundred.
pub const DELIMITER_LINES: usize = 20_000;
pub const FIELD_LINES: usize = 200_000;
pub const LONG_FIELD_BYTES: usize = 4 << 20;

/// Bytes of a document that is not mail, and bytes of its text that are kept.
pub const DOCUMENT_BYTES: usize = 20 << 20;
pub const DOCUMENT_TEXT: usize = 1 << 20;
/// Rows of a CSV file that are read.
pub const TABLE_ROWS: usize = 20_000;
/// Files in a DOCX package, and unpacked bytes of one.
pub const PACKAGE_FILES: usize = 5_000;
pub const PACKAGE_PART: usize = 32 << 20;
/// Pages of a PDF that are read; unpacked bytes of one of its streams and of all; operations; forms within forms;
/// fonts.
pub const PDF_PAGES: usize = 500;
pub const PDF_STREAM: usize = 16 << 20;
pub const PDF_CONTENT: usize = 64 << 20;
pub const PDF_OPERATIONS: usize = 1_000_000;
pub const PDF_FORMS: usize = 8;
pub const PDF_FONTS: usize = 500;
