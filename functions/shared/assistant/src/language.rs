//! Which language a short mail is written in.
//!
//! Statistics over letter trigrams are poor below a few dozen words, and mails are short. So function words vote first
//! (they are a third of any running text and hardly shared between languages), trigrams second, and where the two leave
//! it open the answer is [`UNDETERMINED`]: a reply in the wrong language is worse than none.

use crate::text::{clip, fold, is_hangul, is_unspaced, words};
use std::collections::HashMap;
use std::sync::LazyLock;
use whatlang::{Detector, Lang};

/// BCP 47 for "cannot be told".
pub const UNDETERMINED: &str = "und";

/// More text than this tells no more about its language.
const READ_LIMIT: usize = 6_000;

/// Languages written in Latin letters that are told apart; with the trigram model's name for each.
const LATIN: &[(&str, Lang)] = &[
    ("en", Lang::Eng),
    ("de", Lang::Deu),
    ("fr", Lang::Fra),
    ("es", Lang::Spa),
    ("it", Lang::Ita),
    ("pt", Lang::Por),
    ("nl", Lang::Nld),
    ("sv", Lang::Swe),
    ("da", Lang::Dan),
    ("no", Lang::Nob),
    ("fi", Lang::Fin),
    ("hu", Lang::Hun),
    ("ro", Lang::Ron),
    ("tr", Lang::Tur),
    ("pl", Lang::Pol),
    ("cs", Lang::Ces),
];

/// Words of mails that the general lists lack, or lists of our own where there is none.
const MAIL_WORDS: &[(&str, &str)] = &[
    (
        "en",
        "hi hello dear how much many long when where what which who why please thanks thank could would your you does are is there any",
    ),
    (
        "de",
        "hallo guten tag wie viel viele lange wann wo wer welche welches bitte danke gibt könnten können kann möchte ihre ihr sie kostet haben",
    ),
    (
        "fr",
        "bonjour combien comment quand quel quelle quels quelles merci pouvez puis je vous votre vos est-ce bonsoir où peut voudrais avez svp",
    ),
    (
        "es",
        "hola buenos buenas días cuánto cuanto cuánta cuándo cuando cómo dónde qué gracias puedo pueden quisiera tienen usted ustedes hay cuál cuáles favor",
    ),
    (
        "it",
        "ciao buongiorno salve quanto quando come dove quale quali grazie posso potete vorrei avete per favore costa sono",
    ),
    (
        "pt",
        "olá ola bom dia quanto quando onde qual quais obrigado obrigada posso podem gostaria vocês custa têm há são você boa tarde",
    ),
    (
        "nl",
        "hallo goedendag hoe hoeveel wanneer waar welke bedankt kunt kan graag jullie uw lang dank wel kost mogelijk",
    ),
    ("sv", "hej hur mycket när var vilka vilken tack kan jag ni er länge kostar finns det är snälla"),
    ("da", "hej hvor meget hvornår hvad hvilke tak kan jeg jer jeres længe koster findes det er gerne mange"),
    ("no", "hei hvor mye når hva hvilke takk kan jeg dere deres lenge koster finnes det er gjerne mange"),
    ("fi", "hei moi kuinka paljon milloin missä mikä mitä kiitos voinko voitteko onko teidän kauan maksaa saanko"),
    (
        "hu",
        "jó napot szia mennyi mikor hol melyik mi köszönöm lehet önök kérem meddig hogyan tudok szeretnék mennyibe kerül üdv",
    ),
    ("ro", "bună ziua cât când unde care ce mulțumesc pot puteți aș dori dumneavoastră costă aveți cum salut vreau"),
    ("tr", "merhaba ne kadar zaman nerede hangi nasıl teşekkürler lütfen mı mi mu mü misiniz var iyi günler kaç için"),
    (
        "pl",
        "dzień dobry witam ile kosztuje kiedy gdzie jak jaki jakie jaka czy proszę dziękuję mogę państwo jest są się nie to na do w z i o od po za dla przez oraz ale że można chciałbym chciałabym mają macie pozdrawiam długo",
    ),
    (
        "cs",
        "dobrý den ahoj kolik stojí kdy kde jak jaký jaké jaká prosím děkuji mohu můžu máte je jsou se ne to na do v z a o od po za pro nebo ale že lze chtěl chtěla bych vás váš dlouho",
    ),
];

