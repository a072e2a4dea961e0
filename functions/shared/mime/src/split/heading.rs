//! Headings of history: "-----Original Message-----", "Begin forwarded message:", and the block of `From:`, `Sent:`,
//! `To:`, `Subject:` that Outlook and its kin put above it.

use super::words::{ABOVE, DATE, FORWARDS, FROM, HEADINGS, OTHER, SUBJECT, TO};
use super::{Kind, Line};

/// A header block spans at most so many lines.
const BLOCK_LINES: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    From,
    Date,
    To,
    Subject,
    Other,
}

/// Where the history begins if this line is what announces it: the line itself or the rule above it.
pub fn history_from(lines: &[Line], kinds: &[Kind], at: usize) -> Option<usize> {
    let text = &lines[at].text;
    let announced = lines[at].cut || is_heading(text) || asks_above(text);
    if !announced && !is_block(lines, kinds, at, rule_above(lines, kinds, at).is_some()) {
        return None;
    }
    Some(rule_above(lines, kinds, at).unwrap_or(at))
}

/// A heading of one line.
pub fn is_heading(text: &str) -> bool {
    let text = text.trim();
    if text.len() > 120 {
        return false;
    }
    let is_rule = |c: char| matches!(c, '-' | '_' | '=' | '*' | '~' | '\u{2014}' | '\u{2013}' | '#' | '|');
    let inner = text.trim_start_matches(is_rule);
    let dashes = text.chars().count() - inner.chars().count();
    let inner = inner.trim_end_matches(is_rule).trim();
    let colon = inner.ends_with([':', '：']);
    let core = inner.trim_end_matches([':', '：', ' ']).to_lowercase();
    if dashes >= 2 && HEADINGS.contains(&core.as_str()) {
        return core != "message" || text.ends_with('-');
    }
    // "---- Forwarded by Ada on 3.2.2025 ----"
    if dashes >= 4 && text.ends_with('-') && HEADINGS.iter().any(|h| h.len() > 8 && core.starts_with(h)) {
        return true;
    }
    core.starts_with("original message processed by ") || colon && FORWARDS.contains(&core.as_str())
}

fn asks_above(text: &str) -> bool {
    text.len() < 200 && {
        let lower = text.to_lowercase();
        ABOVE.iter().any(|phrase| lower.contains(phrase))
    }
}

/// A line of nothing but dashes or the like, directly above but for blank lines.
fn rule_above(lines: &[Line], kinds: &[Kind], at: usize) -> Option<usize> {
    let above = (0..at).rev().take(4).find(|&i| !lines[i].is_blank())?;
    let text = lines[above].text.trim();
    let rule = text.chars().count() >= 3 && text.chars().all(|c| matches!(c, '-' | '_' | '=' | '*' | '~' | '\u{2014}'));
    (rule && kinds[above] == Kind::Text).then_some(above)
}

fn key(text: &str) -> Option<(Key, &str)> {
    let text = text.trim_start_matches([' ', '\t', '*', '_', '|']);
    let at = text.find([':', '：']).filter(|&at| at <= 60)?;
    let colon = text[at..].chars().next()?.len_utf8();
    let name = text[..at].trim_matches([' ', '*', '_', '\t']).to_lowercase();
    let value = text[at + colon..].trim_matches([' ', '*', '_', '\t']);
    let lists = [(Key::From, FROM), (Key::Date, DATE), (Key::To, TO), (Key::Subject, SUBJECT), (Key::Other, OTHER)];
    lists.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(key, _)| (*key, value))
}

