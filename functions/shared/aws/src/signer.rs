//! Signature Version 4 for a service whose requests are plain JSON: the credentials are the function's role's.
//!
//! Invariant: nothing of the credentials is shown; an error names the step alone.

use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use channel::ports::Clock;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use tokio::sync::Mutex;

/// Credentials that would end this soon are fetched anew.
const MARGIN: Duration = Duration::from_secs(60);
/// How long those that name no end are kept.
const KEPT: Duration = Duration::from_secs(15 * 60);

pub struct Signer {
    credentials: SharedCredentialsProvider,
    region: String,
    service: &'static str,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<(std::time::SystemTime, aws_credential_types::Credentials)>>,
}

impl Signer {
    /// `region` is the surroundings' own when it is not named.
    pub fn new(
        config: &SdkConfig,
        region: Option<String>,
        service: &'static str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        let region = region.or_else(|| config.region().map(ToString::to_string));
        let region = region.ok_or("no region is configured: name one, or set AWS_REGION")?;
        let credentials = config.credentials_provider().ok_or("there is no source of AWS credentials")?;
        Ok(Self { credentials, region, service, clock, kept: Mutex::new(None) })
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    async fn credentials(&self, now: std::time::SystemTime) -> Result<aws_credential_types::Credentials, String> {
        let mut kept = self.kept.lock().await;
        if let Some((_, known)) = kept.as_ref().filter(|(until, _)| now + MARGIN < *until) {
            return Ok(known.clone());
        }
        let fresh = self.credentials.provide_credentials().await;
        let fresh = fresh.map_err(|_| "the credentials of the role cannot be fetched".to_owned())?;
        *kept = Some((fresh.expiry().unwrap_or(now + KEPT), fresh.clone()));
        Ok(fresh)
    }

    /// The credentials, and the moment to sign with them for.
    pub(crate) async fn credentials_now(
        &self,
    ) -> Result<(aws_credential_types::Credentials, std::time::SystemTime), String> {
        let millis = u64::try_from(self.clock.now().as_millis()).map_err(|_| "the clock is before 1970".to_owned())?;
        let now = UNIX_EPOCH + Duration::from_millis(millis);
        Ok((self.credentials(now).await?, now))
    }

    /// The headers that make a POST of JSON to `url` a signed one. They hold for five minutes.
    pub async fn sign(&self, url: &str, host: &str, body: &[u8]) -> Result<Vec<(String, String)>, String> {
        let failed = |what: &str| format!("the request cannot be signed: {what}");
        let (credentials, now) = self.credentials_now().await?;
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| failed("a parameter is missing"))?
            .into();
        let headers = [("host", host), ("content-type", "application/json")];
        let request = SignableRequest::new("POST", url, headers.into_iter(), SignableBody::Bytes(body))
            .map_err(|_| failed("the address is not one"))?;
        let (instructions, _) = sign(request, &params).map_err(|_| failed("the signature"))?.into_parts();
        Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}
