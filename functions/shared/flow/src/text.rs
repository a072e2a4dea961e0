//! Words compared as people compare them, and small things that are read out of text.

use std::time::Duration;

/// Without case, accents and repeated space, so that *École* and *ecole* are the same word.
pub(crate) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut space = false;
    for c in text.chars() {
        if c.is_whitespace() {
            space = true;
            continue;
        }
        if std::mem::take(&mut space) {
            folded.push(' ');
        }
        let latin = matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{fb00}'..='\u{fb06}' | '\u{ff01}'..='\u{ff5e}');
        let combining = matches!(c, '\u{300}'..='\u{36f}');
        match (combining, deunicode::deunicode_char(c)) {
            (true, _) => {}
            // Only Latin letters lose their accents: other scripts would lose their letters.
            (false, Some(plain)) if latin => folded.extend(plain.chars().flat_map(char::to_lowercase)),
            _ => folded.extend(c.to_lowercase()),
        }
    }
    folded
}

/// `HH:MM` as minutes since midnight; 24:00 is the end of the day.
pub(crate) fn minute_of_day(text: &str) -> Option<i64> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |text: &str| (text.len() <= 2).then(|| text.parse::<u8>().ok()).flatten().map(i64::from);
    let (hour, minute) = (number(hour)?, number(minute)?);
    (minute < 60 && (hour < 24 || hour == 24 && minute == 0)).then_some(hour * 60 + minute)
}

/// `YYYY-MM-DD`.
pub(crate) fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    let in_range = |text: &str, most: u8| text.parse::<u8>().is_ok_and(|n| n >= 1 && n <= most);
    matches!(parts[..], [year, month, day] if digits(year, 4)
        && digits(month, 2) && in_range(month, 12) && digits(day, 2) && in_range(day, 31))
}

/// `30 minutes`, `2 hours`, `1 day`, `45 s`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim().to_lowercase();
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let count: u64 = text[..at].parse().ok()?;
    let unit = match text[at..].trim() {
        "s" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(count.checked_mul(unit)?))
}

/// A subject in one line with at most one prefix of answer, as mail programs of several languages write it.
pub(crate) fn subject(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let (mut rest, mut answers) = (line.as_str(), false);
    while let Some((prefix, after)) = rest.split_once(':') {
        let prefix = prefix.trim().to_lowercase();
        let prefix = prefix.split('[').next().unwrap_or_default();
        if !matches!(prefix, "re" | "aw" | "antw" | "sv" | "vs" | "rv" | "odp" | "ynt" | "rép" | "res") {
            break;
        }
        (rest, answers) = (after.trim_start(), true);
    }
    let subject = if answers { format!("Re: {rest}") } else { rest.to_owned() };
    crate::facts::clipped(subject.trim_end(), crate::facts::MAX_TEXT).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_are_folded_and_other_scripts_are_kept() {
        assert_eq!(folded("  ÉCOLE\n e\u{301}cole"), " ecole ecole");
        assert_eq!(folded("Straße"), "strasse");
        assert_eq!(folded("СРОЧНО 緊急"), "срочно 緊急");
    }

    #[test]
    fn a_subject_has_one_prefix() {
        assert_eq!(subject("Re: Re: RE : Aw: offer"), "Re: offer");
        assert_eq!(subject("Re: Re[2]: a\r\nBcc: x@example.com"), "Re: a Bcc: x@example.com");
        assert_eq!(subject("Offer: now"), "Offer: now");
    }

    #[test]
    fn times_dates_and_durations() {
        assert_eq!(minute_of_day("09:30"), Some(570));
        assert_eq!(minute_of_day("24:00"), Some(1440));
        assert_eq!(minute_of_day("9"), None);
        assert_eq!(minute_of_day("25:00"), None);
        assert!(is_date("2026-12-24") && !is_date("2026-13-01") && !is_date("24.12.2026"));
        assert_eq!(duration("2 hours"), Some(Duration::from_secs(7_200)));
        assert_eq!(duration("soon"), None);
    }
}
