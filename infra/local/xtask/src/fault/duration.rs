//! Spans of time as a person writes them: `1500ms`, `30s`, `5m`, `2h`, `7d`, with a sign where one makes sense.

const UNITS: [(&str, i64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Milliseconds, with a sign.
pub fn signed(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if text == "0" {
        return Ok(0);
    }
    let wrong = || format!("{text:?} is no span of time such as 1500ms, 30s, 5m, 2h or 7d");
    let digits = text.trim_start_matches(['+', '-']);
    let split = digits.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = digits.split_at(split);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    let size = number.parse::<i64>().ok().and_then(|number| number.checked_mul(*factor)).ok_or_else(wrong)?;
    match &text[..text.len() - digits.len()] {
        "" | "+" => Ok(size),
        "-" => Ok(-size),
        _ => Err(wrong()),
    }
}

/// Milliseconds that are to come.
pub fn ahead(text: &str) -> Result<i64, String> {
    match signed(text)? {
        ms if ms >= 0 => Ok(ms),
        _ => Err(format!("{text:?} lies in the past")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read() {
        for (text, ms) in [("1500ms", 1_500), ("+30s", 30_000), ("-5m", -300_000), ("2h", 7_200_000), ("0", 0)] {
            assert_eq!(signed(text), Ok(ms), "{text}");
        }
        for text in ["", "5", "s", "5 s", "--5m", "5y", "99999999999999999999d", "+-5m"] {
            assert!(signed(text).is_err(), "{text}");
        }
        assert!(ahead("-1s").is_err());
    }
}
