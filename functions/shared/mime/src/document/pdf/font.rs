//! From the bytes of a shown string to its characters and its width (9.7 and 9.10 of ISO 32000-1).

use crate::limits;
use lopdf::{Dictionary, Document, Encoding, Object};
use std::collections::HashMap;

/// Width of a glyph, in heights of the font, where nothing tells it.
const USUAL_WIDTH: f32 = 0.5;
/// Widths of one font that are kept.
const WIDTHS: usize = 70_000;

#[derive(Debug)]
pub struct Font {
    /// By code, in thousandths.
    widths: HashMap<u32, f32>,
    usual: f32,
    /// Codes are two bytes long.
    wide: bool,
    characters: Characters,
}

#[derive(Debug)]
enum Characters {
    Map(Encoding<'static>),
    /// By byte.
    Table(Vec<String>),
    /// Glyph numbers, and nothing says what they stand for.
    Unknown,
}

impl Font {
    pub fn of(document: &Document, font: &Dictionary) -> Self {
        let wide = font.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Type0");
        let (widths, usual) = if wide { wide_widths(document, font) } else { simple_widths(document, font) };
        Self { widths, usual, wide, characters: characters(document, font, wide) }
    }

    pub fn text(&self, bytes: &[u8]) -> String {
        match &self.characters {
            // Codes that the map does not know show nothing that can be read.
            Characters::Map(map) => Document::decode_text(map, bytes).unwrap_or_default(),
            Characters::Table(table) => {
                bytes.iter().filter_map(|byte| table.get(usize::from(*byte))).map(String::as_str).collect()
            }
            Characters::Unknown => String::new(),
        }
    }

    /// Width in heights of the font, how many codes, and how many of them are the blank that word spacing applies to.
    pub fn width(&self, bytes: &[u8]) -> (f32, f32, f32) {
        let (mut width, mut codes, mut spaces) = (0.0, 0.0, 0.0);
        for code in bytes.chunks(if self.wide { 2 } else { 1 }) {
            let code = code.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
            width += self.widths.get(&code).copied().unwrap_or(self.usual);
            codes += 1.0;
            spaces += if code == 32 && !self.wide { 1.0 } else { 0.0 };
        }
        (width, codes, spaces)
    }
}

fn simple_widths(document: &Document, font: &Dictionary) -> (HashMap<u32, f32>, f32) {
    let first = font.get_deref(b"FirstChar", document).and_then(Object::as_i64).unwrap_or(0);
    let widths = font
        .get_deref(b"Widths", document)
        .and_then(Object::as_array)
        .map(|list| {
            list.iter()
                .take(256)
                .zip(first..)
                .filter_map(|(width, code)| {
                    let (_, width) = document.dereference(width).ok()?;
                    Some((u32::try_from(code).ok()?, width.as_float().ok()? / 1_000.0))
                })
                .collect()
        })
        .unwrap_or_default();
    (widths, USUAL_WIDTH)
}

/// `W` holds `code [w w w]` and `first last w`, one after the other.
fn wide_widths(document: &Document, font: &Dictionary) -> (HashMap<u32, f32>, f32) {
    let descendant = font
        .get_deref(b"DescendantFonts", document)
        .and_then(Object::as_array)
        .ok()
        .and_then(|list| document.dereference(list.first()?).ok())
        .and_then(|(_, font)| font.as_dict().ok());
    let Some(descendant) = descendant else {
        return (HashMap::new(), 1.0);
    };
    let usual = descendant.get_deref(b"DW", document).and_then(Object::as_float).map_or(1.0, |width| width / 1_000.0);
    let mut widths = HashMap::new();
    let list = descendant.get_deref(b"W", document).and_then(Object::as_array).map_or(&[][..], Vec::as_slice);
    let mut rest = list.iter().filter_map(|object| document.dereference(object).ok().map(|(_, object)| object));
    while let Some(first) = rest.next().and_then(|object| object.as_i64().ok()) {
        match rest.next() {
            Some(Object::Array(each)) => {
                for (width, code) in each.iter().zip(first..) {
                    if let (Ok(width), Ok(code)) = (width.as_float(), u32::try_from(code)) {
                        widths.insert(code, width / 1_000.0);
                    }
                }
            }
            Some(last) => {
                let (Ok(last), Some(width)) = (last.as_i64(), rest.next().and_then(|width| width.as_float().ok()))
                else {
                    break;
                };
                for code in first.max(0)..=last.min(i64::from(u16::MAX)) {
                    if let Ok(code) = u32::try_from(code) {
                        widths.insert(code, width / 1_000.0);
                    }
                }
            }
            None => break,
        }
        if widths.len() > WIDTHS {
            break;
        }
    }
    (widths, usual)
}

fn characters(document: &Document, font: &Dictionary, wide: bool) -> Characters {
    // The map from codes to characters says it best, where there is one.
    if font.has(b"ToUnicode") {
        let mut alone = font.clone();
        alone.remove(b"Encoding");
        if let Ok(Encoding::UnicodeMapEncoding(map)) = alone.get_font_encoding_with_limit(document, limits::PDF_STREAM)
        {
            return Characters::Map(Encoding::UnicodeMapEncoding(map));
        }
    }
    let Ok(encoding) = font.get_font_encoding_with_limit(document, limits::PDF_STREAM) else {
        return Characters::Unknown;
    };
    match encoding {
        Encoding::UnicodeMapEncoding(map) => Characters::Map(Encoding::UnicodeMapEncoding(map)),
        _ if wide => Characters::Unknown,
        encoding => {
            let one = |byte: u8| Document::decode_text(&encoding, &[byte]).unwrap_or_default();
            Characters::Table((0..=u8::MAX).map(one).collect())
        }
    }
}
