//! Every account that money could go to (IBAN, card number, wallet) stands in the cited passages or in the settings.
//! Effect: a person. A wrong check digit does not make it harmless: what is written like an account is one. A reply that
//! speaks of the customer's own payment data, where no passage does, is a draft.

use super::case::Case;
use super::{Finding, draft, person};
use crate::text::fold;

pub fn judge(case: &Case<'_>) -> Finding {
    let found = accounts(&case.reply);
    let squeezed = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
    let known = format!("{} {}", squeezed(&case.sources), squeezed(&case.owner));
    if !found.iter().all(|account| known.contains(account.as_str())) {
        return person(
            "an account or card number of the reply stands neither in the cited passages nor in the settings",
        );
    }
    let (reply, known) = (fold(&case.reply), fold(&format!("{}\n{}", case.sources, case.owner)));
    let asked_for = DATA.iter().any(|data| reply.contains(data) && !known.contains(data));
    if asked_for { draft("the reply speaks of payment data that no cited passage speaks of") } else { None }
}

/// What a fraud asks for, folded.
const DATA: &[&str] = &[
    "payment detail",
    "payment data",
    "payment information",
    "bank detail",
    "card number",
    "card detail",
    "cvv",
    "cvc",
    "security code",
    "zahlungsdaten",
    "bankdaten",
    "kartennummer",
    "kartendaten",
    "kontodaten",
    "bankverbindung",
    "donnees de paiement",
    "numero de carte",
    "numero de la carte",
    "coordonnees bancaires",
    "datos de pago",
    "datos bancarios",
    "numero de tarjeta",
    "numero de la tarjeta",
    "numero de su tarjeta",
    "dati di pagamento",
    "dati bancari",
    "numero di carta",
    "numero della carta",
    "dados de pagamento",
    "dados bancarios",
    "numero do cartao",
    "betaalgegevens",
    "bankgegevens",
    "kaartnummer",
    "dane platnicze",
    "dane karty",
    "numer karty",
    "numeru karty",
    "betalningsuppgifter",
    "kortnummer",
    "betalingsoplysninger",
    "betalingsinformasjon",
];

/// In capitals, without spaces.
fn accounts(text: &str) -> Vec<String> {
    let chars: Vec<char> = text
        .chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            _ => c,
        })
        .collect();
    let mut out = vec![];
    let mut at = 0;
    while at < chars.len() {
        let begins = at == 0 || !chars[at - 1].is_ascii_alphanumeric();
        if !begins {
            at += 1;
            continue;
        }
        let (account, length) = run(&chars[at..], 34);
        if is_iban(&account) || is_card(&account) {
            out.push(account);
            at += length;
            continue;
        }
        let word: String = chars[at..].iter().take(63).take_while(|c| c.is_ascii_alphanumeric()).collect();
        if is_wallet(&word) {
            out.push(word.to_uppercase());
        }
        at += 1;
    }
    out
}

/// Letters and digits from here on, over the blanks and hyphens that part groups; letters only in groups with digits.
/// With how many characters that took.
fn run(chars: &[char], longest: usize) -> (String, usize) {
    let mut out = String::new();
    let mut at = 0;
    while out.len() < longest {
        let group: Vec<char> =
            chars[at..].iter().take(longest + 1).take_while(|c| c.is_ascii_alphanumeric()).copied().collect();
        let codes = group.iter().any(char::is_ascii_digit) || (out.len() == 4 && group.len() == 4);
        if group.is_empty() || group.len() > longest || !(codes || out.is_empty() && group.len() == 2) {
            break;
        }
        out.extend(group.iter().map(char::to_ascii_uppercase));
        at += group.len();
        let gap = chars[at..].iter().take(3).take_while(|c| " -.\u{a0}\u{202f}".contains(**c)).count();
        if gap == 0 || gap > 2 {
            break;
        }
        at += gap;
    }
    (out, at)
}

/// ISO 13616: two letters, two check digits, up to thirty letters and digits, most of them digits.
fn is_iban(account: &str) -> bool {
    let bytes = account.as_bytes();
    let shape = bytes.len() >= 15
        && bytes[..2].iter().all(u8::is_ascii_alphabetic)
        && bytes[2..4].iter().all(u8::is_ascii_digit);
    shape && bytes[4..].iter().filter(|b| b.is_ascii_digit()).count() >= 8
}

/// ISO/IEC 7812: thirteen to nineteen digits with a right check digit.
fn is_card(account: &str) -> bool {
    if !(13..=19).contains(&account.len()) || !account.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let sum: u32 = account
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, b)| {
            let digit = u32::from(b - b'0');
            let doubled = if at % 2 == 1 { digit * 2 } else { digit };
            if doubled > 9 { doubled - 9 } else { doubled }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_wallet(word: &str) -> bool {
    let hex = |text: &str| text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let mixed = word.bytes().any(|b| b.is_ascii_digit()) && word.bytes().any(|b| b.is_ascii_alphabetic());
    word.strip_prefix("0x").is_some_and(hex)
        || (word.starts_with("bc1") && word.len() >= 26 && mixed)
        || (word.starts_with(['1', '3']) && (26..=35).contains(&word.len()) && mixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_in_groups_and_whole() {
        for text in [
            "DE89370400440532013000",
            "DE89 3704 0044 0532 0130 00",
            "de89-3704-0044-0532-0130-00",
            "IBAN: FR14 2004 1010 0505 0001 3M02 606.",
            "GB29 NWBK 6016 1331 9268 19",
            "NL91 ABNA 0417 1643 00",
            "DE00 1234 5678 9012 3456 78",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
            "DE 89 3704 0044 0532 0130 00",
        ] {
            assert_eq!(accounts(text).len(), 1, "{text}: {:?}", accounts(text));
        }
        for text in [
            "Order BS-10422 of 2026",
            "from 2026-05-12 to 2026-06-12",
            "It takes 30 days.",
            "+33 1 99 00 12 34",
            "AB12 is ready in 3 to 5 days",
        ] {
            assert_eq!(accounts(text), Vec::<String>::new(), "{text}");
        }
    }
}
