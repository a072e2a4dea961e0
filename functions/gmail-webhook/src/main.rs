use context::Context;
use gmail_webhook::{respond, wire};
use lambda_http::lambda_runtime::run;
use lambda_http::{Error, Request, service_fn};
use runtime::address::fit;
use runtime::once::Once;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let webhook = &Once::new(|| async { wire(&Context::new().await?).await });
    run(fit(service_fn(|request: Request| async move { Ok::<_, Error>(respond(webhook, &request).await) }))).await
}
