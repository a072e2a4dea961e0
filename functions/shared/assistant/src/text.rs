//! Small tools over words that language detection, search and routing share.

use unicode_segmentation::UnicodeSegmentation;

/// Lower case, without the marks of Latin letters (`Ü` → `u`, `ß` → `ss`). Other scripts keep their letters, since
/// their marks tell words apart.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => out.push(c),
            // The dot that lower-casing `İ` leaves behind, and marks typed on their own.
            '\u{300}'..='\u{36f}' => {}
            'ё' => out.push('е'),
            '’' | '‘' | 'ʼ' => out.push('\''),
            '\u{ff01}'..='\u{ff5e}' => {
                // Full-width forms sit at a fixed distance from ASCII.
                let ascii = char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c);
                out.extend(ascii.to_lowercase());
            }
            '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => {
                out.extend(deunicode::deunicode_char(c).unwrap_or("").chars().flat_map(char::to_lowercase));
            }
            _ => out.push(c),
        }
    }
    out
}

/// The words of a text in order, as written. An apostrophe parts words (`l'offre` → `l`, `offre`), so that elided
/// articles do not hide the noun.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.unicode_words().flat_map(|word| word.split(['\'', '’', 'ʼ', '_'])).filter(|word| !word.is_empty())
}

/// Han, kana and Thai are written without spaces; they are searched by character pairs.
pub fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{0e00}'..='\u{0e7f}' | '\u{20000}'..='\u{2fa1f}')
}

/// Hangul has spaces, but its particles stick to the nouns: pairs serve it as well.
pub fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7af}')
}

/// The text cut after at most `limit` bytes, on a character boundary.
pub fn clip(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    &text[..text.floor_char_boundary(limit)]
}

/// Sentences, cut at `.!?…` followed by space, at the full stops of other scripts, and at line ends that close a
/// paragraph or a list entry. The pieces are slices of the text, so that a quoted sentence is verbatim.
pub fn sentences(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let end = match c {
            '。' | '！' | '？' | '؟' | '।' | '…' => true,
            '.' => {
                next.is_none_or(char::is_whitespace) && !is_abbreviation(&text[start..at]) && starts_anew(text, at + 1)
            }
            '!' | '?' => next.is_none_or(|next| next.is_whitespace()),
            '\n' => {
                next.is_none_or(|next| next == '\n' || next == '-' || next == '*' || next == '•' || next == '\r')
                    || ends_short_line(&text[start..at])
            }
            _ => false,
        };
        if end {
            push_trimmed(&mut out, &text[start..at + c.len_utf8()]);
            start = at + c.len_utf8();
        }
    }
    push_trimmed(&mut out, &text[start..]);
    out
}

/// A line far shorter than mail clients wrap at was ended by its writer.
fn ends_short_line(line: &str) -> bool {
    let line = line.rsplit('\n').next().unwrap_or(line);
    line.chars().count() < 50
}

/// A full stop before a lower-case word (`9 a.m. to 5 p.m.`, `ca. drei`) is part of its sentence.
fn starts_anew(text: &str, from: usize) -> bool {
    text[from..].chars().find(|c| !c.is_whitespace()).is_none_or(|c| !c.is_lowercase())
}

fn is_abbreviation(before: &str) -> bool {
    const ABBREVIATIONS: &[&str] = &[
        "e.g", "i.e", "etc", "mr", "mrs", "ms", "dr", "no", "st", "approx", "z.b", "d.h", "ca", "bzw", "nr", "inkl",
        "zzgl", "evtl", "hr", "fr", "m", "mme", "env", "p. ex", "sr", "sra", "aprox", "núm", "incl", "max", "min",
        "mo", "di", "mi", "do", "sa", "so", "tel",
    ];
    let last = before.rsplit([' ', '\n', '(']).next().unwrap_or(before).to_lowercase();
    ABBREVIATIONS.contains(&last.as_str())
        || (last.chars().count() == 1 && last.chars().all(char::is_alphabetic))
        || (last.chars().all(|c| c.is_ascii_digit()) && last.len() <= 2 && !last.is_empty())
}

fn push_trimmed<'t>(out: &mut Vec<&'t str>, piece: &'t str) {
    let piece = piece.trim();
    if piece.chars().any(char::is_alphanumeric) {
        out.push(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_latin_marks_and_width_but_keeps_other_scripts() {
        assert_eq!(fold("Größe İADE ÇA Łódź"), "grosse iade ca lodz");
        assert_eq!(fold("ＡＢＣ１２"), "abc12");
        assert_eq!(fold("Доставка йод"), "доставка йод");
    }

    #[test]
    fn sentences_keep_hours_dates_and_amounts_whole() {
        let text = "We open at 9 a.m. and close at 5 p.m. on weekdays. It costs 4.90 €. Am 24. Dezember zu!";
        assert_eq!(
            sentences(text),
            ["We open at 9 a.m. and close at 5 p.m. on weekdays.", "It costs 4.90 €.", "Am 24. Dezember zu!"]
        );
    }

    #[test]
    fn sentences_cut_at_short_lines_and_at_full_stops_of_other_scripts() {
        assert_eq!(sentences("Hello,\nwhat does it cost?\nThanks"), ["Hello,", "what does it cost?", "Thanks"]);
        assert_eq!(
            sentences("送料はいくらですか？よろしくお願いします。"),
            ["送料はいくらですか？", "よろしくお願いします。"]
        );
    }

    #[test]
    fn clip_respects_character_boundaries() {
        assert_eq!(clip("äöü", 3), "ä");
        assert_eq!(clip("abc", 9), "abc");
    }

    #[test]
    fn words_part_at_apostrophes() {
        assert_eq!(words("l’offre d'été, don't").collect::<Vec<_>>(), ["l", "offre", "d", "été", "don", "t"]);
    }
}
