//! Every sentence of a reply rests on the cited passages: at least half of its content words stand there, by stem or by
//! concept. Greetings, thanks and offers of further help state nothing and need no support. Effect: a draft.

use super::case::Case;
use super::lexical::Vocabulary;
use super::{Finding, draft};
use crate::extractive::phrases;
use crate::knowledge::Term;
use crate::language;
use crate::text::{fold, sentences, words};

pub fn judge(case: &Case<'_>) -> Finding {
    if case.passages.is_empty() {
        return draft("no passage is cited for the reply");
    }
    let language = language::detect(&case.reply);
    let sources = Vocabulary::new(language, &case.sources);
    let all = sentences(&case.reply);
    let last = all.len().saturating_sub(2);
    let unsupported = all.iter().enumerate().any(|(at, sentence)| {
        if phrases::is_framing(sentence) || (at == 0 || at >= last) && is_greeting(sentence) {
            return false;
        }
        let (found, of) = sources.share(sentence, |term| !is_courtesy(term));
        found * 2 < of
    });
    if unsupported { draft("a sentence of the reply is not borne by the cited passages") } else { None }
}

/// A short first or last line that greets or signs.
fn is_greeting(line: &str) -> bool {
    const BEGIN: &str = "dear hello hi good hey hallo liebe lieber guten sehr bonjour bonsoir cher chere madame monsieur hola buenos buenas estimad buongiorno \
                         gentile salve caro cara ciao ola bom boa prezad beste geachte goede dzien szanown witam hej hei moi kedves buna stimat \
                         merhaba здравствуйте добрый best kind warm regards yours sincerely cheers mit viele freundliche herzliche cordialement bien \
                         salutations saludos atentamente cordiales un cordiali saluti distinti atenciosamente cumprimentos com met vriendelijke groet \
                         pozdrawiam pozdrawiamy med venlig vanlig hilsen halsningar";
    let folded = fold(line);
    let all: Vec<&str> = words(&folded).collect();
    all.len() <= 5 && all.first().is_some_and(|first| BEGIN.split_whitespace().any(|begin| first.starts_with(begin)))
}

/// Words of manners, which state nothing about the matter. By their beginnings, folded.
fn is_courtesy(term: &Term) -> bool {
    const WORDS: &str = "help question contact happy glad thank messag mail email reply repli unclear anything further feel hope inform know let assist \
                         team please regard welcome sorry apolog understand accord simply answer detail \
                         helf hilf frag kontakt gern dank nachricht antwort unklar offen weiter hoff wissen bitte gruss willkommen leid entschuldig \
                         verstand meld einfach \
                         aid contact merci courriel repond eclairc point hesit savoir equip suffit reste \
                         ayud pregunt duda gracia mensaj correo respond saber gusto consult \
                         aiut domand contatt grazi messaggi rispond chiar saper piacer dubb \
                         pergunt duvida obrigad mensag equipa prazer \
                         vraag vragen bedankt bericht beantwoord onduidelijk graag weten gewoon \
                         pomoc pomog pyta kontakt dziek wiadom odpowied niejasn zespol chetnie prosi";
    WORDS.split_whitespace().any(|word| term.word.starts_with(word) && term.word.len() <= word.len() + 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_are_short_and_begin_like_one() {
        for text in ["Dear Ms Lovelace,", "Best regards", "Sehr geehrte Frau Ada,", "Cordialement"] {
            assert!(is_greeting(text), "{text}");
        }
        assert!(!is_greeting("Dear customer, send your card number to us today"));
        assert!(!is_greeting("Returns are free"));
    }
}