/// Whether a header block begins here. An author may write "From: London / To: Paris": without an address or a
/// subject in it, and without a rule above, it is no header block.
fn is_block(lines: &[Line], kinds: &[Kind], at: usize, ruled: bool) -> bool {
    let Some((first, value)) = key(&lines[at].text) else {
        return false;
    };
    if first == Key::Other {
        return false;
    }
    if first == Key::From && is_one_line_block(value) {
        return true;
    }
    let mut seen = vec![first];
    let mut address = value.contains('@');
    let (mut blank, mut plain) = (0, 0);
    for line in lines
        .iter()
        .zip(kinds)
        .skip(at + 1)
        .take(BLOCK_LINES)
        .map_while(|(line, kind)| (*kind == Kind::Text).then_some(line))
    {
        if line.is_blank() {
            blank += 1;
            if blank > 2 {
                break;
            }
            continue;
        }
        match key(&line.text) {
            Some((key, value)) => {
                address |= value.contains('@');
                if !seen.contains(&key) {
                    seen.push(key);
                }
                (blank, plain) = (0, 0);
            }
            // A long value goes on in the next line.
            None if blank == 0 && plain < 3 => {
                plain += 1;
                address |= line.text.contains('@');
            }
            None => break,
        }
    }
    let has = |key: Key| seen.contains(&key);
    let main = seen.iter().filter(|key| **key != Key::Other).count();
    has(Key::From)
        && ((main >= 3 && (has(Key::Subject) && has(Key::Date) || address))
            || (main >= 2 && address && (has(Key::Subject) || has(Key::Date)))
            || (main >= 2 && ruled))
}

/// "From: Ada <…> Sent: Monday To: Bob Subject: Hello", all in one line.
fn is_one_line_block(value: &str) -> bool {
    if value.len() > 1_000 {
        return false;
    }
    let lower = value.to_lowercase();
    let names = |list: &[&str]| list.iter().any(|name| name.len() > 2 && lower.contains(&format!(" {name}:")));
    names(DATE) && names(SUBJECT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::plain_lines;

    fn block(text: &str) -> bool {
        let lines = plain_lines(text);
        let kinds = vec![Kind::Text; lines.len()];
        is_block(&lines, &kinds, 0, false)
    }

    #[test]
    fn header_blocks_of_many_languages() {
        for text in [
            "From: Ada <ada@example.com>\nSent: Monday\nTo: Bob\nSubject: x",
            "*From:* Ada [mailto:ada@example.com]\n*Sent:* Monday",
            "Von: Ada\nGesendet: Montag\nAn: Bob\nBetreff: x",
            "De : Ada <ada@example.com>\nEnvoyé : lundi\nÀ : Bob\nObjet : x",
            "Da: Ada\nInviato: lunedì\nA: Bob\nOggetto: x",
            "发件人: Ada\n发送时间: 2025年2月3日\n收件人: Bob\n主题: x",
            "差出人: Ada\n送信日時: 2025年2月3日\n宛先: Bob\n件名: x",
            "보낸 사람: Ada\n보낸 날짜: 2025\n받는 사람: Bob\n제목: x",
            "От: Ada\nОтправлено: 3 февраля\nКому: Bob\nТема: x",
            "From: Ada <ada@example.com> Sent: Monday To: Bob Subject: Hello",
            "From: A Person With A Long Name\n<ada@example.com>\nSent: Monday\nTo: Bob",
        ] {
            assert!(block(text), "{text}");
        }
    }

    #[test]
    fn an_authors_own_list_is_no_header_block() {
        for text in [
            "From: London\nTo: Paris\nDate: 3 May",
            "From: our database",
            "Name: Ada\nSubject: x",
            "To: be done\nDate: tomorrow",
        ] {
            assert!(!block(text), "{text}");
        }
    }

    #[test]
    fn headings() {
        for text in [
            "-----Original Message-----",
            "---------- Forwarded message ---------",
            "-------- Ursprüngliche Nachricht --------",
            "------------------ 原始邮件 ------------------",
            "Begin forwarded message:",
            "Début du message réexpédié :",
        ] {
            assert!(is_heading(text), "{text}");
        }
        for text in ["Original message", "--", "-- message", "forwarded message", "------------"] {
            assert!(!is_heading(text), "{text}");
        }
    }
}
