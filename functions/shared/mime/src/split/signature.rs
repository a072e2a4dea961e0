//! Signatures: the delimiter of RFC 3676, what mobile programs add, and a closing formula with a name below it.

use super::words::{CLOSINGS, DEVICE, DEVICES};
use super::{Kind, Line};

/// A delimited signature has at most so many lines with text, a closing with name and address at most so many.
const DELIMITED_LINES: usize = 20;
const SOFT_LINES: usize = 8;

/// Marks the end of each stretch of the author's text that is a signature.
pub fn mark(lines: &[Line], kinds: &mut [Kind], is_reply: bool) {
    let mut at = 0;
    let mut text_before = false;
    while at < lines.len() {
        if kinds[at] != Kind::Text {
            at += 1;
            continue;
        }
        let end = kinds[at..].iter().position(|k| *k != Kind::Text).map_or(lines.len(), |n| at + n);
        mark_stretch(lines, kinds, at..end, text_before, is_reply);
        text_before |= (at..end).any(|i| kinds[i] == Kind::Text && !lines[i].is_blank());
        at = end;
    }
    // The delimiter stays behind when the markup names only what follows it.
    for i in 0..lines.len() {
        if kinds[i] == Kind::Text && matches!(lines[i].text.trim_end(), "--" | "—") {
            let next = (i + 1..lines.len()).find(|&n| !lines[n].is_blank());
            if next.is_none_or(|n| kinds[n] == Kind::Signature) {
                kinds[i] = Kind::Signature;
            }
        }
    }
}

fn mark_stretch(lines: &[Line], kinds: &mut [Kind], range: std::ops::Range<usize>, text_before: bool, is_reply: bool) {
    // Counted once: each line asks how many lines with text lie above or below it.
    let mut counts = Vec::with_capacity(range.len() + 1);
    counts.push(0_usize);
    for line in &lines[range.clone()] {
        counts.push(counts[counts.len() - 1] + usize::from(!line.is_blank()));
    }
    let filled = |from: usize, to: usize| counts[to - range.start] - counts[from - range.start];
    let mut end = range.end;

    let delimiter = range.clone().find(|&i| {
        let after = filled(i + 1, end);
        match lines[i].text.trim_end() {
            "--" => after <= DELIMITED_LINES,
            "—" | "––" | "- -" => after <= SOFT_LINES && (text_before || filled(range.start, i) > 0),
            rule => is_contact_rule(lines, rule, i, end) && (text_before || filled(range.start, i) > 0),
        }
    });
    if let Some(start) = delimiter {
        kinds[start..end].fill(Kind::Signature);
        end = start;
    }
    if let Some(at) = (range.start..end).rev().find(|&i| is_device(&lines[i].text)) {
        let alone = at == range.start || lines[at - 1].is_blank() || filled(at + 1, end) == 0;
        let followed = filled(at + 1, end) > 0;
        if alone && (!followed || lines.get(at + 1).is_none_or(Line::is_blank)) {
            kinds[at] = Kind::Signature;
            // Below it there is only what the program put there, if the mail is an answer that was written above.
            let written_above = text_before || filled(range.start, at) > 0;
            if followed && is_reply && written_above {
                kinds[at + 1..end].fill(Kind::Quote);
            }
            if !followed || (is_reply && written_above) {
                end = at;
            }
        }
    }
    if let Some(start) = closing(lines, range.start..end)
        && (text_before || filled(range.start, start) > 0)
    {
        kinds[start..end].fill(Kind::Signature);
    }
}

/// A line of underscores or long dashes above a few lines of contact data.
fn is_contact_rule(lines: &[Line], rule: &str, at: usize, end: usize) -> bool {
    let rule = rule.trim();
    let long = rule.chars().count() >= 3 && rule.chars().all(|c| matches!(c, '_' | '—'));
    if !long {
        return false;
    }
    // One more than are allowed tells that there are too many.
    let below = lines[at + 1..end].iter().map(|l| l.text.trim()).filter(|l| !l.is_empty());
    let below: Vec<&str> = below.take(SOFT_LINES + 1).collect();
    (1..=SOFT_LINES).contains(&below.len())
        && below.iter().all(|line| line.chars().count() <= 100 && !line.ends_with(['?', '!']))
        && below.iter().any(|line| line.contains('@') || line.contains("http") || line.contains("www.") || phone(line))
}

fn phone(line: &str) -> bool {
    line.bytes().filter(u8::is_ascii_digit).count() >= 6
}

/// "Sent from my iPhone" and its like, a line of their own.
fn is_device(text: &str) -> bool {
    // The address of the program's page may follow.
    let shown = text.split(['<', '(', '[']).next().unwrap_or(text);
    let shown = shown.trim().trim_matches(['-', '_', '*', '.', ' ', '"']);
    if shown.is_empty() || shown.chars().count() > 70 || text.chars().count() > 400 {
        return false;
    }
    let lower = shown.to_lowercase().replace('\u{2019}', "'");
    if lower.contains([',', ';', '?', '!']) || lower.split_whitespace().count() > 9 {
        return false;
    }
    let cjk = lower.chars().any(|c| ('\u{2e80}'..='\u{d7af}').contains(&c));
    let phrase = if cjk {
        DEVICE.iter().any(|p| !p.is_ascii() && lower.contains(p))
    } else {
        DEVICE.iter().any(|p| lower.starts_with(p)) || lower.ends_with("gönderildi")
    };
    phrase && (DEVICES.iter().any(|device| names(&lower, device)) || is_named_device(shown))
}

