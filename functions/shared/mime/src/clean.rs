//! Text as it may be stored and shown to a model: no control, zero-width, bidirectional or tag characters.
//! Invisible characters carry instructions that a person does not see (RFC 3454, tables C.2 to C.9).

/// A character that a reader cannot see and that changes nothing of what is said.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}' | '\u{fffe}' | '\u{ffff}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Several lines: LF line ends, plain spaces, nothing invisible.
pub fn text(input: &str) -> String {
    let mut out = String::with_capacity(input.len());
    let mut chars = input.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\t' => out.push('\t'),
            c if is_invisible(c) => {}
            c if c.is_whitespace() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// One line, trimmed, at most `max` characters.
pub fn line(input: &str, max: usize) -> String {
    let mut out = String::with_capacity(input.len().min(max * 4));
    for c in input.chars() {
        match c {
            c if c.is_whitespace() => out.push(' '),
            c if is_invisible(c) => {}
            c => out.push(c),
        }
    }
    let trimmed = out.trim();
    trimmed.chars().take(max).collect::<String>().trim_end().to_owned()
}

/// Cuts at a character boundary; whether something was cut.
pub fn truncate(text: &mut String, max: usize) -> bool {
    if text.len() <= max {
        return false;
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    true
}

/// The longest prefix of at most `max` bytes.
pub fn prefix(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A file name without its path and without what could mislead about its kind.
pub fn file_name(input: &str) -> Option<String> {
    let last = input.rsplit(['/', '\\']).next().unwrap_or(input);
    let cleaned: String =
        line(last, usize::MAX / 8).chars().map(|c| if "<>:\"|?*".contains(c) { '_' } else { c }).collect();
    let name = cleaned.trim_matches(|c: char| c == ' ' || c == '.');
    if name.is_empty() {
        return None;
    }
    let count = name.chars().count();
    if count <= crate::limits::NAME_CHARS {
        return Some(name.to_owned());
    }
    // The kind of a file is read from its end, so the middle is what goes.
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.chars().count() <= 10 => (stem, extension),
        _ => (name, ""),
    };
    let keep = crate::limits::NAME_CHARS - extension.chars().count() - 1;
    let stem: String = stem.chars().take(keep).collect();
    Some(if extension.is_empty() { stem } else { format!("{stem}.{extension}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_go_and_lines_stay() {
        assert_eq!(text("a\u{200b}b\r\nc\u{202e}d\re\u{e0041}\u{2028}f\u{a0}g\0"), "ab\ncd\ne\nf g");
        assert_eq!(line(" a\r\n Bcc: x\u{2029}y ", 100), "a   Bcc: x y");
    }

    #[test]
    fn names_of_files_carry_no_path_and_no_disguise() {
        assert_eq!(file_name("../../etc/passwd").as_deref(), Some("passwd"));
        assert_eq!(file_name("C:\\tmp\\a\u{202e}fdp.exe").as_deref(), Some("afdp.exe"));
        assert_eq!(file_name("..").as_deref(), None);
        let long = file_name(&format!("{}.pdf", "x".repeat(500))).unwrap();
        assert!(long.ends_with(".pdf") && long.chars().count() == crate::limits::NAME_CHARS);
    }

    #[test]
    fn truncation_keeps_characters_whole() {
        let mut s = "aé".to_owned();
        assert!(truncate(&mut s, 2));
        assert_eq!(s, "a");
    }
}
