//! Keys and hashes. Every key is derived from the `root_key` of the `app` secret by HKDF-SHA-256 (RFC 5869), each for
//! one purpose, so that none of them can stand in for another.
//!
//! Invariant: nothing here that holds a secret is `Debug`, `Display` or `Serialize`.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{constant_time, digest, hkdf, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use channel::address::EmailAddress;
use channel::ids::TargetId;
use channel::ports::{NotSealed, Pseudonyms, Seals};
use channel::record::Sealed;
use serde::Deserialize;
use std::fmt::Write;

/// What the `app` secret holds. Fields that are not known here are left alone, so that a deployment may be rolled back.
#[derive(Clone, Deserialize)]
pub struct AppSecret {
    pub google_client_id: String,
    pub google_client_secret: String,
    pub root_key: String,
    /// The key of the model provider; absent until the owner has put it in, and never there for Bedrock.
    #[serde(default)]
    pub model_key: String,
    /// The token of the Slack bot; absent until the owner has put it in.
    #[serde(default)]
    pub slack_token: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// Says nothing of the text: it is a secret.
    #[error("the app secret is not a JSON object with the texts google_client_id, google_client_secret and root_key")]
    Form,
    #[error("root_key of the app secret has less than {MIN_ROOT_KEY} characters")]
    ShortRootKey,
    #[error("google_client_id or google_client_secret of the app secret is empty: put the OAuth client in")]
    NoClient,
    #[error("model_key of the app secret is empty: put the provider's key in with infra/assistant/store-key.sh")]
    NoModelKey,
}

/// At six bits a character, enough for a 192-bit key.
pub const MIN_ROOT_KEY: usize = 32;

impl AppSecret {
    pub fn parse(json: &str) -> Result<Self, BadSecret> {
        let secret: Self = serde_json::from_str(json).map_err(|_| BadSecret::Form)?;
        if secret.root_key.len() < MIN_ROOT_KEY {
            return Err(BadSecret::ShortRootKey);
        }
        Ok(secret)
    }

    /// The Google client: absent until the owner has put it in.
    pub fn client(&self) -> Result<(&str, &str), BadSecret> {
        match (self.google_client_id.trim(), self.google_client_secret.trim()) {
            ("", _) | (_, "") => Err(BadSecret::NoClient),
            client => Ok(client),
        }
    }

    /// The key of the model provider.
    pub fn model_key(&self) -> Result<&str, BadSecret> {
        match self.model_key.trim() {
            "" => Err(BadSecret::NoModelKey),
            key => Ok(key),
        }
    }

    /// The token of the Slack bot, if there is one.
    pub fn slack_token(&self) -> Option<&str> {
        Some(self.slack_token.trim()).filter(|token| !token.is_empty())
    }

    pub fn keys(&self) -> Keys {
        Keys::derive(&self.root_key)
    }
}

/// The derived keys.
#[derive(Clone)]
pub struct Keys {
    addresses: hmac::Key,
    session: hmac::Key,
    stored: [u8; 32],
}

/// Part of every derivation. Changing it, or a purpose, makes every stored pseudonym unfindable.
const SALT: &[u8] = b"postroom/v1";

fn derive(root_key: &str, purpose: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, SALT)
        .extract(root_key.as_bytes())
        .expand(&[purpose], hmac::HMAC_SHA256)
        .and_then(|okm| okm.fill(&mut key))
        .expect("32 bytes are within what HKDF-SHA-256 gives");
    key
}

impl Keys {
    pub fn derive(root_key: &str) -> Self {
        let hashing = |purpose| hmac::Key::new(hmac::HMAC_SHA256, &derive(root_key, purpose));
        Self {
            addresses: hashing(b"address pseudonyms"),
            session: hashing(b"console session"),
            stored: derive(root_key, b"stored secrets"),
        }
    }

    pub fn pseudonyms(&self) -> HmacPseudonyms {
        HmacPseudonyms(self.addresses.clone())
    }

    /// Seals what is stored, for its one use.
    pub fn seals(&self) -> AeadSeals {
        AeadSeals(self.stored)
    }

    /// Binds `text` to this deployment's session key: for form tokens and cookies. `purpose` keeps the uses apart.
    pub fn seal(&self, purpose: &str, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.session, &sealed(purpose, text)))
    }

    /// Whether `seal` is what [`Keys::seal`] gives, compared in constant time.
    pub fn is_sealed(&self, purpose: &str, text: &str, seal: &str) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(seal) else { return false };
        hmac::verify(&self.session, &sealed(purpose, text), &tag).is_ok()
    }
}

/// The length in front keeps (`a`, `bc`) and (`ab`, `c`) apart.
fn sealed(purpose: &str, text: &str) -> Vec<u8> {
    format!("{}:{purpose}{text}", purpose.len()).into_bytes()
}

/// HMAC-SHA-256 of the address in its canonical form, in lower-case hex.
#[derive(Clone)]
pub struct HmacPseudonyms(hmac::Key);

impl Pseudonyms for HmacPseudonyms {
    fn of(&self, address: &EmailAddress) -> String {
        hex(hmac::sign(&self.0, address.canonical().as_bytes()).as_ref())
    }
}

/// AES-256-GCM with a random nonce in front; what it is for is authenticated with it. A key of 256 bits seals far fewer
/// texts than the 2^32 that NIST SP 800-38D allows with random nonces.
#[derive(Clone)]
pub struct AeadSeals([u8; 32]);