/// A device as a word of its own, or with an ending: "iPhonesta". Where words are not divided, anywhere.
fn names(text: &str, device: &str) -> bool {
    let inflected = ["iphone", "ipad", "android", "telefon", "mobil", "puheli"].contains(&device);
    text.match_indices(device).any(|(at, _)| {
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
        let ends = inflected || !device.is_ascii() || edge(text[at + device.len()..].chars().next());
        edge(text[..at].chars().next_back()) && ends
    })
}

/// "Sent from my Wiko RIDGE": what follows is a name in capitals.
fn is_named_device(shown: &str) -> bool {
    shown.strip_prefix("Sent from my ").is_some_and(|name| {
        name.split_whitespace().all(|w| w.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()))
    })
}

/// Where a closing formula begins that has nothing but a name and contact data below it.
fn closing(lines: &[Line], range: std::ops::Range<usize>) -> Option<usize> {
    let last = range.clone().rev().find(|&i| !lines[i].is_blank())?;
    let earliest = range.start.max(last.saturating_sub(2 * SOFT_LINES));
    (earliest..=last).find(|&at| {
        let rest: Vec<&str> = lines[at + 1..=last].iter().map(|l| l.text.trim()).filter(|l| !l.is_empty()).collect();
        match closing_line(&lines[at].text) {
            Closing::No => false,
            Closing::Bare => {
                rest.first().is_some_and(|name| is_name(name))
                    && rest.len() <= SOFT_LINES
                    && rest.iter().all(|l| is_detail(l))
            }
            Closing::WithName => rest.len() < SOFT_LINES && rest.iter().all(|l| is_detail(l)),
        }
    })
}

enum Closing {
    No,
    Bare,
    WithName,
}

fn closing_line(text: &str) -> Closing {
    let trimmed = text.trim();
    if trimmed.len() > 120 {
        return Closing::No;
    }
    let bare = |s: &str| s.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let whole = bare(trimmed);
    if CLOSINGS.contains(&whole.as_str()) {
        return Closing::Bare;
    }
    // "Best regards, Ada": the rest is a name.
    if let Some((head, name)) = trimmed.split_once([',', '，'])
        && CLOSINGS.contains(&bare(head).as_str())
        && is_name(name.trim())
    {
        return Closing::WithName;
    }
    Closing::No
}

/// A few words, most of them in capitals, no numbers and no sentence.
fn is_name(text: &str) -> bool {
    let text = text.trim_matches(['*', '_', ' ', '-', '/']);
    let words: Vec<&str> = text.split_whitespace().collect();
    let capital = |w: &&&str| {
        w.chars()
            .find(|c| c.is_alphanumeric())
            .is_some_and(|c| c.is_uppercase() || c.is_alphabetic() && !c.is_lowercase())
    };
    let capitals = words.iter().filter(capital).count();
    !words.is_empty()
        && words.len() <= 5
        && text.chars().count() <= 60
        && !text.ends_with(['?', '!', ':', ';'])
        && !text.bytes().any(|b| b.is_ascii_digit())
        && (capitals * 2 >= words.len() && capitals > 0 || words.len() == 1 && text.chars().count() <= 15)
}

/// A line of contact data: short, and nothing that asks or tells.
fn is_detail(text: &str) -> bool {
    let lower = text.to_lowercase();
    text.chars().count() <= 90
        && !text.ends_with('?')
        && !["p.s", "ps:", "ps ", "pps", "n.b"].iter().any(|p| lower.starts_with(p))
        && (text.split_whitespace().count() <= 7
            || text.contains(['@', '|', '·', ','])
            || phone(text)
            || text.contains("www.")
            || text.contains("http"))
        && !["please", "could you", "can you", "bitte", "s'il vous", "por favor"].iter().any(|w| lower.contains(w))
}

#[cfg(test)]
mod tests {
    use super::is_device;
    use crate::split::{plain_lines, split};

    #[test]
    fn devices() {
        for text in [
            "Sent from my iPhone",
            "Sent from my Verizon Wireless BlackBerry",
            "Sent from Yahoo Mail on Android (https://overview.mail.yahoo.com/)",
            "Get Outlook for iOS<https://aka.ms/o0ukef>",
            "Von meinem iPhone gesendet",
            "Envoyé de mon iPhone",
            "Enviado desde mi iPhone",
            "Inviato da iPhone",
            "Enviado do meu iPhone",
            "Verstuurd vanaf mijn iPhone",
            "Skickat från min iPhone",
            "Sendt fra min iPhone",
            "Lähetetty iPhonesta",
            "Wysłane z iPhone'a",
            "Отправлено с iPhone",
            "发自我的iPhone",
            "iPhoneから送信",
            "나의 iPhone에서 보냄",
        ] {
            assert!(is_device(text), "{text}");
        }
        for text in [
            "Sent from my desk, is much easier then my mobile phone.",
            "The notification was sent from my iPhone app to all users.",
            "All messages are sent from the main server.",
            "Sent from a magnificent torch of pixels",
        ] {
            assert!(!is_device(text), "{text}");
        }
    }

    #[test]
    fn closings_need_a_name_and_nothing_else() {
        let visible = |text: &str| split(plain_lines(text), false).text;
        assert_eq!(visible("Hello.\n\nBest regards,\nAda Lovelace\nEngines Ltd\n+44 20 7946 0000"), "Hello.");
        assert_eq!(visible("Hello.\n\nThanks, Ada"), "Hello.");
        for kept in [
            "Hello.\n\nThanks!",
            "Hello.\n\nThanks,\norder 4711 is still missing",
            "Hello.\n\nRegards,\nAda\n\nP.S. Where is my order?",
            "Thanks\nAda",
            "With regards to the order:\nit is late",
        ] {
            assert_eq!(visible(kept), kept);
        }
    }
}
