//! The reply is in the customer's language, or in the one that the settings fix. Another language is withheld; where
//! mail or reply are too short to tell, or the reply changes its language half way, a draft is made.

use super::case::Case;
use super::{Finding, draft, person};
use crate::language::{self, UNDETERMINED};
use crate::text::{clip, sentences};

/// A sentence of so many words is told by itself.
const LONG: usize = 8;

pub fn judge(case: &Case<'_>) -> Finding {
    let fixed = language::primary(&case.personality.language);
    let wanted = if fixed.is_empty() { of_customer(case) } else { fixed };
    let is = language::detect(&case.reply);
    if wanted == UNDETERMINED || is == UNDETERMINED {
        return draft("it cannot be told whether the reply is in the customer's language");
    }
    if is != wanted {
        // Two languages that short texts are easily mistaken in.
        return if near(is, &wanted) {
            draft("it cannot be told whether the reply is in the customer's language")
        } else {
            person("the reply is in another language than the customer's")
        };
    }
    let changes = sentences(&case.reply)
        .into_iter()
        .filter(|sentence| sentence.split_whitespace().count() >= LONG)
        .any(|sentence| {
            let of = language::detect(sentence);
            of != UNDETERMINED && of != wanted && !near(of, &wanted)
        });
    if changes { draft("a part of the reply is in another language") } else { None }
}

fn near(a: &str, b: &str) -> bool {
    let pair = |x: &str, y: &str| (a == x && b == y) || (a == y && b == x);
    pair("da", "no") || pair("sv", "no") || pair("sv", "da") || pair("es", "pt") || pair("ru", "uk") || pair("cs", "pl")
}

/// From the mails themselves; what the model says of it only confirms a guess.
fn of_customer(case: &Case<'_>) -> String {
    let body = case.open.iter().map(|mail| clip(mail, 4_000)).collect::<Vec<_>>().join("\n");
    let with_subject = format!("{}\n{body}", case.subject);
    let told =
        [body.as_str(), with_subject.as_str()].into_iter().map(language::detect).find(|told| *told != UNDETERMINED);
    let before = || case.earlier.iter().map(|mail| language::detect(mail)).find(|told| *told != UNDETERMINED);
    let claimed = language::primary(case.claimed);
    let guessed = || Some(language::guess(&with_subject)).filter(|guess| *guess == claimed);
    told.or_else(before).or_else(guessed).unwrap_or(UNDETERMINED).to_owned()
}