impl Seals for AeadSeals {
    fn seal(&self, purpose: &TargetId, secret: &str) -> Result<Sealed, NotSealed> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.0).map_err(|_| NotSealed)?;
        let mut text = secret.as_bytes().to_vec();
        let aad = Aad::from(purpose.as_str().as_bytes());
        let nonce = key.seal_in_place_append_tag(aad, &mut text).map_err(|_| NotSealed)?;
        Ok(Sealed::new(URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &text].concat())))
    }

    fn open(&self, purpose: &TargetId, sealed: &Sealed) -> Result<String, NotSealed> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.0).map_err(|_| NotSealed)?;
        let bytes = URL_SAFE_NO_PAD.decode(sealed.as_str()).map_err(|_| NotSealed)?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN).ok_or(NotSealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotSealed)?;
        let mut text = text.to_vec();
        let aad = Aad::from(purpose.as_str().as_bytes());
        let opened = key.open_in_place(nonce, aad, &mut text).map_err(|_| NotSealed)?;
        String::from_utf8(opened.to_vec()).map_err(|_| NotSealed)
    }
}

/// SHA-256 in lower-case hex: what is stored of a state, a session or a cookie.
pub fn sha256_hex(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// The `S256` challenge of a PKCE verifier (RFC 7636, section 4.2).
pub fn pkce_challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// Compares without telling by its duration where two texts differ.
pub fn same(a: &str, b: &str) -> bool {
    constant_time::verify_slices_are_equal(a.as_bytes(), b.as_bytes()).is_ok()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCD";

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    #[test]
    fn hashes_are_those_of_the_standards() {
        // FIPS 180-2, appendix B.1, and RFC 7636, appendix B.
        assert_eq!(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(pkce_challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_pseudonym_ignores_case_and_depends_on_the_root_key() {
        let keys = Keys::derive(ROOT);
        let one = keys.pseudonyms().of(&address("Ada@Example.org"));
        assert_eq!(one, keys.pseudonyms().of(&address("ada@example.ORG")));
        assert_ne!(one, keys.pseudonyms().of(&address("ada@example.net")));
        assert_ne!(one, Keys::derive(&format!("{ROOT}x")).pseudonyms().of(&address("ada@example.org")));
        assert!(one.len() == 64 && one.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)));
    }

    #[test]
    fn pseudonyms_stay_what_they_were() {
        // Computed by another implementation of RFC 5869. A stored table depends on this value: when it changes, no
        // address is found any more.
        let hash = Keys::derive(ROOT).pseudonyms().of(&address("ada@example.org"));
        assert_eq!(hash, "7b43638422f7da781cf0a9caf4de90cbd5d9d049561de773007e15e0746b6332");
    }

    #[test]
    fn a_seal_holds_for_its_text_and_purpose_only() {
        let keys = Keys::derive(ROOT);
        let seal = keys.seal("form", "session-1");
        assert!(keys.is_sealed("form", "session-1", &seal));
        for (purpose, text) in [("form", "session-2"), ("cookie", "session-1"), ("forms", "ession-1")] {
            assert!(!keys.is_sealed(purpose, text, &seal), "{purpose} {text}");
        }
        assert!(!Keys::derive("another root key of enough length").is_sealed("form", "session-1", &seal));
        for bad in ["", "!", &seal[1..]] {
            assert!(!keys.is_sealed("form", "session-1", bad), "{bad}");
        }
        assert_ne!(keys.seal("ab", "c"), keys.seal("a", "bc"));
    }

    #[test]
    fn what_is_stored_opens_for_its_target_and_key_only() {
        let (one, other) = (TargetId::parse("t1").unwrap(), TargetId::parse("t2").unwrap());
        let seals = Keys::derive(ROOT).seals();
        let secret = "https://hooks.example.com/services/secret";
        let sealed = seals.seal(&one, secret).unwrap();
        assert_eq!(seals.open(&one, &sealed).as_deref(), Ok(secret));
        assert!(!format!("{sealed:?} {}", sealed.as_str()).contains("secret"));
        assert_ne!(seals.seal(&one, secret).unwrap(), sealed, "a nonce is used once");
        assert_eq!(seals.open(&other, &sealed), Err(NotSealed));
        assert_eq!(Keys::derive(&format!("{ROOT}x")).seals().open(&one, &sealed), Err(NotSealed));
        let text = sealed.as_str();
        for broken in ["", "x", &text[1..], &text[..text.len() - 4], "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(seals.open(&one, &Sealed::new(broken.to_owned())), Err(NotSealed), "{broken}");
        }
    }

    #[test]
    fn comparison_sees_every_byte() {
        assert!(same("abc", "abc"));
        for other in ["", "ab", "abd", "abcd", "xbc"] {
            assert!(!same("abc", other));
        }
    }

    #[test]
    fn the_app_secret_is_checked_and_never_quoted() {
        let text = |id: &str, root: &str| {
            format!(r#"{{"google_client_id":"{id}","google_client_secret":"s","root_key":"{root}","slack":"x"}}"#)
        };
        let secret = AppSecret::parse(&text("c", ROOT)).ok().unwrap();
        assert_eq!(secret.client(), Ok(("c", "s")));
        let empty = AppSecret::parse(&text("", ROOT)).ok().unwrap();
        assert_eq!(empty.client(), Err(BadSecret::NoClient));
        assert_eq!(empty.model_key(), Err(BadSecret::NoModelKey));
        assert_eq!(AppSecret::parse(&text("c", "short")).err(), Some(BadSecret::ShortRootKey));
        let broken = AppSecret::parse("{\"root_key\": hunter2").err().unwrap();
        assert_eq!(broken, BadSecret::Form);
        assert!(!broken.to_string().contains("hunter2"));
    }
}
