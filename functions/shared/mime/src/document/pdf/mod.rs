//! The text of a PDF (ISO 32000-1): what its pages show, by the operators that show it.
//!
//! The parser of the file is a library's; the operators are followed here, so that forms which draw each other a
//! million times, and pages without end, meet a count.

mod font;

use super::NotRead;
use super::layout::{self, Piece};
use crate::limits;
use font::Font;
use lopdf::content::{Content, Operation};
use lopdf::{DecompressError, Dictionary, Document, Error, LoadOptions, Object, ObjectId};
use std::collections::HashMap;
use std::rc::Rc;

pub fn markdown(bytes: &[u8]) -> Result<(String, bool), NotRead> {
    within(bytes, limits::PDF_OPERATIONS)
}

/// The same with a bound on the operations that are followed.
pub fn within(bytes: &[u8], operations: usize) -> Result<(String, bool), NotRead> {
    let options = LoadOptions::with_max_decompressed_size(limits::PDF_STREAM);
    let document = Document::load_mem_with_options(bytes, options).map_err(|error| refusal(&error))?;
    if document.is_encrypted() {
        return Err(NotRead::Locked);
    }
    let mut reader = Reader::new(&document, operations);
    for (number, page) in document.page_iter().enumerate() {
        if number == limits::PDF_PAGES || reader.is_full() {
            reader.cut = true;
            break;
        }
        reader.page(u32::try_from(number).unwrap_or(u32::MAX), page)?;
    }
    if reader.pieces.is_empty() && reader.failed > 0 {
        return Err(NotRead::Damaged);
    }
    Ok((layout::markdown(&reader.pieces), reader.cut || reader.failed > 0))
}

fn refusal(error: &Error) -> NotRead {
    match error {
        Error::Decompress(DecompressError::MemoryLimitExceeded { .. }) => NotRead::Bomb,
        Error::Decryption(_)
        | Error::InvalidPassword
        | Error::Unimplemented(_)
        | Error::UnsupportedSecurityHandler(_) => NotRead::Locked,
        _ => NotRead::Damaged,
    }
}

/// `[a b c d e f]` of 8.3.3: x' = a·x + c·y + e, y' = b·x + d·y + f.
#[derive(Debug, Clone, Copy)]
struct Matrix([f32; 6]);

impl Matrix {
    const IDENTITY: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    /// First `self`, then `outer`.
    fn then(self, outer: Self) -> Self {
        let ([a, b, c, d, e, f], [g, h, i, j, k, l]) = (self.0, outer.0);
        Self([a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + l])
    }

    fn shifted(self, x: f32, y: f32) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y]).then(self)
    }

    fn origin(self) -> (f32, f32) {
        (self.0[4], self.0[5])
    }

    fn height(self) -> f32 {
        self.0[2].hypot(self.0[3])
    }
}

/// What `q` keeps and `Q` brings back.
#[derive(Debug, Clone)]
struct State {
    matrix: Matrix,
    font: Option<Rc<Font>>,
    size: f32,
    leading: f32,
    spacing: f32,
    word_spacing: f32,
    scale: f32,
    rise: f32,
}

impl State {
    fn new(matrix: Matrix) -> Self {
        Self { matrix, font: None, size: 1.0, leading: 0.0, spacing: 0.0, word_spacing: 0.0, scale: 1.0, rise: 0.0 }
    }
}

struct Reader<'a> {
    document: &'a Document,
    fonts: HashMap<ObjectId, Rc<Font>>,
    pieces: Vec<Piece>,
    text: usize,
    /// Those that may still be followed.
    operations: usize,
    unpacked: usize,
    page: u32,
    /// Streams that could not be read.
    failed: usize,
    cut: bool,
}

impl<'a> Reader<'a> {
    fn new(document: &'a Document, operations: usize) -> Self {
        Self {
            document,
            fonts: HashMap::new(),
            pieces: Vec::new(),
            text: 0,
            operations,
            unpacked: 0,
            page: 0,
            failed: 0,
            cut: false,
        }
    }

