//! Randomness from the operating system, by way of AWS-LC.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use channel::ports::Entropy;

#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).expect("without randomness nothing here is safe to do");
        bytes
    }
}

/// 256 random bits in base64url without padding: 43 characters that are safe in a URL, a cookie and a PKCE verifier
/// (RFC 7636, section 4.1).
pub fn token(entropy: &dyn Entropy) -> String {
    URL_SAFE_NO_PAD.encode(entropy.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn tokens_differ_and_are_safe_in_a_url() {
        let tokens: BTreeSet<_> = (0..64).map(|_| token(&SystemEntropy)).collect();
        assert_eq!(tokens.len(), 64);
        let safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(tokens.iter().all(|token| token.len() == 43 && token.chars().all(safe)));
    }
}
