//! The parts of this function, put together once.

use crate::Webhook;
use context::{Context, NotReady};
use google::push::{PushRules, PushVerifier};
use runtime::config::{OIDC_ISSUER, PUSH_AUDIENCE, PUSH_SERVICE_ACCOUNT, PUSH_SUBSCRIPTION};

pub async fn wire(context: &Context) -> Result<Webhook, NotReady> {
    let rules = PushRules {
        issuer: context.value(&OIDC_ISSUER)?.as_str().to_owned(),
        audience: context.value(&PUSH_AUDIENCE)?,
        service_account: context.value(&PUSH_SERVICE_ACCOUNT)?,
    };
    Ok(Webhook {
        verifier: PushVerifier::new(context.jwks()?, context.clock.clone(), rules),
        subscription: context.value(&PUSH_SUBSCRIPTION)?,
        pseudonyms: context.app().await?.pseudonyms,
        mailboxes: context.table()?,
        queue: context.sync_queue()?,
    })
}
