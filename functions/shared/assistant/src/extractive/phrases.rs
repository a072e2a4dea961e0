//! The few fixed words around the passages. They state no fact, so they need no source.

struct Frame {
    language: &'static str,
    opening: &'static str,
    closing: &'static str,
}

const FRAMES: &[Frame] = &[
    Frame {
        language: "en",
        opening: "Thank you for your message.",
        closing: "If anything is still unclear, simply reply to this mail.",
    },
    Frame {
        language: "de",
        opening: "Vielen Dank für Ihre Nachricht.",
        closing: "Falls noch etwas offen ist, antworten Sie einfach auf diese E-Mail.",
    },
    Frame {
        language: "fr",
        opening: "Merci pour votre message.",
        closing: "S’il reste un point à éclaircir, il suffit de répondre à ce courriel.",
    },
    Frame {
        language: "es",
        opening: "Gracias por su mensaje.",
        closing: "Si queda alguna duda, basta con responder a este correo.",
    },
    Frame {
        language: "it",
        opening: "Grazie per il suo messaggio.",
        closing: "Se qualcosa non fosse chiaro, basta rispondere a questa e-mail.",
    },
    Frame {
        language: "pt",
        opening: "Obrigado pela sua mensagem.",
        closing: "Se ficar alguma dúvida, basta responder a este e-mail.",
    },
    Frame {
        language: "nl",
        opening: "Bedankt voor uw bericht.",
        closing: "Is er nog iets onduidelijk, beantwoord dan gewoon deze e-mail.",
    },
    Frame {
        language: "sv",
        opening: "Tack för ditt meddelande.",
        closing: "Om något fortfarande är oklart är det bara att svara på det här mejlet.",
    },
    Frame {
        language: "da",
        opening: "Tak for din besked.",
        closing: "Hvis noget stadig er uklart, kan du blot svare på denne mail.",
    },
    Frame {
        language: "no",
        opening: "Takk for meldingen din.",
        closing: "Hvis noe fortsatt er uklart, kan du bare svare på denne e-posten.",
    },
    Frame {
        language: "fi",
        opening: "Kiitos viestistäsi.",
        closing: "Jos jokin jäi epäselväksi, vastaa tähän sähköpostiin.",
    },
    Frame {
        language: "hu",
        opening: "Köszönjük üzenetét.",
        closing: "Ha valami még nem világos, kérjük, válaszoljon erre az e-mailre.",
    },
    Frame {
        language: "ro",
        opening: "Vă mulțumim pentru mesaj.",
        closing: "Dacă ceva este încă neclar, răspundeți la acest e-mail.",
    },
    Frame {
        language: "ru",
        opening: "Спасибо за ваше сообщение.",
        closing: "Если что-то осталось неясным, просто ответьте на это письмо.",
    },
    Frame {
        language: "tr",
        opening: "Mesajınız için teşekkür ederiz.",
        closing: "Anlaşılmayan bir nokta kaldıysa bu e-postayı yanıtlamanız yeterli.",
    },
    Frame {
        language: "pl",
        opening: "Dziękujemy za wiadomość.",
        closing: "Jeśli coś jest nadal niejasne, prosimy odpowiedzieć na tę wiadomość.",
    },
    Frame {
        language: "cs",
        opening: "Děkujeme za vaši zprávu.",
        closing: "Pokud je ještě něco nejasné, stačí odpovědět na tento e-mail.",
    },
    Frame {
        language: "el",
        opening: "Σας ευχαριστούμε για το μήνυμά σας.",
        closing: "Αν κάτι παραμένει ασαφές, απαντήστε σε αυτό το μήνυμα.",
    },
    Frame {
        language: "ja",
        opening: "お問い合わせいただきありがとうございます。",
        closing: "ご不明な点がございましたら、このメールにご返信ください。",
    },
    Frame {
        language: "zh", opening: "感谢您的来信。", closing: "如仍有疑问，请直接回复此邮件。"
    },
    Frame {
        language: "ko",
        opening: "문의해 주셔서 감사합니다.",
        closing: "궁금한 점이 더 있으시면 이 메일에 회신해 주세요.",
    },
];

/// The passages' text between an opening and a closing; bare where the language has no frame here.
pub fn framed(language: &str, body: &str) -> String {
    match FRAMES.iter().find(|frame| frame.language == language) {
        Some(frame) => format!("{}\n\n{body}\n\n{}", frame.opening, frame.closing),
        None => body.to_owned(),
    }
}

/// Whether a sentence is one of the frames' own.
pub fn is_framing(sentence: &str) -> bool {
    FRAMES.iter().any(|frame| frame.opening == sentence || frame.closing == sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_states_no_number_and_is_in_its_own_language() {
        assert!(FRAMES.len() >= 15);
        for frame in FRAMES {
            let text = format!("{} {}", frame.opening, frame.closing);
            assert!(!text.chars().any(char::is_numeric), "{}", frame.language);
            assert_eq!(crate::language::detect(&text), frame.language, "{text}");
        }
    }

    #[test]
    fn a_language_without_a_frame_gets_the_passage_alone() {
        assert_eq!(framed("uk", "Текст."), "Текст.");
    }
}