static VOTES: LazyLock<HashMap<String, Vec<usize>>> = LazyLock::new(|| {
    let mut votes: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, (code, _)) in LATIN.iter().enumerate() {
        let general = crate::knowledge::stop_words(code).iter().flat_map(|entry| words(entry));
        let ours = MAIL_WORDS.iter().filter(|(of, _)| of == code).flat_map(|(_, list)| words(list));
        for word in general.chain(ours) {
            // Marks count when they are written, and their absence is forgiven: people leave them out.
            for form in [word.to_lowercase(), fold(word)] {
                let of = votes.entry(form).or_default();
                if !of.contains(&at) {
                    of.push(at);
                }
            }
        }
    }
    votes
});

/// Letters and marks that one or two of the languages use.
const LETTERS: &[(&str, &str, f64)] = &[
    ("¿¡ñ", "es", 1.5),
    ("ß", "de", 1.5),
    ("ãõ", "pt", 1.0),
    ("őű", "hu", 1.5),
    ("ğşı", "tr", 1.0),
    ("ășțţ", "ro", 1.0),
    ("łąężźśń", "pl", 1.0),
    ("ěřů", "cs", 1.5),
    ("œêùû", "fr", 0.8),
    ("øæ", "da", 0.5),
    ("øæ", "no", 0.5),
];

static LATIN_TRIGRAMS: LazyLock<Detector> =
    LazyLock::new(|| Detector::with_allowlist(LATIN.iter().map(|(_, lang)| *lang).collect()));

/// The BCP 47 tag of the text's language, [`UNDETERMINED`] when it is too short or too mixed to tell.
pub fn detect(text: &str) -> &'static str {
    let text = clip(text, READ_LIMIT);
    let text = without_addresses(text);
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if letters < 2 {
        return UNDETERMINED;
    }
    if let Some(code) = by_script(&text, letters) {
        return code;
    }
    latin(&text)
}

/// Addresses and links are in no language.
fn without_addresses(text: &str) -> String {
    text.split_whitespace()
        .filter(|word| !word.contains('@') && !word.contains("://") && !word.starts_with("www."))
        .collect::<Vec<_>>()
        .join(" ")
}

fn by_script(text: &str, letters: usize) -> Option<&'static str> {
    let (mut kana, mut han, mut hangul, mut thai, mut latin) = (0, 0, 0, 0, 0);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        match c {
            '\u{3040}'..='\u{30ff}' => kana += 1,
            '\u{0e00}'..='\u{0e7f}' => thai += 1,
            c if is_hangul(c) => hangul += 1,
            c if is_unspaced(c) => han += 1,
            c if c.is_ascii() || c < '\u{250}' || ('\u{1e00}'..='\u{1eff}').contains(&c) => latin += 1,
            _ => {}
        }
    }
    // A brand name in Latin letters inside an Asian or Cyrillic sentence does not change its language.
    let third = letters / 3;
    if hangul > third {
        return Some("ko");
    }
    if kana + han > third {
        return Some(if kana * 5 >= han.max(1) { "ja" } else { "zh" });
    }
    if thai > third {
        return Some("th");
    }
    if latin * 2 >= letters {
        return None;
    }
    let info = whatlang::detect(text)?;
    Some(match info.lang() {
        Lang::Rus => cyrillic(text, "ru"),
        Lang::Ukr => "uk",
        // Short Russian is often taken for its neighbours; only their own letters settle it.
        Lang::Bul => cyrillic(text, "bg"),
        Lang::Mkd | Lang::Srp | Lang::Bel => cyrillic(text, UNDETERMINED),
        Lang::Ell => "el",
        Lang::Heb => "he",
        Lang::Ara => "ar",
        Lang::Pes => "fa",
        Lang::Hin => "hi",
        _ => UNDETERMINED,
    })
}

fn cyrillic(text: &str, guess: &'static str) -> &'static str {
    let has = |letters: &str| text.chars().flat_map(char::to_lowercase).any(|c| letters.contains(c));
    if has("іїєґ") {
        "uk"
    } else if has("ыэё") {
        "ru"
    } else if has("ђјљњћџѓќѕ") {
        UNDETERMINED
    } else {
        guess
    }
}

/// The likeliest language, however unlikely; for callers who have a second witness.
pub fn guess(text: &str) -> &'static str {
    let text = without_addresses(clip(text, READ_LIMIT));
    judge(&text).0
}

