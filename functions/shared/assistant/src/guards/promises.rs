//! What only the customer named is not confirmed: a price, a discount, a code, a period, a date. Repeating one is fine in
//! a question and in *we cannot confirm*. And a gift, a discount or a refund that no passage speaks of is not promised.
//!
//! Effect: money is a person's at once; for a period, a date or a word of giving a draft does.

use super::case::Case;
use super::figures::{Figure, Kind, Known, figures};
use super::{Finding, draft, person};
use crate::concerns::{contains, tokens};
use crate::text::{fold, sentences, words};
use channel::assistant::GuardEffect;

pub fn judge(case: &Case<'_>) -> Finding {
    let affirming: Vec<&str> = sentences(&case.reply)
        .into_iter()
        .flat_map(str::lines)
        .filter(|sentence| !sentence.ends_with(['?', '？']) && !denies(sentence))
        .collect();
    let (sources, owner, customer) = (Known::of(&case.sources), Known::of(&case.owner), Known::of(&case.customer));
    let theirs = |figure: &Figure| customer.mentions(figure) && !sources.bears(figure) && !owner.bears(figure);
    let mut gravest: Finding = None;
    for sentence in &affirming {
        for figure in figures(sentence).iter().filter(|figure| theirs(figure)) {
            let found = match figure.kind {
                Kind::Amount | Kind::Percent => {
                    person("an amount or a percentage that only the customer named is confirmed")
                }
                Kind::Code if gives(sentence) => person("a code that only the customer named is confirmed"),
                Kind::Period(_) | Kind::Date => draft("a period or a date that only the customer named is confirmed"),
                // A code that nothing is said of is handed over all the same.
                Kind::Code if !words(sentence).any(|word| word.chars().all(char::is_alphabetic)) => {
                    draft("a code that only the customer named stands by itself")
                }
                Kind::Code | Kind::Plain => None,
            };
            if matches!(found, Some((GuardEffect::Person, _))) {
                return found;
            }
            gravest = gravest.or(found);
        }
    }
    gravest.or_else(|| generous(case, &affirming))
}

/// Gifts that one may speak of, each class by the beginnings of its folded words.
const GIVING: &[&str] = &[
    "gratis gratuit kostenlos kostenfrei bezplat darmow umsonst gift geschenk regalo omaggio brinde cadeau offert prezent",
    "discount rabatt rabat rabais remise reduction sconto descuent descont korting znizk rebate ermassig preisnachlass",
    "refund erstatt ruckerstatt rembours reembols rimbors terugbetal reimburs",
    "voucher gutschein coupon cupon cupom buono bon-cadeau promo vale-",
    "compensat entschadig indemn dedommag indenniz schadevergoed odszkodowan goodwill kulanz",
];

/// Whole words of the same classes.
const GIVING_WHOLE: &[&str] = &["free", "", "", "code codigo codice kod", ""];

fn generous(case: &Case<'_>, affirming: &[&str]) -> Finding {
    let (sources, owner) = (fold(&case.sources), fold(&case.owner));
    let unknown = (0..GIVING.len()).any(|class| {
        affirming.iter().any(|sentence| speaks_of(class, &fold(sentence)))
            && !speaks_of(class, &sources)
            && !speaks_of(class, &owner)
    });
    if unknown {
        draft("the reply speaks of a gift, a discount or money back that no cited passage speaks of")
    } else {
        None
    }
}

fn speaks_of(class: usize, folded: &str) -> bool {
    words(folded).any(|word| {
        GIVING[class].split(' ').any(|start| word.starts_with(start))
            || GIVING_WHOLE[class].split(' ').any(|whole| whole == word)
    })
}

fn gives(sentence: &str) -> bool {
    let folded = fold(sentence);
    (0..GIVING.len()).any(|class| speaks_of(class, &folded))
}

/// A sentence that says *no* to what it repeats. Only plain refusals to confirm, and short: `no problem, your discount is
/// active` is none.
fn denies(sentence: &str) -> bool {
    const REFUSALS: &[&str] = &[
        "cannot confirm",
        "can not confirm",
        "can t confirm",
        "unable to confirm",
        "not able to confirm",
        "could not confirm",
        "do not confirm",
        "nicht bestatigen",
        "pas confirmer",
        "pas en mesure de confirmer",
        "no podemos confirmar",
        "no puedo confirmar",
        "no podria confirmar",
        "non posso confermare",
        "non possiamo confermare",
        "nao podemos confirmar",
        "nao posso confirmar",
        "niet bevestigen",
        "nie moge potwierdzic",
        "nie mozemy potwierdzic",
        "inte bekrafta",
        "ikke bekraefte",
        "ikke bekrefte",
    ];
    let words = tokens(sentence);
    let folded = fold(sentence);
    words.len() <= 30 && REFUSALS.iter().any(|refusal| contains(&words, &folded, refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_to_confirm_denies() {
        for text in [
            "I cannot confirm a discount of 35 %.",
            "We can't confirm that.",
            "Das kann ich nicht bestätigen.",
            "Non possiamo confermare lo sconto.",
        ] {
            assert!(denies(text), "{text}");
        }
        for text in [
            "No problem, your 35 % are active.",
            "There is no doubt: you get 900 EUR.",
            "Kein Problem, Sie erhalten 35 %.",
        ] {
            assert!(!denies(text), "{text}");
        }
    }
}
