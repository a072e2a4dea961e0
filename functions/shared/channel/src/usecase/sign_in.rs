//! Signing in to the console with a Google account: OpenID Connect, apart from every mailbox's grant.

use crate::ports::{OAuth, OAuthError};
use crate::record::OAuthPurpose;
use crate::usecase::authorisation::{Authorisations, Callback, Denial, NotOurs};
use crate::usecase::common::Stop;
use crate::usecase::session::{Door, safe_return};
use std::sync::Arc;

#[derive(Clone)]
pub struct SignIn {
    pub authorisations: Authorisations,
    pub door: Door,
    pub oauth: Arc<dyn OAuth>,
    /// The address that Google sends the browser back to.
    pub redirect: String,
}

/// Where the browser goes now, and the cookie it takes along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    pub url: String,
    pub browser: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The value of the session's cookie.
    pub session: String,
    pub return_to: String,
}

#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error(transparent)]
    NotOurs(#[from] NotOurs),
    #[error("Google says no: {0:?}")]
    Denied(Denial),
    #[error("the account is not on the list of operators")]
    NotAnOperator,
    #[error(transparent)]
    Google(#[from] OAuthError),
    #[error(transparent)]
    Stop(#[from] Stop),
}

impl SignInError {
    /// By which the sign-in page finds the words.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotOurs(why) => why.code(),
            Self::Denied(Denial::Denied) => "sign_in_denied",
            Self::Denied(why) => why.code(),
            Self::NotAnOperator => "not_an_operator",
            Self::Google(OAuthError::Client(_)) => "client_refused",
            Self::Google(OAuthError::Unavailable(_)) => "google_unavailable",
            Self::Google(_) => "code_refused",
            Self::Stop(_) => "unavailable",
        }
    }
}

impl SignIn {
    pub async fn begin(&self, return_to: &str) -> Result<Departure, Stop> {
        let begun = self.authorisations.begin(OAuthPurpose::SignIn { return_to: safe_return(return_to) }).await?;
        let url = self.oauth.sign_in_url(&self.redirect, &begun.state, &begun.pkce_challenge, &begun.nonce);
        Ok(Departure { url, browser: begun.browser })
    }

    pub async fn finish(&self, callback: &Callback, browser: Option<&str>) -> Result<Welcome, SignInError> {
        let state = self.authorisations.take(callback.state.as_deref(), browser).await?;
        let OAuthPurpose::SignIn { return_to } = &state.purpose else { return Err(NotOurs::Wrong.into()) };
        if let Some(error) = &callback.error {
            return Err(SignInError::Denied(Denial::of(error)));
        }
        let code = callback.code.as_deref().ok_or(NotOurs::Wrong)?;
        let tokens = self.oauth.exchange(code, &self.redirect, &state.pkce_verifier).await?;
        let missing = |what: &str| OAuthError::Refused(format!("no {what}"));
        let id_token = tokens.id_token.ok_or_else(|| missing("id_token"))?;
        let nonce = state.nonce.as_deref().ok_or_else(|| missing("nonce"))?;
        let who = self.oauth.verify_id_token(&id_token, nonce, self.door.clock.now()).await?;
        if !self.door.operators.admit(&who) {
            return Err(SignInError::NotAnOperator);
        }
        let session = self.door.open(who.email).await?;
        Ok(Welcome { session, return_to: safe_return(return_to) })
    }
}