fn latin(text: &str) -> &'static str {
    let (best, clear) = judge(text);
    if clear { best } else { UNDETERMINED }
}

/// The best language of a Latin text, and whether it stands out.
fn judge(text: &str) -> (&'static str, bool) {
    let tokens: Vec<&str> = words(text).filter(|word| word.chars().all(char::is_alphabetic)).take(600).collect();
    let mut scores = vec![0.0_f64; LATIN.len()];
    for token in &tokens {
        if let Some(of) = VOTES.get(&token.to_lowercase()) {
            // A word that many languages share says little about each.
            let share = 1.0 / (of.len() as f64);
            for at in of {
                scores[*at] += share;
            }
        }
    }
    let lower = text.to_lowercase();
    for (letters, code, worth) in LETTERS {
        if let Some(at) =
            LATIN.iter().position(|(of, _)| of == code).filter(|_| lower.contains(|c| letters.contains(c)))
        {
            scores[at] += worth;
        }
    }
    let total = tokens.len().max(1) as f64;
    let mut trigram = None;
    if let Some(info) = LATIN_TRIGRAMS.detect(text) {
        trigram = LATIN.iter().position(|(_, lang)| *lang == info.lang());
        if let Some(at) = trigram {
            // Worth up to a quarter of the words, and no more than a few votes in a short text.
            let trust = if info.is_reliable() { 1.0 } else { info.confidence().clamp(0.0, 1.0) * 0.7 };
            scores[at] += trust * (total * 0.25).clamp(0.4, 6.0);
        }
    }
    let mut order: Vec<usize> = (0..LATIN.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let (best, second) = (order[0], order[1]);
    let clear = scores[best] >= 0.9_f64.max(total * 0.12) && scores[best] >= scores[second] * 1.25 + 0.1;
    // Two words and one vote are a guess unless both judges agree.
    let enough = tokens.len() >= 3 || (tokens.len() == 2 && trigram == Some(best) && scores[best] >= 1.0);
    (LATIN[best].0, clear && enough)
}

/// The language without region or script: `de-AT` → `de`. Bokmål and Nynorsk count as Norwegian.
pub fn primary(tag: &str) -> String {
    let first = tag.trim().split(['-', '_']).next().unwrap_or("").to_lowercase();
    match first.as_str() {
        "nb" | "nn" => "no".to_owned(),
        _ => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_questions_in_many_languages() {
        let cases = [
            ("How long does delivery take?", "en"),
            ("Wie lange dauert die Lieferung?", "de"),
            ("Combien coûte la livraison ?", "fr"),
            ("¿Cuánto cuesta el envío?", "es"),
            ("cuanto tarda el envio a casa", "es"),
            ("Quanto costa la spedizione?", "it"),
            ("Quanto custa o envio para casa?", "pt"),
            ("Hoe lang duurt de levering?", "nl"),
            ("Hur lång tid tar leveransen?", "sv"),
            ("Hvor lang tid tager leveringen? Hvornår har I åbent?", "da"),
            ("Hvor mye koster frakten, og når har dere åpent?", "no"),
            ("Kuinka kauan toimitus kestää?", "fi"),
            ("Mennyibe kerül a szállítás?", "hu"),
            ("Cât costă livrarea la domiciliu?", "ro"),
            ("Сколько стоит доставка?", "ru"),
            ("Скільки коштує доставка?", "uk"),
            ("Kargo ücreti ne kadar?", "tr"),
            ("Ile kosztuje wysyłka do domu?", "pl"),
            ("送料はいくらですか？", "ja"),
            ("运费是多少？", "zh"),
            ("배송비는 얼마인가요?", "ko"),
            ("Πόσο κοστίζει η αποστολή;", "el"),
        ];
        for (text, expected) in cases {
            assert_eq!(detect(text), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_said() {
        for text in ["", "ok", "12345 67", "???", "hallo@example.com", "xqzt vrrp klmn", "Aurora 3000"] {
            assert_eq!(detect(text), UNDETERMINED, "{text}");
        }
    }

    #[test]
    fn primary_drops_region_and_joins_norwegian() {
        assert_eq!(primary("de-AT"), "de");
        assert_eq!(primary("nb-NO"), "no");
        assert_eq!(primary(" "), "");
    }
}