    fn is_full(&self) -> bool {
        self.text > limits::DOCUMENT_TEXT || self.operations == 0
    }

    fn page(&mut self, number: u32, page: ObjectId) -> Result<(), NotRead> {
        self.page = number;
        let resources = self.page_resources(page);
        match self.document.get_page_content_with_limit(page, limits::PDF_STREAM) {
            Ok(content) => self.content(&content, &resources, Matrix::IDENTITY, 0),
            Err(error) if refusal(&error) == NotRead::Bomb => Err(NotRead::Bomb),
            Err(_) => {
                self.failed += 1;
                Ok(())
            }
        }
    }

    /// The nearest ones first; those of the page tree's nodes above hold for their pages.
    fn page_resources(&self, page: ObjectId) -> Vec<&'a Dictionary> {
        let Ok((direct, ids)) = self.document.get_page_resources(page) else {
            return Vec::new();
        };
        direct.into_iter().chain(ids.into_iter().filter_map(|id| self.document.get_dictionary(id).ok())).collect()
    }

    /// `name` of a category such as `Font` among the resources.
    fn resource(&self, resources: &[&'a Dictionary], category: &[u8], name: &[u8]) -> Option<&'a Object> {
        resources.iter().find_map(|dictionary| {
            dictionary.get_deref(category, self.document).and_then(Object::as_dict).ok()?.get(name).ok()
        })
    }

    fn content(
        &mut self,
        content: &[u8],
        resources: &[&'a Dictionary],
        matrix: Matrix,
        depth: usize,
    ) -> Result<(), NotRead> {
        self.unpacked += content.len();
        if self.unpacked > limits::PDF_CONTENT {
            return Err(NotRead::Bomb);
        }
        let mut state = State::new(matrix);
        let mut kept: Vec<State> = Vec::new();
        let (mut text, mut line) = (Matrix::IDENTITY, Matrix::IDENTITY);
        for operation in Content::decode_iter(content) {
            if self.is_full() {
                self.cut = true;
                break;
            }
            self.operations -= 1;
            let Ok(operation) = operation else {
                self.failed += 1;
                break;
            };
            let number = |at: usize| operation.operands.get(at).and_then(|o| o.as_float().ok()).unwrap_or(0.0);
            match operation.operator.as_str() {
                "q" if kept.len() < 512 => kept.push(state.clone()),
                "Q" => state = kept.pop().unwrap_or(state),
                "cm" => state.matrix = six(&operation).then(state.matrix),
                "BT" => (text, line) = (Matrix::IDENTITY, Matrix::IDENTITY),
                "Tf" => {
                    state.size = number(1);
                    let name = operation.operands.first().and_then(|name| name.as_name().ok()).unwrap_or_default();
                    state.font = self.font(resources, name);
                }
                "TL" => state.leading = number(0),
                "Tc" => state.spacing = number(0),
                "Tw" => state.word_spacing = number(0),
                "Tz" => state.scale = number(0) / 100.0,
                "Ts" => state.rise = number(0),
                "Td" | "TD" => {
                    if operation.operator == "TD" {
                        state.leading = -number(1);
                    }
                    line = line.shifted(number(0), number(1));
                    text = line;
                }
                "Tm" => (text, line) = (six(&operation), six(&operation)),
                "T*" => {
                    line = line.shifted(0.0, -state.leading);
                    text = line;
                }
                "Tj" | "TJ" => self.show(&state, &mut text, &operation.operands),
                "'" | "\"" => {
                    if operation.operator == "\"" {
                        (state.word_spacing, state.spacing) = (number(0), number(1));
                    }
                    line = line.shifted(0.0, -state.leading);
                    text = line;
                    self.show(&state, &mut text, operation.operands.last().map_or(&[], std::slice::from_ref));
                }
                "Do" if depth < limits::PDF_FORMS => {
                    let name = operation.operands.first().and_then(|name| name.as_name().ok()).unwrap_or_default();
                    self.form(resources, name, state.matrix, depth)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn form(&mut self, resources: &[&'a Dictionary], name: &[u8], matrix: Matrix, depth: usize) -> Result<(), NotRead> {
        let found = self.resource(resources, b"XObject", name);
        let Some(stream) = found
            .and_then(|object| self.document.dereference(object).ok())
            .and_then(|(_, object)| object.as_stream().ok())
            .filter(|stream| stream.dict.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Form"))
        else {
            return Ok(());
        };
        let content = match stream.get_plain_content_with_limit(limits::PDF_STREAM) {
            Ok(content) => content,
            Err(error) if refusal(&error) == NotRead::Bomb => return Err(NotRead::Bomb),
            Err(_) => {
                self.failed += 1;
                return Ok(());
            }
        };
        let own = stream
            .dict
            .get_deref(b"Matrix", self.document)
            .and_then(Object::as_array)
            .map_or(Matrix::IDENTITY, |numbers| six(&Operation::new("cm", numbers.clone())));
        // A form without resources of its own uses the page's (8.10.1, for old files).
        let inner: Vec<&Dictionary> = stream
            .dict
            .get_deref(b"Resources", self.document)
            .and_then(Object::as_dict)
            .into_iter()
            .chain(resources.iter().copied())
            .collect();
        self.content(&content, &inner, own.then(matrix), depth + 1)
    }

    fn font(&mut self, resources: &[&'a Dictionary], name: &[u8]) -> Option<Rc<Font>> {
        let object = self.resource(resources, b"Font", name)?;
        let (id, object) = self.document.dereference(object).ok()?;
        if let Some(known) = id.and_then(|id| self.fonts.get(&id)) {
            return Some(Rc::clone(known));
        }
        if self.fonts.len() >= limits::PDF_FONTS {
            self.cut = true;
            return None;
        }
        let font = Rc::new(Font::of(self.document, object.as_dict().ok()?));
        // A font that is written into the resources has no id; it is read anew, and the operations are counted.
        if let Some(id) = id {
            self.fonts.insert(id, Rc::clone(&font));
        }
        Some(font)
    }

    fn show(&mut self, state: &State, text: &mut Matrix, operands: &[Object]) {
        let Some(font) = &state.font else { return };
        for operand in operands {
            match operand {
                Object::String(bytes, _) => self.string(state, font, text, bytes),
                Object::Array(parts) => {
                    for part in parts {
                        match part {
                            Object::String(bytes, _) => self.string(state, font, text, bytes),
                            other => {
                                let back = other.as_float().unwrap_or(0.0) / 1_000.0;
                                *text = text.shifted(-back * state.size * state.scale, 0.0);
                            }
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn string(&mut self, state: &State, font: &Font, text: &mut Matrix, bytes: &[u8]) {
        let shown = font.text(bytes);
        let (width, codes, spaces) = font.width(bytes);
        let advance = (width * state.size + codes * state.spacing + spaces * state.word_spacing) * state.scale;
        let start = text.shifted(0.0, state.rise).then(state.matrix);
        *text = text.shifted(advance, 0.0);
        let ((x, y), (end, _)) = (start.origin(), text.then(state.matrix).origin());
        let size = state.size.abs() * start.height();
        if shown.is_empty() || ![x, y, end, size].iter().all(|number| number.is_finite()) {
            return;
        }
        self.text += shown.len();
        self.pieces.push(Piece { text: shown, x, y, end, size, page: self.page });
    }
}

fn six(operation: &Operation) -> Matrix {
    let mut matrix = Matrix::IDENTITY;
    for (place, operand) in matrix.0.iter_mut().zip(&operation.operands) {
        *place = operand.as_float().unwrap_or(*place);
    }
    matrix
}
