//! Signs tokens as the issuer does, with a key of its own, by another library than the one that checks them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub struct Signer {
    pub kid: String,
    pair: KeyPair,
}

pub fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

impl Signer {
    pub fn new(kid: &str) -> Self {
        Self { kid: kid.to_owned(), pair: KeyPair::generate(KeySize::Rsa2048).unwrap() }
    }

    pub fn header(&self) -> Value {
        json!({"alg": "RS256", "typ": "JWT", "kid": self.kid})
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), claims)
    }

    /// With another header than the usual one.
    pub fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    pub fn modulus(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.pair.public_key().modulus().big_endian_without_leading_zero())
    }

    pub fn jwk(&self) -> Value {
        let exponent = self.pair.public_key().exponent();
        let e = URL_SAFE_NO_PAD.encode(exponent.big_endian_without_leading_zero());
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": self.modulus(), "e": e})
    }

    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.jwk()] })
    }
}
