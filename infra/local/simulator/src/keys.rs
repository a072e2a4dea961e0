//! The keys that sign id tokens and push tokens, and their public half as a JWKS.
//!
//! Invariant: a key that was ever published with a state directory is published again after a restart, so that a
//! verifier with a cached key set never sees a known `kid` change.

use std::{fs, io, path::Path};

use aws_lc_rs::{
    digest,
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{faults::Forgery, store::write_atomically};

const FILE: &str = "keys.json";

struct Key {
    kid: String,
    pkcs8: Vec<u8>,
    pair: RsaKeyPair,
}

impl Key {
    fn generate() -> Result<Self, KeyError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Crypto("generate"))?;
        let der: Pkcs8V1Der = pair.as_der().map_err(|_| KeyError::Crypto("encode"))?;
        Self::from_pkcs8(der.as_ref().to_vec())
    }

    fn from_pkcs8(pkcs8: Vec<u8>) -> Result<Self, KeyError> {
        let pair = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| KeyError::Crypto("decode"))?;
        let thumb = digest::digest(&digest::SHA256, pair.public_key().as_ref());
        let kid = thumb.as_ref().iter().take(20).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { kid, pkcs8, pair })
    }

    /// A compact RS256 JWT that names `kid`.
    fn token(&self, kid: &str, claims: &Value) -> Result<String, KeyError> {
        let input = signed_part("RS256", kid, claims);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
            .map_err(|_| KeyError::Crypto("sign with"))?;
        Ok(format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }

    fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        let number = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": number(public.modulus().big_endian_without_leading_zero()),
            "e": number(public.exponent().big_endian_without_leading_zero()),
        })
    }
}

/// Header and claims of a JWT, joined.
fn signed_part(algorithm: &str, kid: &str, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": algorithm, "typ": "JWT", "kid": kid});
    format!("{}.{}", part(&header), part(claims))
}

/// Why keys could not be made, read or kept.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("could not {0} an RSA key")]
    Crypto(&'static str),
    #[error("the key file is not readable")]
    Format(#[from] serde_json::Error),
    #[error("the key file holds something that is no key")]
    Encoding(#[from] base64::DecodeError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The published keys, oldest first; the newest signs.
pub(crate) struct Keys {
    keys: Vec<Key>,
}

impl Keys {
    pub fn open(dir: Option<&Path>) -> Result<Self, KeyError> {
        let Some(dir) = dir else {
            return Ok(Self { keys: vec![Key::generate()?] });
        };
        match fs::read(dir.join(FILE)) {
            Ok(bytes) => {
                let stored: Vec<String> = serde_json::from_slice(&bytes)?;
                let keys = stored
                    .iter()
                    .map(|text| Key::from_pkcs8(BASE64_STANDARD.decode(text)?))
                    .collect::<Result<Vec<_>, _>>()?;
                if keys.is_empty() {
                    return Err(KeyError::Crypto("find"));
                }
                Ok(Self { keys })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let keys = Self { keys: vec![Key::generate()?] };
                keys.save(dir)?;
                Ok(keys)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Publishes a new key that signs from now on; the old ones stay published.
    pub fn rotate(&mut self, dir: Option<&Path>) -> Result<(), KeyError> {
        self.keys.push(Key::generate()?);
        dir.map_or(Ok(()), |dir| self.save(dir))
    }

    fn save(&self, dir: &Path) -> Result<(), KeyError> {
        let stored: Vec<String> = self.keys.iter().map(|key| BASE64_STANDARD.encode(&key.pkcs8)).collect();
        write_atomically(dir, FILE, &serde_json::to_vec(&stored)?)?;
        Ok(())
    }

    pub fn jwks(&self) -> Value {
        json!({"keys": self.keys.iter().map(Key::jwk).collect::<Vec<_>>()})
    }

    /// A compact RS256 JWT over `claims`.
    pub fn sign(&self, claims: &Value) -> Result<String, KeyError> {
        let key = self.newest()?;
        key.token(&key.kid, claims)
    }

    /// A token over `claims` that a careful verifier refuses. What is wrong with the claims is in them already.
    pub fn forge(&self, claims: &Value, how: Forgery) -> Result<String, KeyError> {
        let key = self.newest()?;
        match how {
            Forgery::WrongKey => Key::generate()?.token(&key.kid, claims),
            Forgery::UnknownKey => {
                let stranger = Key::generate()?;
                stranger.token(&stranger.kid, claims)
            }
            Forgery::AlgNone => Ok(format!("{}.", signed_part("none", &key.kid, claims))),
            Forgery::Hs256 => {
                let input = signed_part("HS256", &key.kid, claims);
                let public: PublicKeyX509Der<'_> =
                    key.pair.public_key().as_der().map_err(|_| KeyError::Crypto("encode"))?;
                let secret = format!(
                    "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
                    BASE64_STANDARD.encode(public.as_ref())
                );
                let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), input.as_bytes());
                Ok(format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag.as_ref())))
            }
            _ => key.token(&key.kid, claims),
        }
    }

    fn newest(&self) -> Result<&Key, KeyError> {
        self.keys.last().ok_or(KeyError::Crypto("find"))
    }
}
