//! DOCX (ECMA-376): the text of `word/document.xml`, headings by style. Nothing else of the package is opened.

use super::NotRead;
use crate::{charset, limits};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read};
use zip::ZipArchive;
use zip::result::ZipError;

pub fn markdown(bytes: &[u8]) -> Result<(String, bool), NotRead> {
    let mut package = ZipArchive::new(Cursor::new(bytes)).map_err(refusal)?;
    if package.len() > limits::PACKAGE_FILES {
        return Err(NotRead::Bomb);
    }
    let document = match part(&mut package, "word/document.xml")? {
        Some(document) => document,
        // A spreadsheet, a presentation, an archive.
        None => return Err(NotRead::UnknownKind),
    };
    let styles = match part(&mut package, "word/styles.xml")? {
        Some(styles) => Styles::read(&styles)?,
        None => Styles::default(),
    };
    Body::new(&styles).read(&document)
}

fn refusal(error: ZipError) -> NotRead {
    match error {
        ZipError::UnsupportedArchive(why) if why == ZipError::PASSWORD_REQUIRED => NotRead::Locked,
        _ => NotRead::Damaged,
    }
}

/// The size that a zip entry declares is its author's word; what comes out is counted.
fn part(package: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<Option<String>, NotRead> {
    let file = match package.by_name(name) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(refusal(error)),
    };
    let mut out = Vec::new();
    file.take(limits::PACKAGE_PART as u64 + 1).read_to_end(&mut out).map_err(|_| NotRead::Damaged)?;
    if out.len() > limits::PACKAGE_PART { Err(NotRead::Bomb) } else { Ok(Some(charset::undeclared(&out, None).0)) }
}

fn value(element: &BytesStart<'_>, name: &str) -> Option<String> {
    element.attributes().filter_map(Result::ok).find(|attribute| attribute.key.local_name().as_ref() == name).and_then(
        |attribute| attribute.normalized_value(XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned),
    )
}

/// What the styles of paragraphs say. Their ids are translated in other languages than English, names are not.
#[derive(Debug, Default)]
struct Styles {
    /// Level of the heading, 1 to 6.
    headings: HashMap<String, u8>,
    /// Items of a list.
    items: HashSet<String>,
}

impl Styles {
    fn read(styles: &str) -> Result<Self, NotRead> {
        let mut reader = Reader::from_str(styles);
        let (mut found, mut id) = (Self::default(), None::<String>);
        loop {
            match reader.read_event().map_err(|_| NotRead::Damaged)? {
                Event::Start(element) | Event::Empty(element) => found.element(&element, &mut id),
                Event::Eof => return Ok(found),
                _ => {}
            }
        }
    }

    fn element(&mut self, element: &BytesStart<'_>, style: &mut Option<String>) {
        let name = element.local_name();
        if name.as_ref() == "style" {
            *style = value(element, "styleId");
        }
        let Some(id) = style else { return };
        match name.as_ref() {
            "name" => {
                if let Some(level) = value(element, "val").and_then(|name| level_of_name(&name)) {
                    self.headings.insert(id.clone(), level);
                }
            }
            "outlineLvl" => {
                if let Some(level) = outline(element) {
                    self.headings.entry(id.clone()).or_insert(level);
                }
            }
            "numPr" => {
                self.items.insert(id.clone());
            }
            _ => {}
        }
    }
}

fn level_of_name(name: &str) -> Option<u8> {
    let name = name.to_ascii_lowercase();
    if name == "title" {
        return Some(1);
    }
    let level: u8 = name.strip_prefix("heading ")?.trim().parse().ok()?;
    (1..=9).contains(&level).then_some(level.min(6))
}

/// Outline levels are counted from 0; 9 is body text.
fn outline(element: &BytesStart<'_>) -> Option<u8> {
    let level: u8 = value(element, "val")?.parse().ok()?;
    (level < 9).then_some((level + 1).min(6))
}

struct Body<'a> {
    styles: &'a Styles,
    out: String,
    line: String,
    heading: Option<u8>,
    item: bool,
    hidden: bool,
    in_text: bool,
    /// How deep the reader is within elements whose text is not the document's own.
    skipped: usize,
    /// How deep it is within tables: their cells stay on one line.
    tables: usize,
}

