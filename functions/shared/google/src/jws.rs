//! Compact JWS (RFC 7515), as strict as our issuers allow: three parts, RS256, a `kid`, no extension.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;

/// The longest token that is looked at. Google's are about one kilobyte.
const MAX_BYTES: usize = 16 * 1024;

/// A token whose signature is not checked yet.
pub(crate) struct Unverified<'a> {
    pub kid: String,
    /// Header and payload as they were signed.
    pub message: &'a str,
    pub signature: &'a str,
    payload: &'a str,
}

impl<'a> Unverified<'a> {
    /// Nothing for a token that no key could make acceptable.
    pub fn parse(token: &'a str) -> Option<Self> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        if payload.contains('.') || signature.is_empty() {
            return None;
        }
        // An algorithm that the library does not know, such as `none`, is an error already here.
        let header = jsonwebtoken::decode_header(token).ok().filter(|_| !header.is_empty())?;
        // RFC 7515, 4.1.11: what must be understood and is not. We understand no extension.
        let plain = header.crit.is_none() && header.enc.is_none() && header.zip.is_none();
        if header.alg != Algorithm::RS256 || !plain {
            return None;
        }
        let kid = header.kid.filter(|kid| !kid.is_empty() && kid.len() <= 256)?;
        Some(Self { kid, message, signature, payload })
    }

    /// To be read only after the signature was found good.
    pub fn payload(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(self.payload).ok()
    }
}
