//! CSV and TSV (RFC 4180, and what spreadsheets make of it) as lines that say what each value is.

use crate::limits;

/// Each row becomes `heading: value; heading: value`, since a reader of one row has not seen the first.
pub fn markdown(text: &str) -> (String, bool) {
    let delimiter = delimiter(text);
    let mut rows = rows(text, delimiter);
    let cut = rows.len() > limits::TABLE_ROWS;
    rows.truncate(limits::TABLE_ROWS);
    let Some((heads, body)) = rows.split_first() else {
        return (String::new(), false);
    };
    if body.is_empty() {
        return (heads.join("; "), cut);
    }
    let mut out = String::new();
    for row in body {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .filter(|(_, value)| !value.is_empty())
            .map(|(at, value)| match heads.get(at).filter(|head| !head.is_empty()) {
                Some(head) => format!("{head}: {value}"),
                None => value.clone(),
            })
            .collect();
        if !cells.is_empty() {
            out.push_str("- ");
            out.push_str(&cells.join("; "));
            out.push('\n');
        }
    }
    (out, cut)
}

/// The one of the usual delimiters that the first line has most of, outside quotes.
fn delimiter(text: &str) -> char {
    let mut counts = [(';', 0_usize), (',', 0), ('\t', 0), ('|', 0)];
    let mut quoted = false;
    for c in text.chars().take(10_000) {
        match c {
            '"' => quoted = !quoted,
            '\n' if !quoted => break,
            _ if !quoted => {
                if let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| *delimiter == c) {
                    *count += 1;
                }
            }
            _ => {}
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or(',', |(delimiter, _)| delimiter)
}

fn rows(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' if quoted || cell.trim().is_empty() => quoted = !quoted,
            c if c == delimiter && !quoted => row.push(one_line(&std::mem::take(&mut cell))),
            '\n' if !quoted => {
                row.push(one_line(&std::mem::take(&mut cell)));
                rows.push(std::mem::take(&mut row));
                if rows.len() > limits::TABLE_ROWS {
                    return rows;
                }
            }
            '\r' => {}
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(one_line(&cell));
        rows.push(row);
    }
    rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    rows
}

fn one_line(cell: &str) -> String {
    cell.split_whitespace().collect::<Vec<_>>().join(" ")
}