impl<'a> Body<'a> {
    fn new(styles: &'a Styles) -> Self {
        Self {
            styles,
            out: String::new(),
            line: String::new(),
            heading: None,
            item: false,
            hidden: false,
            in_text: false,
            skipped: 0,
            tables: 0,
        }
    }

    fn read(mut self, document: &str) -> Result<(String, bool), NotRead> {
        let mut reader = Reader::from_str(document);
        loop {
            match reader.read_event().map_err(|_| NotRead::Damaged)? {
                Event::Start(element) => self.start(&element, false),
                Event::Empty(element) => self.start(&element, true),
                Event::End(element) => self.end(element.local_name().as_ref()),
                Event::Text(text) => self.text(&text),
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().ok().flatten();
                    match (character, &*reference) {
                        (Some(character), _) => self.text(character.encode_utf8(&mut [0; 4])),
                        (None, "amp") => self.text("&"),
                        (None, "lt") => self.text("<"),
                        (None, "gt") => self.text(">"),
                        (None, "quot") => self.text("\""),
                        (None, "apos") => self.text("'"),
                        // An entity of the document's own is never looked up.
                        _ => {}
                    }
                }
                Event::Eof => break,
                _ => {}
            }
            if self.out.len() > limits::DOCUMENT_TEXT {
                return Ok((self.out, true));
            }
        }
        self.end_line();
        Ok((self.out, false))
    }

    fn text(&mut self, text: &str) {
        if self.in_text && self.skipped == 0 && !self.hidden {
            self.line.push_str(text);
        }
    }

    fn start(&mut self, element: &BytesStart<'_>, empty: bool) {
        let name = element.local_name();
        // `Fallback` repeats what its `Choice` says; deleted text is gone for its author.
        if matches!(name.as_ref(), "Fallback" | "del" | "moveFrom") && !empty {
            self.skipped += 1;
            return;
        }
        let on = || !matches!(value(element, "val").as_deref(), Some("0" | "false" | "off"));
        match name.as_ref() {
            "t" => self.in_text = !empty,
            "tab" if self.skipped == 0 && !self.in_properties() => self.line.push(' '),
            "br" | "cr" if self.skipped == 0 => self.line.push(if self.tables > 0 { ' ' } else { '\n' }),
            "noBreakHyphen" if self.skipped == 0 => self.line.push('-'),
            "pStyle" => {
                if let Some(id) = value(element, "val") {
                    self.heading = self.styles.headings.get(&id).copied().or(self.heading);
                    self.item |= self.styles.items.contains(&id);
                }
            }
            "outlineLvl" => self.heading = outline(element).or(self.heading),
            "numPr" => self.item = true,
            "vanish" => self.hidden = on(),
            "r" => self.hidden = false,
            "tbl" if !empty => {
                self.end_line();
                self.tables += 1;
            }
            _ => {}
        }
    }

    /// Tab stops of a paragraph's properties come before any of its text.
    fn in_properties(&self) -> bool {
        self.line.is_empty()
    }

    fn end(&mut self, name: &str) {
        match name {
            "Fallback" | "del" | "moveFrom" => self.skipped = self.skipped.saturating_sub(1),
            "t" => self.in_text = false,
            "r" => self.hidden = false,
            "p" if self.tables > 0 => self.line.push(' '),
            "p" => self.end_line(),
            "tc" => self.line.push_str("| "),
            "tr" => {
                let row = self.line.trim().trim_end_matches('|').trim_end().to_owned();
                self.line = row;
                self.end_line();
            }
            "tbl" => {
                self.end_line();
                self.tables = self.tables.saturating_sub(1);
            }
            _ => {}
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = line.trim();
        let (heading, item) = (self.heading.take(), std::mem::take(&mut self.item));
        if line.is_empty() {
            return;
        }
        match heading {
            Some(level) => {
                if !self.out.is_empty() && !self.out.ends_with("\n\n") {
                    self.out.push('\n');
                }
                self.out.push_str(&"#".repeat(usize::from(level)));
                self.out.push(' ');
                self.out.push_str(&line.replace('\n', " "));
                self.out.push_str("\n\n");
            }
            None if item => {
                self.out.push_str("- ");
                self.out.push_str(line);
                self.out.push('\n');
            }
            None => {
                self.out.push_str(line);
                self.out.push_str(if self.tables > 0 { "\n" } else { "\n\n" });
            }
        }
    }
}
