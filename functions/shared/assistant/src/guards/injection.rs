//! Signs that a mail talks to the machine: orders to an assistant, forged turns, encoded text, letters of two scripts in
//! one word. Advisory: such signs are easily avoided and sometimes innocent, so that they make a draft and never more;
//! harm is kept out by the other guards, which look at the reply.

use super::case::Case;
use super::leak::{encoded, marks};
use super::plain::is_invisible;
use super::{Finding, draft};
use crate::concerns::{Concern, concerns};
use crate::text::{sentences, words};

/// Encoded text shorter than this may be an order's number.
const ENCODED: usize = 24;
/// Percent signs with two digits, more than an address has by chance.
const ESCAPES: usize = 6;
/// Words of digits for letters.
const LEET: usize = 4;

pub fn judge(case: &Case<'_>) -> Finding {
    let names = case.attachments.join("\n").replace(['_', '-', '.'], " ");
    let earlier = case.earlier.join("\n");
    let orders = |text: &str| concerns(&sentences(text)).any(|concern| concern == Concern::Instructions);
    let signs = [case.customer.as_str(), &case.attached, &names, &earlier].into_iter().any(|text| {
        marks(text).next().is_some()
            || is_encoded(text)
            || words(text).any(mixes_scripts)
            || words(text).filter(|word| is_leet(word)).count() >= LEET
            || text.chars().any(|c| is_invisible(c) && !matches!(c, '\u{ad}' | '\u{200c}'..='\u{200f}'))
    });
    let said = |concerns: &[Concern]| concerns.contains(&Concern::Instructions);
    let orders = said(&case.concerns) || said(&case.attached_concerns) || orders(&names) || orders(&earlier);
    if signs || orders { draft("the mail holds text that looks like instructions to the assistant") } else { None }
}

fn is_encoded(text: &str) -> bool {
    let mixed = |word: &str| {
        let has = |test: fn(&u8) -> bool| word.bytes().any(|b| test(&b));
        has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
            || word.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let blob = encoded(text).any(|word| word.len() >= ENCODED && !word.contains('/') && mixed(word));
    let escapes = text
        .as_bytes()
        .windows(3)
        .filter(|w| w[0] == b'%' && w[1].is_ascii_hexdigit() && w[2].is_ascii_hexdigit())
        .count();
    blob || escapes >= ESCAPES
}

fn mixes_scripts(word: &str) -> bool {
    let latin = word.chars().any(|c| c.is_ascii_alphabetic());
    latin && word.chars().any(|c| matches!(c, '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}'))
}

/// `1gn0r3`: digits within a small word, more than one of them or between letters.
fn is_leet(word: &str) -> bool {
    let letters = word.chars().filter(|c| c.is_ascii_lowercase()).count();
    let digits = word.chars().filter(|c| "0134578".contains(*c)).count();
    letters >= 1 && digits >= 1 && letters + digits == word.chars().count() && word.len() <= 12
}
