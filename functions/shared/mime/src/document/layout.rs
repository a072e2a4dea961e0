//! Pieces of text with a place on a page, put together again as lines, paragraphs and headings.

/// A run of text as it is shown, in the units of the page.
#[derive(Debug, Clone)]
pub struct Piece {
    pub text: String,
    pub x: f32,
    pub y: f32,
    /// Where it ends, by the widths of its font.
    pub end: f32,
    /// Height of the font on the page.
    pub size: f32,
    pub page: u32,
}

#[derive(Debug, Default)]
struct Line {
    text: String,
    y: f32,
    end: f32,
    size: f32,
    page: u32,
    /// More than the usual distance to the line above.
    apart: bool,
}

/// A gap wider than this share of the font's height parts two words.
const WORD_GAP: f32 = 0.16;
/// A step down of more than this share is a new line; of more than the other, a new paragraph.
const LINE_STEP: f32 = 0.4;
const PARAGRAPH_STEP: f32 = 1.55;
/// How much larger than the body a heading is, and the title of a document.
const HEADING: f32 = 1.12;
const TITLE: f32 = 1.55;
/// A longer line is text, however large.
const HEADING_CHARS: usize = 120;

pub fn markdown(pieces: &[Piece]) -> String {
    let lines = lines(pieces);
    let body = body_size(&lines);
    let mut out = String::new();
    for line in &lines {
        let text = line.text.trim();
        if text.is_empty() {
            continue;
        }
        let heading = text.chars().count() <= HEADING_CHARS && text.chars().any(char::is_alphabetic);
        let mark = match line.size / body {
            ratio if heading && ratio >= TITLE => "# ",
            ratio if heading && ratio >= HEADING => "## ",
            _ => "",
        };
        let after_heading = out.ends_with("\n\n");
        if mark.is_empty() {
            if line.apart && !after_heading && !out.is_empty() {
                out.push('\n');
            }
            join(&mut out, text);
        } else {
            if !after_heading && !out.is_empty() {
                out.push('\n');
            }
            out.push_str(mark);
            out.push_str(text);
            out.push_str("\n\n");
        }
    }
    out
}

/// A word that the line's end divided is one word again.
fn join(out: &mut String, text: &str) {
    let divided = out.strip_suffix("-\n").is_some_and(|before| before.ends_with(char::is_alphabetic));
    if divided && text.starts_with(char::is_lowercase) {
        out.truncate(out.len() - 2);
    }
    out.push_str(text);
    out.push('\n');
}

fn lines(pieces: &[Piece]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for piece in pieces {
        let size = piece.size.max(1.0);
        match lines.last_mut() {
            Some(line) if line.page == piece.page && (line.y - piece.y).abs() < LINE_STEP * size => {
                let gap = piece.x - line.end;
                // A step back is another column's or a table's piece.
                if (gap > WORD_GAP * size || gap < -size) && !line.text.ends_with(' ') && !piece.text.starts_with(' ') {
                    line.text.push(' ');
                }
                line.text.push_str(&piece.text);
                line.end = piece.end;
                line.size = line.size.max(piece.size);
            }
            last => {
                let apart = last.is_none_or(|line| {
                    line.page != piece.page || !(0.0..PARAGRAPH_STEP * size).contains(&(line.y - piece.y))
                });
                lines.push(Line {
                    text: piece.text.clone(),
                    y: piece.y,
                    end: piece.end,
                    size: piece.size,
                    page: piece.page,
                    apart,
                });
            }
        }
    }
    lines
}

/// The size that most characters have.
fn body_size(lines: &[Line]) -> f32 {
    let mut counts: Vec<(f32, usize)> = Vec::new();
    for line in lines {
        let count = line.text.chars().count();
        let room = counts.len() < 64;
        match counts.iter_mut().find(|(size, _)| (size - line.size).abs() < 0.25) {
            Some((_, sum)) => *sum += count,
            None if room => counts.push((line.size, count)),
            None => {}
        }
    }
    counts.into_iter().max_by_key(|(_, sum)| *sum).map_or(1.0, |(size, _)| size.max(0.1))
}
